"""Schedules as they are kept, and when each is due. Starts nothing.

Times are UTC. A time that was missed, since the machine was off, is due at once, once.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from cucmsh.errors import UsageError
from cucmsh.layout import BACKUP_SCHEDULES
from cucmsh.services.recovery.rows import read_rows, write_rows
from cucmsh.services.site import Site

FORM = "%Y/%m/%d-%H:%M"


class Repeat(StrEnum):
    """How often, in the words of the command."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Schedule(NamedTuple):
    """One schedule.

    Attributes:
        name: of it.
        device: name of the backup device.
        features: separated by commas.
        first: when it is due first, Unix time.
        repeat: how often.
        is_enabled: whether it runs.
        done: the due time that it ran for last, Unix time; 0 for none.
    """

    name: str
    device: str
    features: str
    first: int
    repeat: Repeat
    is_enabled: bool = False
    done: int = 0

    def due(self, now: datetime) -> int:
        """The latest time up to now at which it was due and did not run; else 0.

        What it did at a later time than now it did by a wrong clock: that counts for
        nothing, or no backup would be made until then.
        """
        last = self._latest(int(now.timestamp()))
        done = self.done if self.done <= now.timestamp() else 0
        return last if self.is_enabled and last > done else 0

    def _latest(self, now: int) -> int:
        """The latest due time up to now; 0 if there was none."""
        if now < self.first:
            return 0
        days = {Repeat.DAILY: 1, Repeat.WEEKLY: 7}.get(self.repeat)
        if days:
            step = int(timedelta(days=days).total_seconds())
            return self.first + (now - self.first) // step * step
        if self.repeat is Repeat.ONCE:
            return self.first
        begin, at = _utc(self.first), _utc(now)
        months = (at.year - begin.year) * 12 + at.month - begin.month
        found = _months_later(begin, months)
        if found > at:
            found = _months_later(begin, months - 1)
        return int(found.timestamp())


def read_time(text: str) -> int:
    """A time as it is typed, ``yyyy/mm/dd-hh:mm``; Unix time.

    Raises:
        UsageError: it is none.
    """
    try:
        return int(datetime.strptime(text, FORM).replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError) as problem:
        raise UsageError(
            f"{text} is no time", "Write it as yyyy/mm/dd-hh:mm, in UTC."
        ) from problem


def read_schedules(site: Site) -> list[Schedule]:
    """All schedules, in the order in which they were added.

    Raises:
        RefusedError: the file is damaged.
    """
    return read_rows(site, BACKUP_SCHEDULES, _schedule)


def _schedule(at: Mapping[str, Any]) -> Schedule:
    return Schedule(
        str(at["name"]),
        str(at["device"]),
        str(at["features"]),
        int(at["first"]),
        Repeat(at["repeat"]),
        bool(at["is_enabled"]),
        int(at["done"]),
    )


def write_schedules(site: Site, schedules: list[Schedule]) -> None:
    """Keep them; the caller holds the node's lock."""
    write_rows(site, BACKUP_SCHEDULES, (each._asdict() for each in schedules))


def _utc(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _months_later(begin: datetime, months: int) -> datetime:
    """The same day of a later month, or its last one."""
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    day = min(begin.day, monthrange(year, month + 1)[1])
    return begin.replace(year=year, month=month + 1, day=day)
