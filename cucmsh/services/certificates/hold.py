"""The hold timer: five minutes between regenerations on one node.

Per node, for any certificate (docs/story.md case 5). Counts by the boot clock, so that
setting the wall clock neither ends nor prolongs it; after a reboot the wall clock is
all there is, and one set back counts as no time passed but what the machine has been
up (docs/security.md F17).
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.layout import HOLD
from cucmsh.services.lab_time import read_time
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

HOLD_SECONDS = 300


class Hold(NamedTuple):
    """The unit that was regenerated last, and the seconds still to wait."""

    unit: str
    remaining_seconds: float


def start_hold(site: Site, unit: str) -> None:
    """Start the five minutes, for a certificate of that unit."""
    boot, uptime = site.clock.boot()
    facts: dict[str, object] = {
        "unit": unit,
        "wall": site.clock.now().timestamp(),
        "boot": boot,
        "uptime": uptime,
    }
    remember(site.home, HOLD, facts)


@use_case("show cert hold")
def present_hold(site: Site) -> Hold | None:
    """The use-case of ``find_hold``."""
    return find_hold(site)


def find_hold(site: Site) -> Hold | None:
    """The hold that still runs, or None."""
    if site.settings.lab and not read_time(site.settings).has_hold:
        return None
    kept = recall(site.home, HOLD)
    try:
        unit, boot = str(kept["unit"]), str(kept["boot"])
        wall, then = float(str(kept["wall"])), float(str(kept["uptime"]))
    except (KeyError, ValueError):
        return None
    boot_now, uptime = site.clock.boot()
    if boot == boot_now:
        elapsed = uptime - then
    else:
        elapsed = max(site.clock.now().timestamp() - wall, uptime)
    remaining = HOLD_SECONDS - elapsed
    return Hold(unit, remaining) if remaining > 0 else None
