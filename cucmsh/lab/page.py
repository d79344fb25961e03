"""The page of a lab's publisher: a process of its own, plain HTTP on 127.0.0.1.

It listens before it is ready: whoever opens its address early waits for the answer, and
the lab does not wait for a web server to be imported.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

from cucmsh.lab.conditions import PAGE, Conditions
from cucmsh.lab.gate import Gate
from cucmsh.lab.members import READY, Member, Serve, obey
from cucmsh.lab.plan import LOOPBACK, bound_listener

# Serves the page of a configuration on a socket until the event is set.
ServePage = Callable[[str, socket.socket, threading.Event], None]
BACKLOG = 128


class LabPage:
    """See the module.

    Args:
        serve: serves it.
        configuration: the publisher's.
        earlier: the port that it had last; taken if it is free.
        fixed: the port that it must have; 0 for any.

    Attributes:
        member: its process.

    Raises:
        ServiceError: the fixed port is taken.
    """

    def __init__(
        self, serve: ServePage, configuration: str, earlier: int, fixed: int
    ) -> None:
        self.member = Member(PAGE)
        self._serve = serve
        self._configuration = configuration
        self._listener, self._port = bound_listener(earlier, fixed)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """All that it holds."""
        return (self._listener,)

    @property
    def url(self) -> str:
        """Its address for a browser."""
        return f"http://{LOOPBACK}:{self._port}/"

    @property
    def work(self) -> Serve:
        """What the process does."""
        return partial(_work, self._listener, self._configuration, self._serve)


def _work(
    listener: socket.socket,
    configuration: str,
    serve: ServePage,
    channel: Connection,
    conditions: Conditions,
) -> None:
    ended = obey(channel, Gate("", ""), conditions)
    listener.listen(BACKLOG)
    channel.send(READY)
    serve(configuration, listener, ended)
