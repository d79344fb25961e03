"""Addresses and ports on this machine, where all servers of the tests listen."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
SERVER_PORTS = (10_000, 32_000)


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def free_port(
    kind: socket.SocketKind = socket.SOCK_STREAM, host: str = LOOPBACK
) -> int:
    """A port below those that the kernel gives to clients.

    A server that is stopped for a moment finds its port still free then.
    """
    while True:
        port = random.randrange(*SERVER_PORTS)
        with socket.socket(family_of(host), kind) as holder, suppress(OSError):
            holder.bind((host, port))
            return port


def listens(host: str, port: int) -> bool:
    """Whether a TCP server takes a connection there."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
