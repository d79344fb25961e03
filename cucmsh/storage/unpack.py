"""A tar from a stream into a folder of its own, and its files from there into place.

Only regular files are taken, under names that a store would take; nothing is followed.
The files lie in a folder below the root that they are for, so that each is put into
place by one rename. What could fail is done before: ``unpack``, then ``prepare``, which
syncs them together; then ``place``, which goes on where an earlier call was killed.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from cucmsh.errors import StoreError
from cucmsh.storage.store import MAX_DEPTH, advice_for, split_name

PIECE = 1 << 18  # bytes
FOLDER_MODE = 0o755


def unpack(stream: BinaryIO, folder: str, mode: int) -> int:
    """Unpack a tar into a new folder; gives the number of files.

    Args:
        stream: read from its start to its end, never sought.
        folder: absolute; what was there is removed.
        mode: of the files.

    Raises:
        StoreError: it holds other things than files, or a name that no file may have;
            the disk is full.
    """
    count = 0
    try:
        remove(folder)
        os.mkdir(folder, 0o700)
        made: set[str] = set()
        with tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as archive:
            for member in archive:
                _unpack_one(archive, member, (folder, mode), made)
                count += 1
    except tarfile.TarError as problem:
        raise StoreError(f"the set holds no tar: {problem}") from problem
    except OSError as problem:
        raise _told(folder, problem) from problem
    return count


def prepare(folder: str, root: str, kept: str) -> int:
    """See that each unpacked file can be put into place; those that are there go.

    Args:
        folder: what ``unpack`` filled, below ``root``.
        root: absolute; nothing in it is changed.
        kept: absolute; a new folder, which gets a copy of each file with other bytes
            that is to be replaced. None: no folder.

    Returns:
        How many files are left to be put into place.

    Raises:
        StoreError: something else than a file, or than a folder, is in the way; the
            disk is full.
    """
    remove(kept)
    count = 0
    try:
        for name in list(_names(folder)):
            source, target = os.path.join(folder, name), os.path.join(root, name)
            _require_folders(root, os.path.dirname(name))
            if os.path.lexists(target):
                if os.path.islink(target) or not os.path.isfile(target):
                    raise StoreError(f"{target} is no regular file", "Move it away.")
                if _is_same(source, target):
                    os.unlink(source)
                    continue
                _copy(target, os.path.join(kept, name))
            count += 1
        os.sync()  # one wait for all of them
    except OSError as problem:
        raise _told(folder, problem) from problem
    return count


def place(folder: str, root: str) -> None:
    """Move each unpacked file into place. May be called again after a kill.

    Args:
        folder: what ``prepare`` saw, below ``root``.
        root: absolute.

    Raises:
        StoreError: something is in the way; what is not in place stays in ``folder``.
    """
    try:
        for name in list(_names(folder)):
            _make_folders(root, os.path.dirname(name))
            os.replace(os.path.join(folder, name), os.path.join(root, name))
        os.sync()
    except OSError as problem:
        raise _told(folder, problem) from problem


def remove(folder: str) -> None:
    """Remove what ``unpack`` made, if there is any."""
    if os.path.islink(folder):
        raise StoreError(f"{folder} is a link", "Remove it.")
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _unpack_one(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    into: tuple[str, int],
    made: set[str],
) -> None:
    """Write one file; ``made`` are the folders below ours that are there."""
    folder, mode = into
    parts = split_name(member.name)
    file = archive.extractfile(member) if member.isreg() else None
    if file is None or len(parts) > MAX_DEPTH or parts[0].startswith("."):
        raise StoreError(f"{member.name!r} in the set is no file that may be restored")
    inside = "/".join(parts[:-1])
    if inside not in made:
        _make_folders(folder, inside)
        made.add(inside)
    path = os.path.join(folder, *parts)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, mode), "wb", buffering=0) as written:
        os.fchmod(written.fileno(), mode)
        while piece := file.read(PIECE):
            view = memoryview(piece)
            while view:
                view = view[written.write(view) :]


def _names(folder: str) -> Iterator[str]:
    for at, _, files in os.walk(folder):
        for name in sorted(files):
            yield os.path.relpath(os.path.join(at, name), folder)


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(source, "rb") as file, open(descriptor, "wb") as copied:
        shutil.copyfileobj(file, copied, PIECE)


def _make_folders(root: str, inside: str) -> None:
    """Make the folders on the way; follow no link below the root."""
    for path in _folders(root, inside):
        with suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
        _require_folder(path)


def _require_folders(root: str, inside: str) -> None:
    """Refuse anything else in their places; what is not there is made later."""
    for path in _folders(root, inside):
        if os.path.lexists(path):
            _require_folder(path)
            if not os.access(path, os.W_OK | os.X_OK):
                raise StoreError(f"{path} may not be written to", "Change its owner.")


def _folders(root: str, inside: str) -> Iterator[str]:
    path = root
    for part in filter(None, inside.split("/")):
        path = os.path.join(path, part)
        yield path


def _require_folder(path: str) -> None:
    if os.path.islink(path) or not os.path.isdir(path):
        raise StoreError(f"{path} is no folder", "Move it away.")


def _is_same(one: str, other: str) -> bool:
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as first, open(other, "rb") as second:
        while piece := first.read(PIECE):
            if piece != second.read(PIECE):
                return False
    return True


def _told(path: str, problem: OSError) -> StoreError:
    return StoreError(
        f"{problem.filename or path}: {problem.strerror}", advice_for(problem.errno)
    )
