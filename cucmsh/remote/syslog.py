"""Hands messages to a syslog daemon: its local socket, UDP, TCP or TLS.

The local socket is never waited for. The others wait for a bounded time, so only who
may take that long calls them. Nobody acknowledges a syslog message: over TCP and TLS
what was sent counts as delivered once the server took the end of the connection, or
did not complain for a moment.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from cucmsh.errors import ConnectionFailedError, ServiceError
from cucmsh.hosts import host_port
from cucmsh.remote.tls import client_context, why_not
from cucmsh.resolve import addresses_of

CONNECT_SECONDS = 10.0
LISTEN_SECONDS = 2.0  # for a complaint, or for the end of the connection


class Server(NamedTuple):
    """A syslog server, and how it is reached.

    Attributes:
        to: ``udp``, ``tcp`` or ``tls``.
        host: name or address.
        port: of it.
        verify: of ``tls``: whether its certificate must be trusted.
        ca_file: of ``tls``: by whom; empty for the system's.
    """

    to: str
    host: str
    port: int
    verify: bool = True
    ca_file: str = ""


def send_locally(path: str, raw: bytes) -> None:
    """Give one message to the daemon of this machine, without waiting.

    Raises:
        ServiceError: nobody listens there, or it takes no more just now.
    """
    try:
        _send_to(path, raw, socket.SOCK_DGRAM)
    except OSError as problem:
        if problem.errno != errno.EPROTOTYPE:
            raise _not_taken(path, problem) from problem
        try:  # some daemons listen for streams
            _send_to(path, raw + b"\n", socket.SOCK_STREAM)
        except OSError as second:
            raise _not_taken(path, second) from second


def require_local(path: str) -> None:
    """Go on only if somebody listens there; sends nothing.

    Raises:
        ServiceError: nobody does.
    """
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        try:
            _send_to(path, b"", kind)
        except OSError as problem:
            if problem.errno == errno.EPROTOTYPE and kind is socket.SOCK_DGRAM:
                continue
            raise _not_taken(path, problem) from problem
        return


def send(server: Server, messages: Sequence[bytes]) -> None:
    """Send all messages, in this order.

    Raises:
        ConnectionFailedError: it is not there, or not the one that is trusted.
        ConfigurationError: the file of trusted certificates cannot be read.
    """
    context = None
    if server.to == "tls":
        context = client_context(verify=server.verify, ca_file=server.ca_file)
    kind = socket.SOCK_DGRAM if server.to == "udp" else socket.SOCK_STREAM
    problem: OSError | None = None
    try:
        places = addresses_of(server.host, server.port, kind, CONNECT_SECONDS)
    except OSError as unknown:
        raise _unreached(server, unknown) from unknown
    for family, where in places:
        try:
            with socket.socket(family, kind) as connection:
                connection.settimeout(CONNECT_SECONDS)
                connection.connect(where)
                if server.to == "udp":
                    _send_datagrams(connection, messages)
                elif context is None:
                    _send_counted(connection, messages)
                else:
                    named = server.host
                    with context.wrap_socket(connection, server_hostname=named) as tls:
                        _send_counted(tls, messages)
        except OSError as failed:
            problem = failed
            continue
        return
    assert problem is not None  # noqa: S101 - there is one address at least
    raise _unreached(server, problem) from problem


def _send_to(path: str, raw: bytes, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_UNIX, kind) as connection:
        connection.setblocking(False)
        connection.connect(path)
        if raw:
            connection.sendall(raw)


def _send_datagrams(connection: socket.socket, messages: Sequence[bytes]) -> None:
    for message in messages:
        connection.send(message)
    # A machine that is up and has no daemon says so, to the next call.
    connection.settimeout(0.2)
    with suppress(TimeoutError):
        connection.recv(1)


def _send_counted(connection: socket.socket, messages: Sequence[bytes]) -> None:
    """By octet counting (RFC 6587), so that no message can end another one."""
    counted = (b"%d %b" % (len(message), message) for message in messages)
    connection.sendall(b"".join(counted))
    if not isinstance(connection, ssl.SSLSocket):
        connection.shutdown(socket.SHUT_WR)
    connection.settimeout(LISTEN_SECONDS)
    with suppress(TimeoutError):
        if isinstance(connection, ssl.SSLSocket):
            # A TLS 1.3 server refuses a client after the handshake was done.
            with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                connection.unwrap()
        else:
            connection.recv(1)


def _not_taken(path: str, problem: OSError) -> ServiceError:
    said = problem.strerror or str(problem)
    return ServiceError(
        f"the syslog daemon at {path} takes nothing: {said}",
        "Start it, or name its socket in [alarms.syslog].",
    )


def _unreached(server: Server, problem: OSError) -> ConnectionFailedError:
    where = host_port(server.host, server.port)
    return ConnectionFailedError(
        f"the syslog server {where} ({server.to}): {why_not(problem)}",
        "See that it is up and listens there; what waits is sent again later.",
    )
