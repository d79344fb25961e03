"""What a phone says of its lists: on its screen, and as StatusCode of DeviceTLInfo.

Capitals differ by family; the words are the phones' own (docs/formats.md#families,
#alarm), none is invented. An empty text means that no word was ever seen for it.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from cucmsh.phones.decide import Decision, Held, Outcome
from cucmsh.phones.families import EIGHTY_EIGHT, NINETY_NINE, Family, ListKind

ITL_INSTALLED = "ITL installed"
CTL_INSTALLED = "CTL Installed"
BOTH_INSTALLED = "CTL and ITL installed"
ERASING = "Erasing CTL and ITL files"
RESTART_REQUESTED = "Restart requested by Cisco Unified Communications Manager"


class StatusCode(IntEnum):
    """StatusCode of DeviceTLInfo; ``NONE`` where no alarm is sent."""

    NONE = -1
    UPDATED = 1
    FIRST_CTL = 2
    FIRST_ITL = 3
    FIRST_BOTH = 4
    FAILED_OLD_CTL = 5
    FAILED_NO_LIST = 6
    FAILED = 7
    FAILED_OLD_ITL = 8
    FAILED_OLD_BOTH = 9


class Told(NamedTuple):
    """What a phone tells after it went through its lists.

    Attributes:
        text: the words on its screen; empty if it says nothing.
        code: the alarm's StatusCode.
    """

    text: str
    code: StatusCode


def updated(family: Family) -> str:
    """A list took the place of an earlier one."""
    return "Trust List updated" if family is EIGHTY_EIGHT else "Trust List Updated"


def update_failed(family: Family) -> str:
    """A list was refused."""
    if family is EIGHTY_EIGHT:
        return "Trust List update failed"
    return "Trust List Update Failed"


def nothing_installed(family: Family) -> str:
    """No list on the phone, and none on the server."""
    if family is EIGHTY_EIGHT:
        return "No Trust List installed"
    return "No Trust List Installed"


def file_not_found(kind: ListKind) -> str:
    """A list is not on the server; harmless for a CTL."""
    return f"File Not Found <{kind}>"


def configuration_refused(family: Family, name: str) -> str:
    """A signed configuration was refused.

    No word for it was seen on a 78xx or 88xx.
    """
    if family is EIGHTY_EIGHT:
        return ""
    if family is NINETY_NINE:
        return f"invalid file {name}, authenticated fail. Reason:14."
    return f"TFTP Error : {name}"


def told(
    before: Held, ctl: Decision | None = None, itl: Decision | None = None
) -> Told:
    """What a phone tells of the lists that it was given in one go.

    Args:
        before: what it held before.
        ctl: what became of the CTL; ``None`` if it asked for none.
        itl: the same of the ITL, which it judged after the CTL.
    """
    family = before.family
    given = {ListKind.CTL: ctl, ListKind.ITL: itl}
    ends = {kind: each.outcome for kind, each in given.items() if each is not None}
    new = {kind for kind, end in ends.items() if end is Outcome.TAKEN}
    first = {kind for kind in new if before.of(kind) is None}
    if Outcome.REFUSED in ends.values():
        return Told(update_failed(family), _failed(before, new))
    if not new:
        has_any = before.has_list or not ends
        return Told("" if has_any else nothing_installed(family), StatusCode.NONE)
    code = _FIRST.get(frozenset(new), StatusCode.UPDATED)
    if new != first:
        code = StatusCode.UPDATED
    if before.has_list:
        return Told(updated(family), code)
    return Told(_INSTALLED[frozenset(new)], code)


_FIRST = {
    frozenset({ListKind.CTL}): StatusCode.FIRST_CTL,
    frozenset({ListKind.ITL}): StatusCode.FIRST_ITL,
    frozenset({ListKind.CTL, ListKind.ITL}): StatusCode.FIRST_BOTH,
}
_INSTALLED = {
    frozenset({ListKind.CTL}): CTL_INSTALLED,
    frozenset({ListKind.ITL}): ITL_INSTALLED,
    frozenset({ListKind.CTL, ListKind.ITL}): BOTH_INSTALLED,
}


def _failed(before: Held, new: set[ListKind]) -> StatusCode:
    """By what the phone is left with: an old list, both, none, or one that is new."""
    if new:
        return StatusCode.FAILED
    kept = (before.ctl is not None, before.itl is not None)
    return {
        (True, False): StatusCode.FAILED_OLD_CTL,
        (False, True): StatusCode.FAILED_OLD_ITL,
        (True, True): StatusCode.FAILED_OLD_BOTH,
        (False, False): StatusCode.FAILED_NO_LIST,
    }[kept]


def status_line(family: Family, at: datetime, text: str) -> str:
    """A status message as the phone's page lists it, with the phone's own clock.

    78xx/88xx: ``[8:52:30am 10/01/19] ITL installed``; the others ``1:33:26a`` and the
    text.
    """
    hour = at.hour % 12 or 12
    half = "am" if at.hour < 12 else "pm"
    clock = f"{hour}:{at:%M:%S}"
    if family is EIGHTY_EIGHT:
        return f"[{clock}{half} {at:%m/%d/%y}] {text}"
    return f"{clock}{half[0]} {text}"
