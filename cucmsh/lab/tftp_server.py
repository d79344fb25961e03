"""The lab's TFTP service: one directory, read-only, on 127.0.0.1.

tftpy's own server loop ends when a request holds ``blksize=abc`` and stops only after
seconds; this loop runs tftpy's transfers (``tftp_transfer``) so that whatever a client
sends ends that client's transfer and nothing else, and so that ``stop`` is prompt.
It refuses to write, to listen on anything but a loopback address, and to serve more
than 256 clients at once: the next one waits.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import selectors
import socket
import threading
import time
from pathlib import Path

from tftpy.TftpShared import TftpException

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.lab.tftp_transfer import (
    REPEAT_AFTER,
    RequestError,
    Transfer,
    read_request,
)

_MOST_TRANSFERS = 256
_REBIND_ATTEMPTS = 40
_BIND_PAUSE = 0.05  # seconds; a client may hold our port for a moment
_TROUBLE = (TftpException, OSError)

Client = tuple[str, int]


class TftpServer:
    """A TFTP service that can be stopped and started again on the same port.

    Args:
        host: the loopback address to listen on.
        port: 0 takes a free one at the first start, and the same one ever after.
        directory: what is served.

    Raises:
        RefusedError: the address is reachable from outside of this machine.
    """

    def __init__(self, host: str, port: int, directory: Path) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise RefusedError("The lab's TFTP service listens on loopback only.")
        self._address = (host, port)
        self._directory = directory
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
        loop = _Loop(listener, stopped, self._directory)
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


class _Loop:
    """The thread's work: new clients, running transfers, silent clients."""

    def __init__(
        self, listener: socket.socket, stopped: socket.socket, directory: Path
    ) -> None:
        self._listener = listener
        self._stopped = stopped
        self._directory = directory
        self._selector = selectors.DefaultSelector()
        self._transfers: dict[Client, Transfer] = {}
        self._heard: dict[Client, float] = {}  # when, on the monotonic clock

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
        patience = REPEAT_AFTER / 4 if self._transfers else None
        for key, _ in self._selector.select(patience):
            if key.fileobj is self._stopped:
                return False
            if key.fileobj is self._listener:
                self._admit()
            elif self._transfers.get(key.data) is key.fileobj:
                self._advance(key.data)
        return True

    def _admit(self) -> None:
        with contextlib.suppress(OSError):
            datagram, client = self._listener.recvfrom(1024)
            if client in self._transfers:  # it began anew; one transfer a port
                self._forget(client)
            if len(self._transfers) >= _MOST_TRANSFERS:
                return  # it will ask again
            try:
                transfer = Transfer(client, read_request(datagram), self._directory)
            except RequestError as refusal:
                if refusal.reply:
                    self._listener.sendto(refusal.reply, client)
            except TftpException:
                return  # it has been told
            else:
                self._transfers[client] = transfer
                self._heard[client] = time.monotonic()
                self._selector.register(transfer, selectors.EVENT_READ, client)

    def _advance(self, client: Client) -> None:
        self._heard[client] = time.monotonic()
        try:
            unfinished = self._transfers[client].advance()
        except _TROUBLE:
            unfinished = False
        if not unfinished:
            self._forget(client)

    def _repeat_overdue(self) -> None:
        now = time.monotonic()
        for client in [c for c, at in self._heard.items() if now - at >= REPEAT_AFTER]:
            self._heard[client] = now
            try:
                self._transfers[client].repeat()
            except _TROUBLE:
                self._forget(client)

    def _forget(self, client: Client) -> None:
        transfer = self._transfers.pop(client)
        del self._heard[client]
        self._selector.unregister(transfer)
        transfer.end()
