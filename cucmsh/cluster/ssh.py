"""One SSH connection: host key, login, words to run. A door to paramiko.

The agent, key look-up, ssh_config and proxies do not exist here. No key and no
password is sent before the host's key was pinned, known or accepted. A password goes
out once per attempt, and in keyboard-interactive only to a question that does not echo
(threats-and-faults.md T15 to T19). Every phase has a deadline.
"""

from __future__ import annotations

import logging
import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cucmsh.cluster.answers import PasswordAnswers
from cucmsh.cluster.deadline import within
from cucmsh.cluster.hostkeys import HostKey, KnownHosts, changed_key
from cucmsh.cluster.model import SshAddress
from cucmsh.cluster.runner import Completed
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyError,
    ServiceError,
)

# paramiko imports `invoke`, and with it unittest.mock, for ssh_config files that we
# never read: 40 % of its import (performance.md section 1).
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # "not importable"

import paramiko  # noqa: E402 - after the line above, on purpose

CONNECT_SECONDS = 10
HANDSHAKE_SECONDS = 15
LOGIN_SECONDS = 30  # for all attempts together
CHANNEL_SECONDS = 15
MAX_OUTPUT = 1 << 20  # bytes of what a remote command may print
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")

# paramiko reports its thread's tracebacks; what matters comes back as our error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

AcceptHostKey = Callable[[HostKey, str], bool]


class Login(NamedTuple):
    """How to log in: a key file, a password, or both. The repr shows no password."""

    user: str
    password: str | None = None
    identity: str | None = None

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


class SshConnection:
    """A logged-in connection; whoever opened it closes it."""

    def __init__(self, transport: paramiko.Transport, host: str) -> None:
        self.transport = transport
        self.host = host

    def close(self) -> None:
        self.transport.close()

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        """Run ``words`` on the host; each arrives as one word, whatever it holds.

        Raises:
            ServiceError: the command takes longer (the connection is closed then),
                prints without end, or ends without a status.
            ConnectionFailedError: the connection broke.
        """
        late = ServiceError(
            f"{words[0]} on {self.host} did not end in {timeout_seconds:.0f} seconds"
        )
        try:
            with within(timeout_seconds, self.close, late):
                return self._run(words)
        except (paramiko.SSHException, OSError, EOFError) as problem:
            raise ConnectionFailedError(
                f"the connection to {self.host} broke: {problem or 'it was closed'}"
            ) from problem

    def _run(self, words: Sequence[str]) -> Completed:
        channel = self.transport.open_session(timeout=CHANNEL_SECONDS)
        try:
            channel.exec_command(shlex.join(words))
            channel.shutdown_write()
            output = self._read(channel.makefile("rb"), words[0])
            complaint = self._read(channel.makefile_stderr("rb"), words[0])
            status = channel.recv_exit_status()
        finally:
            channel.close()
        if not self.transport.is_active():
            raise EOFError
        if status < 0:  # OpenSSH tells of a signal with a message paramiko drops
            raise ServiceError(f"{words[0]} on {self.host} ended without exit status")
        return Completed(status, output, complaint)

    def _read(self, stream: paramiko.BufferedFile[bytes], word: str) -> str:
        raw = stream.read(MAX_OUTPUT + 1)
        if len(raw) > MAX_OUTPUT:
            raise ServiceError(
                f"{word} on {self.host} prints more than {MAX_OUTPUT} bytes"
            )
        return raw.decode(errors="replace").rstrip("\n")


def open_node(address: SshAddress) -> SshConnection:
    """The way onto a node of the cluster: key login, pinned host key.

    Raises:
        ConnectionFailedError: it does not answer.
        HostKeyError: it shows another key than the one pinned at enrolment.
        AuthenticationError: it does not take our key.
    """
    pinned = HostKey(*address.host_key.split()[:2])
    login = Login(address.user, identity=address.identity)

    def decide(shown: HostKey, _: str) -> None:
        if shown != pinned:
            raise changed_key(
                address.host, [pinned], shown, "the configuration pins it"
            )

    return _open((address.host, address.port), login, [pinned], decide)


def open_host(
    address: tuple[str, int], login: Login, known: KnownHosts, accept: AcceptHostKey
) -> SshConnection:
    """A host outside the cluster, such as a backup server.

    Args:
        address: name or address of the host, and its TCP port.
        login: user and password.
        known: the keys accepted so far; a key accepted now is added.
        accept: asked about a stranger's key and address; False refuses it.

    Raises:
        ConnectionFailedError, HostKeyError, AuthenticationError: as for ``open_node``.
    """
    host, port = address
    accepted = known.find(host, port)

    def decide(shown: HostKey, peer: str) -> None:
        if shown in accepted:
            return
        if accepted:
            raise changed_key(host, accepted, shown, "an administrator accepted it")
        if not accept(shown, peer):
            raise HostKeyError(
                f"the host key of {host} was not accepted; nothing was sent to it"
            )
        known.add(host, port, shown)

    return _open(address, login, accepted, decide)


def _open(
    address: tuple[str, int],
    login: Login,
    expected: list[HostKey],
    decide: Callable[[HostKey, str], None],
) -> SshConnection:
    host, port = address
    transport = _handshake(host, port, expected)
    try:
        key = transport.get_remote_server_key()
        peer = str(transport.getpeername()[0])
        decide(HostKey(key.get_name(), key.get_base64()), peer)
        late = ConnectionFailedError(
            f"{host} did not finish the login within {LOGIN_SECONDS} seconds"
        )
        with within(LOGIN_SECONDS, transport.close, late):
            _log_in(transport, host, login)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        raise ConnectionFailedError(
            f"{host} ended the login: {problem or 'it closed the connection'}"
        ) from problem
    except BaseException:
        transport.close()
        raise
    return SshConnection(transport, host)


def _handshake(host: str, port: int, expected: list[HostKey]) -> paramiko.Transport:
    try:
        connected = socket.create_connection((host, port), CONNECT_SECONDS)
    except OSError as problem:
        reason = problem.strerror or str(problem) or "no answer"
        raise ConnectionFailedError(
            f"cannot connect to {host} port {port}: {reason}",
            "Check the name, the port and that the server runs.",
        ) from problem
    # Without it each unpipelined SFTP request waits 40 ms for a delayed ACK.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(connected)
    transport.banner_timeout = transport.handshake_timeout = HANDSHAKE_SECONDS
    transport.auth_timeout = LOGIN_SECONDS
    transport.channel_timeout = CHANNEL_SECONDS
    # Ask first for a key of a type that we can compare; another one is a changed key.
    options = transport.get_security_options()
    known = [kind for key in expected for kind in _signatures(key.kind)]
    options.key_types = sorted(options.key_types, key=lambda kind: kind not in known)
    try:
        transport.start_client(timeout=HANDSHAKE_SECONDS)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        raise ConnectionFailedError(
            f"{host} port {port} does not speak SSH with us: {problem or 'no answer'}"
        ) from problem
    return transport


def _signatures(kind: str) -> Sequence[str]:
    return RSA_SIGNATURES if kind == "ssh-rsa" else (kind,)


def _log_in(transport: paramiko.Transport, host: str, login: Login) -> None:
    offered = _methods(transport, login.user)
    tried = []
    for method, attempt in _attempts(transport, login):
        if transport.is_authenticated():
            return
        if method not in offered:
            continue
        tried.append(method)
        try:
            offered = attempt() or offered  # a partial success names what is missing
        except paramiko.BadAuthenticationType as problem:
            offered = problem.allowed_types
        except paramiko.AuthenticationException:
            if not transport.is_active():  # it had enough of us
                break
    if transport.is_authenticated():
        return
    what = " and ".join(tried) or "no login method that we have"
    raise AuthenticationError(
        f"{host} did not accept {login.user!r}: tried {what}; "
        f"it offers {', '.join(offered) or 'nothing'}",
        "Check the user and the password.",
    )


def _methods(transport: paramiko.Transport, user: str) -> list[str]:
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as refusal:
        return list(refusal.allowed_types)
    return []


def _attempts(
    transport: paramiko.Transport, login: Login
) -> list[tuple[str, Callable[[], list[str]]]]:
    user, password = login.user, login.password
    attempts: list[tuple[str, Callable[[], list[str]]]] = []
    if login.identity:
        key = _identity(login.identity)
        attempts.append(("publickey", lambda: transport.auth_publickey(user, key)))
    if password is not None:
        interactive = PasswordAnswers(password)
        attempts.append(
            (
                "password",
                lambda: transport.auth_password(user, password, fallback=False),
            )
        )
        attempts.append(
            (
                "keyboard-interactive",
                lambda: transport.auth_interactive(user, interactive),
            )
        )
    return attempts


def _identity(path: str) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except (
        *(paramiko.SSHException, paramiko.pkey.UnknownKeyType),
        *(OSError, ValueError, TypeError),  # a TypeError: it has a passphrase
    ) as problem:
        raise AuthenticationError(f"the identity {path} is unusable: {problem}") from (
            problem
        )
