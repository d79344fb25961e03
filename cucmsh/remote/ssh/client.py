"""Opens SSH connections: host key and login, by paramiko.

The agent, key look-up, ssh_config and proxies do not exist here. No key and no
password is sent before the host's key was pinned, known or accepted. A password goes
out once, and in keyboard-interactive only to a question that does not echo
(docs/security.md T15 to T19). Every phase has a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError, HostKeyError, NoAnswerError
from cucmsh.remote import deadline
from cucmsh.remote.deadline import within
from cucmsh.remote.known_hosts import (
    SSH_PORT,
    HostKey,
    KnownHosts,
    Trust,
    changed_key,
)
from cucmsh.remote.ssh.connect import Greeted, greet
from cucmsh.remote.ssh.connection import (
    SshConnection as SshConnection,  # noqa: PLC0414 (callers look here)
)
from cucmsh.remote.ssh.login import Login as Login  # noqa: PLC0414 (callers look here)
from cucmsh.remote.ssh.login import log_in
from cucmsh.remote.ssh.transport import handshake

import paramiko  # isort: skip  # after our own, which keeps `invoke` out

CHANNELS = 2  # for a node: its files, and the command that is always asked there
MIN_RSA_BITS = 2048  # of a stranger's host key

AcceptHostKey = Callable[[HostKey, str], bool]


def open_node(address: SshAddress, greeted: Greeted | None = None) -> SshConnection:
    """The way onto a node of the cluster: key login, pinned host key.

    Args:
        address: where, and as whom.
        greeted: it was greeted already, before the import of this module.

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

    greeted = greeted or greet(address.host, address.port)
    return _open(greeted, login, [pinned.kind], decide, is_node=True)


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
    return _open(greet(host, port), login, kinds, decide)


def _open(
    greeted: Greeted,
    login: Login,
    kinds: Sequence[str],
    decide: Callable[[HostKey, paramiko.PKey, str], None],
    *,
    is_node: bool = False,
) -> SshConnection:
    host = greeted.host
    transport = handshake(greeted, kinds)
    try:
        key = transport.get_remote_server_key()
        peer = str(transport.getpeername()[0])
        decide(HostKey(key.get_name(), key.get_base64()), key, peer)
        # OpenSSH hands what came behind the login on to the session; others, such as
        # asyncssh, may hang up on it.
        ahead = CHANNELS if is_node and transport.is_openssh else 0
        late = NoAnswerError(
            f"{host} did not finish the login within "
            f"{deadline.LOGIN_SECONDS:.0f} seconds"
        )
        with within(deadline.LOGIN_SECONDS, transport.close, late):
            openings = log_in(transport, host, login, ahead)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        raise ConnectionFailedError(
            f"{host} ended the login: {problem or 'it closed the connection'}"
        ) from problem
    except BaseException:
        transport.close()
        raise
    return SshConnection(transport, host, openings, is_node=is_node)
