"""A store on another host, over SFTP.

An upload cannot lie: an unpredictable name made exclusively, every write's own answer,
a sync by the server, the bytes read back and compared, and only then a rename. That is
three round trips, since requests that follow from each other travel together. A
pipelined upload to a full disk raised nothing in paramiko's hands and left no bytes;
here every answer is looked at (findings 2 and 8 of threats-and-faults.md).

The sync of the folder is the server's business: SFTP has no word for it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cucmsh.cluster import deadline
from cucmsh.cluster import sftp_requests as ask
from cucmsh.cluster.deadline import within
from cucmsh.cluster.sftp_folder import (
    files_in,
    make_folders,
    now,
    remove_all,
    why_not,
)
from cucmsh.cluster.sftp_session import BROKEN, Answer, Attributes, SftpSession
from cucmsh.cluster.ssh import SshConnection
from cucmsh.cluster.store import (
    MAX_FILE_SIZE,
    Listed,
    advice_for,
    check_regular,
    check_size,
    is_temporary,
    split_name,
    temporary_for,
    write_in_halves,
)
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
    StoreError,
)

PIECE = 32 * 1024  # bytes; what every server must take in one request
FOREIGN_AGE_SECONDS = 3600  # on a shared server a younger temporary may be in use
FOR_EVER = float("inf")
POSIX_RENAME, FSYNC = "posix-rename@openssh.com", "fsync@openssh.com"


class SftpStore:
    """Files below ``root`` on the connected host; see ``Store`` for the contract.

    All stores on one connection share its SFTP channel.

    Args:
        connection: logged in.
        root: a folder there.
        sweep_age_seconds: how old, by the server's own clock, a temporary is that
            ``sweep`` removes. As a rule: any on a node, whose writer holds the
            publisher's lock; an hour on a host that others use too.

    Raises:
        ConnectionFailedError: the host offers no SFTP.
    """

    def __init__(
        self,
        connection: SshConnection,
        root: str,
        sweep_age_seconds: float | None = None,
    ) -> None:
        self._host = connection.host
        self._root = root
        self._hang_up = connection.close
        if sweep_age_seconds is None:
            sweep_age_seconds = 0 if connection.is_node else FOREIGN_AGE_SECONDS
        self._age = sweep_age_seconds
        session = connection.files
        if not isinstance(session, SftpSession) or not session.is_open:
            connection.files = session = SftpSession(connection)
        self._session = session

    def read(self, name: str) -> bytes:
        path = self._path(name)
        with self._translated(path):
            found = self._one(ask.stat_of(path)).attributes()
            check_regular(f"{path} on {self._host}", found.mode)  # a FIFO would hang it
            return self._read_all(path, found.size)

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        write_in_halves(self, name, raw, mode)

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        path, staged = self._path(name), temporary_for(name)
        temporary = self._path(staged)
        check_size(path, raw)
        with self._translated(path):
            target, opened = self._session.flight(
                ask.lstat(path), ask.open_new(temporary, 0o600)
            )
            try:
                self._check_target(path, target)
                back = self._fill(opened.handle(), raw, mode)
                self._compare(back, raw, temporary, path)
            except BaseException as problem:
                reason = self._explained(problem, path, len(raw))
                self._undo(opened, temporary)
                raise reason from problem
        return staged

    def commit(self, temporary: str, name: str) -> None:
        path, staged = self._path(name), self._path(temporary)
        with self._translated(path):
            try:
                self._one(ask.extended(POSIX_RENAME, staged, path)).check()
            except FileNotFoundError as problem:
                raise MissingFileError(
                    f"{staged} is not there on {self._host}",
                    "It may have been put in place already; read the file back.",
                ) from problem
            except OSError as problem:
                self._check_target(path, self._one(ask.lstat(path)))
                if problem.errno != errno.EOPNOTSUPP:
                    raise
                self._one(ask.rename_new(staged, path)).check()

    def discard(self, temporary: str) -> None:
        with suppress(CucmshError), self._translated(temporary):
            self._one(ask.remove(self._path(temporary))).check()

    def remove(self, name: str) -> None:
        path = self._path(name)
        with suppress(MissingFileError), self._translated(path):
            self._one(ask.remove(path)).check()

    def names(self, folder: str = "") -> list[str]:
        return sorted(self.listing(folder))

    def listing(self, folder: str = "") -> dict[str, Listed]:
        return {
            name: Listed(found.size, found.modified)
            for name, found in self._files(folder)
            if not is_temporary(name)
        }

    def make_folder(self, folder: str) -> None:
        with self._translated(self._path(folder)):
            make_folders(self._session, self._root, split_name(folder), self._host)

    def sweep(self, folder: str = "") -> int:
        left = [entry for entry in self._files(folder) if is_temporary(entry[0])]
        if not left:
            return 0
        inside = f"{folder}/" if folder else ""
        with self._translated(self._path(f"{inside}{left[0][0]}")):
            probe = self._path(temporary_for(f"{inside}clock"))
            end = now(self._session, probe) - self._age if self._age else FOR_EVER
            old = [name for name, found in left if found.modified <= end]
            paths = [self._path(f"{inside}{name}") for name in old]
            return remove_all(self._session, paths)

    def close(self) -> None:
        """The connection's other stores go on; its owner closes it."""

    def _path(self, name: str) -> str:
        return os.path.join(self._root, *split_name(name))

    def _one(self, request: ask.Request) -> Answer:
        return self._session.flight(request)[0]

    def _fill(self, handle: bytes, raw: bytes, mode: int) -> bytes:
        """Write, sync, read back and close in one flight; gives what was read."""
        starts = range(0, len(raw), PIECE)
        writes = [ask.write(handle, at, raw[at : at + PIECE]) for at in starts]
        # The mode of the open went through the server's umask.
        writes.append(ask.chmod(handle, mode))
        reads = [ask.read(handle, at, PIECE) for at in (*starts, len(raw))]
        answers = self._session.flight(
            *writes, ask.extended(FSYNC, handle), *reads, ask.close(handle)
        )
        written, synced = answers[: len(writes)], answers[len(writes)]
        for answer in written:
            answer.check()
        # Other servers may not have OpenSSH's sync; then reading is all the proof.
        synced.check_if_supported()
        back = b"".join(answer.data() for answer in answers[len(writes) + 1 : -1])
        answers[-1].check()
        return back

    def _compare(self, back: bytes, raw: bytes, temporary: str, path: str) -> None:
        # A server may give fewer bytes at once than were asked for: read again then.
        if back != raw and self._read_all(temporary, len(raw)) != raw:
            raise StoreError(
                f"{self._host} gave back other bytes for {path}",
                "Its disk may be full or broken; the old file is unchanged.",
            )

    def _undo(self, opened: Answer, temporary: str) -> None:
        with suppress(OSError, *BROKEN):
            handle = opened.handle()
            self._session.flight(ask.close(handle), ask.remove(temporary))

    def _explained(self, problem: BaseException, path: str, size: int) -> BaseException:
        """The same error, or why the server "failed": it does not tell by itself."""
        if not isinstance(problem, OSError):
            return problem
        if problem.errno == errno.ENOENT:
            return MissingFileError(
                f"{path} on {self._host}: its folder is not there",
                "Make the folder there, or correct the path.",
            )
        if problem.errno != errno.EIO:
            return problem
        folder = os.path.dirname(path) or "."
        number = why_not(self._session, folder, size + PIECE)
        return OSError(number, os.strerror(number)) if number else problem

    def _check_target(self, path: str, answer: Answer) -> None:
        with suppress(FileNotFoundError):
            check_regular(f"{path} on {self._host}", answer.attributes().mode)

    def _read_all(self, path: str, size: int) -> bytes:
        """Every byte; ``size`` is a guess that saves round trips, and not believed."""
        handle = self._one(ask.open_to_read(path)).handle()
        try:
            starts = range(0, min(size, MAX_FILE_SIZE) + 1, PIECE)
            flight = self._session.flight(
                *(ask.read(handle, at, PIECE) for at in starts)
            )
            pieces = [answer.data() for answer in flight]
            whole = all(len(piece) == PIECE for piece in pieces[:-1])
            raw = b"".join(pieces) if whole else pieces[0]
            while len(raw) <= MAX_FILE_SIZE:
                piece = self._one(ask.read(handle, len(raw), PIECE)).data()
                if not piece:
                    return raw
                raw += piece
            raise StoreError(
                f"{path} on {self._host} is larger than {MAX_FILE_SIZE} bytes",
                "It is no list and no key file; check the path.",
            )
        finally:
            with suppress(OSError, *BROKEN):
                self._one(ask.close(handle))

    def _files(self, folder: str) -> list[tuple[str, Attributes]]:
        """The regular files in a folder, temporary ones too; none if it is missing."""
        path = self._path(folder) if folder else self._root
        with suppress(MissingFileError), self._translated(path):
            return files_in(self._session, path, f"{path} on {self._host}")
        return []

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        seconds = deadline.OPERATION_SECONDS
        late = NoAnswerError(f"{self._host} did not answer in {seconds:.0f} seconds")
        try:
            with within(seconds, self._hang_up, late):
                yield
        except FileNotFoundError as problem:
            raise MissingFileError(
                f"{path} is not there on {self._host}", "Check the path."
            ) from problem
        except BROKEN as problem:
            raise self._broke(problem) from problem
        except OSError as problem:
            if problem.errno is None:  # paramiko's: the channel is closed
                raise self._broke(problem) from problem
            raise StoreError(
                f"{path} on {self._host}: {problem.strerror}",
                advice_for(problem.errno),
            ) from problem

    def _broke(self, problem: Exception) -> ConnectionFailedError:
        self._session.close()  # what comes late must not answer the next request
        reason = f": {problem}" if str(problem) else ""
        return ConnectionFailedError(f"the connection to {self._host} broke{reason}")
