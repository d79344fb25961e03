"""What an SFTP server says of a folder: its files, its clock, its free space."""

from __future__ import annotations

import errno
import stat

from cucmsh.errors import StoreError
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp.session import BROKEN, Answer, Attributes, SftpSession

MAX_ENTRIES = 20_000  # of one folder
MAX_NAME = 255  # bytes; no file system has longer ones
STATVFS = "statvfs@openssh.com"
STATVFS_NUMBERS, READ_ONLY = 11, 1


def files_in(
    session: SftpSession, path: str, where: str
) -> list[tuple[str, Attributes]]:
    """The regular files in the folder ``path``, and entries without a file type.

    Args:
        session: the channel.
        path: the folder there.
        where: the same for a message.

    Raises:
        StoreError: there are more than ``MAX_ENTRIES``: a liar must not fill us.
        OSError: the server refused.
    """
    return regular_files(entries_in(session, path, where))


def entries_in(
    session: SftpSession, path: str, where: str
) -> list[tuple[str, Attributes]]:
    """All entries of the folder ``path`` with a name that can be; see ``files_in``."""
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
        found += [entry for page in pages for entry in page if _is_name(entry[0])]
    session.flight(ask.close(handle))
    return found


def regular_files(
    entries: list[tuple[str, Attributes]],
) -> list[tuple[str, Attributes]]:
    """The entries that are regular files, or may be, with a name that can be.

    A server that gives no types must not make us believe that nothing is there.
    """
    return [
        (name, about) for name, about in entries if about.may_be_file and _is_name(name)
    ]


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and len(name) <= MAX_NAME


def make_folders(
    session: SftpSession, place: tuple[str, str], mode: int, host: str
) -> None:
    """Make the folders on the way: ``place`` is the root, and the name below it.

    Raises:
        StoreError: something else is there.
        OSError: the server refused.
    """
    root, parts = place[0], place[1].split("/")
    for count in range(1, len(parts) + 1):
        _make_folder(session, "/".join((root, *parts[:count])), mode, host)


def _make_folder(session: SftpSession, path: str, mode: int, host: str) -> None:
    try:
        found = session.flight(ask.lstat(path))[0].attributes()
    except FileNotFoundError:
        session.flight(ask.make_folder(path, mode))[0].check()
        return
    if found.has_kind and not stat.S_ISDIR(found.mode):
        raise StoreError(
            f"{path} on {host} is not a folder", "Move it away; it was not touched."
        )


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

    OpenSSH says "Failure" to a full disk, but tells of free space when asked. Whoever
    tells nothing gives 0.
    """
    try:
        answer = session.flight(ask.extended(STATVFS, folder))[0]
        about = answer.numbers(STATVFS_NUMBERS)
    except (OSError, *BROKEN):
        return 0
    unit, free, entries, flags = about[1], about[4], about[7], about[9]
    if flags & READ_ONLY:
        return errno.EROFS
    return errno.ENOSPC if unit * free < size or not entries else 0


def remove_all(session: SftpSession, paths: list[str]) -> int:
    """Remove the files there; says how many were."""
    answers = session.flight(*(ask.remove(path) for path in paths))
    return sum(_is_done(answer) for answer in answers)


def _is_done(answer: Answer) -> bool:
    try:
        answer.check()
    except (OSError, EOFError):
        return False  # another sweeper was quicker
    return True
