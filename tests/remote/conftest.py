"""Servers that misbehave, and the stores of the contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from cucmsh.remote.known_hosts import KnownHosts
from tests.remote.ssh_hosts import Behaviour, Server
from tests.rigs.stores import local, openssh, sftp, stored

__all__ = ["local", "openssh", "sftp", "stored"]


@pytest.fixture
def start(server_key: paramiko.PKey) -> Iterator[Callable[[Behaviour], Server]]:
    """Start servers that misbehave."""
    servers: list[Server] = []

    def start_one(behaves: Behaviour) -> Server:
        servers.append(Server(server_key, behaves))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def known(tmp_path: Path) -> KnownHosts:
    """A file of host keys that is not there yet."""
    return KnownHosts(str(tmp_path / "state" / "known_hosts"))
