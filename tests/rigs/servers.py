"""Servers on 127.0.0.1 that live as long as the process, as fixtures for all tests."""

import getpass
import socket
import subprocess
import threading
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
from tests.rigs.sshd import make_root_folder

HOST = "127.0.0.1"
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
    server = SshServer(socket.create_server((HOST, 0)), key, [account], {})
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
    known.add(HOST, backup_server.port, HostKey(kind, key))
    opened: list[SshConnection] = []

    def accept(_key: HostKey, _peer: str) -> bool:
        raise AssertionError("the host is known")

    def open_one() -> SshConnection:
        address = (HOST, backup_server.port)
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
    return make_key(tmp_path_factory.mktemp("identity") / "id_ed25519")


@pytest.fixture(scope="session")
def sshd(
    identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshAddress]:
    """OpenSSH's server, for the account that runs the tests, by key."""
    folder = tmp_path_factory.mktemp("sshd")
    host_key_file = make_key(folder / "host_key")
    public = identity.with_suffix(".pub")
    (folder / "config").write_text(
        f"HostKey {host_key_file}\nAuthorizedKeysFile {public}\nStrictModes no\n"
        "UsePAM no\nPidFile none\nPermitRootLogin yes\nAllowTcpForwarding no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "Subsystem sftp internal-sftp\nLogLevel QUIET\n"
    )
    make_root_folder()
    with socket.create_server((HOST, 0)) as listener:
        accepting = threading.Thread(
            target=serve_openssh, args=(listener, folder / "config")
        )
        accepting.start()
        line = host_key_file.with_suffix(".pub").read_text()
        port = listener.getsockname()[1]
        yield SshAddress(HOST, port, getpass.getuser(), str(identity), line)
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()


@pytest.fixture(scope="session")
def node(sshd: SshAddress) -> Iterator[SshConnection]:
    """One connection to OpenSSH for all tests that leave it whole."""
    connection = open_node(sshd)
    yield connection
    connection.close()


def make_key(path: Path) -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return path


def serve_openssh(
    listener: socket.socket, config: Path, log: Path | None = None
) -> None:
    """One server per connection, as inetd does it: so nobody has to choose a port."""
    servers = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # shut down
            break
        words = ["/usr/sbin/sshd", "-i", "-f", str(config)]
        words += ["-E", str(log)] if log else []
        with client:
            peer = client.fileno()
            servers.append(
                subprocess.Popen(
                    words, stdin=peer, stdout=peer, stderr=subprocess.DEVNULL
                )
            )
    for server in servers:
        server.wait(10)
