"""A TCP connection on which our side has said already that it speaks SSH.

That line needs nothing of the other side's (RFC 4253 section 4.2), and no paramiko:
the server forks, and sends its own line and what it can do, while we import. So this
module is imported before paramiko is, and imports nothing of it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.remote import deadline
from cucmsh.resolve import Address, addresses_of

VERSION = "SSH-2.0-cucmsh"
GREETING = f"{VERSION}\r\n".encode()


class Greeted(NamedTuple):
    """A host that heard us, under the name and the TCP port that were asked for."""

    host: str
    port: int
    connected: socket.socket


def greet(host: str, port: int) -> Greeted:
    """Connect, and say who we are; whoever asked closes it.

    Raises:
        NoAnswerError, ConnectionFailedError: as ``connect``.
    """
    connected = connect(host, port, deadline.CONNECT_SECONDS)
    with suppress(OSError):  # it hung up: the handshake finds out, and says it
        connected.sendall(GREETING)
    return Greeted(host, port, connected)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of ``host`` that answers.

    The look-up of the name is part of the time, too.

    Several addresses share the time: each gets its part of what is left.

    Raises:
        NoAnswerError: neither the resolver nor the host answered in time.
        ConnectionFailedError: there is no such host, or it refuses.
    """
    deadline = monotonic() + seconds
    try:
        return _first(addresses_of(host, port, socket.SOCK_STREAM, seconds), deadline)
    except TimeoutError as problem:
        raise NoAnswerError(
            f"{host} port {port} did not answer within {seconds:.0f} seconds",
            "Check that the host is up and that no firewall is in the way.",
        ) from problem
    except OSError as problem:
        reason = problem.strerror or str(problem) or "no answer"
        raise ConnectionFailedError(
            f"cannot connect to {host} port {port}: {reason}",
            "Check the name, the port and that the server runs.",
        ) from problem


def _first(found: list[Address], deadline: float) -> socket.socket:
    problem = OSError("no address")
    for number, (family, address) in enumerate(found):
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError from problem
        dialling = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialling.settimeout(left / (len(found) - number))
            dialling.connect(address)
        except OSError as refusal:
            dialling.close()
            problem = refusal
        else:
            # Without it each small request waits 40 ms for a delayed ACK.
            dialling.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return dialling
    raise problem
