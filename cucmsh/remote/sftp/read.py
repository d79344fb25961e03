"""Whole files over SFTP, in as few round trips as the server allows.

The size that a server states only says how much is asked for at once: a file that is
not exactly so long is read again, piece by piece, to its end.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import suppress

from cucmsh.errors import StoreError
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp.session import BROKEN, Answer, Attributes, SftpSession
from cucmsh.storage.store import MAX_FILE_SIZE, PIECE, check_regular


def read_after_a_look(session: SftpSession, path: str, where: str) -> bytes:
    """Every byte of a regular file on a host that others use too.

    Args:
        session: the channel.
        path: the file there; a link is followed.
        where: the same for a message.

    Raises:
        StoreError: it is no regular file, or too large.
        OSError: the server refused.
    """
    about = Attributes(0, 0, 0)
    try:
        about = session.flight(ask.stat_of(path))[0].attributes()
    except FileNotFoundError:
        raise
    except OSError as problem:  # some servers do not let everybody look
        if problem.errno is None:
            raise
    if about.has_kind:
        check_regular(where, about.mode)  # opening a FIFO would hang it
    handle = session.flight(ask.open_to_read(path))[0].handle()
    return _read_open(session, handle, about.size, (path, where))


def read_at_once(session: SftpSession, path: str, where: str) -> Callable[[], bytes]:
    """As ``read_after_a_look``, on a node: look, open and read are sent at once.

    Calling the result gives the bytes. They are asked for before the file's
    handle is known, with the one that the server should take (``SftpSession.spare``);
    if it took another, they are asked for again. Where a FIFO lies, the server hangs in
    opening it, but has said before what it is: the channel is given up, and the server
    let go.

    Raises:
        StoreError, OSError: as ``read_after_a_look``; by the call.
    """
    about = Attributes(0, 0, 0)
    spare = session.spare

    def look(answer: Answer) -> None:
        nonlocal about
        with suppress(OSError):  # the answer to the open says it better
            about = answer.attributes()
            if about.has_kind:
                session.hangs_at = path
                check_regular(where, about.mode)
                session.hangs_at = ""

    guessed = (ask.read(spare, 0, PIECE), ask.close(spare)) if spare else ()
    flight = session.begin(
        ask.stat_of(path), ask.open_to_read(path), *guessed, look=look
    )

    def finish() -> bytes:
        try:
            _, opened, *rest = flight()
        except StoreError:
            session.close()
            raise
        handle = opened.handle()
        if not rest or handle != spare:
            return _read_open(session, handle, about.size, (path, where))
        raw = rest[0].data()
        if len(raw) == about.size < PIECE:
            return raw
        return read_to_the_end(session, path, where)

    return finish


def let_go(session: SftpSession, path: str) -> None:
    """Free a server that waits in a FIFO for somebody who writes into it.

    It would wait for ever, also when our connection has ended.
    """
    with suppress(OSError, *BROKEN):
        about = session.flight(ask.stat_of(path))[0].attributes()
        if stat.S_ISFIFO(about.mode):
            opened = session.flight(ask.open_to_write(path))[0]
            session.flight(ask.close(opened.handle()))


def read_to_the_end(session: SftpSession, path: str, where: str) -> bytes:
    """Every byte, however few the server gives at once."""
    handle = session.flight(ask.open_to_read(path))[0].handle()
    raw = b""
    try:
        while len(raw) <= MAX_FILE_SIZE:
            piece = session.flight(ask.read(handle, len(raw), PIECE))[0].data()
            if not piece:
                return raw
            raw += piece
        raise StoreError(
            f"{where} is larger than {MAX_FILE_SIZE} bytes",
            "It is no list and no key file; check the path.",
        )
    finally:
        with suppress(OSError, *BROKEN):
            session.flight(ask.close(handle))


def _read_open(
    session: SftpSession, handle: bytes, size: int, file: tuple[str, str]
) -> bytes:
    """Read and close; the read behind the last byte shows that it is the last."""
    size = min(size, MAX_FILE_SIZE)
    starts = [*range(0, size, PIECE), size]
    *answers, _ = session.flight(
        *(ask.read(handle, start, PIECE) for start in starts), ask.close(handle)
    )
    pieces = [answer.data() for answer in answers]
    raw = b"".join(pieces)
    if len(raw) == size and not pieces[-1]:
        return raw
    return read_to_the_end(session, *file)
