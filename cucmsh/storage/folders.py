"""Folders of a node: checked before anything is made, then made with their modes.

A folder of another account is refused.
"""

from __future__ import annotations

import os
import stat

from cucmsh.errors import RefusedError, StoreError
from cucmsh.storage.store import is_temporary


def entries(path: str) -> set[str] | None:
    """The names in a folder, without our temporary files; None without a folder.

    Raises:
        StoreError: it is no folder, or cannot be read.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise StoreError(
                f"{path} is not a folder", "Move it away; it was not touched."
            )
        return {name for name in os.listdir(path) if not is_temporary(name)}
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem


def require_own(path: str) -> None:
    """Refuse a folder that belongs to another account than the one that runs us."""
    try:
        owner = os.stat(path).st_uid
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem
    if owner != os.geteuid():
        raise RefusedError(
            f"{path} belongs to another account (user id {owner})",
            "Run this as that account: sudo -u ACCOUNT cucmsh ...",
        )


def require_place(path: str) -> None:
    """Refuse a folder that is not there and cannot be made, or cannot be written to.

    Raises:
        StoreError: names the folder on the way that keeps it from being made.
    """
    nearest = path
    while entries(nearest) is None:
        nearest = os.path.dirname(nearest)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StoreError(
            f"{nearest} cannot be written to by this account",
            f"Make {path} for it: install -d -o ACCOUNT {path}",
        )


def make(path: str, mode: int) -> None:
    """Make a folder, and those above it; one that is there stays as it is.

    The mode is exactly ``mode``, also where the umask is narrower: a TFTP service is
    another account. Never wider, from its first moment.
    """
    above = os.path.dirname(path)
    try:
        if not os.path.isdir(above):
            make(above, 0o755)
        os.mkdir(path, mode)
        os.chmod(path, mode)
        sync_folder(above)
    except FileExistsError:
        return
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem


def narrow(path: str, mode: int) -> None:
    """Take the permissions from a folder of ours that ``mode`` does not have."""
    try:
        os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode) & mode)
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem


def move(path: str, target: str) -> None:
    """Rename what is at ``path``; nothing there means that it was moved before.

    Raises:
        StoreError: it cannot be moved, or something is at ``target`` already.
    """
    try:
        if is_gone(path):
            return
        if not is_gone(target):
            raise StoreError(f"{target} is there already; {path} was not moved")
        os.rename(path, target)
        sync_folder(os.path.dirname(target))
        sync_folder(os.path.dirname(path))
    except OSError as problem:
        raise StoreError(
            f"{path} cannot be moved to {target}: {problem.strerror}"
        ) from problem


def is_gone(path: str) -> bool:
    """Whether nothing is there, not even a link; not if it cannot be looked at."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def sync_folder(folder: str) -> None:
    """Sync a folder, so that its names survive a crash of the machine.

    Raises:
        OSError: it is no folder, or cannot be synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
