"""Puts a log file aside when it is full, so that no line of any writer is lost.

Writers do not wait for one another, and may have opened the file before it was put
aside: their line is then in ``NAME.1``. Who finds that the file it wrote to was removed
meanwhile writes the line again (``log_line``).
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import NamedTuple


class Rotation(NamedTuple):
    """When a log is put aside, and how many earlier ones are kept.

    Attributes:
        size: bytes; a file is never longer, but for one line that is longer itself.
        files: earlier ones, ``NAME.1`` the youngest; at least one.
    """

    size: int
    files: int


def put_aside(descriptor: int, folder: int, name: str, count: int) -> bool:
    """Call the file ``NAME.1``, that one ``NAME.2`` and so on; the last one goes.

    Args:
        descriptor: of the file, as the caller opened it.
        folder: the descriptor of the folder that it is in.
        name: of the file.
        count: how many of those there may be.

    Returns:
        Whether another file is, or will be, there under the name. If not, somebody else
        is just about it, or there are no locks here.

    Raises:
        OSError: a file cannot be renamed.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go by close
    except OSError:
        return False
    with suppress(FileNotFoundError):
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if os.path.samestat(there, os.fstat(descriptor)):
            _rename_all(folder, name, count)
    return True


def _rename_all(folder: int, name: str, count: int) -> None:
    names = [name, *(f"{name}.{number}" for number in range(1, count + 1))]
    # A gap is what a kill left: those behind it stay where they are.
    gap = next((at for at, each in enumerate(names) if not _is_there(each, folder)), -1)
    last = gap if gap > 0 else count
    for at in range(last, 0, -1):
        os.rename(names[at - 1], names[at], src_dir_fd=folder, dst_dir_fd=folder)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
