"""paramiko's transport with bounds: what a hostile server may say and how long.

Found in paramiko 5.1 and fenced here: packets of any claimed size, loops as long as a
number in a packet says, data sent beyond the window, errors of any class out of its
thread, a limit on the banner that every byte pushes back. CBC ciphers, and MD5 and
SHA-1 MACs are off: CBC with encrypt-then-MAC is what Terrapin needs
(docs/security.md T18), and paramiko has no ChaCha20. AES-GCM comes first: paramiko
compares other MACs byte by byte in Python, which is a third of a connection's
processor time.

paramiko 5.1 knows the curve25519 key exchange only by the name that libssh gave it; RFC
8731's name for the same thing is added here, since a hardened sshd may list only that.
diffie-hellman-group18-sha512 and chacha20-poly1305@openssh.com it has under no name: a
server that takes nothing else is refused with both sides' lists.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import TypeVar

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.exhaustion import is_exhaustion
from cucmsh.quoting import shown_names
from cucmsh.remote import deadline
from cucmsh.remote.ssh.connect import GREETING, VERSION, Greeted

# paramiko imports `invoke`, and with it unittest.mock, for ssh_config files that we
# never read: 40 % of its import (docs/performance.md#imports).
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # "not importable"

import paramiko  # noqa: E402 - after the line above, on purpose
from paramiko.common import (  # noqa: E402
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
)
from paramiko.kex_curve25519 import KexCurve25519  # noqa: E402
from paramiko.packet import Packetizer  # noqa: E402

_Channel = TypeVar("_Channel", bound=paramiko.Channel)
MAX_PACKET = 256 * 1024  # bytes; OpenSSH's own limit
MAX_UNREAD = 4 << 20  # bytes of one channel; our window is 2 MiB
MAX_EXTENSIONS = 64
POLL_SECONDS = 0.02
CURVE25519 = "curve25519-sha256"  # RFC 8731
OLD_CURVE25519 = "curve25519-sha256@libssh.org"
NO_ALGORITHMS = ("ext-info-", "kex-strict-")  # signals in the list of key exchanges

# paramiko reports its thread's tracebacks; what matters comes back as our error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class _Packets(Packetizer):
    def __init__(self, wire: socket.socket) -> None:
        super().__init__(wire)
        self._wire = wire

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > MAX_PACKET:
            raise paramiko.SSHException("it sends a packet that is too large")
        # What came is confirmed now and not 40 ms later: until a program runs, sshd's
        # TCP holds each small packet back for that (Nagle), our channels' too.
        with suppress(OSError):  # it is closed: the read says so
            self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().read_all(n, check_rekey)

    def write_all(self, out: bytes) -> None:  # type: ignore[override]  # bytes only
        if out != GREETING:  # ``greet`` has sent it
            super().write_all(out)


class NothingInCommonError(paramiko.SSHException):
    """Both sides name what they can do, and no name stands in both lists.

    Attributes:
        advice: what to change at the server.
    """

    def __init__(
        self, kind: str, setting: str, theirs: Sequence[str], ours: Sequence[str]
    ) -> None:
        # The newest of ours may be unknown there, and keep an older sshd from starting.
        wanted = CURVE25519 if CURVE25519 in ours else ours[0]
        super().__init__(
            f"no {kind} is known to both: it offers {shown_names(list(theirs))}; "
            f"we know {shown_names(list(ours))}"
        )
        self.advice = (
            f"Add {wanted} to the line {setting} of its sshd_config (another make "
            "names that setting differently), and restart its SSH server."
        )


class BoundedTransport(paramiko.Transport):
    """A client's transport, on a connection that ``greet`` made.

    Attributes:
        key_exchange: the name of the method in use, e.g. ``mlkem768x25519-sha256``.
        goodbye: the text of the server's disconnect message, if it sent one.
    """

    _kex_info = paramiko.Transport._kex_info | {CURVE25519: KexCurve25519}  # type: ignore[attr-defined]  # noqa: SLF001 (no public way to add a name)

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected, packetizer_class=_Packets)
        self.local_version = VERSION
        self.key_exchange = ""
        self.goodbye: str | None = None
        self.auth_timeout = None  # type: ignore[assignment]  # `within` keeps the time
        # Both are kept by ``handshake``; these must not be first.
        self.banner_timeout = 2 * deadline.BANNER_SECONDS
        self.handshake_timeout = 2 * deadline.HANDSHAKE_SECONDS
        options = self.get_security_options()
        ciphers = [name for name in options.ciphers if "cbc" not in name]
        options.ciphers = sorted(ciphers, key=lambda name: "gcm" not in name)
        options.digests = [name for name in options.digests if "sha2" in name]
        exchanges = list(options.kex)
        if OLD_CURVE25519 in exchanges:
            exchanges.insert(exchanges.index(OLD_CURVE25519), CURVE25519)
        options.kex = exchanges

    @property
    def is_openssh(self) -> bool:
        """Whether the server says that it is OpenSSH's."""
        return self.remote_version.startswith("SSH-2.0-OpenSSH_")

    def new_channel(
        self, make: Callable[[int], _Channel], answered: Event
    ) -> tuple[int, _Channel]:
        """A channel that the server has not been asked for, and its number.

        Raises:
            paramiko.SSHException: the connection has ended.
        """
        with self.lock:
            number = self._next_channel()  # type: ignore[attr-defined]
            channel = make(number)
            self._channels.put(number, channel)  # type: ignore[attr-defined]
            self.channel_events[number] = answered  # set by the answer, and at the end
            self.channels_seen[number] = True
        if not self.is_active():
            raise paramiko.SSHException("the connection has ended")
        return number, channel

    def has_channel(self, number: int) -> bool:
        """Whether the server did not refuse it."""
        return self._channels.get(number) is not None  # type: ignore[attr-defined]

    def send(self, message: paramiko.Message) -> None:
        self._send_user_message(message)  # type: ignore[attr-defined]

    def _log(self, level: int, msg: object, *args: object) -> None:
        """Its thread reports tracebacks; what matters comes back as our error."""

    def get_exception(self) -> Exception | None:
        problem = super().get_exception()
        if problem is None or isinstance(
            problem, paramiko.SSHException | OSError | EOFError
        ):
            return problem
        if is_exhaustion(problem):  # no fault of the server's
            return OSError(errno.ENOMEM, "no thread or memory is left on this machine")
        return paramiko.SSHException(
            f"it does not keep to the protocol ({type(problem).__name__})"
        )

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        self.key_exchange = self._agree(paramiko.Message(m.get_remainder()))
        super()._parse_kex_init(m)  # type: ignore[misc]  # not in the stubs

    def _agree(self, peek: paramiko.Message) -> str:
        """Compare the server's lists with ours; gives the key exchange to come.

        Raises:
            NothingInCommonError: paramiko would say which list it was, and no name.
        """
        peek.get_bytes(16)  # the cookie (RFC 4253 section 7.1)
        options = self.get_security_options()
        ciphers, macs = options.ciphers, options.digests
        lists = (
            ("key exchange method", "KexAlgorithms", options.kex),
            ("host key type", "HostKeyAlgorithms", options.key_types),
            *(("cipher", "Ciphers", ciphers),) * 2,  # to the server, and from it
            *(("MAC", "MACs", macs),) * 2,
        )
        agreed = []
        for kind, setting, ours in lists:
            offered = peek.get_list()
            theirs = [name for name in offered if not name.startswith(NO_ALGORITHMS)]
            known = [name for name in ours if name in theirs]
            if not known:
                raise NothingInCommonError(kind, setting, theirs, ours)
            agreed.append(known[0])
        return agreed[0]

    def _parse_ext_info(self, msg: paramiko.Message) -> None:
        if paramiko.Message(msg.get_remainder()).get_int() > MAX_EXTENSIONS:
            raise paramiko.SSHException("it claims too many extensions")
        super()._parse_ext_info(msg)  # type: ignore[misc]

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        peek = paramiko.Message(m.get_remainder())
        peek.get_int()
        self.goodbye = peek.get_binary().decode(errors="replace")
        super()._parse_disconnect(m)  # type: ignore[misc]


def _bounded(
    feed: Callable[[paramiko.Channel, paramiko.Message], None],
) -> Callable[[paramiko.Channel, paramiko.Message], None]:
    def take(channel: paramiko.Channel, message: paramiko.Message) -> None:
        unread = len(channel.in_buffer) + len(channel.in_stderr_buffer)
        if unread > MAX_UNREAD:
            raise paramiko.SSHException("it sends more than it was allowed to")
        feed(channel, message)

    return take


BoundedTransport._channel_handler_table = {  # type: ignore[attr-defined]  # noqa: SLF001 (no public way)
    number: _bounded(feed)
    if number in (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA)
    else feed
    for number, feed in paramiko.Transport._channel_handler_table.items()  # type: ignore[attr-defined]  # noqa: SLF001
}


def handshake(greeted: Greeted, kinds: Sequence[str]) -> BoundedTransport:
    """Banner and key exchange.

    Args:
        greeted: where; its connection is closed if this fails.
        kinds: types of host keys that are asked for first, since we can compare them;
            a server that shows another one has a changed key.

    Raises:
        NoAnswerError: banner or key exchange took too long.
        ConnectionFailedError: it speaks no SSH, or none that we speak.
    """
    name = f"{greeted.host} port {greeted.port}"
    transport = BoundedTransport(greeted.connected)
    wanted = [form for kind in kinds for form in _signatures(kind)]
    options = transport.get_security_options()
    options.key_types = sorted(options.key_types, key=lambda kind: kind not in wanted)
    try:
        _exchange_keys(transport, name)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        reason = problem or "it closed the connection"
        advice = getattr(problem, "advice", "")
        if not transport.remote_version and not advice:
            advice = (
                "An sshd that has too many logins under way (MaxStartups), or keeps an "
                "address out, ends a connection like that: try again, and look into "
                "its log."
            )
        raise ConnectionFailedError(
            f"{name} does not speak SSH with us: {reason}", advice
        ) from problem
    except BaseException:
        transport.close()
        raise
    return transport


def _exchange_keys(transport: BoundedTransport, name: str) -> None:
    done = Event()
    transport.start_client(event=done)
    _wait_for_banner(transport, done, name)
    if not done.wait(deadline.HANDSHAKE_SECONDS):
        raise NoAnswerError(
            f"{name} did not finish the key exchange within "
            f"{deadline.HANDSHAKE_SECONDS:.0f} seconds"
        )
    if not transport.is_active():
        raise transport.get_exception() or EOFError


def _wait_for_banner(transport: paramiko.Transport, done: Event, name: str) -> None:
    end = monotonic() + deadline.BANNER_SECONDS
    while not transport.remote_version and not done.wait(POLL_SECONDS):
        if monotonic() > end:
            raise NoAnswerError(
                f"{name} did not say that it speaks SSH within "
                f"{deadline.BANNER_SECONDS:.0f} seconds"
            )


def _signatures(kind: str) -> Sequence[str]:
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
