"""TVS for phones: a server over TLS, answers from a lookup (docs/formats.md#tvs)."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import Callable

from cucmsh.tvs.answering import Lookup
from cucmsh.tvs.contexts import Contexts, Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.listening import listen
from cucmsh.tvs.serving import Serving
from cucmsh.tvs.workers import run_workers, told_by_signals

_REBIND_ATTEMPTS = 40


class TvsServer:
    """A TVS, in a thread of its own or as a whole process.

    Args:
        host: the address to listen on.
        port: 0 takes a free one at the first start, and the same one ever after.
        lookup: what is vouched for; asked one question at a time. Each of several
            workers has a copy of it, made by a fork.
        identity: key, certificate, least version of TLS.
        limits: of connections and time.
        log: takes one line for each thing that an administrator may have to know:
            handshakes that fail, questions whose answer was "unknown", refusals.
        delay: for how many seconds each new connection waits; a lab's may be slow.
    """

    def __init__(  # noqa: PLR0913 - what a server is made of
        self,
        host: str,
        port: int,
        lookup: Lookup,
        *,
        identity: Identity,
        limits: Limits,
        log: Callable[[str], None],
        delay: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._delay = delay
        self._address = (host, port)
        self._lookup = lookup
        self._identity = identity
        self._limits = limits
        self._log = log
        self._bind_attempts = 1
        self._thread: threading.Thread | None = None
        self._stopper: socket.socket | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is 0 before the first start if it was 0."""
        return self._address

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Answer in a thread; nothing happens if it does already.

        Raises:
            ServiceError: the address cannot be listened on.
            CertificateError: the pair cannot be read, or is none that can be served.
        """
        if self.is_running:
            return
        contexts = Contexts(self._identity, self._log)
        (listener,) = self._listen(1)
        self._stopper, stopped = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run_in_thread,
            args=(listener, contexts, stopped),
            name=f"tvs-{self._address[1]}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection. May be called twice."""
        thread, self._thread = self._thread, None
        stopper, self._stopper = self._stopper, None
        if thread is None or stopper is None:
            return
        stopper.close()  # the loop reads the end of its stream
        thread.join()

    def serve(self, workers: int = 1) -> None:
        """Answer in this process until SIGTERM or SIGINT, or by so many children.

        Each child has a listening socket of its own; one that dies is begun again, and
        all end with this process. No other thread may run in it. Raises as ``start``
        does, and:

        Raises:
            ServiceError: children died again and again as soon as they were begun.
        """
        contexts = Contexts(self._identity, self._log)
        listeners = self._listen(workers)
        limits = self._limits.part_of(workers)

        def work(number: int, stopped: int, *, signals: bool = True) -> None:
            listener = listeners[number]
            serving = self._serve(listener, contexts, limits, stopped, signals=signals)
            asyncio.run(serving)

        try:
            # Whoever reads that it listens may end it in the next moment.
            with told_by_signals() as ended:
                host, port = self._address
                self._log(f"TVS listens on {host}, port {port}.")

                # What is there stays; nobody has to look through it, nor copy it.
                gc.collect()
                gc.freeze()
                if workers == 1:
                    work(0, ended.fileno(), signals=False)
                else:
                    run_workers(workers, work, self._log, ended)
        finally:
            for listener in listeners:
                listener.close()

    def _run_in_thread(
        self, listener: socket.socket, contexts: Contexts, stopped: socket.socket
    ) -> None:
        with listener, stopped:
            ended = stopped.fileno()
            asyncio.run(self._serve(listener, contexts, self._limits, ended))

    async def _serve(
        self,
        listener: socket.socket,
        contexts: Contexts,
        limits: Limits,
        stopped: int,
        *,
        signals: bool = False,
    ) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(stopped, ended.set)
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, ended.set)
        how = (contexts, limits, self._log)
        serving = Serving(listener, self._lookup, *how, delay=self._delay)
        await ended.wait()
        loop.remove_reader(stopped)
        serving.close()

    def _listen(self, count: int) -> list[socket.socket]:
        listeners = listen(*self._address, count, self._bind_attempts)
        self._address = (self._address[0], listeners[0].getsockname()[1])
        self._bind_attempts = _REBIND_ATTEMPTS  # the port is ours to wait for
        return listeners
