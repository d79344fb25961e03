"""Files of any size in a directory of an SFTP server, written and read in pieces.

For backup sets. Many requests are under way at once, since a round trip a piece would
be most of the time; memory holds what is under way and no more. What was written counts
when it was read back, which is for the caller.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
    StoreError,
)
from cucmsh.remote import deadline
from cucmsh.remote.deadline import within
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp.folder import STATVFS, entries_in, regular_files, why_not
from cucmsh.remote.sftp.session import (
    BROKEN,
    Answer,
    SftpSession,
    session_of,
)
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage.store import PIECE, advice_for, check_regular

BATCH = 8  # pieces in one flight
UNDER_WAY = 8  # flights: 2 MiB are on their way at once
FSYNC = "fsync@openssh.com"
MODE = 0o600

Collect = Callable[[], list[Answer]]
Told = Callable[[str], AbstractContextManager[None]]


class SftpFolder:
    """One directory on a server; see ``services.backends.RemoteFolder``.

    Args:
        connection: logged in.
        directory: as the person named it.

    Raises:
        ConnectionFailedError: the host offers no SFTP.
    """

    def __init__(self, connection: SshConnection, directory: str) -> None:
        self._connection = connection
        self._host = connection.host
        self._directory = directory
        self._session = session_of(connection)

    def sizes(self) -> dict[str, int]:
        """The regular files there, and their sizes in bytes.

        Raises:
            MissingFileError: there is no such directory.
            StoreError: it cannot be listed.
        """
        folder = self._directory or "."
        with self._told("list", folder):
            where = f"{folder} on {self._host}"
            entries = entries_in(self._session, folder, where)
        return {name: about.size for name, about in regular_files(entries)}

    def remove(self, name: str) -> None:
        """Remove the file; one that is not there is no error."""
        path = self._path(name)
        with suppress(MissingFileError), self._told("remove", path):
            self._session.flight(ask.remove(path))[0].check()

    @contextmanager
    def writing(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A new file, for its owner alone: the body calls what it is given with bytes.

        What the body raises ends it, and the half file is removed as far as the server
        still answers.

        Raises:
            StoreError: there is one of that name; the server's disk is full.
            ConnectionFailedError: the connection broke.
        """
        path = self._path(name)
        with self._told("create", path):
            request = ask.create_to_write(path, MODE)
            handle = self._session.flight(request)[0].handle()
        writer = _Writer(self._session, handle, lambda what: self._told(what, path))
        try:
            yield writer.take
            writer.finish()
        except BaseException:
            with suppress(CucmshError):
                self._session = session_of(self._connection)
                self.remove(name)
            raise

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a file from its start.

        Raises:
            MissingFileError: it is not there.
            StoreError: it is no regular file, or the server does not let it be read.
        """
        path = self._path(name)
        with self._told("read", path):
            looked, opened = self._session.flight(
                ask.stat_of(path), ask.open_to_read(path)
            )
            size = 0
            with suppress(OSError):  # some servers let nobody look
                about = looked.attributes()
                size = about.size
                if about.has_kind:
                    check_regular(f"{path} on {self._host}", about.mode)
            handle = opened.handle()
        try:
            yield from self._read(path, handle, size)
        finally:
            if self._session.is_open:
                with suppress(CucmshError), self._told("close", path):
                    self._session.flight(ask.close(handle))

    def _read(self, path: str, handle: bytes, size: int) -> Iterator[bytes]:
        """To the end, which is where nothing comes; ``size`` is a hint only."""
        waiting: deque[tuple[int, Collect]] = deque()
        asked = at = 0
        is_ended = False
        while waiting or not is_ended:
            while len(waiting) < UNDER_WAY and not is_ended:
                if waiting and asked > size:
                    break  # one look behind what the server says is the end
                starts = range(asked, asked + BATCH * PIECE, PIECE)
                with self._told("read", path):
                    requests = [ask.read(handle, start, PIECE) for start in starts]
                    waiting.append((asked, self._session.begin(*requests)))
                asked = starts[-1] + PIECE
            start, collect = waiting.popleft()
            with self._told("read", path):
                found = [answer.data() for answer in collect()]
            for place, piece in zip(range(start, asked, PIECE), found, strict=False):
                if not piece:
                    is_ended = True
                    continue
                # A server may give fewer at once than were asked for: its next pieces
                # do not join on.
                if place != at:
                    raise StoreError(
                        f"{self._host} gives {path} in other pieces than asked for",
                        "Use a server that gives 32 KiB at once, as SFTP demands.",
                    )
                yield piece
                at += len(piece)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    @contextmanager
    def _told(self, what: str, path: str) -> Iterator[None]:
        """The body in time; its errors are ours."""
        seconds = deadline.OPERATION_SECONDS
        late = NoAnswerError(f"{self._host} did not answer in {seconds:.0f} seconds")
        try:
            with within(seconds, self._connection.close, late):
                yield
        except BROKEN as problem:
            raise self._broke(problem) from problem
        except OSError as problem:
            if problem.errno is None:  # paramiko's: the channel is closed
                raise self._broke(problem) from problem
            raise self._refused(what, path, problem) from problem

    def _broke(self, problem: Exception) -> ConnectionFailedError:
        self._session.close()
        reason = f": {problem}" if str(problem) else ""
        return ConnectionFailedError(f"the connection to {self._host} broke{reason}")

    def _refused(self, what: str, path: str, problem: OSError) -> StoreError:
        said = f"{self._host} refused to {what} {path}"
        if isinstance(problem, FileNotFoundError):
            return MissingFileError(f"{said}: no such file or directory")
        number, why = problem.errno, problem.strerror
        if number == errno.EIO and STATVFS in self._session.extensions:
            with suppress(OSError, *BROKEN):
                folder = self._directory or "."
                found = why_not(self._session, folder, BATCH * PIECE)
                number, why = (found, os.strerror(found)) if found else (number, why)
        advice = "Look at the account's rights and quota there."
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            advice = advice_for(number)
        return StoreError(f"{said}: {why}", advice)


class _Writer:
    """Sends pieces as they come; every answer is looked at."""

    def __init__(self, session: SftpSession, handle: bytes, told: Told) -> None:
        self._session = session
        self._handle = handle
        self._told = told
        self._kept: list[bytes] = []  # what makes no whole batch yet
        self._size = 0  # of that
        self._at = 0
        self._waiting: deque[Collect] = deque()

    def take(self, raw: bytes) -> None:
        self._kept.append(raw)
        self._size += len(raw)
        whole = BATCH * PIECE
        if self._size >= whole:
            kept = b"".join(self._kept)
            for at in range(0, len(kept) - whole + 1, whole):
                self._send(kept[at : at + whole])
            rest = kept[len(kept) // whole * whole :]
            self._kept, self._size = [rest], len(rest)

    def finish(self) -> None:
        """Send the rest, see every answer, sync and close."""
        if self._size:
            self._send(b"".join(self._kept))
        while self._waiting:
            self._collect()
        with self._told("close"):
            synced = []
            if FSYNC in self._session.extensions:
                synced = self._session.flight(ask.extended(FSYNC, self._handle))
            (closed,) = self._session.flight(ask.close(self._handle))
            for answer in synced:
                answer.check_unless_barred()
            closed.check()

    def _send(self, raw: bytes) -> None:
        requests = [
            ask.write(self._handle, self._at + at, raw[at : at + PIECE])
            for at in range(0, len(raw), PIECE)
        ]
        self._at += len(raw)
        if len(self._waiting) >= UNDER_WAY:
            self._collect()
        with self._told("write"):
            self._waiting.append(self._session.begin(*requests))

    def _collect(self) -> None:
        with self._told("write"):
            for answer in self._waiting.popleft()():
                answer.check()
