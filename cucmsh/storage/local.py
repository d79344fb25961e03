"""A store on this machine's disk. Follows no symbolic link below its root.

Every folder on the way is opened by its parent's descriptor without following links,
so that a swapped folder cannot lead elsewhere (docs/security.md T12). Short
writes are continued, and what was written is read back before the rename: a full tmpfs
gave a short count, not an error, and cost a torn list (M1 there).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.storage.log_line import append_line, require_room
from cucmsh.storage.rotation import Rotation
from cucmsh.storage.store import (
    FOLDER_MODE,
    MAX_DEPTH,
    MAX_FILE_SIZE,
    PIECE,
    Listed,
    OneByOne,
    advice_for,
    check_regular,
    check_size,
    is_temporary,
    split_name,
    write_in_halves,
)
from cucmsh.storage.temporary import READ_FLAGS, make_temporary, sweep_one
from cucmsh.storage.tree import FOLDER_FLAGS, tree_below

# Which file it is, and which state of it: name, inode, size, and when it was last
# written and last changed, in nanoseconds.
FileStamp = tuple[str, int, int, int, int]


class OpenFile:
    """A regular file that is open: what is read is of one file, whoever replaces it.

    Attributes:
        size: bytes, when it was opened.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def pieces(self) -> Iterator[bytes]:
        """Its bytes from the start, at most ``PIECE`` at once; may be called again.

        Of one that grows meanwhile, such as a log, not what was added.
        """
        return self.pieces_from(0)

    def pieces_from(self, at: int) -> Iterator[bytes]:
        """The same from that byte on."""
        while piece := os.pread(self._descriptor, min(PIECE, self.size - at), at):
            yield piece
            at += len(piece)


class LocalStore(OneByOne):
    """Files below ``root``; see ``Store`` for the contract."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._staged: dict[str, int] = {}  # temporaries, open and locked

    def read(self, name: str) -> bytes:
        with self._reading(name) as (descriptor, size):
            if size > MAX_FILE_SIZE:
                raise StoreError(
                    f"{self._path(name)} has {size} bytes; "
                    f"at most {MAX_FILE_SIZE} are read"
                )
            return _read_all(descriptor)

    @contextmanager
    def opened(self, name: str) -> Iterator[OpenFile]:
        """The file, to be read piece by piece: it may have any size.

        Raises:
            MissingFileError, StoreError: as ``read``, but for its size.
        """
        with self._reading(name) as (descriptor, size):
            yield OpenFile(descriptor, size)

    def read_end(self, name: str) -> tuple[bytes, int]:
        """The last ``MAX_FILE_SIZE`` bytes of a file that only grows; how many before.

        Raises:
            MissingFileError, StoreError: as ``read``, but for its size.
        """
        with self._reading(name) as (descriptor, size):
            start = max(size - MAX_FILE_SIZE, 0)
            os.lseek(descriptor, start, os.SEEK_SET)
            return _read_all(descriptor), start

    def modified(self, name: str) -> float:
        """When the file was last written, Unix time in seconds."""
        with self._translated(name), self._folder(name) as (folder, last):
            return os.stat(last, dir_fd=folder, follow_symlinks=False).st_mtime

    def stamps(self, folder: str = "") -> tuple[FileStamp, ...]:
        """Which files lie in ``folder`` and which state of each; none if it is missing.

        Two answers differ if a file was replaced, written, added or removed between
        them, however quickly. Looks at no file's content.

        Raises:
            StoreError: the folder cannot be read.
        """
        found = []
        with self._opened_folder(folder) as opened:
            for entry in _files_in(opened):
                with suppress(FileNotFoundError):  # somebody removed it just now
                    at = entry.stat(follow_symlinks=False)
                    found.append(_stamped(entry.name, at))
        return tuple(sorted(found))

    def stamp(self, name: str) -> FileStamp | None:
        """As ``stamps``, of one file; None if it is missing."""
        try:
            with self._translated(name), self._folder(name) as (folder, last):
                at = os.stat(last, dir_fd=folder, follow_symlinks=False)
        except MissingFileError:
            return None
        return _stamped(last, at)

    def mode(self, name: str = "") -> int:
        """Permission bits of a file or folder; of the root for an empty name."""
        with self._translated(name or "."):
            if not name:
                return stat.S_IMODE(os.stat(self.root).st_mode)
            with self._folder(name) as (folder, last):
                found = os.stat(last, dir_fd=folder, follow_symlinks=False)
                return stat.S_IMODE(found.st_mode)

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        write_in_halves(self, name, raw, mode)

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        check_size(self._path(name), raw)
        with self._translated(name), self._folder(name, make=True) as (folder, last):
            self._check_target(name, folder, last)
            temporary, descriptor = make_temporary(name, folder)
            try:
                os.fchmod(descriptor, mode)
                _write_all(descriptor, raw)
                os.fsync(descriptor)
                self._check_written(name, descriptor, raw)
            except BaseException:
                with suppress(OSError):  # the first error wins
                    os.unlink(split_name(temporary)[-1], dir_fd=folder)
                os.close(descriptor)
                raise
        self._staged[temporary] = descriptor
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        with self._translated(name), self._folder(name) as (folder, last):
            self._check_target(name, folder, last)
            at = split_name(temporary)[-1]
            os.rename(at, last, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        self._let_go(temporary)

    def discard(self, temporary: str) -> None:
        with suppress(OSError), self._folder(temporary) as (folder, last):
            os.unlink(last, dir_fd=folder)
        self._let_go(temporary)

    def append(
        self,
        name: str,
        line: str,
        rotation: Rotation | None = None,
        *,
        make: bool = False,
    ) -> None:
        """Add one line to a log file, made 0600 if it is new; see ``append_line``."""
        try:
            with self._translated(name), self._folder(name, make=make) as place:
                append_line(line, *place, rotation)
        except MissingFileError:
            if make:
                raise
            self.append(name, line, rotation, make=True)

    def require_room_in(self, name: str) -> None:
        """Go on only if a line could be added to that log now. Writes nothing.

        Raises:
            StoreError: it may not be written, is no file, or the disk is full.
        """
        try:
            with self._translated(name), self._folder(name) as (folder, last):
                require_room(folder, last)
        except MissingFileError:
            with self._translated(name):
                require_room(-1, self.root)

    def remove(self, name: str) -> None:
        try:
            with self._translated(name), self._folder(name) as (folder, last):
                os.unlink(last, dir_fd=folder)
                os.fsync(folder)
        except MissingFileError:
            return

    def names(self, folder: str = "") -> list[str]:
        return sorted(self.listing(folder))

    def sweep(self, folder: str = "") -> int:
        with self._opened_folder(folder) as opened:
            left = [e.name for e in _files_in(opened) if is_temporary(e.name)]
            return sum(sweep_one(name, opened) for name in left if opened is not None)

    def listing(self, folder: str = "") -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        with self._opened_folder(folder) as opened:
            for entry in _files_in(opened):
                if is_temporary(entry.name):
                    continue
                with suppress(FileNotFoundError):  # somebody removed it just now
                    at = entry.stat(follow_symlinks=False)
                    found[entry.name] = Listed(at.st_size, int(at.st_mtime))
        return found

    def folders(self, folder: str = "") -> list[str]:
        """The sorted names of the folders in ``folder``; none if it is missing."""
        with self._opened_folder(folder) as opened:
            if opened is None:
                return []
            with os.scandir(opened) as entries:
                return sorted(
                    e.name for e in entries if e.is_dir(follow_symlinks=False)
                )

    def tree(self) -> dict[str, Listed]:
        tree = tree_below(self.root)
        if tree.closed:
            raise StoreError(
                f"{self._path(tree.closed[0])} cannot be read, or there are more than "
                f"{MAX_DEPTH} folders in each other",
                "Check its owner and mode; use a folder that is for phones alone.",
            )
        found: dict[str, Listed] = {}
        for folder in {name.rpartition("/")[0] for name in tree.files}:
            inside = f"{folder}/" if folder else ""
            listed = self.listing(folder)
            found |= {f"{inside}{name}": at for name, at in listed.items()}
        return {name: found[name] for name in tree.files if name in found}

    def clock(self) -> int:
        with self._translated("."), self._folder("clock") as (folder, _):
            temporary, descriptor = make_temporary("clock", folder)
            try:
                return int(os.fstat(descriptor).st_mtime)
            finally:
                os.unlink(temporary, dir_fd=folder)
                os.close(descriptor)

    def make_folder(self, folder: str, mode: int = FOLDER_MODE) -> None:
        with (
            self._translated(folder),
            self._folder(f"{folder}/x", make=True, mode=mode),
        ):
            return

    def close(self) -> None:
        """Lets go of what was staged and never put in place; it stays on the disk."""
        for temporary in list(self._staged):
            self._let_go(temporary)

    def _let_go(self, temporary: str) -> None:
        descriptor = self._staged.pop(temporary, None)
        if descriptor is not None:
            os.close(descriptor)

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _check_target(self, name: str, folder: int, last: str) -> None:
        with suppress(FileNotFoundError):
            found = os.stat(last, dir_fd=folder, follow_symlinks=False)
            check_regular(self._path(name), found.st_mode)

    def _check_written(self, name: str, descriptor: int, raw: bytes) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        if _read_all(descriptor) != raw:
            raise StoreError(
                f"{self._path(name)}: the disk gave back other bytes",
                "Check the file system; the old file is unchanged.",
            )

    @contextmanager
    def _reading(self, name: str) -> Iterator[tuple[int, int]]:
        """A regular file, open, and its size."""
        with self._translated(name), self._folder(name) as (folder, last):
            descriptor = os.open(last, READ_FLAGS, dir_fd=folder)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise StoreError(f"{self._path(name)} is not a regular file")
                yield descriptor, found.st_size
            finally:
                os.close(descriptor)

    @contextmanager
    def _opened_folder(self, folder: str) -> Iterator[int | None]:
        """The folder itself; None if it is not there."""
        is_there = False
        try:
            with (
                self._translated(folder or "."),
                self._folder(f"{folder}/x" if folder else "x") as (opened, _),
            ):
                is_there = True
                yield opened
        except MissingFileError:
            if is_there:  # then it is the body's
                raise
            yield None

    @contextmanager
    def _folder(
        self, name: str, *, make: bool = False, mode: int = 0o700
    ) -> Iterator[tuple[int, str]]:
        *folders, last = split_name(name)
        if make:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
        opened = os.open(self.root, FOLDER_FLAGS & ~os.O_NOFOLLOW)
        try:
            for folder in folders:
                if make:
                    _make_folder(folder, opened, mode)
                inner = os.open(folder, FOLDER_FLAGS, dir_fd=opened)
                os.close(opened)
                opened = inner
            yield opened, last
        finally:
            os.close(opened)

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as problem:
            raise MissingFileError(f"{self._path(name)} is not there") from problem
        except OSError as problem:
            raise StoreError(
                f"{self._path(name)}: {problem.strerror}", advice_for(problem.errno)
            ) from problem


def _stamped(name: str, at: os.stat_result) -> FileStamp:
    return name, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns


def _make_folder(name: str, parent: int, mode: int) -> None:
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        return
    os.fsync(parent)


def _files_in(folder: int | None) -> list[os.DirEntry[str]]:
    if folder is None:
        return []
    with os.scandir(folder) as entries:
        return [entry for entry in entries if entry.is_file(follow_symlinks=False)]


def _write_all(descriptor: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_all(descriptor: int) -> bytes:
    return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
