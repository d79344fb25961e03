"""Relays on 127.0.0.1 that are a distance: TCP and TFTP, any number, one process.

    python -m benchmarks.relays MILLISECONDS TCP:PORT... UDP:HOST:PORT...

Everything is held half the round trip in each direction, in its order, and a TCP
connection costs a round trip before its first byte. Prints the ports, in the order of
the arguments, as a line of JSON; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections import deque
from typing import cast

LOOPBACK = "127.0.0.1"
Address = tuple[str, int]


class _End(asyncio.Protocol):
    """One end of a TCP connection; what it gets goes to the other end, later."""

    def __init__(self, delay: float) -> None:
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self._delay = delay
        self._early: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in self._early:
            self.transport.write(piece)

    def send(self, piece: bytes) -> None:
        if self.transport is None:
            self._early.append(piece)
        elif not self.transport.is_closing():
            self.transport.write(piece)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        later = asyncio.get_running_loop().call_later
        later(self._delay, self.other.send, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its name
        asyncio.get_running_loop().call_later(self._delay, self._close_other)

    def _close_other(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def relay_tcp(port: int, delay: float) -> int:
    """A relay to that port; gives its own."""
    loop = asyncio.get_running_loop()
    pending: set[asyncio.Task[None]] = set()

    async def dial(back: _End) -> None:
        await asyncio.sleep(2 * delay)
        with contextlib.suppress(OSError):
            await loop.create_connection(lambda: back, LOOPBACK, port)

    def front() -> _End:
        here, there = _End(delay), _End(delay)
        here.other, there.other = there, here
        task = loop.create_task(dial(there))
        pending.add(task)
        task.add_done_callback(pending.discard)
        return here

    server = await loop.create_server(front, LOOPBACK, 0, backlog=256)
    return int(server.sockets[0].getsockname()[1])


class _Door(asyncio.DatagramProtocol):
    """The well-known port: a session for each client that asks."""

    def __init__(self, server: Address, delay: float) -> None:
        self._server, self._delay = server, delay
        self._tasks: set[asyncio.Task[None]] = set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        task = asyncio.get_running_loop().create_task(self._open(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, request: bytes, client: Address) -> None:
        loop = asyncio.get_running_loop()
        session = _Session(client, self._server, self._delay)
        await loop.create_datagram_endpoint(lambda: session, local_addr=(LOOPBACK, 0))
        loop.call_later(self._delay, session.send, request, self._server)


class _Session(asyncio.DatagramProtocol):
    """One transfer: the client on one side, the server's own port on the other."""

    def __init__(self, client: Address, server: Address, delay: float) -> None:
        self._client, self._server, self._delay = client, server, delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def send(self, data: bytes, to: Address) -> None:
        self._transport.sendto(data, to)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr == self._client:
            to = self._server
        else:
            self._server, to = addr, self._client
        asyncio.get_running_loop().call_later(self._delay, self.send, data, to)


async def relay_udp(host: str, port: int, delay: float) -> int:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Door((host, port), delay), local_addr=(LOOPBACK, 0)
    )
    return int(transport.get_extra_info("sockname")[1])


async def serve(milliseconds: float, words: list[str]) -> None:
    delay = milliseconds / 2000
    ports = []
    for word in words:
        kind, *address = word.split(":")
        if kind == "TCP":
            ports.append(await relay_tcp(int(address[0]), delay))
        else:
            ports.append(await relay_udp(address[0], int(address[1]), delay))
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2:]))
