"""How long a session of this node may be idle, in minutes; kept in its state.

A login reads it, so nothing heavy is imported. If it cannot be read, the default holds:
a login goes on.
"""

from __future__ import annotations

from cucmsh.errors import StoreError, UsageError
from cucmsh.layout import SESSION
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

DEFAULT_MINUTES = 30  # this and the limits: docs/cli.md#leaving
LEAST_MINUTES = 5
MOST_MINUTES = 99999


def idle_minutes(site: Site) -> int:
    """The idle time of a new session of this node, in minutes."""
    try:
        minutes = recall(site.home, SESSION).get("idle_minutes")
    except StoreError:
        return DEFAULT_MINUTES
    if isinstance(minutes, int) and LEAST_MINUTES <= minutes <= MOST_MINUTES:
        return minutes
    return DEFAULT_MINUTES


def read_minutes(text: str) -> int:
    """The number of minutes that was typed.

    Raises:
        UsageError: it is none, or not between 5 and 99999.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= len("99999")
    if not is_number or not LEAST_MINUTES <= int(text) <= MOST_MINUTES:
        raise UsageError(
            f"{text!r} is no number of minutes between {LEAST_MINUTES} and "
            f"{MOST_MINUTES}"
        )
    return int(text)


@use_case("set cli session timeout", changes=True)
def set_idle_minutes(site: Site, minutes: int) -> None:
    """Keep the idle time of sessions that begin from now on, in minutes."""
    kept = recall(site.home, SESSION)
    remember(site.home, SESSION, {**kept, "idle_minutes": minutes})
