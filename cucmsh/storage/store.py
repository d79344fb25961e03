"""The protocol of a store: whole files below one folder.

Invariant (docs/security.md I1): whoever reads a file gets the bytes of one
complete ``write``, the old ones or the new ones, whatever happens to the writer. Every
implementation passes ``tests/storage/test_store_contract.py``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from cucmsh.errors import StoreError
from cucmsh.layout import TEMPORARY_PREFIX, TEMPORARY_SUFFIX

SECRET_BYTES = 8
FOLDER_MODE = 0o755  # of folders that a TFTP service is to read
PIECE = 32 * 1024  # bytes; what every SFTP server must give or take in one request
MAX_DEPTH = 16  # folders in folders; phones ask for three at most
MAX_FOLDERS = 2_000  # below one root
MAX_FILE_SIZE = 1 << 20  # bytes; lists and keys are small, and a liar must not fill us


class Listed(NamedTuple):
    """What a listing says of a file: bytes, and when it was written (Unix time)."""

    size: int
    modified: int


class Store(Protocol):
    """Files by names such as ``security/TVS/TVS.pem``, relative, with ``/``.

    A store is not closed: one on another host ends with its link, whose owner closes
    that. What was staged and not put in place is for ``sweep``.
    """

    def read(self, name: str) -> bytes:
        """All bytes of a regular file.

        Raises:
            MissingFileError: it is not there.
            StoreError: it is no regular file, too large, or cannot be read.
        """

    def start_read(self, name: str) -> Callable[[], bytes]:
        """Ask for the file; the call of what comes back is ``read``.

        Several may be begun before the first is waited for: over a network they share
        a round trip.
        """

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        """Replace the file atomically.

        Exclusive temporary name in the same folder, all bytes, sync, read back,
        compare, rename, sync the folder.

        Raises:
            StoreError: the old file is still whole (or the new one is, if only syncing
                the folder failed), and no temporary file is left. Refused before
                anything is touched: more than ``MAX_FILE_SIZE`` bytes, and a link, a
                folder or a FIFO in the file's place.
            ConnectionFailedError: one of the two is there, whole. Writing again is
                safe; what is left of the first attempt is for ``sweep``.
        """

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        """The first half of ``write``: all but the rename.

        Returns:
            The temporary's name, for ``commit`` or ``discard``.

        Raises:
            StoreError: nothing is left of it.
        """

    def stage_swept(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        """``stage``, and ``sweep`` of the file's folder, in no more round trips.

        Raises:
            StoreError: nothing is left of it.
        """

    def commit(self, temporary: str, name: str) -> None:
        """The second half of ``write``: put what was staged in the file's place.

        Raises:
            StoreError: the old file is still whole; the temporary is still there.
            ConnectionFailedError: the answer was lost, so that the old file or the new
                one is there, whole. A second ``commit`` then either does it or says
                MissingFileError: it was done.
        """

    def discard(self, temporary: str) -> None:
        """Remove what was staged, if it can be removed. Raises nothing."""

    def remove(self, name: str) -> None:
        """Remove the file; one that is not there is no error."""

    def names(self, folder: str = "") -> list[str]:
        """The sorted names of the regular files in ``folder``; none if it is missing.

        Temporary files of ``write`` are left out.
        """

    def sweep(self, folder: str = "") -> int:
        """Remove temporaries that a writer left when it died; says how many.

        A living writer's are left alone, and whatever has not exactly a temporary's
        name, and links.
        """

    def listing(self, folder: str = "") -> dict[str, Listed]:
        """The names of ``names``, with size and time of each file; reads no file."""

    def tree(self) -> dict[str, Listed]:
        """All regular files below the root by name, hidden ones and their folders not.

        Follows no link. Nothing if the root is missing.

        Raises:
            StoreError: a folder cannot be read, lies deeper than ``MAX_DEPTH``, or
                there are more than ``MAX_FOLDERS``.
        """

    def clock(self) -> int:
        """The clock of the machine that the files lie on, Unix time in seconds.

        It is the time of a file that is made for it and removed: so this tells, too,
        whether files can be written there.

        Raises:
            StoreError: they cannot.
        """

    def make_folder(self, folder: str, mode: int = FOLDER_MODE) -> None:
        """Make the folder, and those on the way to it; what is there keeps its mode.

        Raises:
            StoreError: something else is there.
        """


class OneByOne:
    """``Store.stage_swept`` and ``start_read`` by plain verbs, one after the other.

    Right where there are no round trips to be saved.
    """

    def start_read(self: Store, name: str) -> Callable[[], bytes]:
        return lambda: self.read(name)

    def stage_swept(self: Store, name: str, raw: bytes, mode: int = 0o600) -> str:
        self.sweep(folder_of(name))
        return self.stage(name, raw, mode)


def walk(
    look: Callable[[str], tuple[dict[str, Listed], Iterable[str]]],
) -> dict[str, Listed]:
    """``Store.tree`` by ``look``, which gives the files and folders in one folder.

    Raises:
        StoreError: too deep, or too many folders.
    """
    found: dict[str, Listed] = {}
    folders, count = [""], 0
    while folders:
        folder = folders.pop()
        inside = f"{folder}/" if folder else ""
        count += 1
        if count > MAX_FOLDERS or folder.count("/") >= MAX_DEPTH:
            raise StoreError(
                f"there are more than {MAX_FOLDERS} folders, or {MAX_DEPTH} in each "
                "other",
                "Use a folder that is for phones alone.",
            )
        files, inner = look(folder)
        found |= {
            f"{inside}{name}": at
            for name, at in files.items()
            if not name.startswith(".")
        }
        folders += [f"{inside}{name}" for name in inner if not name.startswith(".")]
    return found


def folder_of(name: str) -> str:
    """The folder of the file of that name; empty for the root."""
    return "/".join(split_name(name)[:-1])


def write_in_halves(store: Store, name: str, raw: bytes, mode: int) -> None:
    """``Store.write`` by its halves; the first error wins."""
    temporary = store.stage(name, raw, mode)
    try:
        store.commit(temporary, name)
    except BaseException:
        store.discard(temporary)
        raise


def split_name(name: str) -> list[str]:
    """The parts of a name.

    Raises:
        StoreError: absolute, climbing, empty or unprintable names.
    """
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts):
        raise StoreError(f"{name!r} is not a file name below the folder")
    if not name.isprintable():
        raise StoreError(f"{name!r} holds characters that no file name may hold")
    return parts


def check_size(path: str, raw: bytes) -> None:
    """Refuse to write what no store would read back."""
    if len(raw) > MAX_FILE_SIZE:
        raise StoreError(
            f"{path}: {len(raw)} bytes are too many; a file has at most {MAX_FILE_SIZE}"
        )


def temporary_for(name: str) -> str:
    """An unpredictable name beside ``name``, so that nobody can lie in wait there."""
    *folders, _ = split_name(name)
    secret = os.urandom(SECRET_BYTES).hex()
    return "/".join([*folders, f"{TEMPORARY_PREFIX}{secret}{TEMPORARY_SUFFIX}"])


def is_temporary(name: str) -> bool:
    """Whether it is exactly such a name as ``temporary_for`` makes."""
    secret = name.removeprefix(TEMPORARY_PREFIX).removesuffix(TEMPORARY_SUFFIX)
    return name == f"{TEMPORARY_PREFIX}{secret}{TEMPORARY_SUFFIX}" and (
        len(secret) == 2 * SECRET_BYTES and set(secret) <= set("0123456789abcdef")
    )


def check_regular(path: str, mode: int) -> None:
    """Refuse to replace what is no regular file.

    Raises:
        StoreError: says what it is; it was not touched.
    """
    if not stat.S_ISREG(mode):
        raise StoreError(
            f"{path} is {_kind_of(mode)}, not a regular file",
            "Move it away and run the command again; it was not touched.",
        )


def advice_for(number: int | None) -> str:
    """What to do about a system error; the old file is as it was."""
    match number:
        case errno.ENOSPC | errno.EDQUOT:
            return "Free some space there and run the command again."
        case errno.EROFS:
            return "Mount the file system for writing and run the command again."
        case errno.EACCES | errno.EPERM:
            return (
                "Check who owns the folder and its mode, and with lsattr whether it "
                "or the file is immutable."
            )
        case errno.ENOENT | errno.ENOTDIR | errno.ELOOP:
            return "Check the path: every folder on it must be there, and no link."
    return "The old file is unchanged; check that disk."


def _kind_of(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
