"""One SSH connection: host key, login, words to run. A door to paramiko.

The agent, key look-up, ssh_config and proxies do not exist here. No key and no
password is sent before the host's key was pinned, known or accepted. A password goes
out once, and in keyboard-interactive only to a question that does not echo
(threats-and-faults.md T15 to T19). Every phase has a deadline.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

from cucmsh.cluster import deadline
from cucmsh.cluster.connect import connect
from cucmsh.cluster.deadline import within
from cucmsh.cluster.hostkeys import (
    SSH_PORT,
    HostKey,
    KnownHosts,
    Trust,
    changed_key,
)
from cucmsh.cluster.model import SshAddress
from cucmsh.cluster.runner import Completed
from cucmsh.cluster.ssh_login import Login as Login  # noqa: PLC0414 (callers look here)
from cucmsh.cluster.ssh_login import log_in
from cucmsh.cluster.ssh_transport import BoundedTransport, handshake
from cucmsh.errors import (
    ConnectionFailedError,
    HostKeyError,
    NoAnswerError,
    ServiceError,
)

import paramiko  # isort: skip  # after our own, which keeps `invoke` out
from paramiko.common import cMSG_CHANNEL_REQUEST  # isort: skip

MAX_OUTPUT = 1 << 20  # bytes of what a remote command may print
SETTLE_SECONDS = 0.3
MIN_RSA_BITS = 2048  # of a stranger's host key

AcceptHostKey = Callable[[HostKey, str], bool]


class SshConnection:
    """A logged-in connection, for one thread; whoever opened it closes it.

    Attributes:
        host: as it was asked for.
        is_node: whether it leads to a node of ours, where nobody else's files are.
        files: the one SFTP channel of all stores on this connection, once it is open.
    """

    def __init__(
        self, transport: BoundedTransport, host: str, *, is_node: bool = False
    ) -> None:
        self.transport = transport
        self.host = host
        self.is_node = is_node
        self.files: object = None
        self._ahead: tuple[Thread, list[paramiko.Channel]] | None = None

    @property
    def key_exchange(self) -> str:
        """The name of the key exchange in use, for figures that depend on it."""
        return self.transport.key_exchange

    def close(self) -> None:
        self.transport.close()

    def open_ahead(self) -> None:
        """Open the channel of the next ``run`` meanwhile: it costs a round trip."""
        opened: list[paramiko.Channel] = []

        def open_one() -> None:
            try:
                opened.append(self.transport.open_session())
            except (paramiko.SSHException, OSError, EOFError):
                return  # ``run`` tries again and says why

        if self._ahead is None:
            self._ahead = (Thread(target=open_one, daemon=True), opened)
            self._ahead[0].start()

    def run(
        self, words: Sequence[str], timeout_seconds: float = deadline.RESTART_SECONDS
    ) -> Completed:
        """Run ``words`` on the host; each arrives as one word, whatever it holds.

        Raises:
            ServiceError: the command takes longer (the connection is closed then),
                prints without end, or ends without a status.
            NoAnswerError: the host does not even start it.
            ConnectionFailedError: the connection broke.
        """
        late = ServiceError(
            f"{words[0]} on {self.host} did not end in {timeout_seconds:.0f} seconds"
        )
        with self._broken_is_ours(words[0]):
            channel = self._start(words)
            with within(timeout_seconds, self.close, late):
                return self._finish(channel, words[0])

    def _start(self, words: Sequence[str]) -> paramiko.Channel:
        late = NoAnswerError(
            f"{self.host} did not start {words[0]} within "
            f"{deadline.CHANNEL_SECONDS:.0f} seconds"
        )
        with within(deadline.CHANNEL_SECONDS, self.close, late):
            channel = self._channel()
            _ask_to_run(channel, self.transport, shlex.join(words))
        return channel

    def _channel(self) -> paramiko.Channel:
        if self._ahead is not None:
            (opening, opened), self._ahead = self._ahead, None
            opening.join()
            if opened and not opened[0].closed:
                return opened[0]
        return self.transport.open_session()

    def _finish(self, channel: paramiko.Channel, word: str) -> Completed:
        try:
            output = self._read(channel.makefile("rb"), word)
            complaint = self._read(channel.makefile_stderr("rb"), word)
            status = channel.recv_exit_status()
        finally:
            channel.close()
        if status < 0 and self._is_broken():
            raise EOFError
        if status < 0:  # OpenSSH tells of a signal with a message paramiko drops
            raise ServiceError(f"{word} on {self.host} ended without exit status")
        return Completed(status, output, complaint)

    def _read(self, stream: paramiko.BufferedFile[bytes], word: str) -> str:
        raw = stream.read(MAX_OUTPUT + 1)
        if len(raw) > MAX_OUTPUT:
            raise ServiceError(
                f"{word} on {self.host} prints more than {MAX_OUTPUT} bytes"
            )
        return raw.decode(errors="replace").rstrip("\n")

    def _is_broken(self) -> bool:
        """Whether the connection ended, and not just a channel of it.

        paramiko ends the channels first; its thread gets a moment to say so.
        """
        self.transport.join(SETTLE_SECONDS)
        return not self.transport.is_active()

    @contextmanager
    def _broken_is_ours(self, word: str) -> Iterator[None]:
        try:
            yield
        except (paramiko.SSHException, OSError, EOFError) as problem:
            if not self._is_broken():
                raise ServiceError(
                    f"{self.host} does not run {word}: it refused the request",
                    "The account may be for files only.",
                ) from problem
            raise ConnectionFailedError(
                f"the connection to {self.host} broke: {problem or 'it was closed'}"
            ) from problem


def _ask_to_run(
    channel: paramiko.Channel, transport: paramiko.Transport, line: str
) -> None:
    """As ``Channel.exec_command``, but the end of its input goes along: no wait."""
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_REQUEST)
    request.add_int(channel.remote_chanid)
    request.add_string("exec")
    request.add_boolean(True)
    request.add_string(line)
    channel._event_pending()  # type: ignore[attr-defined]  # noqa: SLF001
    transport._send_user_message(request)  # type: ignore[attr-defined]  # noqa: SLF001
    channel.shutdown_write()
    channel._wait_for_event()  # type: ignore[attr-defined]  # noqa: SLF001


def open_node(address: SshAddress) -> SshConnection:
    """The way onto a node of the cluster: key login, pinned host key.

    Raises:
        NoAnswerError: it does not answer in time; trying again would take as long.
        ConnectionFailedError: it cannot be reached, or the connection broke.
        HostKeyError: it shows another key than the one pinned at enrolment.
        AuthenticationError: it does not take our key.
    """
    pinned = HostKey(*address.host_key.split()[:2])
    login = Login(address.user, identity=address.identity)

    def decide(shown: HostKey, _key: paramiko.PKey, _peer: str) -> None:
        if shown != pinned:
            raise changed_key(
                address.host, [pinned], shown, "the configuration pins it"
            )

    where = (address.host, address.port)
    return _open(where, login, [pinned.kind], decide, is_node=True)


def open_host(
    address: tuple[str, int],
    login: Login,
    known: KnownHosts,
    accept: AcceptHostKey,
    min_rsa_bits: int = MIN_RSA_BITS,
) -> SshConnection:
    """A host outside the cluster, such as a backup server.

    Args:
        address: name or address of the host, and its TCP port.
        login: user and password.
        known: the keys accepted so far; a key accepted now is added.
        accept: asked about a stranger's key and address; False refuses it.
        min_rsa_bits: a stranger's RSA key must have so many; fewer only for a server
            that cannot be given a better key. A known one was accepted as it is.

    Raises:
        NoAnswerError, ConnectionFailedError, AuthenticationError: as ``open_node``.
        HostKeyError: the key is revoked, has changed, is too weak, or was refused.
    """
    host, port = address

    def decide(shown: HostKey, key: paramiko.PKey, peer: str) -> None:
        match known.judge(host, port, shown):
            case Trust.KNOWN:
                return
            case Trust.REVOKED:
                raise HostKeyError(
                    f"the host key of {host}, {shown.sha256_fingerprint}, is marked "
                    "as revoked; nothing was sent to it",
                    "Somebody else may have that key: ask who runs the host.",
                )
            case Trust.CHANGED:
                accepted = known.find(host, port)
                raise changed_key(host, accepted, shown, "an administrator accepted it")
        if isinstance(key, paramiko.RSAKey) and key.get_bits() < min_rsa_bits:
            raise HostKeyError(
                f"the host key of {host} has only {key.get_bits()} bits; "
                f"RSA needs {min_rsa_bits}; nothing was sent to it",
                "Give the server a larger RSA key, or one of type ed25519.",
            )
        if not accept(shown, peer):
            raise HostKeyError(
                f"the host key of {host} was not accepted; nothing was sent to it"
            )
        known.add(host, port, shown)

    expected = known.find(host, port) or known.find(host, SSH_PORT)
    kinds = [key.kind for key in expected]
    return _open(address, login, kinds, decide)


def _open(
    address: tuple[str, int],
    login: Login,
    kinds: Sequence[str],
    decide: Callable[[HostKey, paramiko.PKey, str], None],
    *,
    is_node: bool = False,
) -> SshConnection:
    host, port = address
    connected = connect(host, port, deadline.CONNECT_SECONDS)
    transport = handshake(connected, f"{host} port {port}", kinds)
    try:
        key = transport.get_remote_server_key()
        peer = str(transport.getpeername()[0])
        decide(HostKey(key.get_name(), key.get_base64()), key, peer)
        late = NoAnswerError(
            f"{host} did not finish the login within "
            f"{deadline.LOGIN_SECONDS:.0f} seconds"
        )
        with within(deadline.LOGIN_SECONDS, transport.close, late):
            log_in(transport, host, login)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        raise ConnectionFailedError(
            f"{host} ended the login: {problem or 'it closed the connection'}"
        ) from problem
    except BaseException:
        transport.close()
        raise
    return SshConnection(transport, host, is_node=is_node)
