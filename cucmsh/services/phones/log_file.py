"""A log that is being written: whole lines, and where to go on, whatever rotates it.

A log is renamed and made anew, or copied and cut to nothing. What was not read yet is
then in a neighbour of its name (``syslog.1``, ``syslog-20261201``), found by its inode
or by the bytes before the place that was read last.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from cucmsh.errors import MissingFileError, StoreError

BLOCK = 1 << 20  # bytes that are read at once; a longer line is passed over
TAIL = 64  # bytes before a place, by which it is known again
MOST_NEIGHBOURS = 64
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


class Position(NamedTuple):
    """How far a log was read.

    Attributes:
        device: of the file.
        inode: of the file.
        offset: where to go on, in bytes.
        seen: how far it was read; not less.
        tail: the bytes just before that, at most TAIL, in hexadecimal digits.
    """

    device: int
    inode: int
    offset: int
    seen: int
    tail: str


class LogFile:
    """Reads whole lines of a log.

    Args:
        path: its name.
        position: where to go on; None for the beginning.

    Attributes:
        overlong: lines that were passed over.
        notes: what a person should know, a sentence each.
    """

    def __init__(self, path: str, position: Position | None = None) -> None:
        self._path = path
        self._at = 0
        self._tail = b""
        self._is_within_overlong = False
        self.overlong = 0
        self.notes: list[str] = []
        self._file = _open(path)
        if position is not None:
            self._go_on(position)

    @property
    def modified(self) -> float:
        """When it was written last, seconds since 1970."""
        return os.fstat(self._file).st_mtime

    def close(self) -> None:
        os.close(self._file)

    def read(self) -> tuple[bytes, int] | None:
        """The next whole lines and their offset; None if there are none now.

        Raises:
            StoreError: it cannot be read.
        """
        if self._was_cut():
            return None
        raw = self._pread(BLOCK, self._at)
        cut = raw.rfind(b"\n") + 1
        if not cut and len(raw) < BLOCK:
            return None
        at = self._at
        self._moved(raw[:cut] if cut else raw)
        if self._is_within_overlong:  # its end is no line of its own
            self._is_within_overlong = not cut
            start = raw.find(b"\n") + 1
            return raw[start:cut], at + start
        if not cut:
            self._is_within_overlong = True
            self.overlong += 1
            return b"", at
        return raw[:cut], at

    def rest(self) -> tuple[bytes, int]:
        """What stands behind the last line end: the last line of a whole file."""
        if self._was_cut():
            return b"", 0
        raw, at = self._pread(BLOCK, self._at), self._at
        self._moved(raw)
        return b"" if self._is_within_overlong else raw, at

    def has_moved(self) -> bool:
        """Whether another file is in its place, or it was cut; asked at its end.

        One that was renamed is still written until its writer begins the new one.
        """
        if self._was_cut():
            return True
        here = os.fstat(self._file)
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        is_other = (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)
        return is_other and there.st_size > 0

    def move(self) -> None:
        """Go on with what is in its place now, or first with the rest of what was."""
        position = self.position(self._at) if self._was_cut() else None
        # Opened first: a file that is gone just now leaves us the one that was there.
        there = _open(self._path)
        os.close(self._file)
        self._file = there
        self._at, self._tail, self._is_within_overlong = 0, b"", False
        if position is not None:
            # Not the inode: that is the one that was cut.
            self._find_rest(position._replace(inode=-1))

    def position(self, offset: int) -> Position:
        """The place at that offset, to go on there later."""
        here = os.fstat(self._file)
        tail = self._tail.hex()
        return Position(here.st_dev, here.st_ino, offset, self._at, tail)

    def _was_cut(self) -> bool:
        is_shorter = os.fstat(self._file).st_size < self._at
        return is_shorter or self._before(self._at) != self._tail

    def _go_on(self, position: Position) -> None:
        if _is_at(self._file, position):
            self._go_to(position.offset)
        else:
            self._find_rest(position)

    def _find_rest(self, position: Position) -> None:
        for path in _neighbours(self._path):
            with suppress(StoreError):
                file = _open(path)
                if _is_at(file, position):
                    os.close(self._file)
                    self._file = file
                    self._go_to(position.offset)
                    return
                os.close(file)
        self.notes.append(
            f"{self._path} was rotated away, and what was not read of it is not there "
            "any more; it goes on at the beginning of the new one"
        )

    def _go_to(self, offset: int) -> None:
        self._at, self._tail = offset, self._before(offset)

    def _pread(self, count: int, offset: int) -> bytes:
        try:
            return os.pread(self._file, count, offset)
        except OSError as problem:
            raise StoreError(f"{self._path}: {problem.strerror}") from problem

    def _before(self, offset: int) -> bytes:
        start = max(0, offset - TAIL)
        return self._pread(offset - start, start)

    def _moved(self, raw: bytes) -> None:
        self._at += len(raw)
        self._tail = (self._tail + raw[-TAIL:])[-TAIL:]


def _open(path: str) -> int:
    """A descriptor of a regular file that is not compressed.

    Raises:
        MissingFileError, StoreError: there is none.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as problem:
        raise MissingFileError(f"{path}: there is no such file") from problem
    except PermissionError as problem:
        raise StoreError(
            f"{path} cannot be read by this account",
            "Let it read logs (on Debian: `usermod -aG adm cucmsh`), or pipe the log "
            "in: `journalctl -t in.tftpd | cucmsh phones import -`.",
        ) from problem
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem
    what, advice = _why_no_log(file)
    if what:
        os.close(file)
        raise StoreError(f"{path} {what}", advice)
    return file


def _why_no_log(file: int) -> tuple[str, str]:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        return "is no file", "Name a log, or pipe it in with `-`."
    if os.pread(file, 8, 0).startswith(COMPRESSED):
        return "is compressed", "Pipe it in: `zcat FILE | cucmsh phones import -`."
    return "", ""


def _is_at(file: int, position: Position) -> bool:
    """Whether it is the file of that position, or a copy of it."""
    here = os.fstat(file)
    offset = position.seen
    if here.st_size < offset:
        return False
    if offset == 0:
        return (here.st_dev, here.st_ino) == (position.device, position.inode)
    start = max(0, offset - TAIL)
    return os.pread(file, offset - start, start).hex() == position.tail


def _neighbours(path: str) -> Iterator[str]:
    """Files beside it whose names go on behind its own, the latest first."""
    folder, name = os.path.split(os.path.abspath(path))
    try:
        names = [each for each in os.listdir(folder) if each.startswith(name)]
    except OSError:
        return
    found = [os.path.join(folder, each) for each in names if each != name]
    found = [each for each in found if os.path.isfile(each)]
    yield from sorted(found, key=_modified, reverse=True)[:MOST_NEIGHBOURS]


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
