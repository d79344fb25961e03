"""A TCP connection on which our side has said already that it speaks SSH.

That line needs nothing of the other side's (RFC 4253 section 4.2), and no paramiko:
the server forks, and sends its own line and what it can do, while we import.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import NamedTuple

from cucmsh.remote import deadline
from cucmsh.remote.connect import connect

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
