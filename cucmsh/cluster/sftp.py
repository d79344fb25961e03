"""A store on another host, over SFTP. A door to paramiko.

Nothing is pipelined, nothing is prefetched: a pipelined upload to a full disk raised
nothing and left no bytes, and a claimed size of 128 GiB cost 540 MB (findings 2 and 8
of threats-and-faults.md). At most ``MAX_FILE_SIZE`` bytes are read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import paramiko
from paramiko.sftp import CMD_EXTENDED, SFTP_OP_UNSUPPORTED

from cucmsh.cluster.deadline import within
from cucmsh.cluster.ssh import CHANNEL_SECONDS, SshConnection
from cucmsh.cluster.store import (
    MAX_FILE_SIZE,
    check_size,
    is_temporary,
    split_name,
    temporary_for,
)
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    StoreError,
)

OPERATION_SECONDS = 60  # for one verb from beginning to end
PIECE = 32 * 1024  # bytes; what every server must take in one request


class _Client(paramiko.SFTPClient):
    """Tells "unsupported" from "failed", which paramiko reports alike."""

    def _convert_status(self, msg: paramiko.Message) -> None:
        code = int.from_bytes(msg.asbytes()[4:8])  # after the request's number
        if code == SFTP_OP_UNSUPPORTED:
            raise OSError(errno.EOPNOTSUPP, "the server does not support this")
        super()._convert_status(msg)  # type: ignore[misc]  # not in the stubs


class SftpStore:
    """Files below ``root`` on the connected host; see ``Store`` for the contract.

    Raises:
        ConnectionFailedError: the host offers no SFTP.
    """

    def __init__(self, connection: SshConnection, root: str) -> None:
        self._host = connection.host
        self._root = root
        self._hang_up = connection.close
        self._late = ConnectionFailedError(
            f"{self._host} did not answer within {OPERATION_SECONDS} seconds"
        )
        late = ConnectionFailedError(f"{self._host} does not answer over SFTP")
        try:
            with within(CHANNEL_SECONDS, self._hang_up, late):
                client = _Client.from_transport(connection.transport)
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise ConnectionFailedError(
                f"{self._host} offers no SFTP: {problem or 'it closed the channel'}"
            ) from problem
        if client is None or (channel := client.get_channel()) is None:
            raise ConnectionFailedError(f"{self._host} offers no SFTP")
        self._client = client
        self._channel = channel

    def read(self, name: str) -> bytes:
        path = self._path(name)
        with self._translated(path):
            found = self._client.stat(path)
            if not stat.S_ISREG(found.st_mode or 0):
                raise StoreError(f"{path} on {self._host} is not a regular file")
            with self._client.open(path, "rb") as file:
                return self._read_capped(file, path)

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        temporary = self.stage(name, raw, mode)
        try:
            self.commit(temporary, name)
        except BaseException:
            self.discard(temporary)  # the first error wins
            raise

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        path, staged = self._path(name), temporary_for(name)
        temporary = self._path(staged)
        check_size(path, raw)
        with self._translated(path):
            self._check_target(path)
            file = self._client.open(temporary, "wx")
            try:
                with file:
                    file.chmod(mode)
                    for start in range(0, len(raw), PIECE):
                        file.write(raw[start : start + PIECE])
                    file.flush()
                    self._sync(file)
                self._compare(temporary, raw, path)
            except BaseException:
                with suppress(OSError, EOFError, paramiko.SSHException):
                    self._client.remove(temporary)
                raise
        return staged

    def commit(self, temporary: str, name: str) -> None:
        path = self._path(name)
        with self._translated(path):
            self._check_target(path)
            self._rename(self._path(temporary), path)

    def discard(self, temporary: str) -> None:
        with (
            suppress(OSError, EOFError, paramiko.SSHException, CucmshError),
            within(OPERATION_SECONDS, self._hang_up, self._late),
        ):
            self._client.remove(self._path(temporary))

    def sweep(self, folder: str = "") -> int:  # noqa: ARG002
        return 0

    def remove(self, name: str) -> None:
        path = self._path(name)
        with suppress(MissingFileError), self._translated(path):
            self._client.remove(path)

    def names(self, folder: str = "") -> list[str]:
        path = self._path(folder) if folder else self._root
        try:
            with self._translated(path):
                entries = self._client.listdir_attr(path)
        except MissingFileError:
            return []
        return sorted(
            entry.filename
            for entry in entries
            if stat.S_ISREG(entry.st_mode or 0) and not is_temporary(entry.filename)
        )

    def make_folder(self, name: str, mode: int) -> None:
        """Make one folder; one that is there stays as it is.

        Raises:
            StoreError: a link or another thing is in its place.
        """
        path = self._path(name)
        with self._translated(path):
            try:
                found = self._client.lstat(path)
            except FileNotFoundError:
                self._client.mkdir(path, mode)
                return
            if not stat.S_ISDIR(found.st_mode or 0):
                raise StoreError(
                    f"{path} on {self._host} is not a folder",
                    "Move the link or file away; it was not touched.",
                )

    def close(self) -> None:
        self._client.close()

    def _path(self, name: str) -> str:
        return os.path.join(self._root, *split_name(name))

    def _check_target(self, path: str) -> None:
        with suppress(FileNotFoundError):
            found = self._client.lstat(path)
            if not stat.S_ISREG(found.st_mode or 0):
                raise StoreError(
                    f"{path} on {self._host} is not a regular file",
                    "Move the link or folder away; it was not touched.",
                )

    def _compare(self, temporary: str, raw: bytes, path: str) -> None:
        with self._client.open(temporary, "rb") as written:
            if self._read_capped(written, temporary) != raw:
                raise StoreError(
                    f"{self._host} gave back other bytes for {path}",
                    "Its disk may be full; the old file is unchanged.",
                )

    def _read_capped(self, file: paramiko.SFTPFile, path: str) -> bytes:
        pieces, size = [], 0
        while piece := file.read(PIECE):
            size += len(piece)
            if size > MAX_FILE_SIZE:
                raise StoreError(
                    f"{path} on {self._host} is larger than {MAX_FILE_SIZE} bytes"
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _sync(self, file: paramiko.SFTPFile) -> None:
        # OpenSSH's extension; other servers may not have it, and then the read-back
        # is all the proof there is.
        try:
            self._client._request(  # type: ignore[attr-defined]  # noqa: SLF001 (no public way)
                CMD_EXTENDED, "fsync@openssh.com", file.handle
            )
        except OSError as problem:
            if problem.errno != errno.EOPNOTSUPP:
                raise

    def _rename(self, temporary: str, path: str) -> None:
        try:
            self._client.posix_rename(temporary, path)
        except OSError as problem:
            if problem.errno != errno.EOPNOTSUPP:
                raise
            self._client.rename(temporary, path)  # replaces nothing (SFTP version 3)

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            with within(OPERATION_SECONDS, self._hang_up, self._late):
                yield
        except FileNotFoundError as problem:
            raise MissingFileError(
                f"{path} is not there on {self._host}", "Check the path."
            ) from problem
        except (EOFError, paramiko.SSHException) as problem:
            raise ConnectionFailedError(
                f"the connection to {self._host} broke"
            ) from problem
        except OSError as problem:
            if self._channel.closed:
                raise ConnectionFailedError(
                    f"the connection to {self._host} broke"
                ) from problem
            reason = problem.strerror or str(problem)
            raise StoreError(f"{path} on {self._host}: {reason}") from problem
