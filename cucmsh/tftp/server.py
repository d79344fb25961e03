"""A TFTP service on 127.0.0.1: one directory, read-only. The lab's nodes serve by it.

Made for a lab and for tests; in production tftpd-hpa or dnsmasq does this work. RFC
1350, 2347 (options), 2348 (blksize), 2349 (timeout, tsize), as tftpd-hpa answers them.
Whatever a client sends ends that client's transfer and nothing else.

Refused: to listen on anything but a loopback address; writing (access violation); what
is no request, or asks for another mode than octet or netascii (illegal operation);
names that leave the directory, symbolic links, anything but regular files (not found).
More than 256 clients are not served at once: the next one waits, and asks again.
"""

from __future__ import annotations

import contextlib
import errno
import io
import ipaddress
import os
import selectors
import socket
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.tftp.codec import (
    ACCESS_VIOLATION,
    NOT_FOUND,
    UNDEFINED,
    ErrorPacket,
    Packet,
    ProtocolError,
    ReadRequest,
    RefusalError,
    Upload,
    WriteRequest,
    decode,
)

REPEAT_AFTER = 1.0
"""Seconds without an acknowledgement after which the last packet is sent again, where
the client asked for no other ``timeout``."""

_MOST_REPEATS = 5
_LARGEST_DATAGRAM = 1 << 16
_MOST_TRANSFERS = 256
_REBIND_ATTEMPTS = 40
_BIND_PAUSE = 0.05  # seconds; a client may hold our port for a moment

Client = tuple[str, int]


class Conduct:
    """How a service treats its clients: well. A lab that is to fail has another."""

    @property
    def delay_seconds(self) -> float:
        """How long a request waits before it is looked at."""
        return 0.0

    def answers(self, client: Client, table: str = "udp") -> bool:
        """Whether this client's request is looked at; else it is dropped.

        Args:
            client: address and port.
            table: ``udp`` or ``tcp``: by what it came.
        """
        del client, table
        return True

    def file_of(self, name: str) -> str:
        """Which file is looked for when that name is asked for."""
        return name

    def served(self, name: str, stream: BinaryIO) -> BinaryIO:
        """What is given in place of the open file, which it may be itself."""
        del name
        return stream


class TftpServer:
    """A TFTP service that can be stopped and started again on the same port.

    Args:
        host: the loopback address to listen on.
        port: 0 takes a free one at the first start, and the same one ever after.
        directory: what is served.
        conduct: how it treats its clients.

    Raises:
        RefusedError: the address is reachable from outside of this machine.
    """

    def __init__(
        self, host: str, port: int, directory: Path, conduct: Conduct | None = None
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise RefusedError("The lab's TFTP service listens on loopback only.")
        self._address = (host, port)
        self._directory = directory
        self._conduct = conduct or Conduct()
        self._bind_attempts = 1
        self._thread: threading.Thread | None = None
        self._stopper: socket.socket | None = None

    @property
    def address(self) -> Client:
        """Host and port; the port is 0 before the first start if it was 0."""
        return self._address

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Serve, in a thread. Requests sent from now on are answered.

        Raises:
            ServiceError: the address cannot be bound.
        """
        if self.is_running:
            return
        listener = self._bound()
        self._address = listener.getsockname()
        self._bind_attempts = _REBIND_ATTEMPTS  # the port is ours to wait for
        self._stopper, stopped = socket.socketpair()
        loop = _Loop(listener, stopped, self._directory, self._conduct)
        name = f"tftp-{self._address[1]}"
        self._thread = threading.Thread(target=loop.run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and drop the transfers. Returns when that is done."""
        thread, self._thread = self._thread, None
        stopper, self._stopper = self._stopper, None
        if thread is None or stopper is None:
            return
        stopper.close()  # the loop reads the end of its stream
        thread.join()

    def _bound(self) -> socket.socket:
        for attempts_left in reversed(range(self._bind_attempts)):
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                listener.bind(self._address)
            except OSError as error:
                listener.close()
                busy = error.errno == errno.EADDRINUSE
                if not busy or not attempts_left:
                    host, port = self._address
                    raise ServiceError(
                        f"TFTP cannot listen on {host}:{port}: {error.strerror}."
                    ) from error
                threading.Event().wait(_BIND_PAUSE)
            else:
                listener.setblocking(False)
                return listener
        raise AssertionError  # the last attempt returns or raises


class _Transfer:
    """A file on its way to one client, on a socket of its own.

    Args:
        client: address and UDP port.
        request: what it asked for.
        stream: the open file; closed by ``end``.

    Raises:
        OSError: the client is gone, or the file cannot be read.
        ProtocolError: a number in the request's options is out of bounds.
    """

    def __init__(self, client: Client, request: ReadRequest, stream: BinaryIO) -> None:
        self._stream = stream
        self._repeats = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(client)  # the kernel keeps strangers out
            size = None if request.mode == "netascii" else _size(stream)
            self._upload = Upload(stream.read, size, request.options)
            self._send(self._upload.packet)
        except (OSError, ProtocolError):
            self.end()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def due(self) -> float:
        """When to send the last packet again, on the monotonic clock."""
        return self._sent + (self._upload.repeat_seconds or REPEAT_AFTER)

    def advance(self) -> bool:
        """Take what the client sent; False when the transfer is over.

        Raises:
            OSError: the client is gone, or the file cannot be read.
        """
        try:
            packet = self._upload.take(self._socket.recv(_LARGEST_DATAGRAM))
        except BlockingIOError:  # what woke us was no whole datagram
            return True
        except RefusalError:
            return False
        except ProtocolError as problem:
            self._send(ErrorPacket(problem.code, str(problem)).encode())
            return False
        if packet:
            self._repeats = 0
            self._send(packet)
        return not self._upload.is_complete

    def repeat(self) -> bool:
        """Send the last packet again; False when it was sent often enough.

        Raises:
            OSError: the client is gone.
        """
        self._repeats += 1
        self._send(self._upload.packet)
        return self._repeats < _MOST_REPEATS

    def end(self) -> None:
        self._socket.close()
        self._stream.close()

    def _send(self, packet: bytes) -> None:
        self._sent = time.monotonic()
        with contextlib.suppress(BlockingIOError):  # lost, as any packet may be
            self._socket.send(packet)


class _Loop:
    """The thread's work: new clients, running transfers, silent clients."""

    def __init__(
        self,
        listener: socket.socket,
        stopped: socket.socket,
        directory: Path,
        conduct: Conduct,
    ) -> None:
        self._listener = listener
        self._stopped = stopped
        self._directory = directory
        self._conduct = conduct
        self._held: deque[tuple[float, bytes, Client]] = deque()  # until when
        self._selector = selectors.DefaultSelector()
        self._transfers: dict[Client, _Transfer] = {}

    def run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        try:
            while self._turn():
                self._repeat_overdue()
        finally:
            for client in list(self._transfers):
                self._forget(client)
            self._selector.close()
            self._listener.close()
            self._stopped.close()

    def _turn(self) -> bool:
        """Handle what is there, waiting for it if need be; False to stop."""
        times = [each.due for each in self._transfers.values()]
        times += [until for until, _, _ in self._held]
        due = min(times, default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        for key, _ in self._selector.select(wait):
            if key.fileobj is self._stopped:
                return False
            if key.fileobj is self._listener:
                self._admit()
            elif self._transfers.get(key.data) is key.fileobj:
                self._go_on(key.data, self._transfers[key.data].advance)
        while self._held and self._held[0][0] <= time.monotonic():
            _, datagram, client = self._held.popleft()
            self._consider(datagram, client)
        return True

    def _admit(self) -> None:
        with contextlib.suppress(OSError):
            datagram, client = self._listener.recvfrom(_LARGEST_DATAGRAM)
            delay = self._conduct.delay_seconds
            if not delay:
                self._consider(datagram, client)
            elif len(self._held) < _MOST_TRANSFERS:
                self._held.append((time.monotonic() + delay, datagram, client))

    def _consider(self, datagram: bytes, client: Client) -> None:
        if not self._conduct.answers(client):
            return
        with contextlib.suppress(OSError):
            if client in self._transfers:  # it began anew; one transfer a port
                self._forget(client)
            if len(self._transfers) >= _MOST_TRANSFERS:
                return  # it will ask again
            answer = self._begin(datagram, client)
            if answer is not None:
                self._listener.sendto(answer.encode(), client)

    def _begin(self, datagram: bytes, client: Client) -> ErrorPacket | None:
        """Begin a transfer; or what to answer instead, if anything."""
        try:
            packet = decode(datagram)
            if isinstance(packet, ErrorPacket):
                return None  # errors are never answered with errors
            transfer = _Transfer(client, *self._open(packet))
        except ProtocolError as problem:
            return ErrorPacket(problem.code, str(problem))
        except OSError as problem:
            return ErrorPacket(UNDEFINED, problem.strerror or "it cannot be read")
        self._transfers[client] = transfer
        self._selector.register(transfer, selectors.EVENT_READ, client)
        return None

    def _open(self, packet: Packet) -> tuple[ReadRequest, BinaryIO]:
        """The file that is asked for.

        Raises:
            ProtocolError: nothing is, or nothing that is served.
        """
        if isinstance(packet, WriteRequest):
            raise ProtocolError("this service is read-only", ACCESS_VIOLATION)
        if not isinstance(packet, ReadRequest):
            raise ProtocolError("no request")
        if packet.mode not in ("octet", "netascii"):
            raise ProtocolError("no such mode")
        netascii = packet.mode == "netascii"
        name = self._conduct.file_of(packet.name)
        stream = open_published(self._directory, name, netascii=netascii)
        if stream is None:
            raise ProtocolError("File not found", NOT_FOUND)
        return packet, self._conduct.served(name, stream)

    def _repeat_overdue(self) -> None:
        for client, transfer in list(self._transfers.items()):
            if transfer.due <= time.monotonic():
                self._go_on(client, transfer.repeat)

    def _go_on(self, client: Client, step: Callable[[], bool]) -> None:
        """Do a step of a transfer, and forget it when it is over or broken."""
        is_under_way = False
        with contextlib.suppress(OSError):
            is_under_way = step()
        if not is_under_way:
            self._forget(client)

    def _forget(self, client: Client) -> None:
        transfer = self._transfers.pop(client)
        self._selector.unregister(transfer)
        transfer.end()


def open_published(directory: Path, name: str, *, netascii: bool) -> BinaryIO | None:
    """Open a regular file below ``directory``; None when there is none to give.

    A leading slash means the directory itself, as tftpd-hpa's ``--secure`` has it. The
    open file stays the same when another is renamed over its name.
    """
    *folders, last = name.lstrip("/").split("/")
    if not last or ".." in folders or last == "..":
        return None
    try:
        stream = _open_beneath(directory, folders, last)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        return None
    if not netascii:
        return stream
    with stream:
        content = stream.read()
    return io.BytesIO(content.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n"))


def _open_beneath(directory: Path, folders: list[str], last: str) -> BinaryIO:
    below = os.O_DIRECTORY | os.O_CLOEXEC
    here = os.open(directory, os.O_RDONLY | below)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_NOFOLLOW | below, dir_fd=here)
            os.close(here)
            here = inner
        found = os.open(last, os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    return os.fdopen(found, "rb")


def _size(stream: BinaryIO) -> int:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size
