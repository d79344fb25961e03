"""Failures of the other host's disk: the lab's server, one operation broken."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from cucmsh.errors import ConnectionFailedError, StoreError
from cucmsh.lab.sftp_files import RootedFiles
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection
from tests.rigs.stores import NAME, NEW, OLD, Stored


def fails(*_: object) -> int:
    raise asyncssh.SFTPFailure("Failure")


def loses_bytes(_: RootedFiles, file: io.FileIO, offset: int, data: bytes) -> int:
    return os.pwrite(file.fileno(), data[:-1], offset)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("write", fails),
        ("write", loses_bytes),
        ("fsetstat", fails),
        ("read", fails),
        ("posix_rename", fails),
        ("fsync", fails),
    ],
)
def test_fault_of_the_server_leaves_the_old_file_and_nothing_else(
    sftp: Stored,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    fault: Callable[..., object],
) -> None:
    sftp.store.write(NAME, OLD)
    with monkeypatch.context() as patched:
        patched.setattr(RootedFiles, operation, fault)
        with pytest.raises(StoreError, match=NAME):
            sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_server_without_posix_rename_takes_new_files_and_keeps_old_ones(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> int:
        raise asyncssh.SFTPOpUnsupported("Operation unsupported")

    monkeypatch.setattr(RootedFiles, "posix_rename", unsupported, raising=False)
    sftp.store.write(NAME, OLD)
    with pytest.raises(StoreError, match=NAME):
        sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_claimed_size_is_not_believed(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: RootedFiles, _file: object, _offset: int, length: int) -> bytes:
        return b"x" * length

    (sftp.root / NAME).write_bytes(OLD)
    monkeypatch.setattr(RootedFiles, "read", endless)
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
