"""The lab's SSH server: real log-ins, terminals, commands and SFTP on 127.0.0.1.

asyncssh speaks the protocol, in a thread of its own. There is no privilege separation
and no account of the system behind a log-in; everything runs as the user who started
the lab. In production OpenSSH does this work.

Refused: to listen on anything but a loopback address; logging in without a password or
key; the client's environment, port, agent and X11 forwarding, subsystems other than
``sftp``, a second request on one channel.

Host key and key exchange for older clients (docs/clients.md C4): an RSA host key, and
``diffie-hellman-group14-sha256`` beside the newer ones. CBC ciphers (3DES is one of
them), MD5, and signatures with SHA-1 are not offered: the same clients know AES in
counter mode, and SHA-1 or SHA-2 as MAC.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import os
import socket
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncssh

from cucmsh.errors import RefusedError, StoreError
from cucmsh.lab.accounts import Account, Platform, key_fits, password_fits, ways_in
from cucmsh.lab.conditions import (
    LOGIN_REFUSED,
    SFTP_FULL,
    SFTP_REFUSES,
    WRONG_HOST_KEY,
)
from cucmsh.lab.gate import Gate
from cucmsh.lab.sftp_files import FilesOnly
from cucmsh.lab.ssh_session import Session

LOGIN_GRACE = 30.0
"""Seconds in which a client must have logged in."""

_HOST_KEY_BITS = 2048
_MOST_CONNECTIONS = 64
_LONGEST_END = 10.0  # seconds for which `stop` waits for one connection or process
_MOST_SESSIONS = 32  # of one connection
_FAILURE_DELAY = 0.2  # seconds
_CIPHERS = (
    *("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"),
    *("aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr"),
)
_MACS = (
    *("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
    *("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"),
)
_EXCHANGES = (
    *("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"),
    *("ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    *("diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512"),
    "diffie-hellman-group14-sha256",
)
asyncssh.set_log_level("CRITICAL")  # a client's mistakes are no news
# cryptography 50 warns of the older exchanges, which older clients need; whoever plays
# with the lab can do nothing about it.
warnings.filterwarnings("ignore", "Diffie-Hellman over finite fields")


def host_key(path: Path) -> asyncssh.SSHKey:
    """The private key in ``path``; an RSA key of 2048 bits is made if there is none.

    Raises:
        StoreError: it can be neither read nor written, or is no unencrypted key.
    """
    try:
        if not path.exists():
            _write_host_key(path)
        return asyncssh.import_private_key(path.read_bytes())
    except (OSError, ValueError) as error:  # asyncssh's own errors are ValueErrors
        raise StoreError(f"The SSH host key {path} cannot be used: {error}.") from error


def public_line(key: asyncssh.SSHKey) -> str:
    """The public half as a line ``type base64``."""
    return " ".join(key.export_public_key().decode().split()[:2])


def _without_sha1(key: asyncssh.SSHKey) -> list[asyncssh.SSHKeyPair]:
    """The key as asyncssh offers it, less ``ssh-rsa`` and names of long ago."""
    pairs = list(asyncssh.load_keypairs([key]))
    for pair in pairs:
        names = pair.host_key_algorithms
        old = [b"ssh-rsa", *(name for name in names if name.endswith(b"@ssh.com"))]
        pair.host_key_algorithms = [name for name in names if name not in old]
    return pairs


def _write_host_key(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=_HOST_KEY_BITS)
    half = path.with_name(f"{path.name}.new")  # a crash leaves no half key
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key.export_private_key("pkcs1-pem"))
        stream.flush()
        os.fsync(stream.fileno())
    half.replace(path)


class SshServer:
    """An SSH server with accounts of its own.

    Args:
        listener: bound to a loopback address by the caller; closed by ``stop``.
        host_key: the server's private key.
        accounts: who may log in.
        environment: what every process gets; TERM is added on a terminal.
        gate: what stands before it; None for nothing.

    Raises:
        RefusedError: the listener is reachable from outside of this machine.
    """

    def __init__(
        self,
        listener: socket.socket,
        host_key: asyncssh.SSHKey,
        accounts: Sequence[Account],
        environment: Mapping[str, str],
        gate: Gate | None = None,
    ) -> None:
        self.host, self.port = listener.getsockname()[:2]
        if not ipaddress.ip_address(self.host).is_loopback:
            raise RefusedError("The lab's SSH server listens on loopback only.")
        self._listener = listener
        self._key = host_key
        self._gate = gate or Gate("", "")
        self._gate.on_change(self._show_key)
        self._platform: Platform | None = None
        self._accounts = {account.name: account for account in accounts}
        self._environment = dict(environment)
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions: set[Session] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(
            target=self._serve, name=f"ssh-{self.port}", daemon=True
        )
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def fingerprint(self) -> str:
        """The host key's, as OpenSSH shows it: ``SHA256:...``."""
        return self._key.get_fingerprint()

    @property
    def public_key_line(self) -> str:
        """The host key as a line ``type base64``."""
        return public_line(self._key)

    def knows(self, platform: Platform) -> None:
        """Let further accounts in, whose passwords the platform judges."""
        self._platform = platform

    def start(self) -> None:
        """Serve, in a thread. Returns when clients can connect."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Close the listener and every session; end and reap their processes."""
        loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()
        self._listener.close()

    def admit(self, connection: asyncssh.SSHServerConnection) -> None:
        """Note a new connection, or send it away when there are enough.

        So is one that the gate does not let in.
        """
        peer = connection.get_extra_info("peername")
        is_let_in = peer is None or self._gate.lets_in(peer[1])
        if len(self._connections) >= _MOST_CONNECTIONS or not is_let_in:
            connection.abort()
        else:
            self._connections.add(connection)

    def forget(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.discard(connection)

    def account(self, name: str) -> Account | None:
        found = self._platform.account(name) if self._platform else None
        return found or self._accounts.get(name)

    async def password_fits(
        self, account: Account | None, typed: str, address: str
    ) -> bool:
        """Judge it here, or ask the platform, which takes its time."""
        if self._platform is None or account is None or not account.is_platforms:
            return password_fits(account, typed)
        ask = functools.partial(self._platform.lets_in, account.name, typed, address)
        return await asyncio.get_running_loop().run_in_executor(None, ask)

    async def delay(self) -> None:
        """Wait as long as the gate wants."""
        await asyncio.sleep(self._gate.delay_seconds)

    def fails(self, name: str) -> bool:
        """Whether the gate asks for that failure."""
        return self._gate.fails(name)

    def files(self, roots: Sequence[Path]) -> FilesOnly:
        """A session that serves files, or has no room for them."""
        return FilesOnly(roots, lambda: self._gate.fails(SFTP_FULL))

    def session(self, account: Account) -> Session:
        """A session of somebody who has logged in, which ``stop`` ends."""
        self._sessions = {each for each in self._sessions if each.is_open}
        environment = self._environment
        if account.is_platforms:
            environment = {**environment, "LOGNAME": account.name}
        made = Session(account, environment)
        self._sessions.add(made)
        return made

    def _serve(self) -> None:
        if self._loop is not None:
            self._loop.run_forever()

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            sock=self._listener,
            backlog=_MOST_CONNECTIONS,
            server_factory=lambda: _Login(self),
            server_host_keys=_without_sha1(self._shown_key()),
            login_timeout=LOGIN_GRACE,
            kex_algs=_EXCHANGES,
            encryption_algs=_CIPHERS,
            mac_algs=_MACS,
            compression_algs=("none",),
            gss_host=None,  # or it asks the resolver for our own name
            agent_forwarding=False,
            x11_forwarding=False,
            line_editor=False,
            encoding=None,
        )

    def _shown_key(self) -> asyncssh.SSHKey:
        """Our own, or one that nobody knows."""
        if not self._gate.fails(WRONG_HOST_KEY):
            return self._key
        return asyncssh.generate_private_key("ssh-rsa", key_size=_HOST_KEY_BITS)

    def _show_key(self) -> None:
        loop, acceptor = self._loop, self._acceptor
        if loop is None or acceptor is None:
            return
        keys = _without_sha1(self._shown_key())

        async def update() -> None:
            acceptor.update(server_host_keys=keys)

        asyncio.run_coroutine_threadsafe(update(), loop).result()

    async def _close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        for connection in list(self._connections):
            connection.abort()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.wait_closed(), _LONGEST_END)
        for session in self._sessions:
            with contextlib.suppress(TimeoutError):  # then it is cancelled below
                await asyncio.wait_for(session.wait_ended(), _LONGEST_END)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()


class _Login(asyncssh.SSHServer):
    """The rules of one connection: who gets in, and what they may then open."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._account: Account | None = None
        self._sessions: list[Session] = []
        self._ways: Sequence[str] = ()

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        with contextlib.suppress(OSError):
            conn.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )
        self._server.admit(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.forget(self._connection)

    # Logging in

    async def begin_auth(self, username: str) -> bool:
        await self._server.delay()
        self._account = self._server.account(username)
        self._ways = ways_in(self._account)
        return True  # nobody gets in without

    def public_key_auth_supported(self) -> bool:
        return "publickey" in self._ways

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        del username  # begin_auth had it
        if self._server.fails(LOGIN_REFUSED):
            return False
        return key_fits(self._account, public_line(key).split()[1])

    def password_auth_supported(self) -> bool:
        return "password" in self._ways

    async def validate_password(self, username: str, password: str) -> bool:
        del username
        peer = self._connection.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        fits = await self._server.password_fits(self._account, password, address)
        fits = fits and not self._server.fails(SFTP_REFUSES)
        if not fits:
            await asyncio.sleep(_FAILURE_DELAY)
        return fits

    def kbdint_auth_supported(self) -> bool:
        return "keyboard-interactive" in self._ways

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        del username, lang, submethods  # we have one question only
        return "", "", "", [("Password: ", False)]

    async def validate_kbdint_response(
        self, username: str, responses: Sequence[str]
    ) -> bool:
        return len(responses) == 1 and await self.validate_password(
            username, responses[0]
        )

    # Sessions

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        if self._account is None:  # asyncssh asks after the log-in only
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "Log in first."
            )
        if self._account.sftp_roots is not None:
            return self._server.files(self._account.sftp_roots)
        self._sessions = [each for each in self._sessions if each.is_open]
        if len(self._sessions) >= _MOST_SESSIONS:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, "There are enough sessions."
            )
        self._sessions.append(self._server.session(self._account))
        return self._sessions[-1]
