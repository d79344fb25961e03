"""Listening sockets of a TVS: one, or one for each worker on the same port."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from cucmsh.errors import ServiceError

_BACKLOG = 1_024
_PAUSE_SECONDS = 0.05


def listen(host: str, port: int, count: int, attempts: int = 1) -> list[socket.socket]:
    """So many sockets that listen on one port; they do not block.

    The kernel deals new connections out to several by their addresses and ports. That
    needs SO_REUSEPORT, which lets any process of this account listen there as well; so
    the port is taken without it first, which fails where somebody listens.

    Args:
        host: a name or an address of this machine.
        port: 0 takes a free one.
        count: how many.
        attempts: a client may hold a port for a moment that was ours before.

    Raises:
        ServiceError: the address cannot be listened on.
    """
    while True:
        attempts -= 1
        try:
            return _listen(host, port, count)
        except OSError as problem:
            if attempts <= 0:
                reason = problem.strerror or "it is no address"
                raise ServiceError(
                    f"TVS cannot listen on {host}, port {port}: {reason}.",
                    "Look at what listens there (`ss -ltnp`), and at the node's `tvs` "
                    "in the configuration.",
                ) from problem
            time.sleep(_PAUSE_SECONDS)


def _listen(host: str, port: int, count: int) -> list[socket.socket]:
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, where = found[0]
    if count == 1:
        return [_one(family, where, shared=False)]
    with ExitStack() as stack:
        if port:
            _one(family, where, shared=False).close()
        made: list[socket.socket] = []
        for _ in range(count):
            made.append(stack.enter_context(_one(family, where, shared=True)))
            where = made[0].getsockname()
        stack.pop_all()
        return made


def _one(
    family: socket.AddressFamily, where: tuple[object, ...], *, shared: bool
) -> socket.socket:
    with ExitStack() as stack:
        made = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # What is accepted inherits it.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.bind(where)
        made.listen(_BACKLOG)
        made.setblocking(False)
        stack.pop_all()
        return made
