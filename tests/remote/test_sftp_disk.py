"""Failures of the other host's disk: the lab's server, one operation broken."""

import os
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import CMD_EXTENDED, SFTP_FAILURE, SFTP_OK, SFTP_OP_UNSUPPORTED

from cucmsh.errors import ConnectionFailedError, StoreError
from cucmsh.lab.sftp_files import FileService, OpenFile, RootedFiles
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection
from tests.rigs.stores import NAME, NEW, OLD, Stored


def fails(*_: object) -> int:
    return SFTP_FAILURE


def loses_bytes(file: OpenFile, offset: int, data: bytes) -> int:
    os.pwrite(file._descriptor, data[:-1], offset)  # noqa: SLF001 (a server that lies)
    return SFTP_OK


def refuses_sync(
    service: FileService, kind: int, number: int, message: paramiko.Message
) -> None:
    if kind == CMD_EXTENDED and b"fsync" in message.asbytes():
        service._send_status(number, SFTP_FAILURE)  # type: ignore[attr-defined]  # noqa: SLF001
        return
    process(service, kind, number, message)


process = FileService._process  # type: ignore[attr-defined]  # noqa: SLF001 (no public way)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("where", "operation", "fault"),
    [
        (OpenFile, "write", fails),
        (OpenFile, "write", loses_bytes),
        (OpenFile, "chattr", fails),
        (OpenFile, "read", fails),
        (RootedFiles, "posix_rename", fails),
        (FileService, "_process", refuses_sync),
    ],
)
def test_fault_of_the_server_leaves_the_old_file_and_nothing_else(
    sftp: Stored,
    monkeypatch: pytest.MonkeyPatch,
    where: type,
    operation: str,
    fault: Callable[..., object],
) -> None:
    sftp.store.write(NAME, OLD)
    with monkeypatch.context() as patched:
        patched.setattr(where, operation, fault)
        with pytest.raises(StoreError, match=NAME):
            sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_server_without_posix_rename_takes_new_files_and_keeps_old_ones(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> int:
        return SFTP_OP_UNSUPPORTED

    monkeypatch.setattr(RootedFiles, "posix_rename", unsupported)
    sftp.store.write(NAME, OLD)
    with pytest.raises(StoreError, match=NAME):
        sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_claimed_size_is_not_believed(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_file: OpenFile, _offset: int, length: int) -> bytes:
        return b"x" * length

    (sftp.root / NAME).write_bytes(OLD)
    monkeypatch.setattr(OpenFile, "read", endless)
    with pytest.raises(StoreError, match="larger than"):
        sftp.store.read(NAME)


@pytest.mark.loopback
def test_broken_connection_is_no_missing_file(
    served: Path, open_backup: Callable[[], SshConnection]
) -> None:
    connection = open_backup()
    store = SftpStore(connection, str(served))
    connection.close()
    acts: list[Callable[[], object]] = [
        lambda: store.read(NAME),
        lambda: store.write(NAME, NEW),
        lambda: store.remove(NAME),
        store.names,
    ]
    for act in acts:
        with pytest.raises(ConnectionFailedError, match="broke"):
            act()
