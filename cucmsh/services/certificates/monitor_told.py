"""What the Certificate Monitor told, and whether it is time to tell it again.

Time is counted by two clocks: the wall clock, which may be set, and the boot clock,
which counts from the start of the machine and cannot. What was told is told again when
either says that it is time: so a clock set back silences nothing for longer than the
frequency, and one set ahead has each thing told once more and no more often.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cucmsh.config.monitor import Frequency
from cucmsh.layout import MONITOR
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site

HOUR, DAY = 3600.0, 86400.0
SLACK = 300.0  # seconds by which a timer may come early
MOST_PASSED = 366 * DAY  # between two rounds of one boot
HOURLY = Frequency(1, is_days=False)


class Told(NamedTuple):
    """One thing that was told.

    Attributes:
        severity: with which, as a number of syslog.
        wall: when, by the wall clock, Unix time.
        waited: seconds of the boot clock since then.
    """

    severity: int
    wall: float
    waited: float


class Memory:
    """What earlier rounds told, for this one; ``keep`` is for the next.

    Args:
        site: this node. The caller holds its monitor's lock.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._now = site.clock.now().timestamp()
        self._boot, self._uptime = site.clock.boot()
        kept = recall(site.home, MONITOR)
        passed = self._passed(kept)
        self._told = dict(_entries(kept.get("told"), passed))
        self._kept: dict[str, Told] = {}

    def is_new(self, key: str) -> bool:
        """Whether nothing was told of it."""
        return key not in self._told

    def is_due(self, key: str, severity: int, every: Frequency) -> bool:
        """Whether it is to be told now; then, and if not, it is remembered.

        What became worse is told at once. ``every`` so many days are days of the
        calendar here, so that a timer which comes some minutes early loses none.
        """
        told = self._told.get(key)
        if told and severity >= told.severity and not self._is_over(told, every):
            self._kept[key] = told
            return False
        self._kept[key] = Told(severity, self._now, 0.0)
        return True

    def keep(self) -> None:
        """Remember what this round met; what it did not meet is forgotten.

        Raises:
            StoreError: it cannot be written: the next round tells all of it again.
        """
        told: list[object] = [
            f"{key} {told.severity:d} {told.wall:.0f} {told.waited:.0f}"
            for key, told in self._kept.items()
        ]
        facts: dict[str, object] = {
            "wall": self._now,
            "boot": self._boot,
            "uptime": self._uptime,
            "told": told,
        }
        remember(self._site.home, MONITOR, facts)

    def _is_over(self, told: Told, every: Frequency) -> bool:
        if not every.is_days:
            least = every.number * HOUR - SLACK
            return max(abs(self._now - told.wall), told.waited) >= least
        days = _day(self._now) - _day(told.wall)
        return abs(days) >= every.number or told.waited >= every.number * DAY

    def _passed(self, kept: dict[str, object]) -> float:
        """Seconds since the round before, as far as the boot clock knows.

        After a start of the machine the wall clock tells how long it was off; one that
        was set back meanwhile tells nothing, and what the machine is up counts.
        """
        try:
            wall, uptime = float(str(kept["wall"])), float(str(kept["uptime"]))
        except (KeyError, ValueError):
            return 0.0
        if kept.get("boot") == self._boot:
            # It cannot jump; under a program that fakes clocks it does all the same.
            passed = self._uptime - uptime
            return passed if 0 < passed < MOST_PASSED else 0.0
        return max(self._now - wall, self._uptime)


def seconds_since_round(site: Site) -> float | None:
    """How long ago the last round was; None before the first one.

    Of a round before the start of the machine that is how long it is up.
    """
    kept = recall(site.home, MONITOR)
    boot, uptime = site.clock.boot()
    try:
        then = float(str(kept["uptime"]))
    except (KeyError, ValueError):
        return None
    return max(uptime - then, 0.0) if kept.get("boot") == boot else uptime


def _entries(kept: object, passed: float) -> list[tuple[str, Told]]:
    found = []
    for line in kept if isinstance(kept, list) else ():
        words = str(line).split(" ")
        try:
            key, severity, wall, waited = words
            told = Told(int(severity), float(wall), float(waited) + passed)
        except ValueError:
            continue
        found.append((key, told))
    return found


def _day(wall: float) -> int:
    """The day of the calendar here, as a number."""
    return datetime.fromtimestamp(wall).astimezone().toordinal()
