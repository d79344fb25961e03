"""A lock that the kernel holds: free as soon as its holder is gone, however it went.

Never trusts a process number or the mere presence of a file (threats-and-faults.md
T36). The name in the file only tells the loser who is ahead.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from cucmsh.errors import BusyError, StoreError

RETRY_SECONDS = 0.05


@contextmanager
def held(path: str, holder: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock at ``path`` for the body.

    Args:
        path: the lock file; made 0600 if it is not there.
        holder: one line on who holds it, shown to those who come second.
        wait_seconds: how long to wait for it; 0 gives up at once.

    Raises:
        BusyError: somebody else holds it.
    """
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem
    try:
        _take(descriptor, monotonic() + wait_seconds)
        with suppress(OSError):  # a full disk: the lock holds without the name too
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            if monotonic() < deadline:
                sleep(RETRY_SECONDS)
                continue
            holder = os.pread(descriptor, 200, 0).decode(errors="replace")
            raise BusyError(
                f"{holder or 'another session'} is making a change on this node",
                "Try again when it is done.",
            ) from problem
        except OSError as problem:
            raise StoreError(f"the lock cannot be taken: {problem.strerror}") from (
                problem
            )
        return
