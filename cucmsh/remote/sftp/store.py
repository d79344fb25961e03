"""A store on another host, over SFTP.

An upload is three round trips: made, filled and compared (``sftp.upload``), renamed. A
read is one on a node of ours (``sftp.read``). The sync of the folder is the server's
business: SFTP has no word for it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

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
from cucmsh.remote.sftp.folder import (
    entries_in,
    files_in,
    make_folders,
    now,
    regular_files,
    remove_all,
)
from cucmsh.remote.sftp.read import let_go, read_after_a_look, read_at_once
from cucmsh.remote.sftp.session import (
    BARRED,
    BROKEN,
    Answer,
    Attributes,
    SftpSession,
    session_of,
)
from cucmsh.remote.sftp.upload import Upload, check_target
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage.store import (
    Listed,
    OneByOne,
    advice_for,
    check_size,
    folder_of,
    is_temporary,
    split_name,
    temporary_for,
    walk,
    write_in_halves,
)

FOREIGN_AGE_SECONDS = 3600  # on a shared server a younger temporary may be in use
FOR_EVER = float("inf")
POSIX_RENAME = "posix-rename@openssh.com"


class SftpStore(OneByOne):
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
        self._connection = connection
        self._host = connection.host
        self._root = root
        if sweep_age_seconds is None:
            sweep_age_seconds = 0 if connection.is_node else FOREIGN_AGE_SECONDS
        self._age = sweep_age_seconds
        _ = self._session

    @property
    def _session(self) -> SftpSession:
        """The connection's channel, opened again if it was given up."""
        return session_of(self._connection)

    def read(self, name: str) -> bytes:
        return self.start_read(name)()

    def start_read(self, name: str) -> Callable[[], bytes]:
        path = self._path(name)
        where = f"{path} on {self._host}"
        session = self._session
        if not self._connection.is_node:
            return lambda: self._finish(
                path, lambda: read_after_a_look(session, path, where)
            )
        with self._translated(path):
            finish = read_at_once(session, path, where)

        def read() -> bytes:
            try:
                return finish()
            except StoreError:  # of this file, or of one that was asked for with it
                let_go(self._session, session.hangs_at or path)
                raise

        return lambda: self._finish(path, read)

    def _finish(self, path: str, read: Callable[[], bytes]) -> bytes:
        with self._translated(path):
            return read()

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        write_in_halves(self, name, raw, mode)

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        staged, _ = self._upload(name, raw, mode)
        return staged

    def stage_swept(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        if self._age:  # it needs the server's clock
            return super().stage_swept(name, raw, mode)
        folder = folder_of(name)
        try:
            staged, pages = self._upload(name, raw, mode, self._folder(folder))
        except StoreError:
            if not self.sweep(folder):  # which may have filled the disk
                raise
            return self.stage(name, raw, mode)
        with self._translated(self._folder(folder)):
            first, second = (page.entries() for page in pages)
        whole = not (first and second)
        found = regular_files(first + second) if whole else self._files(folder)
        self._sweep(folder, found, but=staged)
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
                self._commit_new(staged, path, problem)

    def _commit_new(self, staged: str, path: str, problem: OSError) -> None:
        """Rename without OpenSSH's extension, which ``problem`` says is missing."""
        looked = self._one(ask.lstat(path))
        check_target(f"{path} on {self._host}", looked)
        if problem.errno not in BARRED:
            raise problem
        try:
            self._one(ask.rename_new(staged, path)).check()
        except OSError as refused:
            # OpenSSH says "permission denied" of what is barred, too, but then has not
            # advertised it (findings/sftp-server-barred.sh).
            is_known = POSIX_RENAME in self._session.extensions
            if problem.errno == errno.EACCES and is_known:
                raise problem from refused
            raise StoreError(
                f"{self._host} refused {POSIX_RENAME}, without which {path} cannot be "
                "replaced in one step",
                "Allow it in the server's configuration; the old file is unchanged.",
            ) from refused

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

    def tree(self) -> dict[str, Listed]:
        return walk(self._look)

    def _look(self, folder: str) -> tuple[dict[str, Listed], list[str]]:
        path = self._folder(folder)
        found: list[tuple[str, Attributes]] = []
        with suppress(MissingFileError), self._translated(path):
            found = entries_in(self._session, path, f"{path} on {self._host}")
        inner = [
            name
            for name, about in found
            if stat.S_ISDIR(about.mode) and "/" not in name and name.isprintable()
        ]
        files = {
            name: Listed(about.size, about.modified)
            for name, about in regular_files(found)
            if not is_temporary(name)
        }
        return files, inner

    def clock(self) -> int:
        with self._translated(self._root):
            return now(self._session, self._path(temporary_for("clock")))

    def make_folder(self, folder: str, mode: int = 0o755) -> None:
        with self._translated(self._path(folder)):
            make_folders(self._session, (self._root, folder), mode, self._host)

    def sweep(self, folder: str = "") -> int:
        return self._sweep(folder, self._files(folder))

    def _path(self, name: str) -> str:
        return os.path.join(self._root, *split_name(name))

    def _folder(self, folder: str) -> str:
        return self._path(folder) if folder else self._root

    def _upload(
        self, name: str, raw: bytes, mode: int, folder: str = ""
    ) -> tuple[str, list[Answer]]:
        """The temporary's name, and what the server says of the folder meanwhile."""
        path, staged = self._path(name), temporary_for(name)
        check_size(path, raw)
        with self._translated(path):
            upload = Upload(self._session, self._host, path, self._path(staged), folder)
            upload.run(raw, mode)
        return staged, upload.pages

    def _sweep(
        self, folder: str, found: list[tuple[str, Attributes]], but: str = ""
    ) -> int:
        inside = f"{folder}/" if folder else ""
        left = [
            (f"{inside}{name}", about) for name, about in found if is_temporary(name)
        ]
        left = [(name, about) for name, about in left if name != but]
        if not left:
            return 0
        with self._translated(self._path(left[0][0])):
            probe = self._path(temporary_for(f"{inside}clock"))
            end = now(self._session, probe) - self._age if self._age else FOR_EVER
            old = [name for name, about in left if about.modified <= end]
            return remove_all(self._session, [self._path(name) for name in old])

    def _one(self, request: ask.Request) -> Answer:
        return self._session.flight(request)[0]

    def _files(self, folder: str) -> list[tuple[str, Attributes]]:
        """The regular files in a folder, temporary ones too; none if it is missing."""
        path = self._folder(folder)
        with suppress(MissingFileError), self._translated(path):
            return files_in(self._session, path, f"{path} on {self._host}")
        return []

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        seconds = deadline.OPERATION_SECONDS
        late = NoAnswerError(f"{self._host} did not answer in {seconds:.0f} seconds")
        try:
            with within(seconds, self._connection.close, late):
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
                self._advice(problem.errno),
            ) from problem

    def _advice(self, number: int) -> str:
        if number in (errno.EIO, errno.EOPNOTSUPP):
            return "The old file is unchanged; the server's log may say more."
        if number == errno.EACCES and not self._connection.is_node:
            return "Look at the account's rights there."
        return advice_for(number)

    def _broke(self, problem: Exception) -> ConnectionFailedError:
        self._session.close()  # what comes late must not answer the next request
        reason = f": {problem}" if str(problem) else ""
        return ConnectionFailedError(f"the connection to {self._host} broke{reason}")
