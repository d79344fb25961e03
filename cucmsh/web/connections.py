"""Connections of browsers: bounded, and none waits for its client for ever.

uvicorn has no limit for a first request's head, none that a single byte of the next
head does not lift, and counts the silent ones as it counts the others. Here a head has
``HEAD_SECONDS``, a handshake of TLS ``HANDSHAKE_SECONDS``; and where more than
``CONNECTIONS`` are open, the one goes that has waited longest for its client.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn import Server
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 200
HEAD_SECONDS = 10.0
HANDSHAKE_SECONDS = 5.0
BACKLOG = 1024


class BoundedConnection(H11Protocol):
    """See the module.

    Attributes:
        since: when it began to wait for its client, by the loop's clock.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.since = 0.0
        self._head_end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def _make_room(self) -> None:
        others = (each for each in self.connections if each is not self)
        waiting = [
            each
            for each in others
            if isinstance(each, BoundedConnection) and each.is_waiting
        ]
        if waiting:
            oldest = min(waiting, key=lambda each: each.since)
            oldest.transport.abort()
            self.connections.discard(oldest)

    @property
    def is_waiting(self) -> bool:
        """Whether the client is to send the rest of a request, or its first byte."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._cancel()
        self.since = self.loop.time()
        self._head_end = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _cancel(self) -> None:
        if self._head_end is not None:
            self._head_end.cancel()
            self._head_end = None


class BoundedServer(Server):
    """uvicorn's, on sockets that listen already, with a limit for handshakes."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        context = self.config.ssl
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=each,
                ssl=context,
                backlog=BACKLOG,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
            )
            for each in sockets or []
        ]
        self.started = True

    def _connection(self) -> BoundedConnection:
        return BoundedConnection(
            config=self.config, server_state=self.server_state, app_state={}
        )
