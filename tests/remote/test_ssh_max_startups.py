"""An sshd that has too many logins under way ends a connection before it greets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError
from cucmsh.remote.ssh.client import open_node
from tests.rigs.account import Account
from tests.rigs.sshd import Sshd
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback


def test_the_setting_is_named(identity: Path, tmp_path: Path) -> None:
    account = Account(tmp_path, is_ours=True)
    key = identity.with_suffix(".pub").read_text().strip()
    sshd = Sshd(tmp_path / "sshd", account, key)
    held: list[socket.socket] = []
    try:
        sshd.stop()
        with (sshd.folder / "config").open("a") as config:
            config.write("MaxStartups 1:100:1\n")  # here the last one counts
        sshd.start()
        until(lambda: _is_greeted(sshd, held), "sshd greets nobody")
        place = (sshd.host, sshd.port, account.name, str(identity), sshd.host_key)
        with pytest.raises(ConnectionFailedError) as refused:
            open_node(SshAddress(*place))
        assert "does not speak SSH" in refused.value.message
        assert "MaxStartups" in refused.value.advice
    finally:
        for connection in held:
            connection.close()
        sshd.stop()


def _is_greeted(sshd: Sshd, held: list[socket.socket]) -> bool:
    """Hold a connection that counts; the look whether it listens may count yet."""
    held.append(socket.create_connection((sshd.host, sshd.port), 5))
    return held[-1].recv(4) == b"SSH-"
