"""What systemd says of our units, and whether the page that is configured runs."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.errors import CucmshError
from cucmsh.layout import WEB_UNIT
from cucmsh.services.deadlines import UNIT_SECONDS
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site

SHOWN = "--property=ActiveState,UnitFileState"


def state_of(site: Site, unit: str) -> dict[str, str]:
    """``ActiveState`` and ``UnitFileState``; nothing where there is no systemd."""
    try:
        done = site.backends.runner().run(
            ["systemctl", "show", SHOWN, unit], UNIT_SECONDS
        )
    except CucmshError:
        return {}
    pairs = (line.partition("=") for line in done.output.splitlines())
    return {key: value for key, _, value in pairs} if done.status == 0 else {}


def examine_page(site: Site) -> Iterator[Finding]:
    """Whether `cucmsh web` runs where [web] is there; nothing without systemd."""
    if site.settings.lab or site.settings.own_web is None:
        return
    state = state_of(site, WEB_UNIT)
    if state.get("ActiveState") == "active":
        if state.get("UnitFileState") == "enabled":
            yield Finding(Level.OK, "the page runs")
        else:
            what = f"{WEB_UNIT} runs, but does not start with the machine"
            yield Finding(Level.WARN, what, f"Run: systemctl enable {WEB_UNIT}")
    elif "ActiveState" in state:
        what = f"[web] is in the configuration, but {WEB_UNIT} does not run"
        advice = "See: journalctl -u cucmsh-web; its unit is in docs/production.md, "
        advice += f"The page; then: systemctl enable --now {WEB_UNIT}"
        yield Finding(Level.WARN, what, advice)
