"""Times as logs write them, as seconds since 1970.

Some forms name neither year nor zone: then the year is the latest in which the time is
not in the future, and the zone is that of this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

NAMES = "JanFebMarAprMayJunJulAugSepOctNovDec"
MONTHS = {NAMES[at : at + 3]: at // 3 + 1 for at in range(0, len(NAMES), 3)}
AHEAD = timedelta(days=1)  # clocks of two hosts differ, and so do their zones
YEARS_BACK = 8  # 29 February came within as many, if ever
MOST_KEPT = 4096  # minutes whose value is remembered


class LogClock:
    """Reads the times of one log, whose lines mostly share their minute.

    Args:
        newest: a time that no line is later than, but for the faults of clocks; such
            as now, or when the file was written last.
        zone: of forms that name none; None for this machine's.
    """

    def __init__(self, newest: datetime, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._newest = newest
        self._latest = newest.astimezone(zone).replace(tzinfo=None) + AHEAD
        self._minutes: dict[tuple[str, str], int | None] = {}

    def renewed(self, newest: datetime) -> None:
        """Take a later time as ``newest``."""
        if newest - self._newest >= timedelta(minutes=1):
            self._newest = newest
            self._latest = newest.astimezone(self._zone).replace(tzinfo=None) + AHEAD
            self._minutes.clear()  # next year they are others

    def iso(self, minute: str, seconds: str, zone: str) -> int | None:
        """``2026-11-30T08:49``, or a blank for the T; zone ``Z``, ``+01:00``, empty."""
        return self._plus(minute, zone, seconds, self._iso_minute)

    def without_year(self, minute: str, seconds: str) -> int | None:
        """``Nov 30 08:49``; the day padded with a blank or zero."""
        return self._plus(minute, "", seconds, self._guessed_minute)

    def access(self, minute: str, seconds: str, zone: str) -> int | None:
        """``30/Nov/2026:08:49`` and ``+0100``, as web servers write it."""
        return self._plus(minute, zone, seconds, self._access_minute)

    def _plus(
        self,
        minute: str,
        zone: str,
        seconds: str,
        read: Callable[[str, str], int | None],
    ) -> int | None:
        key = (minute, zone)
        try:
            found = self._minutes[key]
        except KeyError:
            try:
                found = read(minute, zone)
            except (ValueError, KeyError, OverflowError, OSError):
                found = None
            if len(self._minutes) >= MOST_KEPT:
                self._minutes.clear()
            self._minutes[key] = found
        return None if found is None else found + int(seconds)

    def _iso_minute(self, minute: str, zone: str) -> int:
        when = datetime.fromisoformat(minute)
        return self._seconds(when, _zone(zone) if zone else None)

    def _access_minute(self, minute: str, zone: str) -> int:
        day, month, rest = minute.split("/", 2)
        year, hours, minutes = rest.split(":")
        when = datetime(  # noqa: DTZ001 - the zone comes with it
            int(year), MONTHS[month], int(day), int(hours), int(minutes)
        )
        return self._seconds(when, _zone(zone))

    def _guessed_minute(self, minute: str, _zone: str) -> int | None:
        month, rest = MONTHS[minute[:3]], minute[4:].strip()
        day, clock = rest.split()
        hours, minutes = clock.split(":")
        latest = self._latest
        for year in range(latest.year, latest.year - YEARS_BACK - 1, -1):
            try:
                when = datetime(  # noqa: DTZ001 - the zone comes later
                    year, month, int(day), int(hours), int(minutes)
                )
            except ValueError:  # 29 February
                continue
            if when <= latest:
                return self._seconds(when, None)
        return None

    def _seconds(self, when: datetime, zone: tzinfo | None) -> int:
        """Of a time without a zone, in that zone; see ``zone`` of the class."""
        zone = zone or self._zone
        return int((when.replace(tzinfo=zone) if zone else when).timestamp())


def _zone(text: str) -> tzinfo:
    """``Z``, ``+0100`` or ``+01:00``.

    Raises:
        ValueError: it is none.
    """
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return timezone(sign * offset)
