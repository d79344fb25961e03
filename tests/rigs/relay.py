"""A TCP relay on 127.0.0.1 that can be told to cut, or to swallow what is answered."""

import socket
import threading
from contextlib import suppress

HOST = "127.0.0.1"


class Relay:
    """Passes bytes on between clients and ``port``.

    Args:
        port: of the real server.
        cut_after: cut when so many bytes were passed on in that direction.
        direction: ``answers`` or ``requests``.

    Attributes:
        port: where it listens.
        passed: bytes passed on so far, by direction.
        mute: swallow the answers from now on, as if the line were dead.
    """

    def __init__(
        self, port: int, cut_after: int | None = None, direction: str = "answers"
    ) -> None:
        self._server = port
        self._limit = {direction: cut_after}
        self._sockets: list[socket.socket] = []
        self.passed = {"answers": 0, "requests": 0}
        self.mute = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End all connections."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        for each in (*self._sockets, self._listener):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # shut down
                return
            server = socket.create_connection((HOST, self._server))
            self._sockets += [client, server]
            for ends in ((client, server, "requests"), (server, client, "answers")):
                self._threads.append(threading.Thread(target=self._pass, args=ends))
                self._threads[-1].start()

    def _pass(self, one: socket.socket, other: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while piece := one.recv(1 << 16):
                if direction == "answers" and self.mute.is_set():
                    continue
                limit = self._limit.get(direction)
                if limit is not None:
                    piece = piece[: limit - self.passed[direction]]
                other.sendall(piece)
                self.passed[direction] += len(piece)
                if limit is not None and self.passed[direction] >= limit:
                    break
        self.cut()
