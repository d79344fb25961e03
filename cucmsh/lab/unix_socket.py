"""The lab's Unix sockets: bound and connected to, however long their path is.

A name may have 107 bytes only, so the folder is named by a descriptor of it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager


def bound(path: str) -> socket.socket:
    """A stream socket at ``path``, its owner's alone (0600); it does not listen yet.

    One that is left over there is replaced.

    Raises:
        OSError: it cannot be bound.
    """
    with _short(path) as name:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # from its first moment
        try:
            _remove(name)
            listener.bind(name)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
    return listener


@contextmanager
def connected(path: str, seconds: float | None = None) -> Iterator[socket.socket]:
    """A connection to whoever listens at ``path``, for the body.

    Args:
        path: of the socket.
        seconds: for which each step may wait; None for no limit.

    Raises:
        OSError: nobody listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(seconds)
        with _short(path) as name:
            asking.connect(name)
        yield asking


@contextmanager
def _short(path: str) -> Iterator[str]:
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except FileNotFoundError:
        return
