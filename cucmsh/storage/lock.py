"""A lock (flock(2)) that the kernel frees as soon as its holder has ended, however.

It is taken on a folder that is never empty, not on a file: a lock file can be removed
during the hold, and then locks nobody out (docs/security.md T36). The file beside it is
information only: it says who holds the lock, and since when. A process number or the
presence of a file is never relied on.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from cucmsh.errors import BusyError, StoreError

RETRY_SECONDS = 0.05
NAMELESS_SECONDS = 1.0  # how long a holder may take to write its line
MAX_NOTE = 200  # bytes of what a holder says of itself
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NOTE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # nobody waits for a FIFO


@contextmanager
def held(
    folder: str,
    note: str,
    holder: str,
    wait_seconds: float = 0,
    wait_only_for: str = "",
) -> Iterator[None]:
    """Hold the lock on ``folder`` for the body.

    Args:
        folder: the folder that is locked; made 0700 if it is not there.
        note: path of the file that names the holder; made 0600. Whoever removes or
            fills it changes nothing but what the loser reads.
        holder: one line on who holds it and since when, for those who come second.
        wait_seconds: how long to wait for it; 0 gives up at once.
        wait_only_for: how the line of a holder begins that is waited for; another one
            is not. Empty: any holder is waited for.

    Raises:
        BusyError: somebody else holds it.
        StoreError: the folder cannot be locked.
    """
    deadline = monotonic() + wait_seconds
    try:
        _make(folder)
        descriptor = _lock(folder, 0)
        # Whoever took it just now, or is about to let it go, has no line there.
        moment = min(deadline, monotonic() + NAMELESS_SECONDS)
        while descriptor is None and not _read(note) and monotonic() < moment:
            descriptor = _lock(folder, min(moment, monotonic() + RETRY_SECONDS))
        if descriptor is None and _read(note).startswith(wait_only_for):
            descriptor = _lock(folder, deadline)
    except OSError as problem:
        raise StoreError(
            f"{folder} cannot be locked: {problem.strerror}",
            "Check that the folder is there and ours.",
        ) from problem
    if descriptor is None:
        raise BusyError(
            f"{_read(note) or 'another session'} is making a change on this node",
            "Try again when it is done.",
        )
    try:
        _write(note, holder)
        yield
    finally:
        try:
            _write(note, "")
        finally:  # a second Ctrl-C must not leave it locked
            os.close(descriptor)


def is_held(folder: str) -> bool:
    """Whether somebody holds the lock on that folder just now; waits for nobody."""
    try:
        descriptor = os.open(folder, FOLDER_FLAGS)
    except OSError:
        return False
    try:
        return not take(descriptor, 0)
    finally:
        os.close(descriptor)


def take(
    descriptor: int, wait_seconds: float, retry_seconds: float = RETRY_SECONDS
) -> bool:
    """Whether the open file could be locked within so many seconds; 0 tries once."""
    end = monotonic() + wait_seconds
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if monotonic() >= end:
            return False
        sleep(retry_seconds)


def _make(folder: str) -> None:
    """Make the folder if it is not there, 0700 whatever the umask is."""
    if not os.path.isdir(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)


def _lock(folder: str, deadline: float) -> int | None:
    while True:
        descriptor = os.open(folder, FOLDER_FLAGS)
        try:
            is_ours = take(descriptor, max(deadline - monotonic(), 0))
            if is_ours and os.path.samestat(os.fstat(descriptor), os.stat(folder)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not is_ours:
            return None
        # It was moved away and made anew while we waited: lock what is there now.


def _write(note: str, text: str) -> None:
    # A full disk, a folder in the way: the lock holds without the note too.
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOTE_FLAGS
        descriptor = os.open(note, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)  # whatever the umask is
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _read(note: str) -> str:
    with suppress(OSError):
        descriptor = os.open(note, os.O_RDONLY | NOTE_FLAGS)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.pread(descriptor, MAX_NOTE, 0).decode(errors="replace")
        finally:
            os.close(descriptor)
    return ""
