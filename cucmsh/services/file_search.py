"""``file search`` and ``file tail``: what stands in the files of ``file_areas``.

An expression of a user runs in a process that is ended after some seconds
(``storage.search``), so that none can hang a shell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple, Protocol

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import RECOVERY_NAME
from cucmsh.services.caller import Privilege
from cucmsh.services.file_areas import Area, area_of, files_of, not_found, open_in
from cucmsh.services.file_span import Span, written_in
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import FileStamp
from cucmsh.storage.search import MOST_BYTES

NOT_TEXT = b"\0"  # lists, signed files and firmware have some near their beginning
LOOK_SECONDS = 0.5  # between two looks at a log that is followed
TAIL_BYTES = 1 << 20  # of the end of a file
MOST_LINES = 1000


class Found(NamedTuple):
    """A file that was searched, and its lines that match."""

    path: str
    lines: tuple[str, ...]


class Search(NamedTuple):
    """What a search found.

    Attributes:
        files: each that was searched, and its lines.
        is_cut: whether more lines match than are given.
    """

    files: tuple[Found, ...]
    is_cut: bool


@use_case("file search")
def search_files(  # noqa: PLR0913 - what is typed, a word each
    site: Site,
    spec: str,
    expression: str,
    area: str,
    *,
    ignores_case: bool = False,
    is_recursive: bool = False,
    span: Span | None = None,
) -> Search:
    """The lines of the text files that match ``spec`` in which the expression is found.

    What is no text, or a key, is left out, and with ``span`` what was not written then.

    Raises:
        MissingFileError: no file matches.
        UsageError: it is no regular expression.
        RefusedError: too many bytes; or it takes too long.
    """
    place = area_of(site, area)
    names = files_of(place, spec, is_recursive=is_recursive)
    names = written_in(place, names, span)
    if not names:
        raise not_found(place, spec)
    texts = _texts(place, names)
    found = site.backends.search(
        [*texts.values()], expression, ignores_case=ignores_case
    )
    files = (Found(*pair) for pair in zip(texts, found.lines, strict=True))
    return Search(tuple(files), found.is_cut)


def _texts(place: Area, names: list[str]) -> dict[str, bytes]:
    """The bytes of the text files among them; no more is read than may be searched.

    Raises:
        RefusedError: they have more than ``MOST_BYTES``.
    """
    texts, left = dict[str, bytes](), MOST_BYTES
    for name in names:
        raw = _text(place, name, left)
        if raw is not None:
            texts[name] = raw
            left -= len(raw)
    return texts


def _text(place: Area, name: str, most: int) -> bytes | None:
    """The bytes of a text file; None if it is none, is gone, or is a key.

    Raises:
        RefusedError: they are more than ``most``.
    """
    if name == RECOVERY_NAME:
        return None
    pieces: list[bytes] = []
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open_in(place, name))
        except (MissingFileError, RefusedError):
            return None
        for piece in file.pieces():
            if NOT_TEXT in piece:
                return None
            if file.size > most:
                raise RefusedError(
                    f"the files have more than {MOST_BYTES} bytes, and no more are "
                    "searched",
                    "Name fewer files.",
                )
            pieces.append(piece)
    return b"".join(pieces)


class Tail(NamedTuple):
    """How the end of a file is shown.

    Attributes:
        lines: at most so many at first.
        expression: only lines in which it is found; empty: all.
        is_recent: the file that was written last of those that match, and then no more.
    """

    lines: int = 10
    expression: str = ""
    is_recent: bool = False


class TailDialog(Protocol):
    """Who is told the end of a file."""

    def tell(self, lines: list[str]) -> None:
        """These lines come next."""

    def wait(self, seconds: float, /) -> bool:
        """Wait for so long; false when nobody is told any more."""


# The original gives it level 1, and so do we.
@use_case("file tail", level=Privilege.CHANGE)
def tail_file(site: Site, spec: str, area: str, tail: Tail, dialog: TailDialog) -> None:
    """Tell the last lines of a file, and then what is added, until it is interrupted.

    A log that is rotated is followed under its name.

    Raises:
        MissingFileError: there is no such file.
        RefusedError: several match, and none is meant; it is no text; or the
            expression takes too long.
    """
    place = area_of(site, area)
    name = _one(place, files_of(place, spec), spec, tail)
    reading = _Reading(place, name)
    first = reading.last_lines()
    dialog.tell(_matching(site, first, tail.expression)[-tail.lines :])
    while not tail.is_recent and dialog.wait(LOOK_SECONDS):
        if lines := reading.new_lines():
            dialog.tell(_matching(site, lines, tail.expression))


def _one(place: Area, names: list[str], spec: str, tail: Tail) -> str:
    if not names:
        raise not_found(place, spec)
    if len(names) > 1 and not tail.is_recent:
        raise RefusedError(
            f"{len(names)} files match {spec}",
            "Name one, or add the word recent for the one that was written last.",
        )
    return max(names, key=lambda name: _written(_stamp(place, name)))


def _stamp(place: Area, name: str) -> FileStamp | None:
    store, at = place.place(name)
    return store.stamp(at)


def _written(stamp: FileStamp | None) -> int:
    return stamp[3] if stamp else 0


def _matching(site: Site, lines: list[bytes], expression: str) -> list[str]:
    if not expression:
        return [line.decode("utf-8", "surrogateescape") for line in lines]
    found = site.backends.search([b"\n".join(lines)], expression, ignores_case=False)
    return list(found.lines[0])


class _Reading:
    """A text file, and how far it was read."""

    def __init__(self, place: Area, name: str) -> None:
        self._place = place
        self._name = name
        self._inode = 0
        self._at = 0

    def last_lines(self) -> list[bytes]:
        """The last ones, and where they end."""
        with open_in(self._place, self._name) as file:
            start = max(file.size - TAIL_BYTES, 0)
            raw = b"".join(file.pieces_from(start))
            stamp = _stamp(self._place, self._name)
        if NOT_TEXT in raw or self._name == RECOVERY_NAME:
            raise RefusedError(f"{self._name} is not a text file")
        self._inode = stamp[1] if stamp else 0
        whole = raw.rfind(b"\n") + 1
        self._at = start + whole
        lines = raw[:whole].splitlines()
        return lines[1:] if start else lines

    def new_lines(self) -> list[bytes]:
        """The whole lines that were added since, or since the file began anew."""
        stamp = _stamp(self._place, self._name)
        if stamp is None or (stamp[1] == self._inode and stamp[2] == self._at):
            return []
        if stamp[1] != self._inode or stamp[2] < self._at:
            self._inode, self._at = stamp[1], 0
        try:
            with open_in(self._place, self._name) as file:
                raw = b"".join(_some(file.pieces_from(self._at)))
        except MissingFileError:  # it is rotated just now
            return []
        whole = raw.rfind(b"\n") + 1
        self._at += whole
        return raw[:whole].splitlines()


def _some(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces up to ``TAIL_BYTES``; the rest is read at the next look."""
    left = TAIL_BYTES
    for piece in pieces:
        yield piece
        left -= len(piece)
        if left <= 0:
            return
