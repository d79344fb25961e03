"""Servers on 127.0.0.1 that live as long as the process, as fixtures for all tests."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from cucmsh.config.model import SshAddress
from cucmsh.lab.accounts import files_only
from cucmsh.lab.ssh_server import SshServer, host_key
from cucmsh.remote.known_hosts import HostKey, KnownHosts
from cucmsh.remote.ssh.client import Login, SshConnection, open_host, open_node
from cucmsh.secret import Secret
from tests.rigs.keys import make_key, public_line
from tests.rigs.loopback import LOOPBACK
from tests.rigs.sshd import Sshd

PASSWORD = "sftp password"


@pytest.fixture(scope="session")
def server_key() -> paramiko.PKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the backup server serves."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def backup_server(
    served: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshServer]:
    key = host_key(tmp_path_factory.mktemp("server") / "host_key")
    account = files_only("backup", PASSWORD, [served])
    server = SshServer(socket.create_server((LOOPBACK, 0)), key, [account], {})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def open_backup(
    backup_server: SshServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], SshConnection]]:
    """Open connections to the backup server."""
    known = KnownHosts(str(tmp_path_factory.mktemp("known") / "known_hosts"))
    kind, key = backup_server.public_key_line.split()
    known.add(LOOPBACK, backup_server.port, HostKey(kind, key))
    opened: list[SshConnection] = []

    def accept(_key: HostKey, _peer: str) -> bool:
        raise AssertionError("the host is known")

    def open_one() -> SshConnection:
        address = (LOOPBACK, backup_server.port)
        opened.append(
            open_host(address, Login("backup", Secret(PASSWORD)), known, accept)
        )
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def backup(open_backup: Callable[[], SshConnection]) -> SshConnection:
    """One connection for all tests that leave it whole."""
    return open_backup()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key; its public half lies beside it."""
    path = tmp_path_factory.mktemp("identity") / "id_ed25519"
    make_key(path)
    return path


@pytest.fixture(scope="session")
def sshd(
    identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshAddress]:
    """OpenSSH's server, for the account that runs the tests, by key."""
    lines = ["AllowTcpForwarding no"]
    folder = tmp_path_factory.mktemp("sshd")
    server = Sshd(folder, authorized=public_line(identity), first=lines)
    place = (server.host, server.port, server.account.name)
    yield SshAddress(*place, str(identity), server.host_key)
    server.stop()


@pytest.fixture(scope="session")
def node(sshd: SshAddress) -> Iterator[SshConnection]:
    """One connection to OpenSSH for all tests that leave it whole."""
    connection = open_node(sshd)
    yield connection
    connection.close()
