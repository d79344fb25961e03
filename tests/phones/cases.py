"""Random cases: what a phone holds, what it is given, what TVS would say."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cucmsh.phones.families import FAMILIES
from tests.phones.made import CTL, ITL, Identity, blank_record, record, signed, tlv
from tests.phones.oracle import Answer

ROLES = (0, 0, 0, 3, 2, 21, 4, 1)
NAME = "SEP001122334455.cnf.xml.sgn"
PLAIN = b"<device/>"
NOTHING: Mapping[bytes, tuple[int, ...]] = MappingProxyType({})
NO_ANSWERS: Mapping[bytes, Answer] = MappingProxyType({})


class Case(NamedTuple):
    """One phone, what it is given in one boot, and one TVS."""

    family: str = "79xx"
    ctl: bytes | None = None
    itl: bytes | None = None
    cache: Mapping[bytes, tuple[int, ...]] = NOTHING
    new_ctl: bytes | None = None
    new_itl: bytes | None = None
    asked_name: str = NAME
    file: bytes | None = None
    answers: Mapping[bytes, Answer] = NO_ANSWERS  # by the serial number asked for


def case(dice: random.Random, people: dict[str, Identity]) -> Case:
    """Any case; families and ways to be wrong as often as is useful."""
    offers = [_list(dice, people, kind, is_held=False) for kind in (CTL, ITL)]
    given = [each if dice.random() < 0.8 else _odd(dice, people) for each in offers]
    held = [_list(dice, people, kind, is_held=True) for kind in (CTL, ITL)]
    if dice.random() < 0.05:
        given[1] = held[1]  # nothing new
    family = dice.choice(FAMILIES).name
    return Case(
        family,
        held[0] if dice.random() < 0.3 else None,
        held[1] if dice.random() < 0.85 and family != "7940" else None,
        _cache(dice, people),
        given[0] if dice.random() < 0.4 else None,
        given[1] if dice.random() < 0.9 else None,
        *_file(dice, people),
        {who.serial: _answer(dice, people, who) for who in people.values()},
    )


def _list(
    dice: random.Random, people: dict[str, Identity], kind: str, *, is_held: bool
) -> bytes:
    who = dice.choice(list(people.values()))
    records = [
        record(dice.choice(ROLES), dice.choice(list(people.values())), _form(dice))
        for _ in range(dice.randrange(5))
    ]
    if dice.random() < 0.9:
        records.append(record(0, who))
    if is_held and dice.random() < 0.7:
        records.append(record(21, people["tvs"], dice.choice(("full", "hash"))))
    if is_held and dice.random() < 0.08:
        records = [blank_record(0), blank_record(2)]
    if dice.random() < 0.1:
        records.append(blank_record(3))
    dice.shuffle(records)
    return signed(b"".join(records), who, name=kind, digest=dice.choice((1, 1, 3, 2)))


def _form(dice: random.Random) -> str:
    return dice.choices(("full", "hash", "none"), (6, 3, 1))[0]


def _odd(dice: random.Random, people: dict[str, Identity]) -> bytes:
    """A list with something wrong, most of them signed with the wrong thing inside."""
    who, thief = people["recovery"], people["other"]
    good = record(0, who)
    whole = signed(good, who)
    at = dice.randrange(len(whole))
    return dice.choice(
        (
            b"",
            whole[:at],
            whole[:at] + bytes((whole[at] ^ 1 << dice.randrange(8),)) + whole[at + 1 :],
            whole + b"\0",
            dice.randbytes(dice.randrange(300)),
            signed(good, who, key=thief.key),
            signed(good, who, digest=4),
            signed(good, who, algorithm=1),
            signed(good, who, length_lie=dice.choice((-4, -1, 1, 4))),
            signed(good, who, version=b"\1\0"),
            signed(good, who, version=b"\2\0"),
            signed(good + record(0, who, public=thief.public), who),
            signed(record(0, who, public=thief.public), who, key=thief.key),
            signed(record(0, who, "hash"), who),
            signed(record(3, who), who),
            as_large_as_loads(who),
            as_large_as_loads(who, 1),
        )
    )


def as_large_as_loads(who: Identity, more: int = 0) -> bytes:
    """A good list of 64 KiB and so many bytes: what phones load, and do not."""
    good = record(0, who)

    def whole(first: int, second: int) -> bytes:
        fillers = (blank_record(9, tlv(99, bytes(size))) for size in (first, second))
        return signed(good + b"".join(fillers), who)

    left = 65536 + more - len(whole(0, 0))
    return whole(left // 2, left - left // 2)


def _cache(
    dice: random.Random, people: dict[str, Identity]
) -> dict[bytes, tuple[int, ...]]:
    some = dice.sample(list(people.values()), dice.choice((0, 0, 0, 1, 2)))
    return {who.der: _roles(dice) for who in some}


def _roles(dice: random.Random) -> tuple[int, ...]:
    return tuple(dice.sample((0, 2, 3, 4, 21), dice.randrange(4)))


def _answer(dice: random.Random, people: dict[str, Identity], who: Identity) -> Answer:
    server = people[dice.choices(("tvs", "new tvs"), (8, 2))[0]].der
    told = who if dice.random() < 0.9 else dice.choice(list(people.values()))
    der = told.der if dice.random() < 0.95 else dice.choice((b"", b"\x30\0", b"x"))
    return Answer(server, int(dice.random() < 0.25), der, _roles(dice))


def _file(dice: random.Random, people: dict[str, Identity]) -> tuple[str, bytes | None]:
    if dice.random() < 0.2:
        name = dice.choice((NAME.removesuffix(".sgn"), "AppDialRules.xml"))
        return name, dice.choice((PLAIN, b"", None))
    who = dice.choice(list(people.values()))
    right = signed(PLAIN, who, name=NAME, version=b"\1\0", digest=dice.choice((1, 3)))
    at = dice.randrange(len(right))
    wrong = dice.choice(
        (
            PLAIN,
            right[:at],
            right + b"\0",
            signed(PLAIN, who, name="SEPFFFFFFFFFFFF.cnf.xml.sgn", version=b"\1\0"),
            signed(PLAIN, who, name=NAME),
            signed(PLAIN, who, name=NAME, version=b"\1\0", length_lie=-1),
            signed(PLAIN, who, name=NAME, version=b"\1\0", key=people["other"].key),
            signed(PLAIN, who, name=NAME, version=b"\1\0", digest=7),
        )
    )
    return NAME, right if dice.random() < 0.8 else wrong
