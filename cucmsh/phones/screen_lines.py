"""Times and lines as a phone shows them: on its screen, on its page, in its log.

Forms of a time are the family's (docs/formats.md#pages). The lab's phones live in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cucmsh.phones import texts
from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.facts import Alarm, PhoneFacts, StatusLine
from cucmsh.phones.families import EIGHTY_EIGHT, FAMILIES, Family


def family_named(name: str) -> Family:
    """The family of that name; of another name the one with most models."""
    found = [family for family in FAMILIES if family.name == name]
    return found[0] if found else EIGHTY_EIGHT


def time_of_day(at: int) -> str:
    """Such as ``3:21:34pm``."""
    when = _utc(at)
    return f"{when.hour % 12 or 12}:{when:%M:%S}{'am' if when.hour < 12 else 'pm'}"


def date_of(at: int) -> str:
    """Such as ``07/12/26``: month, day, year."""
    return f"{_utc(at):%m/%d/%y}"


def status_line(family: str, line: StatusLine) -> str:
    """A status message as it stands on the screen of a family's phone."""
    return texts.status_line(family_named(family), _utc(line.at), line.text)


def alarm_line(facts: PhoneFacts, alarm: Alarm) -> str:
    """An alarm as the debug display shows it."""
    values = {
        "DeviceName": facts.name,
        "IPv4Address": facts.address,
        "CTL_Signature": signature(alarm.ctl),
        "CTL_TFTP_Server": facts.ctl_server or "N/A",
        "ITL_Signature": signature(alarm.itl),
        "ITL_TFTP_Server": facts.itl_server or "N/A",
        "StatusCode": str(alarm.status),
    }
    said = " ".join(f"{name}={value}" for name, value in values.items())
    line = StatusLine(alarm.at, f"DeviceTLInfo {said}")
    return status_line(facts.family, line)


def signature(digest: str) -> str:
    """A digest as phones write it: upper-case pairs, a blank behind each."""
    if digest == NOT_INSTALLED:
        return "Not Installed"
    pairs = (digest[at : at + 2].upper() for at in range(0, len(digest), 2))
    return "".join(f"{pair} " for pair in pairs)


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(max(0, min(at, 0xFFFFFFFF)), UTC)
