"""Which phones are still to be reset; written before the first one is told.

After a crash it names too many phones, never too few: those of the batch that was under
way are told once more.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.layout import PHONE_RESETS
from cucmsh.phones.service_control import PhoneAction
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site


class OpenResets(NamedTuple):
    """Resets of phones that were begun.

    Attributes:
        action: what phones are told.
        which: what was asked for: ``all``, ``stale`` or a name.
        at: when it was begun, ISO 8601.
        phones: how many there were.
        left: names of those that were not told.
    """

    action: PhoneAction
    which: str
    at: str
    phones: int
    left: tuple[str, ...]


def read_open(site: Site) -> OpenResets | None:
    """What is open; None if nothing is, or the note is damaged.

    Raises:
        StoreError: the note cannot be read.
    """
    found = recall(site.home, PHONE_RESETS)
    try:
        left = found["left"]
        if not isinstance(left, list):
            return None
        return OpenResets(
            PhoneAction(str(found["action"])),
            str(found["which"]),
            str(found["at"]),
            int(str(found["phones"])),
            tuple(str(name) for name in left),
        )
    except (KeyError, TypeError, ValueError):
        return None


def note(site: Site, resets: OpenResets) -> None:
    """Remember what is left; nothing is left: forget it.

    Raises:
        StoreError: it cannot be written.
    """
    if resets.left:
        facts = resets._asdict() | {"action": resets.action.value}
        remember(site.home, PHONE_RESETS, facts | {"left": list(resets.left)})
    else:
        forget(site.home, PHONE_RESETS)
