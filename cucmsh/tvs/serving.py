"""Connections of one listening socket: who is let in, and who has had its time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from cucmsh.exhaustion import is_exhaustion
from cucmsh.tvs.answering import Lookup
from cucmsh.tvs.connection import CHUNK, Connection, Surroundings
from cucmsh.tvs.contexts import Contexts
from cucmsh.tvs.limits import MORE, Crowd, Limits

_ACCEPTED_AT_ONCE = 64
_PAUSE_SECONDS = 0.5  # before the next accept, where no descriptor is left
_LEAST_SWEEP, _MOST_SWEEP = 0.02, 1.0  # seconds between two looks at the deadlines


class Serving:
    """Connections of one listening socket in a running loop.

    Args:
        listener: does not block.
        lookup: what is vouched for.
        contexts: of TLS.
        limits: of connections and time.
        log: takes one line.
        delay: for how many seconds a new connection waits before anything is read.
    """

    def __init__(  # noqa: PLR0913 - what a server is made of
        self,
        listener: socket.socket,
        lookup: Lookup,
        contexts: Contexts,
        limits: Limits,
        log: Callable[[str], None],
        *,
        delay: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._delay = delay
        self._held: dict[socket.socket, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._log = log
        self._crowd = Crowd(limits)
        self._connections: set[Connection] = set()
        self._around = Surroundings(
            self._loop,
            lookup,
            limits,
            contexts.for_handshake,
            log,
            self._forget,
            memoryview(bytearray(CHUNK)),
        )
        times = (limits.handshake_seconds, limits.message_seconds, limits.idle_seconds)
        self._pause = min(max(min(times) / 8, _LEAST_SWEEP), _MOST_SWEEP)
        self._is_sweeping = False
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Close every connection; the listening socket stays open."""
        self._loop.remove_reader(self._listener)
        for connection in list(self._connections):
            connection.close()
        for sock, timer in self._held.items():
            timer.cancel()
            sock.close()
        self._held = {}

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, where = self._listener.accept()
            except (BlockingIOError, ConnectionError, InterruptedError):
                return
            except OSError as problem:
                if not is_exhaustion(problem):
                    raise
                self._rest(problem)
                return
            self._admit(sock, where[0].removeprefix("::ffff:"))

    def _rest(self, problem: OSError) -> None:
        """Leave those who come alone for a moment: accepting fails again at once."""
        self._log(f"No connection is accepted for a moment: {problem.strerror}.")
        self._loop.remove_reader(self._listener)
        self._loop.call_later(_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _admit(self, sock: socket.socket, address: str) -> None:
        refusal = self._crowd.refusal(address)
        if refusal:
            sock.close()
            if refusal != MORE:
                self._log(f"{address}: {refusal}")
            return
        sock.setblocking(False)
        seconds = self._delay()
        if seconds:
            timer = self._loop.call_later(seconds, self._connect, sock, address)
            self._held[sock] = timer
        else:
            self._connect(sock, address)

    def _connect(self, sock: socket.socket, address: str) -> None:
        self._held.pop(sock, None)
        self._connections.add(Connection(self._around, sock, address))
        if not self._is_sweeping:
            self._is_sweeping = True
            self._loop.call_later(self._pause, self._sweep)

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._crowd.leave(connection.peer)

    def _sweep(self) -> None:
        """End what is over its time. One timer for all: most need none."""
        now = self._loop.time()
        for each in [each for each in self._connections if each.deadline <= now]:
            each.time_is_up()
        self._is_sweeping = bool(self._connections)
        if self._is_sweeping:
            self._loop.call_later(self._pause, self._sweep)
