"""How a lab phone asks for a file: HTTP on port 6970, then TFTP for the same file.

The request and its answer are those that were seen on the wire: two lines, nothing
else; one connection a file, closed by the phone; TFTP without options; 503 means no
more than 404 does; at most 2,048 KB (docs/formats.md#phones).

Whatever a server sends gives a ``Fetched``, within a bounded time and a bounded size.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from enum import Enum
from typing import NamedTuple, cast

from cucmsh.tftp.client import IP_RECVERR
from cucmsh.tftp.codec import (
    UNKNOWN_TRANSFER,
    Download,
    ErrorPacket,
    ProtocolError,
    RefusalError,
)

MAX_DOWNLOAD = 2048 << 10  # bytes
HTTP_SECONDS = 10.0  # for one file
LARGEST_HEAD = 8 << 10  # bytes of an answer before its file
REPEAT_SECONDS = 0.5  # until a TFTP packet is sent again
MOST_REPEATS = 6
_FOUND, _NOT_FOUND = b"200", (b"404", b"503")

Address = tuple[str, int]


class Outcome(Enum):
    """What became of asking for a file."""

    HERE = "here"
    MISSING = "missing"  # the server says so
    SILENT = "silent"  # nobody answers
    BROKEN = "broken"  # what came is no file that a phone takes


class Fetched(NamedTuple):
    """A file, or why there is none.

    Attributes:
        outcome: which of the two.
        content: the file; empty unless it is here.
        problem: what was wrong with what came, for the phone's log.
    """

    outcome: Outcome
    content: bytes = b""
    problem: str = ""

    @property
    def is_here(self) -> bool:
        return self.outcome is Outcome.HERE


async def fetch_http(server: Address, name: str, source: str) -> Fetched:
    """Ask an HTTP server for the file of that name.

    Args:
        server: where it listens.
        name: the file.
        source: the address of this machine that asks.
    """
    try:
        async with asyncio.timeout(HTTP_SECONDS):
            return await _fetch_http(server, name, source)
    except (OSError, TimeoutError) as problem:  # also a connection that broke
        return Fetched(Outcome.SILENT, problem=str(problem) or "it does not answer")


async def _fetch_http(server: Address, name: str, source: str) -> Fetched:
    host, port = server
    reader, writer = await asyncio.open_connection(
        host, port, limit=LARGEST_HEAD, local_addr=(source, 0)
    )
    try:
        request = f"GET /{name} HTTP/1.1\r\nHost:{host}:{port}\r\n\r\n"
        writer.write(request.encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return Fetched(Outcome.SILENT, problem="it closed the connection")
        except asyncio.LimitOverrunError:
            return Fetched(Outcome.BROKEN, problem="an answer without an end")
        return await _answer(reader, head)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, head: bytes) -> Fetched:
    first, *lines = head.split(b"\r\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        return Fetched(Outcome.BROKEN, problem="no answer of HTTP")
    if words[1] in _NOT_FOUND:
        return Fetched(Outcome.MISSING)
    size = _length(lines)
    if words[1] != _FOUND or size is None:
        return Fetched(Outcome.BROKEN, problem="an answer that is no file")
    if size > MAX_DOWNLOAD:
        return Fetched(Outcome.BROKEN, problem="a file that is too large")
    try:
        return Fetched(Outcome.HERE, await reader.readexactly(size))
    except asyncio.IncompleteReadError:
        return Fetched(Outcome.BROKEN, problem="a file that broke off")


def _length(lines: list[bytes]) -> int | None:
    for line in lines:
        name, _, value = line.partition(b":")
        digits = value.strip()
        if name.lower() == b"content-length" and digits.isdigit():
            return int(digits[: len(str(MAX_DOWNLOAD)) + 1])
    return None


async def fetch_tftp(server: Address, name: str, source: str) -> Fetched:
    """Ask a TFTP server for the file of that name, in blocks of 512 bytes.

    Arguments as those of ``fetch_http``.
    """
    loop = asyncio.get_running_loop()
    transfer = _Transfer(server, Download(name, None, MAX_DOWNLOAD))
    transport, _ = await loop.create_datagram_endpoint(
        lambda: transfer, local_addr=(source, 0)
    )
    try:
        return await transfer.ended
    finally:
        transport.close()


class _Transfer(asyncio.DatagramProtocol):
    """One file by TFTP; ``ended`` says what became of it.

    The socket is not connected: an answer comes from another port than was asked.
    """

    def __init__(self, server: Address, download: Download) -> None:
        self._server = server
        self._download = download
        self._peer: Address | None = None  # who sends the file
        self._repeats = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[Fetched] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        self._send(self._download.packet)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.ended.done() or addr[0] != self._server[0]:
            return
        if self._peer is not None and addr != self._peer:
            stranger = ErrorPacket(UNKNOWN_TRANSFER, "another transfer is under way")
            self._transport.sendto(stranger.encode(), addr)
            return
        before = self._download.packet
        try:
            packet = self._download.take(data)
        except RefusalError as refusal:  # whatever its number: a busy server says 1
            self._end(Fetched(Outcome.MISSING, problem=refusal.text))
            return
        except ProtocolError as problem:
            reply = ErrorPacket(problem.code, str(problem))
            self._transport.sendto(reply.encode(), addr)
            self._end(Fetched(Outcome.BROKEN, problem=str(problem)))
            return
        self._peer = addr
        if packet:
            self._send(packet)
        if self._download.is_complete:
            self._end(Fetched(Outcome.HERE, self._download.content))
        elif self._download.packet != before:
            self._repeats = 0

    def error_received(self, exc: Exception) -> None:
        self._end(Fetched(Outcome.SILENT, problem=str(exc)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end(Fetched(Outcome.SILENT, problem=str(exc or "")))

    def _send(self, packet: bytes) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport.sendto(packet, self._peer or self._server)
        self._timer = self._loop.call_later(REPEAT_SECONDS, self._repeat)

    def _repeat(self) -> None:
        self._repeats += 1
        if self._repeats > MOST_REPEATS:
            self._end(Fetched(Outcome.SILENT, problem="TFTP timeout"))
        elif not self.ended.done():
            self._send(self._download.packet)

    def _end(self, fetched: Fetched) -> None:
        if not self.ended.done():
            self.ended.set_result(fetched)
