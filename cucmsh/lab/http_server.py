"""A node's files over HTTP, as its TFTP service serves them on port 6970.

The same files as by TFTP, read-only. Its answers are those of the original: ``200``
with ``Content-length``, ``404`` for what is not there, for a file of no bytes too. Made
for a lab and for tests. h11 reads the requests; what it finds wrong is answered 400,
and the connection closed.

Refused: to listen on anything but a loopback address; other methods than GET and HEAD;
names that leave the directory, links, anything but regular files (404, as in
``tftp.server``); requests without an end after 16 KiB or ``READ_SECONDS``;
files above 4 MiB; more than ``MOST_CONNECTIONS`` clients at once, who are answered 503
as the original's are.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import unquote_to_bytes

import h11

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.tftp.server import Conduct, open_published

READ_SECONDS = 5.0  # for a request, and until the client closes
WRITE_SECONDS = 30.0  # for a client that does not read
MOST_CONNECTIONS = 500  # a process may have 1,024 descriptors
MAX_FILE = 4 << 20  # bytes
_BACKLOG = 1024
_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
}
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-length: 0\r\n\r\n"


Content = Callable[[bytes], bytes]  # of what is asked for; empty for what is not there


class _Running(NamedTuple):
    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Future[None]
    thread: threading.Thread


class HttpServer:
    """Files over HTTP that can be stopped and started again on the same port.

    Args:
        host: the loopback address to listen on.
        port: 0 takes a free one at the first start, and the same one ever after.
        directory: what is served.
        conduct: whom it answers, how late, and with what.

    Raises:
        RefusedError: the address is reachable from outside of this machine.
    """

    def __init__(
        self,
        host: str,
        port: int,
        directory: Path,
        conduct: Conduct | None = None,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise RefusedError("The lab's HTTP service listens on loopback only.")
        self._address = (host, port)
        self._directory = directory
        self._conduct = conduct or Conduct()
        self._running: _Running | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is 0 before the first start if it was 0."""
        return self._address

    @property
    def is_running(self) -> bool:
        return self._running is not None

    def start(self) -> None:
        """Serve, in a thread.

        Raises:
            ServiceError: the address cannot be bound.
        """
        if self._running is not None:
            return
        listener = self._bound()
        self._address = listener.getsockname()[:2]
        loop = asyncio.new_event_loop()
        stopped: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            with contextlib.closing(loop):
                work = _serve(listener, (self._content, self._conduct), stopped)
                loop.run_until_complete(work)

        name = f"http-{self._address[1]}"
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._running = _Running(loop, stopped, thread)
        thread.start()

    def stop(self) -> None:
        """Close the port and all connections. Returns when that is done."""
        running, self._running = self._running, None
        if running is None:
            return
        running.loop.call_soon_threadsafe(running.stopped.cancel)
        running.thread.join()

    def _content(self, target: bytes) -> bytes:
        """The file; empty for what is not there, or holds nothing."""
        path = unquote_to_bytes(target.partition(b"?")[0])
        if not path.startswith(b"/") or b"\0" in path:
            return b""
        try:
            name = path.decode()
        except UnicodeDecodeError:
            return b""
        name = self._conduct.file_of(name)
        found = open_published(self._directory, name, netascii=False)
        if found is None:
            return b""
        with self._conduct.served(name, found) as stream, contextlib.suppress(OSError):
            content = stream.read(MAX_FILE + 1)
            return content if len(content) <= MAX_FILE else b""
        return b""

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(self._address)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            host, port = self._address
            raise ServiceError(
                f"HTTP cannot listen on {host}:{port}: {error.strerror}."
            ) from error
        listener.setblocking(False)
        return listener


async def _serve(
    listener: socket.socket,
    how: tuple[Content, Conduct],
    stopped: asyncio.Future[None],
) -> None:
    """The thread's work, until ``stopped`` is done."""
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(*how, connections), sock=listener
    )
    await asyncio.wait([stopped])
    server.close()
    for connection in tuple(connections):
        connection.abort()
    await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One client: request, answer, request, ... until it closes or is too slow."""

    def __init__(
        self, content: Content, conduct: Conduct, connections: set[_Connection]
    ) -> None:
        self._content = content
        self._conduct = conduct
        self._connections = connections
        self._http = h11.Connection(h11.SERVER)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        delay = self._conduct.delay_seconds
        self._patience(delay + READ_SECONDS)
        if len(self._connections) >= MOST_CONNECTIONS:
            self._transport.write(_BUSY)
            self._transport.close()
            return
        self._connections.add(self)
        client = transport.get_extra_info("peername") or ("", 0)
        if not self._conduct.answers(client, "tcp"):
            self._transport.pause_reading()  # until the client's time is over
        elif delay:
            self._transport.pause_reading()
            self._loop.call_later(delay, self._begin)

    def _begin(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._connections.discard(self)

    def abort(self) -> None:
        self._transport.abort()

    def pause_writing(self) -> None:
        """What was answered is not read: no more is, and no more comes in."""
        self._is_paused = True
        self._transport.pause_reading()
        self._patience(WRITE_SECONDS)

    def resume_writing(self) -> None:
        self._is_paused = False
        self._patience(READ_SECONDS)
        # Not from here: asyncio ends a connection twice that is closed meanwhile.
        self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._go_on()
        if not self._is_paused:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._go_on()

    def eof_received(self) -> bool:
        return False  # what was answered is sent, then it is closed

    def _patience(self, seconds: float) -> None:
        """From now on, in place of what was waited for until now."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.abort)

    def _go_on(self) -> None:
        try:
            self._answer_all()
        except h11.RemoteProtocolError as problem:
            self._refuse(problem.error_status_hint)

    def _answer_all(self) -> None:
        """The requests that are there, while the client reads the answers."""
        while not self._is_paused and not self._transport.is_closing():
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._patience(READ_SECONDS)
                self._answer(event)  # which may start the patience of writing
            elif isinstance(event, h11.EndOfMessage):
                if self._http.our_state is h11.MUST_CLOSE:
                    self._transport.close()
                elif self._http.our_state is h11.DONE:
                    self._http.start_next_cycle()
            elif not isinstance(event, h11.Data):  # a body is of no use here
                return

    def _answer(self, request: h11.Request) -> None:
        if request.method not in (b"GET", b"HEAD"):
            self._send(405)
        else:
            content = self._content(request.target)
            self._send(200 if content else 404, content, request.method == b"GET")

    def _send(self, status: int, content: bytes = b"", has_body: bool = True) -> None:
        headers = [(b"Content-length", str(len(content)).encode())]
        headers += [(b"Cache-Control", b"no-store"), (b"Content-type", b"*/*")]
        answer = h11.Response(
            status_code=status, headers=headers, reason=_REASONS.get(status, b"")
        )
        pieces = [self._http.send(answer)]
        if content and has_body:
            pieces.append(self._http.send(h11.Data(data=content)))
        pieces.append(self._http.send(h11.EndOfMessage()))
        self._transport.write(b"".join(piece for piece in pieces if piece))

    def _refuse(self, status: int) -> None:
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way
            self._send(status)
        self._transport.close()
