"""A store on this machine's disk. Follows no symbolic link below its root.

Every folder on the way is opened by its parent's descriptor without following links,
so that a swapped folder cannot lead elsewhere (threats-and-faults.md T12). Short
writes are continued, and what was written is read back before the rename: a full tmpfs
gave a short count, not an error, and cost a torn list (finding 1 there).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cucmsh.cluster.store import (
    MAX_FILE_SIZE,
    check_size,
    is_temporary,
    split_name,
    temporary_for,
)
from cucmsh.errors import MissingFileError, StoreError

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that somebody planted would wait for ever.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalStore:
    """Files below ``root``; see ``Store`` for the contract."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, name: str) -> bytes:
        with self._translated(name), self._folder(name) as (folder, last):
            descriptor = os.open(last, READ_FLAGS, dir_fd=folder)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise StoreError(f"{self._path(name)} is not a regular file")
                if found.st_size > MAX_FILE_SIZE:
                    raise StoreError(
                        f"{self._path(name)} has {found.st_size} bytes; "
                        f"at most {MAX_FILE_SIZE} are read"
                    )
                return _read_all(descriptor)
            finally:
                os.close(descriptor)

    def modified(self, name: str) -> float:
        """When the file was last written, Unix time in seconds."""
        with self._translated(name), self._folder(name) as (folder, last):
            return os.stat(last, dir_fd=folder, follow_symlinks=False).st_mtime

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        temporary = self.stage(name, raw, mode)
        try:
            self.commit(temporary, name)
        except BaseException:
            self.discard(temporary)  # the first error wins
            raise

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        check_size(self._path(name), raw)
        temporary = temporary_for(name)
        with self._translated(name), self._folder(temporary, make=True) as (folder, at):
            descriptor = os.open(at, WRITE_FLAGS, 0o600, dir_fd=folder)
            try:
                try:
                    os.fchmod(descriptor, mode)
                    _write_all(descriptor, raw)
                    os.fsync(descriptor)
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    if _read_all(descriptor) != raw:
                        raise StoreError(
                            f"{self._path(name)}: the disk gave back other bytes",
                            "Check the file system; the old file is unchanged.",
                        )
                finally:
                    os.close(descriptor)
            except BaseException:
                with suppress(OSError):  # the first error wins
                    os.unlink(at, dir_fd=folder)
                raise
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        with self._translated(name), self._folder(name) as (folder, last):
            at = split_name(temporary)[-1]
            os.rename(at, last, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def discard(self, temporary: str) -> None:
        with suppress(OSError), self._folder(temporary) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def append(self, name: str, line: str) -> None:
        """Add one line to a log file, made 0600 if it is new."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._translated(name), self._folder(name, make=True) as (folder, last):
            descriptor = os.open(last, flags, 0o600, dir_fd=folder)
            try:
                _write_all(descriptor, f"{line}\n".encode())
            finally:
                os.close(descriptor)

    def sweep(self, folder: str = "") -> int:  # noqa: ARG002
        return 0

    def remove(self, name: str) -> None:
        try:
            with self._translated(name), self._folder(name) as (folder, last):
                os.unlink(last, dir_fd=folder)
                os.fsync(folder)
        except MissingFileError:
            return

    def names(self, folder: str = "") -> list[str]:
        inside = f"{folder}/x" if folder else "x"
        try:
            with (
                self._translated(folder or "."),
                self._folder(inside) as (opened, _),
                os.scandir(opened) as entries,
            ):
                return sorted(
                    entry.name
                    for entry in entries
                    if entry.is_file(follow_symlinks=False)
                    and not is_temporary(entry.name)
                )
        except MissingFileError:
            return []

    def close(self) -> None:
        """Holds nothing open."""

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    @contextmanager
    def _folder(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        *folders, last = split_name(name)
        if make:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
        opened = os.open(self.root, FOLDER_FLAGS & ~os.O_NOFOLLOW)
        try:
            for folder in folders:
                if make:
                    _make_folder(folder, opened)
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
            raise StoreError(f"{self._path(name)}: {problem.strerror}") from problem


def _make_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    os.fsync(parent)


def _write_all(descriptor: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_all(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 1 << 16):
        pieces.append(piece)
    return b"".join(pieces)
