"""Appends one line to a log file by one write; a line cut off is ended by the next.

What a line holds cannot end it, nor look like another one (docs/security.md T13).
"""

from __future__ import annotations

import errno
import os
import stat

from cucmsh.storage.rotation import Rotation, put_aside

# O_NONBLOCK: opening a FIFO that somebody planted would wait for ever.
LOG_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
LOG_FLAGS |= os.O_NONBLOCK | os.O_CLOEXEC
LEAST_ROOM = 1 << 16  # bytes: less is a full disk


def append_line(
    line: str, folder: int, name: str, rotation: Rotation | None = None
) -> None:
    """Add a line to a log file, made 0600 if it is new.

    Characters that cannot be shown become escapes. A line that a full disk cut off
    earlier is ended first; so may be one that somebody else is just writing, which
    leaves an empty line and no other harm. What root makes belongs to the one whose
    folder it is in, who could not go on with it otherwise.

    Args:
        line: without its end.
        folder: the descriptor of the folder that it is in.
        name: of the file.
        rotation: when it is put aside; None for never.

    Raises:
        OSError: not, or not all of it, was written.
    """
    if not line.isprintable():
        shown = (char if char.isprintable() else ascii(char)[1:-1] for char in line)
        line = "".join(shown)
    while not _appended(f"{line}\n".encode(), folder, name, rotation):
        pass


def require_room(folder: int, name: str) -> None:
    """Go on only if a line could be added to that file, or to one in that folder.

    Raises:
        OSError: it could not, or the file is not there.
    """
    at = folder if folder >= 0 else None
    flags = (LOG_FLAGS & ~os.O_CREAT) if folder >= 0 else os.O_RDONLY | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=at)
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        if is_folder and not os.access(name, os.W_OK | os.X_OK, dir_fd=at):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        free = os.fstatvfs(descriptor)
        if free.f_bavail * free.f_frsize < LEAST_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _appended(raw: bytes, folder: int, name: str, rotation: Rotation | None) -> bool:
    """Whether it was written, to a file that is still there; else there is another."""
    descriptor = os.open(name, LOG_FLAGS, 0o600, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if (
            rotation
            and 0 < found.st_size > rotation.size - len(raw)
            and put_aside(descriptor, folder, name, rotation.files)
        ):
            return False
        if os.geteuid() == 0 and found.st_uid == 0 and found.st_size == 0:
            _give(descriptor, folder)
        _write(descriptor, raw, found.st_size)
        return rotation is None or os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def _write(descriptor: int, raw: bytes, size: int) -> None:
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        raw = b"\n" + raw
    if os.write(descriptor, raw) != len(raw):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _give(descriptor: int, folder: int) -> None:
    """Give a new file of root's, and its folder, to the owner of the folder above."""
    owner = os.stat("..", dir_fd=folder)
    for each in (folder, descriptor):
        os.fchown(each, owner.st_uid, owner.st_gid)
