"""``reltime`` and ``abstime`` of ``file`` commands: files that were written then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cucmsh.errors import MissingFileError, UsageError
from cucmsh.services.file_areas import Area

# A month has thirty days.
TIME_UNITS = {
    "months": timedelta(days=30),
    "weeks": timedelta(weeks=1),
    "days": timedelta(days=1),
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
}
MOST = 1000
# How the two of ``abstime`` are written: ours, for no page shows the original's.
TIME_FORM = "hh:mm:MM/DD/YY"
_MOMENT = re.compile(r"(\d\d):(\d\d):(\d\d)/(\d\d)/(\d\d(?:\d\d)?)", re.ASCII)


class Span(NamedTuple):
    """From when to when a file was written last, in Unix time; both included."""

    since: float
    until: float


def read_reltime(unit: str, number: str, now: datetime) -> Span:
    """The time up to now.

    Args:
        unit: one of ``TIME_UNITS``.
        number: how many of them.
        now: the time.

    Raises:
        UsageError: the number is none from 1 to 1000.
    """
    is_number = number.isascii() and number.isdecimal() and len(number) <= len("1000")
    if not is_number or not 1 <= int(number) <= MOST:
        raise UsageError(f"{number!r} is no number from 1 to {MOST}")
    # A file that is written just now, or by a clock that is ahead, is of that time.
    return Span((now - TIME_UNITS[unit] * int(number)).timestamp(), float("inf"))


def read_abstime(since: str, until: str) -> Span:
    """From one minute to the end of another, in the time of this machine.

    Raises:
        UsageError: one is no such time, or the second is before the first.
    """
    span = Span(_moment(since), _moment(until) + 60)
    if span.until <= span.since:
        raise UsageError(f"{until} is before {since}")
    return span


def written_in(place: Area, names: Sequence[str], span: Span | None) -> list[str]:
    """Those files that were written last in that span; all without one."""
    if span is None:
        return [*names]
    found = []
    for name in names:
        store, at = place.place(name)
        try:
            stamp = store.stamp(at)
        except MissingFileError:  # it is rotated just now
            continue
        if stamp is not None and span.since <= stamp[3] / 1e9 <= span.until:
            found.append(name)
    return found


def _moment(text: str) -> float:
    found = _MOMENT.fullmatch(text)
    try:
        hour, minute, month, day, year = map(int, found.groups() if found else ())
        year += 2000 if year < 100 else 0
        return datetime(year, month, day, hour, minute).astimezone().timestamp()
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"{text!r} is no time in the form {TIME_FORM}") from problem
