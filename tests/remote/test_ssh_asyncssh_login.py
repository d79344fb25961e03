"""Logging in to asyncssh's server, which keeps to the order of RFC 4252 strictly.

It ends a connection on which the service of logins is asked for a second time, as
paramiko's plain transport does before each attempt.
"""

# ruff: noqa: ARG002 - the signatures are those that asyncssh calls

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from cucmsh.errors import AuthenticationError
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret

pytestmark = pytest.mark.loopback

PASSWORD = "correct horse"
Connect = Callable[[Login], SshConnection]


class Front(asyncssh.SSHServer):
    """Takes one password, each attempt a moment after it came."""

    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        await asyncio.sleep(0)
        return password == PASSWORD


@pytest.fixture
def connect(tmp_path: Path, identity: Path) -> Iterator[Connect]:
    """Log in to a server that knows another key than ours."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    keys = asyncssh.import_authorized_keys(stranger.export_public_key().decode())

    connections: list[asyncssh.SSHServerConnection] = []

    async def serve() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: Front(connections),
            "127.0.0.1",
            0,
            server_host_keys=[stranger],
            authorized_client_keys=keys,
            sftp_factory=True,
        )

    async def close(server: asyncssh.SSHAcceptor) -> None:
        server.close()
        await server.wait_closed()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()
        await asyncio.sleep(0)  # the loop closes their sockets

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(20)
    address = ("127.0.0.1", server.get_port())
    known = KnownHosts(str(tmp_path / "known_hosts"))
    yield lambda login: open_host(address, login, known, lambda *_: True)
    asyncio.run_coroutine_threadsafe(close(server), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_the_password_opens_after_the_key_was_refused(
    connect: Connect, identity: Path, tmp_path: Path
) -> None:
    connection = connect(Login("backup", Secret(PASSWORD), str(identity)))
    try:
        SftpStore(connection, str(tmp_path)).write("file", b"bytes")
    finally:
        connection.close()
    assert (tmp_path / "file").read_bytes() == b"bytes"


def test_what_was_tried_is_named_when_nothing_opens(
    connect: Connect, identity: Path
) -> None:
    with pytest.raises(AuthenticationError, match="tried publickey and password"):
        connect(Login("backup", Secret("another"), str(identity)))
