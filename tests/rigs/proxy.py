"""A TCP proxy on 127.0.0.1 that does to a connection what networks do to it.

Cuts or resets it after k bytes of one direction, falls silent, lets a byte a second
through, flips a byte, holds everything for a while. Runs in a thread; one proxy may
stand in front of one server, and its fault may be changed between connections.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

LOOPBACK = "127.0.0.1"
TO_NODE, TO_SHELL = "to the node", "to the shell"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time: an RST


class Fault(NamedTuple):
    """What happens to each connection; nothing by default.

    Attributes:
        toward: the direction whose bytes are counted.
        cut: close both ends after so many bytes.
        reset: close with an RST.
        silence: pass so many bytes on, then take everything and give nothing.
        corrupt: flip a bit of the byte at that offset.
        rate: bytes a second; 0 for as fast as it goes.
        delay: seconds, in each direction.
        times: of so many connections, then none; -1 for all.
    """

    toward: str = TO_NODE
    cut: int = -1
    reset: bool = False
    silence: int = -1
    corrupt: int = -1
    rate: float = 0
    delay: float = 0
    times: int = -1


class Proxy:
    """Listens until ``close``; ``port`` is where.

    Attributes:
        fault: what happens to connections that come from now on.
        passed: bytes of the last connection, by direction.
        is_mute: what is sent to the shell is swallowed from now on, as on a dead line.
    """

    def __init__(self, port: int, fault: Fault = Fault()) -> None:  # noqa: B008 - a value
        self.fault = fault
        self.passed: dict[str, int] = {}
        self.is_mute = threading.Event()
        self.connections = 0
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = self._do(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):  # transports close one turn of the loop later
            await asyncio.sleep(0)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        fault = self.fault
        if 0 <= fault.times < self.connections:
            fault = Fault(delay=fault.delay)
        self.passed = {TO_NODE: 0, TO_SHELL: 0}
        try:
            await asyncio.sleep(2 * fault.delay)  # the connection is a round trip too
            await self._join(reader, writer, fault)
        except asyncio.CancelledError:
            return  # the proxy closes; its streams would log the cancellation
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault
    ) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(LOOPBACK, self._target)
            for end in (writer, back):
                end.get_extra_info("socket").setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                )
            way_in = _Way(reader, back, fault, TO_NODE, self.passed)
            mute = self.is_mute
            way_out = _Way(there, writer, fault, TO_SHELL, self.passed, is_mute=mute)
            ways = [way_in.run(), way_out.run()]
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                back.transport.abort()
        await self._hang_up(writer, fault)

    @staticmethod
    async def _hang_up(writer: asyncio.StreamWriter, fault: Fault) -> None:
        if fault.reset:
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE
            )
            writer.transport.abort()
        else:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class _CutError(Exception):
    """The fault says that the connection ends here."""


class _Way:
    """One direction of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault,
        toward: str,
        counted: dict[str, int],
        *,
        is_mute: threading.Event | None = None,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._is_mute = is_mute or threading.Event()
        self._fault = fault if fault.toward == toward else Fault(delay=fault.delay)
        self._toward = toward
        self._counted = counted

    async def run(self) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        taking = asyncio.ensure_future(self._take(held))
        try:
            await self._give(held)
        finally:
            taking.cancel()

    async def _take(self, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        piece = b"."
        while piece:
            try:
                piece = await self._reader.read(1 << 16)
            except OSError:
                piece = b""
            due = asyncio.get_running_loop().time() + self._fault.delay
            held.put_nowait((due, piece))

    async def _give(self, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, piece = await held.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                with suppress(OSError, RuntimeError):
                    self._writer.write_eof()
                return
            await self._pass(piece)

    async def _pass(self, piece: bytes) -> None:
        if self._is_mute.is_set():
            return
        fault, before = self._fault, self._counted[self._toward]
        self._counted[self._toward] += len(piece)
        if 0 <= fault.corrupt - before < len(piece):
            at = fault.corrupt - before
            piece = piece[:at] + bytes([piece[at] ^ 0x10]) + piece[at + 1 :]
        for end in (fault.cut, fault.silence):
            if end >= 0:
                piece = piece[: max(0, end - before)]
        if fault.rate:
            for byte in piece:
                if self._writer.transport.is_closing():
                    raise _CutError
                self._writer.write(bytes([byte]))
                await asyncio.sleep(1 / fault.rate)
        else:
            self._writer.write(piece)
        with suppress(OSError):
            await self._writer.drain()
        if 0 <= fault.cut <= self._counted[self._toward]:
            raise _CutError
