"""An event as the lines of a CiscoLog, and as ``CiscoSyslog`` stores them. Pure.

Source: docs/formats.md#ciscolog. Everything is ASCII: a control character, and a
character that ASCII has not, is shown as ``?``, a tab as eight blanks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import NamedTuple

from cucmsh.events import Event, Value

MOST_OCTETS = 800  # of a line, without the front that CiscoSyslog puts before it
LAST_NUMBER = 0xFFFFFFFF
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
EVERYWHERE = ("AppID", "ClusterID", "NodeID")  # tags that each part repeats
LONGEST_PART = f"[part={LAST_NUMBER}.9999/9999]"


class Numbers:
    """SEQNUM of one process: 0, 1 and so on, without gaps."""

    def __init__(self, first: int = 0) -> None:
        self._count = count(first)

    def __next__(self) -> int:
        return next(self._count) & LAST_NUMBER


def lines_of(event: Event, host: str, numbers: Numbers) -> tuple[str, ...]:
    """The event as CiscoLog lines, each of at most ``MOST_OCTETS``.

    What does not fit into one is told in parts: each has a SEQNUM, the tag ``part``,
    and the tags that say who tells it.

    Args:
        event: an alarm.
        host: the node's name with its domain.
        numbers: of this process.
    """
    stamp, zone = event.time, "UTC"
    when = (
        f"{day_of(stamp)} {stamp.year} {stamp:%H:%M:%S}.{stamp.microsecond // 1000} "
        f"{zone} "
    )
    head = f": {host}: {when}: %{event.facility}-{event.severity:d}-{event.name}: %"
    repeated = _tags(event.parameters, is_repeated=True)
    room = MOST_OCTETS - len(f"{LAST_NUMBER}{head}{repeated}: ")
    told = _tags(event.parameters, is_repeated=False)
    text = _plain(event.text)
    if len(told) + len(text) <= room:
        return (f"{next(numbers)}{head}{told}{repeated}: {text}",)
    parts = list(_parts(event.parameters, text, room - len(LONGEST_PART)))
    first, lines = 0, []
    for at, part in enumerate(parts, 1):
        number = next(numbers)
        first = number if at == 1 else first
        tag = f"[part={first}.{at}/{len(parts)}]"
        lines.append(f"{number}{head}{part.tags}{repeated}{tag}: {part.text}")
    return tuple(lines)


def stored(event: Event, line: str) -> str:
    """The line as ``CiscoSyslog`` has it: behind the local time, and who wrote it."""
    local = event.time.astimezone()
    host = event.node.partition(".")[0]
    front = f"{day_of(local)} {local:%H:%M:%S} {host} local7 {event.severity:d}"
    return f"{front} : {line}"


class _Part(NamedTuple):
    tags: str
    text: str


def _parts(values: Mapping[str, Value], text: str, room: int) -> Iterator[_Part]:
    """The tags that no part repeats, and the text, in pieces of ``room`` octets."""
    tags, left = "", room
    for key, value in values.items():
        if key in EVERYWHERE:
            continue
        around = len(f"[{key}=]")
        units = _units(value)
        while True:
            fits = _how_many(units, left - around)
            if fits or not units:
                tags += f"[{key}={''.join(units[:fits])}]"
                left -= around + sum(map(len, units[:fits]))
                units = units[fits:]
            if not units:
                break
            yield _Part(tags, "")
            tags, left = "", room
    while len(text) > left:
        yield _Part(tags, text[:left])
        text, tags, left = text[left:], "", room
    yield _Part(tags, text)


def _how_many(units: list[str], room: int) -> int:
    """How many of the units, whole ones, go into so many octets."""
    used = 0
    for at, unit in enumerate(units):
        used += len(unit)
        if used > room:
            return at
    return len(units)


def _tags(values: Mapping[str, Value], *, is_repeated: bool) -> str:
    return "".join(
        f"[{key}={''.join(_units(value))}]"
        for key, value in values.items()
        if (key in EVERYWHERE) is is_repeated
    )


def _units(value: Value) -> list[str]:
    """What a tag's value is made of; an escaped character is one unit."""
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return [f"\\{each}" if each in "[]\\" else each for each in _plain(text)]


def _plain(text: str) -> str:
    tabbed = text.replace("\t", " " * 8)
    return "".join(each if " " <= each <= "~" else "?" for each in tabbed)


def day_of(at: datetime) -> str:
    """Month and day, in no language but theirs."""
    return f"{MONTHS[3 * at.month - 3 : 3 * at.month]} {at.day:2}"
