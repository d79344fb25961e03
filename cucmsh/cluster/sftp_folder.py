"""What an SFTP server says of a folder: its files, its clock, its free space."""

from __future__ import annotations

import errno
import stat

from cucmsh.cluster import sftp_requests as ask
from cucmsh.cluster.sftp_session import Attributes, SftpSession
from cucmsh.errors import StoreError

MAX_ENTRIES = 20_000  # of one folder
MAX_NAME = 255  # bytes; no file system has longer ones
STATVFS = "statvfs@openssh.com"
STATVFS_NUMBERS, READ_ONLY = 11, 1


def files_in(
    session: SftpSession, path: str, where: str
) -> list[tuple[str, Attributes]]:
    """The regular files in the folder ``path``.

    Args:
        session: the channel.
        path: the folder there.
        where: the same for a message.

    Raises:
        StoreError: there are more than ``MAX_ENTRIES``: a liar must not fill us.
        OSError: the server refused.
    """
    handle = session.flight(ask.open_folder(path))[0].handle()
    found: list[tuple[str, Attributes]] = []
    count, more = 0, True
    while more:
        # Two at once: most folders fit into one answer, and the second says so.
        answers = session.flight(ask.read_folder(handle), ask.read_folder(handle))
        pages = [answer.entries() for answer in answers]
        more = all(pages)
        count += sum(map(len, pages))
        if count > MAX_ENTRIES:
            raise StoreError(
                f"{where} holds more than {MAX_ENTRIES} files",
                "Use a folder that is not shared with so many others.",
            )
        found += [
            (name, about)
            for name, about in pages[0] + pages[1]
            if stat.S_ISREG(about.mode) and "/" not in name and len(name) <= MAX_NAME
        ]
    session.flight(ask.close(handle))
    return found


def now(session: SftpSession, probe: str) -> int:
    """The server's clock, Unix time in seconds.

    It is the time of the file ``probe``, which is made for it and removed.

    Raises:
        OSError: the server refused.
    """
    handle = session.flight(ask.open_new(probe, 0o600))[0].handle()
    about, *done = session.flight(
        ask.fstat(handle), ask.close(handle), ask.remove(probe)
    )
    for answer in done:
        answer.check()
    return about.attributes().modified


def why_not(session: SftpSession, folder: str, size: int) -> int:
    """Why ``size`` bytes could not be written there: an error number, or 0.

    OpenSSH says "Failure" to a full disk; but it tells of free space when asked.

    Raises:
        OSError, EOFError: it tells of nothing.
    """
    about = session.flight(ask.extended(STATVFS, folder))[0].numbers(STATVFS_NUMBERS)
    unit, free, entries, flags = about[1], about[4], about[7], about[9]
    if flags & READ_ONLY:
        return errno.EROFS
    return errno.ENOSPC if unit * free < size or not entries else 0
