"""Temporary files of a local store, and whether their writers still live.

A writer holds a kernel lock on its temporary from its making to its renaming, so that
a sweeper can tell a living writer's from a dead one's without trusting a clock.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress

from cucmsh.errors import StoreError
from cucmsh.storage.store import split_name, temporary_for

# Without O_NONBLOCK, opening a FIFO that somebody planted would wait for ever.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_TRIES = 20  # of making a temporary that no sweeper takes for a dead writer's


def make_temporary(name: str, folder: int) -> tuple[str, int]:
    """A new file beside ``name``, open and locked, and its name.

    Args:
        name: of the file that it is to replace, relative to the store.
        folder: the descriptor of the folder that both are in.

    Raises:
        OSError: it cannot be made.
        StoreError: it was taken away each time.
    """
    for _ in range(MAX_TRIES):
        temporary = temporary_for(name)
        at = split_name(temporary)[-1]
        descriptor = os.open(at, WRITE_FLAGS, 0o600, dir_fd=folder)
        try:
            # A sweeper may come between the two calls: then it has the lock, or the
            # name is gone by now.
            if _lock(descriptor) and _is_there(at, folder, descriptor):
                return temporary, descriptor
        except OSError:
            return temporary, descriptor  # no locks here; then no sweeper gets one
        os.close(descriptor)
    raise StoreError(
        "a sweeper takes every temporary file", "Another session is busy; try again."
    )


def sweep_one(name: str, folder: int) -> bool:
    """Remove a temporary of that name unless its writer lives; whether it was."""
    with suppress(OSError):
        descriptor = os.open(name, READ_FLAGS, dir_fd=folder)
        try:
            if _lock(descriptor) and _is_there(name, folder, descriptor):
                os.unlink(name, dir_fd=folder)
                return True
        finally:
            os.close(descriptor)
    return False


def _lock(descriptor: int) -> bool:

    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_there(name: str, folder: int, descriptor: int) -> bool:
    """Whether the name still leads to the open file, and to a file at all."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.fstat(descriptor))
