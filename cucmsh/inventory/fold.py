"""Claims of one call, brought together into the rows that have to be written.

Pure. A log of a morning says the same of a phone again and again: what is folded here
is written once. Rows are tuples in the order of their table's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cucmsh.inventory.schema import GROUPS, PERIOD_SECONDS
from cucmsh.phones.claims import UNPROVEN, Claim, Source
from cucmsh.phones.known import ADDRESS_SECONDS, AHEAD_SECONDS, SHARED_ADDRESS_SECONDS

PHONE_NAME = re.compile(r"SEP[0-9A-F]{12}\Z")
MOST_TEXT = 400  # characters of one text
# SQLite takes an exact str quickly, and asks around what a StrEnum might be.
SOURCE_NAMES = {source: source.value for source in Source}
# A phone asked that node. An alarm or REGISTER was heard by one, which may be another.
ASKED_BY = frozenset({Source.TFTP_LOG.value, Source.HTTP_LOG.value})

Book = dict[str, dict[str, int]]  # by address: names that were seen there, and when


class Rows(NamedTuple):
    """What is written, sorted by key: two writers then take locks in one order.

    Attributes:
        sightings: of ``schema.SIGHTINGS``.
        phones: of ``schema.PHONES``.
        addresses: of ``schema.ADDRESSES``.
        nameless: claims that belong to no phone.
        ahead: claims that were dated in the future.
    """

    sightings: list[tuple[object, ...]]
    phones: list[tuple[object, ...]]
    addresses: list[tuple[object, ...]]
    nameless: int
    ahead: int


def nameless_addresses(claims: Iterable[Claim]) -> set[str]:
    """The addresses whose names have to be known to ``fold``."""
    return {claim.address for claim in claims if not claim.phone and claim.address}


def fold(claims: Iterable[Claim], book: Book, now: int, first_turn: int) -> Rows:
    """The rows for these claims.

    Args:
        claims: in the order of their arrival.
        book: names at the addresses of ``nameless_addresses``; new ones are added.
        now: seconds since 1970.
        first_turn: of the first claim; later than all that were given before.

    Raises:
        ValueError: a phone's name is none.
    """
    latest = now + AHEAD_SECONDS
    sightings: dict[tuple[object, ...], list[object]] = {}
    phones: dict[str, list[object]] = {}
    met: dict[tuple[str, str], int] = {}
    nameless = ahead = 0
    for turn, given in enumerate(claims, first_turn):
        claim = given if given.at <= latest else given._replace(at=now)
        ahead += claim is not given
        if not _is_storable(claim):
            claim = _storable(claim)
        if not claim.phone:
            claim = claim._replace(phone=_name_at(book.get(claim.address), claim.at))
            nameless += not claim.phone
        elif claim.address:
            book.setdefault(claim.address, {})[claim.phone] = claim.at
            met[claim.address, claim.phone] = claim.at
        _note(sightings, claim, turn)
        if claim.phone:
            _note_last(phones, claim)
    return Rows(
        sorted((*key, *row) for key, row in sightings.items()),
        sorted(tuple(row) for row in phones.values()),
        sorted((*key, at) for key, at in met.items()),
        nameless,
        ahead,
    )


def _note(
    sightings: dict[tuple[object, ...], list[object]], claim: Claim, turn: int
) -> None:
    """Add a row of ``schema.SIGHTINGS``, or widen the one that says the same."""
    phone, source, at, address, node, file, itl, ctl, status, model, load, text = claim
    key = (
        *(phone, at // PERIOD_SECONDS, SOURCE_NAMES[source], address, node),
        *(itl, ctl, status, text),
    )
    row = sightings.get(key)
    if row is None:
        sightings[key] = [file, model, load, at, at, turn]
        return
    _, _, _, first, last, _ = row
    if at < first:  # type: ignore[operator] # both are numbers
        row[3] = at
    if at >= last:  # type: ignore[operator] # both are numbers
        row[:3], row[4:] = (file, model, load), (at, turn)


def _note_last(phones: dict[str, list[object]], claim: Claim) -> None:
    """Add a row of ``schema.PHONES``, or take over what is not older."""
    phone, source, at, address, node, _, itl, ctl, status, model, load, text = claim
    by = SOURCE_NAMES[source]
    last = phones.get(phone)
    if last is None:
        if not PHONE_NAME.match(phone):
            raise ValueError(f"{phone!r} is no name of a phone")
        phones[phone] = _word(claim, by)
        return
    says_more = itl or ctl or text or model or load or status >= 0
    if not says_more and at >= last[1]:  # type: ignore[operator] # both are numbers
        last[1], last[2] = at, by  # the usual line of a log: where it was seen
        if address:
            last[3], last[4] = at, address
        if node and by in ASKED_BY:
            last[5], last[6] = at, node
        return
    word = _word(claim, by)
    for first, end in _SLICES:
        when = word[first]
        if when and when >= last[first]:  # type: ignore[operator] # both are numbers
            last[first:end] = word[first:end]


def _word(claim: Claim, by: str) -> list[object]:
    """The row of ``schema.PHONES`` that one claim makes by itself."""
    phone, source, at, address, node, _, itl, ctl, status, model, load, text = claim
    proven, said = _NOTHING_OF_ITL, _NOTHING_SAID
    if itl and source in UNPROVEN:
        said = (at, itl, by)
    elif itl:
        proven = (at, itl, by, node)
    asked = node if by in ASKED_BY else ""
    return [
        *(phone, at, by, at if address else 0, address, at if asked else 0, asked),
        *(at if model else 0, model, at if load else 0, load),
        *proven,
        *said,
        *(at if ctl else 0, ctl, at if status >= 0 else 0, status),
        *(at if text else 0, text),
    ]


def _name_at(names: dict[str, int] | None, at: int) -> str:
    """The name that an address without one belongs to; empty if that is not clear."""
    for seconds in (ADDRESS_SECONDS, SHARED_ADDRESS_SECONDS):
        near = [
            name for name, seen in (names or {}).items() if 0 <= at - seen <= seconds
        ]
        if len(near) == 1:
            return near[0]
    return ""


def _is_storable(claim: Claim) -> bool:
    _, _, at, address, node, file, itl, ctl, _, model, load, text = claim
    together = address + node + file + itl + ctl + model + load + text
    return at > 0 and together.isprintable() and len(together) <= MOST_TEXT


def _storable(claim: Claim) -> Claim:
    """Cut, and without what a database refuses or a terminal obeys."""
    cleaned = Claim._make(
        _clean(value) if type(value) is str else value for value in claim
    )
    return cleaned._replace(at=max(claim.at, 1))  # 0 is "never"


def _clean(text: str) -> str:
    text = text[:MOST_TEXT]
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _slices() -> Iterator[tuple[int, int]]:
    start = 1
    for group in GROUPS:
        yield start, start + len(group)
        start += len(group)


_SLICES = tuple(_slices())  # of a row of ``schema.PHONES``: each group's columns
_NOTHING_OF_ITL = (0, "", "", "")
_NOTHING_SAID = (0, "", "")
