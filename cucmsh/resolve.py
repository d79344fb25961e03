"""The addresses of a host, within a time that a slow resolver cannot stretch.

``getaddrinfo`` knows no limit and a resolver may take a minute
(docs/security.md F11); so a thread asks and we wait for it no longer than told. An
address needs no resolver, and no thread.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple


class Address(NamedTuple):
    """Where a socket of that family sends to."""

    family: socket.AddressFamily
    where: tuple[Any, ...]


def addresses_of(
    host: str, port: int, kind: socket.SocketKind, seconds: float
) -> list[Address]:
    """The addresses of ``host``, of both families, in the resolver's order; not empty.

    Raises:
        TimeoutError: the resolver did not answer in time.
        OSError: there is no such host.
    """
    if _is_address(host):
        return _look_up(host, port, kind)
    answers: SimpleQueue[list[Address] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_look_up(host, port, kind))
        except OSError as problem:
            answers.put(problem)

    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0))
    except Empty:
        raise TimeoutError(f"the name {host} could not be looked up in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False


def _look_up(host: str, port: int, kind: socket.SocketKind) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except UnicodeError as problem:  # no IDNA name
        raise OSError(f"{host!r} is no host name") from problem
    if not found:
        raise OSError("no address")
    return [Address(family, where) for family, _, _, _, where in found]
