"""Where each box of the trust map stands. Pure; a template draws it.

Four columns: nodes, the list that they serve, who signed it, and the phones by the list
that they hold. A row is a list; of many lists, a row is all that are alike. Numbers are
pixels of the picture as it is drawn, which no screen makes smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from cucmsh.services import Holders, MappedList, Way
from cucmsh.views import sha1_of

MOST_ROWS = 12  # lists, before those that are alike share a row
MOST_HELD = 6  # boxes of phones in a row, before those of one way share one
MOST_SIGNERS = 3
WIDTH, HEIGHT, GAP, MARGIN = 270, 60, 12, 4
PITCH = WIDTH + 40
COLUMNS = ("nodes", "list", "signers", "phones")
HEAD = 32
_DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,32}\b")
WORST_FIRST = (Way.LOCKED_OUT, Way.UNKNOWN, Way.TVS, Way.DIRECT)


class Group(NamedTuple):
    """Phones that come to a list in one way.

    Attributes:
        way: how.
        phones: how many; None for lists that nobody was counted for.
        held: which list they hold; empty for several.
        lists: how many lists that is.
        is_given_up: a person gave them up.
        reason: why; empty for several.
        anchor: of the first such row of the table.
    """

    way: Way
    phones: int | None
    held: str
    lists: int
    is_given_up: bool
    reason: str
    anchor: str

    @property
    def held_short(self) -> str:
        """With as many digits of a digest as tell lists apart."""
        return _DIGEST.sub(r"\1", self.held)


class Row(NamedTuple):
    """One list, or several that are alike.

    Attributes:
        nodes: who serves it.
        lists: how many.
        state: see ``MappedList``.
        sha1: of the list; empty for several.
        signers: who signed it.
        next_signers: who else may sign the next one.
        groups: the phones.
        reasons: see ``MappedList``.
        silent: see ``MappedList``.
        anchor: of its row in the table.
    """

    nodes: tuple[str, ...]
    lists: int
    state: str
    sha1: str
    signers: tuple[str, ...]
    next_signers: tuple[str, ...]
    groups: tuple[Group, ...]
    reasons: tuple[str, ...]
    silent: int
    anchor: str


class Box(NamedTuple):
    """One box: what is in it, and its upper left corner.

    Attributes:
        kind: ``nodes``, ``list``, ``signer``, ``signers``, ``next``, ``more``,
            ``group`` or ``silent``.
        value: the row, group, name or number that it shows.
    """

    kind: str
    x: int
    y: int
    value: object


class Line(NamedTuple):
    """From one box to another."""

    x1: int
    y1: int
    x2: int
    y2: int


class PlacedRow(NamedTuple):
    """A row, and where it is drawn."""

    row: Row
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


class Picture(NamedTuple):
    """All of it; see the module."""

    width: int
    height: int
    rows: tuple[PlacedRow, ...]


def rows_of(lists: Iterable[MappedList]) -> list[Row]:
    """A row a list, with its phones by the list that they hold."""
    return [_row(number, each) for number, each in enumerate(lists, 1)]


def drawn(rows: Sequence[Row]) -> Picture:
    """The picture; rows that are alike are one if there are many."""
    shown = list(rows) if len(rows) <= MOST_ROWS else list(_bundled(rows))
    placed, y = [], HEAD
    for row in shown:
        found, height = _placed(row, y)
        placed.append(found)
        y += height + 2 * GAP
    width = PITCH * (len(COLUMNS) - 1) + WIDTH + 2 * MARGIN
    return Picture(width, y, tuple(placed))


def common_name(subject: str) -> str:
    """What a person calls a certificate by."""
    for part in subject.split(";"):
        if part.startswith("CN="):
            return part.removeprefix("CN=")
    return subject


def _row(number: int, each: MappedList) -> Row:
    signer = common_name(each.signer)
    others = dict.fromkeys(map(common_name, each.next_signers))
    others.pop(signer, None)
    return Row(
        each.nodes,
        1,
        each.state,
        sha1_of(each),
        (signer,) if signer else (),
        tuple(others),
        tuple(_groups(number, each.holders)),
        each.reasons,
        each.silent,
        f"list-{number}",
    )


def _groups(number: int, holders: Iterable[Holders]) -> Iterator[Group]:
    """Those that hold the same, of all nodes and models, the worst first."""
    same: dict[tuple[object, ...], list[Holders]] = {}
    for each in holders:
        same.setdefault((each.way, each.held, each.sha1, each.ctl), []).append(each)
    for place, alike in enumerate(same.values(), 1):
        first = alike[0]
        yield Group(
            first.way,
            _sum(each.phones for each in alike),
            first.held,
            1,
            first.is_given_up,
            first.reason,
            f"held-{number}-{place}",
        )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """None if none of them is known."""
    known = [each for each in numbers if each is not None]
    return sum(known) if known else None


def _by_way(groups: Iterable[Group]) -> Iterator[Group]:
    alike: dict[tuple[Way, bool], list[Group]] = {}
    for each in groups:
        alike.setdefault((each.way, each.is_given_up), []).append(each)
    for (way, is_given_up), same in sorted(
        alike.items(), key=lambda item: (item[0][1], WORST_FIRST.index(item[0][0]))
    ):
        if len(same) == 1:
            yield same[0]
            continue
        yield Group(
            way,
            _sum(each.phones for each in same),
            "",
            sum(each.lists for each in same),
            is_given_up,
            "",
            same[0].anchor,
        )


def _bundled(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of one state, whose phones fare alike, as one; the worst first."""
    alike: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        worst = min(
            (WORST_FIRST.index(e.way) for e in row.groups if not e.is_given_up),
            default=len(WORST_FIRST),
        )
        alike.setdefault((worst, row.state), []).append(row)
    for _, same in sorted(alike.items(), key=lambda item: item[0][0]):
        if len(same) == 1:
            yield same[0]
            continue
        yield Row(
            tuple(chain.from_iterable(row.nodes for row in same)),
            len(same),
            same[0].state,
            "",
            tuple(dict.fromkeys(chain.from_iterable(row.signers for row in same))),
            _named_by_all(same),
            tuple(_by_way(chain.from_iterable(row.groups for row in same))),
            tuple(dict.fromkeys(chain.from_iterable(row.reasons for row in same))),
            sum(row.silent for row in same),
            same[0].anchor,
        )


def _named_by_all(rows: Sequence[Row]) -> tuple[str, ...]:
    common = set(rows[0].next_signers).intersection(*(row.next_signers for row in rows))
    return tuple(name for name in rows[0].next_signers if name in common)


def _placed(row: Row, y: int) -> tuple[PlacedRow, int]:
    groups = row.groups
    if len(groups) > MOST_HELD:
        groups = tuple(_by_way(groups))
    columns: tuple[list[tuple[str, object]], ...] = (
        [("nodes", row)],
        [("list", row)],
        _signers(row),
        [("group", each) for each in groups]
        + ([("silent", row.silent)] if row.silent else []),
    )
    boxes: list[Box] = []
    for place, column in enumerate(columns):
        x = MARGIN + place * PITCH
        for number, (kind, value) in enumerate(column):
            boxes.append(Box(kind, x, y + number * (HEIGHT + GAP), value))
    lines = tuple(_lines(boxes))
    deepest = max(map(len, columns))
    return PlacedRow(row, tuple(boxes), lines), deepest * (HEIGHT + GAP) - GAP


def _signers(row: Row) -> list[tuple[str, object]]:
    """Who signed, then who may sign the next one."""
    found: list[tuple[str, object]]
    if len(row.signers) > 1:
        found = [("signers", len(row.signers))]
    else:
        found = [("signer", name) for name in row.signers]
    others = row.next_signers
    room = MOST_SIGNERS - 1
    if len(others) > room + 1:
        found += [("next", name) for name in others[:room]]
        return [*found, ("more", len(others) - room)]
    return found + [("next", name) for name in others]


def _lines(boxes: Sequence[Box]) -> Iterator[Line]:
    """Node to list, list to who signs, list to phones below the signers' heads."""
    list_box = boxes[1]
    right, middle = list_box.x + WIDTH, list_box.y + HEIGHT // 2
    yield Line(boxes[0].x + WIDTH, middle, list_box.x, middle)
    for box in boxes[2:]:
        yield Line(
            right if box.x == list_box.x + PITCH else box.x - PITCH + WIDTH,
            middle,
            box.x,
            box.y + HEIGHT // 2,
        )
