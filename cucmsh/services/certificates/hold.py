"""The hold timer: five minutes between regenerations on one node.

Per node, for any certificate (docs/story.md case 5). No setting of a clock ends or
prolongs it (``services.elapsed``).
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.layout import HOLD
from cucmsh.services.elapsed import moment, seconds_since
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
    remember(site.home, HOLD, {"unit": unit, **moment(site)})


@use_case("show cert hold")
def present_hold(site: Site) -> Hold | None:
    """The use-case of ``find_hold``."""
    return find_hold(site)


def find_hold(site: Site) -> Hold | None:
    """The hold that still runs, or None."""
    if site.settings.lab and not read_time(site.settings).has_hold:
        return None
    kept = recall(site.home, HOLD)
    elapsed = seconds_since(site, kept)
    if elapsed is None or "unit" not in kept:
        return None
    remaining = HOLD_SECONDS - elapsed
    return Hold(str(kept["unit"]), remaining) if remaining > 0 else None
