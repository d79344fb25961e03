"""One line more in a log file: one write, whole or known to be cut off.

What a line holds cannot end it, nor look like another one (threats-and-faults.md T13).
"""

from __future__ import annotations

import errno
import os
import stat

# O_NONBLOCK: opening a FIFO that somebody planted would wait for ever.
LOG_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
LOG_FLAGS |= os.O_NONBLOCK | os.O_CLOEXEC


def append_line(descriptor: int, line: str, folder: int) -> None:
    """Add a line to the file that was opened with ``LOG_FLAGS``.

    Characters that cannot be shown become escapes. A line that a full disk cut off
    earlier is ended first; so may be one that somebody else is just writing, which
    leaves an empty line and no other harm. What root makes belongs to the one whose
    folder it is in, who could not go on with it otherwise.

    Args:
        descriptor: the file.
        line: without its end.
        folder: the descriptor of the folder that it is in.

    Raises:
        OSError: not, or not all of it, was written.
    """
    shown = (char if char.isprintable() else ascii(char)[1:-1] for char in line)
    raw = f"{''.join(shown)}\n".encode()
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    _give(descriptor, found, folder)
    size = found.st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        raw = b"\n" + raw
    if os.write(descriptor, raw) != len(raw):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _give(descriptor: int, found: os.stat_result, folder: int) -> None:
    """Give a file of root to the owner of the folder above its own."""
    if os.geteuid() != 0 or found.st_uid != 0:
        return
    owner = os.stat("..", dir_fd=folder)
    for each in (folder, descriptor):
        os.fchown(each, owner.st_uid, owner.st_gid)
