"""How long ago something was, whatever is done to the clock meanwhile.

By the boot clock, so that setting the wall clock neither shortens nor prolongs it.
After a reboot the wall clock is all there is, and one set back counts as no time passed
but what the machine has been up (docs/security.md F17).
"""

from __future__ import annotations

from collections.abc import Mapping

from cucmsh.services.site import Site


def moment(site: Site) -> dict[str, object]:
    """Now, as facts that can be kept: ``wall``, ``boot`` and ``uptime``."""
    boot, uptime = site.clock.boot()
    wall = site.clock.now().timestamp()
    return {"wall": wall, "boot": boot, "uptime": uptime}


def seconds_since(site: Site, kept: Mapping[str, object]) -> float | None:
    """Seconds since a ``moment``; None for facts that are none."""
    try:
        boot = str(kept["boot"])
        wall, then = float(str(kept["wall"])), float(str(kept["uptime"]))
    except (KeyError, ValueError):
        return None
    boot_now, uptime = site.clock.boot()
    if boot == boot_now:
        return uptime - then
    return max(site.clock.now().timestamp() - wall, uptime)
