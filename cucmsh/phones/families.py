"""What families of phones ask for, show and limit differently: a table.

See docs/formats.md#families. Rows of facts that were never seen for a family stand as
its nearest relative has them, and are named there as guesses.

Decides nothing: what a phone takes is :mod:`cucmsh.phones.decide`'s question, what it
says on its screen :mod:`cucmsh.phones.texts`'s.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from hashlib import md5, sha1
from typing import NamedTuple

from cucmsh.layout import CTL_FILE, LIST_FILE
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS
from cucmsh.trustlist.tags import Role

MAX_DOWNLOAD = 2048 * 1024  # bytes; no phone takes more of any file
MAX_LOADED_LIST = 64 * 1024  # bytes; a longer list comes, and does not load


class ListKind(StrEnum):
    """Which list, by the name it has in flash."""

    CTL = CTL_FILE
    ITL = LIST_FILE


class Transport(StrEnum):
    """How a file is asked for."""

    HTTP = "http"  # port 6970, the request has two lines
    TFTP = "tftp"  # without any option: blocks of 512 bytes


class AskedList(NamedTuple):
    """One list, and the names that a phone asks for until it gets one, in order."""

    kind: ListKind
    names: tuple[str, ...]


class _FamilyFields(NamedTuple):
    name: str
    models: tuple[str, ...]
    lists: tuple[AskedList, ...]
    transports: tuple[Transport, ...]
    shown_digest: str
    has_tvs: bool
    tls: str
    flushes_answers: bool
    sends_alarm: bool
    status_lines: int
    other_digests: tuple[tuple[str, str], ...] = ()
    list_signers: frozenset[Role] = frozenset((Role.SAST,))
    configuration_signers: frozenset[Role] = CONFIGURATION_SIGNERS
    max_download: int = MAX_DOWNLOAD
    max_list: int = MAX_LOADED_LIST
    asks_again_seconds: tuple[int, int] = (0, 0)
    restarts_without_list: bool = False


class Family(_FamilyFields):
    """Phones that behave alike.

    Attributes:
        name: such as ``79xx``.
        models: model numbers without letters behind them.
        lists: what it asks for at boot, in order; ``{mac}`` is twelve upper-case
            hexadecimal digits.
        transports: each file is asked for by all of these in turn, before the next.
        shown_digest: ``md5`` or ``sha1``, of the whole file, on its screen and page.
        other_digests: models that show another one.
        has_tvs: it asks TVS about strangers.
        tls: the newest version that its TVS client speaks, ``1.0`` or ``1.2``.
        flushes_answers: it forgets what TVS answered when a list is updated.
        list_signers: roles of a held record that may sign a list.
        configuration_signers: roles that may sign configuration.
        max_download: bytes of any file that it takes.
        max_list: bytes of a list that it can load.
        asks_again_seconds: the shortest and longest time after which it asks anew
            while no list is there; (0, 0) if it does not.
        restarts_without_list: an empty list, or none, makes it start over.
        sends_alarm: it sends DeviceTLInfo after an update.
        status_lines: how many status messages it keeps.
    """

    @cached_property
    def kinds(self) -> tuple[ListKind, ...]:
        """Which lists it asks for at all."""
        return tuple(asked.kind for asked in self.lists)

    def asked_lists(self, mac: str) -> tuple[AskedList, ...]:
        """What a phone with this MAC address asks for at boot."""
        return tuple(
            AskedList(kind, tuple(name.format(mac=mac) for name in names))
            for kind, names in self.lists
        )

    def asked_configuration(self, mac: str, *, holds_list: bool) -> str:
        """The name of its configuration: signed, if a list is there that could tell.

        Args:
            mac: twelve upper-case hexadecimal digits.
            holds_list: it has a CTL or ITL with any key in it.
        """
        return f"SEP{mac}.cnf.xml" + (".sgn" if holds_list else "")

    def digest(self, raw: bytes, model: str = "") -> str:
        """What a phone shows of a list it holds, in lower-case hexadecimal digits."""
        kind = dict(self.other_digests).get(model, self.shown_digest)
        make = md5 if kind == "md5" else sha1
        return make(raw, usedforsecurity=False).hexdigest()


_CTL = AskedList(ListKind.CTL, ("CTLSEP{mac}.tlv",))
_ITL = AskedList(ListKind.ITL, ("ITLSEP{mac}.tlv",))
_ITL_OF_ALL = AskedList(ListKind.ITL, ("ITLSEP{mac}.tlv", LIST_FILE))
_HTTP_FIRST = (Transport.HTTP, Transport.TFTP)

OLDEST = Family(
    name="7940",
    models=("7940", "7960"),
    lists=(_CTL,),  # it knows no ITL
    transports=(Transport.TFTP,),
    shown_digest="md5",
    has_tvs=False,
    tls="",
    flushes_answers=False,
    sends_alarm=False,
    status_lines=30,
)
SEVENTY_NINE = Family(
    name="79xx",
    models=(
        *("7906", "7911", "7931", "7941", "7942", "7945", "7961", "7962", "7965"),
        *("7970", "7971", "7975"),
    ),
    lists=(_CTL, _ITL_OF_ALL),
    transports=_HTTP_FIRST,
    shown_digest="md5",
    has_tvs=True,
    tls="1.0",
    flushes_answers=True,
    sends_alarm=False,
    asks_again_seconds=(72, 131),
    status_lines=30,
)
EIGHTY_EIGHT = Family(
    name="78xx/88xx",
    models=(
        *("7811", "7821", "7832", "7841", "7861"),
        *("8811", "8821", "8831", "8832", "8841", "8845", "8851", "8861", "8865"),
    ),
    lists=(_CTL, _ITL),
    transports=_HTTP_FIRST,
    shown_digest="sha1",
    other_digests=(("8831", "md5"),),
    has_tvs=True,
    tls="1.2",
    flushes_answers=True,
    sends_alarm=True,
    status_lines=30,
)
NINETY_NINE = Family(
    name="99xx",
    models=("8941", "8945", "8961", "9951", "9971"),
    lists=(_CTL, _ITL),
    transports=_HTTP_FIRST,
    shown_digest="sha1",
    has_tvs=True,
    tls="1.0",
    flushes_answers=True,
    sends_alarm=False,
    status_lines=30,
    restarts_without_list=True,
)
FAMILIES = (OLDEST, SEVENTY_NINE, EIGHTY_EIGHT, NINETY_NINE)

_MODEL_DIGITS = 4


def family_of(model: str) -> Family | None:
    """The family of a model: ``8845``, ``CP-8845``, ``7965G``; ``None`` if unknown.

    A model that is in no table, such as a new 88xx, goes by its first two digits.
    """
    digits = "".join(each for each in model if each in "0123456789")[:_MODEL_DIGITS]
    named = [family for family in FAMILIES if digits in family.models]
    if len(digits) == _MODEL_DIGITS and not named:
        alike = {"79": SEVENTY_NINE, "78": EIGHTY_EIGHT, "88": EIGHTY_EIGHT}
        alike |= {"89": NINETY_NINE, "99": NINETY_NINE}
        return alike.get(digits[:2])
    return named[0] if named else None
