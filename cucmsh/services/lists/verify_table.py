"""`cucmsh verify` of several files against several held lists: each with each.

A place is a file, a directory (its ``*.tlv`` and ``*.itl`` files) or a pattern such as
``old/*.tlv``, which is read here, too, because a quoted one reaches us as it is. What
cannot be read stands in the table with its reason and does not end it; a held list that
a person named alone must be one. An empty file in a directory is no held list: such
files lie in many to keep phones from asking again.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cucmsh.errors import CucmshError, MissingFileError, StoreError
from cucmsh.layout import LIST_SUFFIXES
from cucmsh.pki.model import Certificate
from cucmsh.services.lists.verify_file import (
    Inspection,
    SignedInspection,
    inspect,
    judge_by,
    read_held,
)
from cucmsh.trustlist.check import Verifier
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed_trust import SignedVerdict
from cucmsh.trustlist.trust import TrustVerdict


class HeldFile(NamedTuple):
    """A list that phones hold; ``problem`` says why it is none, else it is empty."""

    file: str
    trust_list: TrustList | None
    problem: str = ""


class Row(NamedTuple):
    """What was found in one file.

    Attributes:
        file: its path.
        seen: what is in it; None if it cannot be read.
        problem: why not.
        verdicts: what a holder of each of the held lists would do, in their order.
    """

    file: str
    seen: Inspection | SignedInspection | None
    problem: str
    verdicts: tuple[TrustVerdict | SignedVerdict, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether it verifies by itself; a signed file does by held lists alone."""
        if isinstance(self.seen, SignedInspection):
            return bool(self.verdicts)
        return self.seen is not None and self.seen.is_good

    @property
    def is_good(self) -> bool:
        """Whether all accept it; without held lists, whether it verifies."""
        return self.is_sound and all(verdict.accepted for verdict in self.verdicts)


class Table(NamedTuple):
    """Files with what holders of each list would do.

    Attributes:
        rows: the files.
        held: the lists, those among them that could be read.
        left_out: those that could not.
    """

    rows: tuple[Row, ...]
    held: tuple[HeldFile, ...]
    left_out: tuple[HeldFile, ...]

    @property
    def is_good(self) -> bool:
        """All files are accepted by all, and no held list is unknown."""
        return not self.left_out and all(row.is_good for row in self.rows)


def files_at(place: str) -> list[str]:
    """The files that a place names, sorted.

    Raises:
        MissingFileError: no file matches the pattern, or the directory has no list.
    """
    if os.path.isdir(place):
        found = sorted(_lists_in(place))
        if not found:
            raise MissingFileError(
                f"{place} has no file that ends in {' or '.join(LIST_SUFFIXES)}",
                "Name the file, or the directory that holds lists.",
            )
        return found
    if os.path.lexists(place) or not glob.has_magic(place):
        return [place]
    matches = sorted(glob.glob(place))
    if not matches:
        raise MissingFileError(f"no file matches {place}", "Look at the pattern.")
    return [
        path
        for match in matches
        for path in (sorted(_lists_in(match)) if os.path.isdir(match) else [match])
    ]


def is_one(place: str) -> bool:
    """Whether the place can only be one file: no directory and no pattern."""
    return not os.path.isdir(place) and (
        os.path.lexists(place) or not glob.has_magic(place)
    )


def inspect_all(
    places: Iterable[str],
    held: Iterable[str],
    verifier: Verifier,
    read_certificate: Callable[[bytes], Certificate],
    asked: str = "",
) -> Table:
    """Judge all files, against all held lists.

    Args:
        places: of the files.
        held: places of the lists that phones hold; may be none.
        verifier: does the operation with the key.
        read_certificate: the X.509 reader.
        asked: see ``verify_file.inspect``.

    Raises:
        MissingFileError: see ``files_at``.
        StoreError: a held list that was named alone cannot be read, or none of a
            directory can.
    """
    known, left_out = held_at(held)
    lists = [entry.trust_list for entry in known if entry.trust_list]
    rows = []
    for file in dict.fromkeys(path for place in places for path in files_at(place)):
        try:
            seen = inspect(file, "", verifier, read_certificate, asked)
        except CucmshError as problem:
            rows.append(Row(file, None, problem.message))
            continue
        verdicts = tuple(judge_by(seen, holding, verifier) for holding in lists)
        rows.append(Row(file, seen, "", verdicts))
    return Table(tuple(rows), tuple(known), tuple(left_out))


def held_at(places: Iterable[str]) -> tuple[list[HeldFile], list[HeldFile]]:
    """The lists that phones hold at these places, and what there is none.

    Raises:
        MissingFileError: see ``files_at``.
        StoreError: one that was named alone cannot be read, or none of a directory can.
    """
    known: dict[str, HeldFile] = {}
    left_out: dict[str, HeldFile] = {}
    for place in places:
        files = files_at(place)
        for file in files:
            if file in known:
                continue
            try:
                known[file] = HeldFile(file, read_held(file))
            except CucmshError as problem:
                if is_one(place):
                    raise
                if not _is_empty(file):
                    left_out[file] = HeldFile(file, None, problem.message)
        if not any(file in known for file in files):
            raise StoreError(
                f"{place} has no list that can be read",
                "Name a list that phones hold.",
            )
    return [*known.values()], [*left_out.values()]


def _lists_in(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.lower().endswith(LIST_SUFFIXES) and not entry.is_dir():
                yield entry.path


def _is_empty(path: str) -> bool:
    try:
        return os.stat(path).st_size == 0
    except OSError:
        return False
