"""Addresses and ports on this machine, where all servers of the tests listen."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
SERVER_PORTS = (10_000, 32_000)
_claims: list[socket.socket] = []


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def free_port(host: str = LOOPBACK) -> int:
    """A port that is free for TCP and for UDP, and handed out once on this machine.

    It lies below those that the kernel gives to clients, so that a server which is
    stopped for a moment finds it still free. The tests run in several processes, and
    a server binds it only later: a name in the kernel holds it until this process ends.
    """
    while True:
        port = random.randrange(*SERVER_PORTS)
        if _is_free(host, port) and _is_taken_by_us(port):
            return port


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family_of(host), kind) as asked:
            try:
                asked.bind((host, port))
            except OSError:
                return False
    return True


def _is_taken_by_us(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0cucmsh-tests-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def listens(host: str, port: int) -> bool:
    """Whether a TCP server takes a connection there."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
