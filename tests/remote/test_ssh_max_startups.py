"""An sshd that has too many logins under way ends a connection before it greets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError
from cucmsh.remote.ssh.client import open_node
from tests.rigs.sshd import Sshd, SshdDaemon
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback


def test_the_setting_is_named(identity: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sshd"
    plain = Sshd(folder)  # for its key and configuration
    plain.stop()
    many = ["-f", str(plain.config), "-o", "MaxStartups=1:100:1"]
    server = SshdDaemon(many, plain.log)
    held: list[socket.socket] = []
    try:
        until(lambda: _is_greeted(server, held), "sshd greets nobody")
        name, key = plain.account.name, plain.host_key
        place = (server.host, server.port, name, str(identity), key)
        with pytest.raises(ConnectionFailedError) as refused:
            open_node(SshAddress(*place))
        assert "does not speak SSH" in refused.value.message
        assert "MaxStartups" in refused.value.advice
    finally:
        for connection in held:
            connection.close()
        server.close()


def _is_greeted(sshd: SshdDaemon, held: list[socket.socket]) -> bool:
    """Hold a connection that counts; the look whether it listens may count yet."""
    held.append(socket.create_connection((sshd.host, sshd.port), 5))
    return held[-1].recv(4) == b"SSH-"
