"""A TCP connection within a time that the look-up of the name cannot stretch."""

from __future__ import annotations

import socket
from time import monotonic

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.resolve import Address, addresses_of


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of ``host`` that answers.

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
