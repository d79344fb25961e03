"""Several processes that do one work, begun again when they die.

A worker ends by itself when the process that began it is gone, however it went: it
holds the reading end of a pipe that nobody writes to.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

from cucmsh.errors import ServiceError

_PAUSE_SECONDS = 0.2
"""Before a worker is begun again: a stop of the whole service reaches all at once."""
_SHORT_SECONDS = 2.0  # a life that ends sooner counts as none
_MOST_SHORT_LIVES = 5
_LAST_SECONDS = 5.0  # for a worker to end when it is told to

Work = Callable[[int, int], None]
"""Is given the worker's number and the pipe; it ends when that can be read."""


def run_workers(
    count: int, work: Work, log: Callable[[str], None], ended: socket.socket
) -> None:
    """Do the work in so many children until there is something to read.

    They are forks: what ``work`` refers to is copied, and other threads are lost.

    Args:
        count: how many.
        work: what each does.
        log: takes one line.
        ended: of ``told_by_signals``.

    Raises:
        ServiceError: children died again and again as soon as they were begun.
    """
    reads, writes = os.pipe()
    workers: dict[int, ForkProcess] = {}
    begun: dict[int, float] = {}

    def begin(number: int) -> None:
        def live() -> None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(writes)
            work(number, reads)

        begun[number] = time.monotonic()
        name = f"tvs-worker-{number}"
        workers[number] = get_context("fork").Process(target=live, name=name)
        workers[number].daemon = True
        workers[number].start()

    short_lives = 0
    try:
        for number in range(count):
            begin(number)
        while not _is_over(ended, workers):
            for number, worker in list(workers.items()):
                if worker.is_alive():
                    continue
                is_short = time.monotonic() - begun[number] < _SHORT_SECONDS
                short_lives = short_lives + 1 if is_short else 0
                if short_lives >= _MOST_SHORT_LIVES:
                    raise ServiceError(
                        "Workers of TVS end as soon as they begin.",
                        "The lines before say why.",
                    )
                if wait([ended], _PAUSE_SECONDS):
                    return
                log(f"Worker {number} ended; another takes its place.")
                worker.close()
                begin(number)
    finally:
        os.close(writes)
        os.close(reads)
        _end_all(workers.values())


def _is_over(ended: socket.socket, workers: dict[int, ForkProcess]) -> bool:
    """Wait until the stop is asked for, or a worker died."""
    found = wait([ended, *(worker.sentinel for worker in workers.values())])
    return ended in found


def _end_all(workers: Iterable[ForkProcess]) -> None:
    """They have been told by the pipe; who does not hear is killed."""
    last = time.monotonic() + _LAST_SECONDS
    for worker in workers:
        worker.join(max(0.0, last - time.monotonic()))
        if worker.is_alive():
            worker.kill()
            worker.join()
        worker.close()


@contextmanager
def told_by_signals() -> Iterator[socket.socket]:
    """What can be read once SIGTERM or SIGINT came; neither does anything else here."""
    ended, end = socket.socketpair()
    end.setblocking(False)

    def tell(_number: int, _frame: object) -> None:
        with suppress(BlockingIOError):
            end.send(b"!")

    with ended, end:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, tell) for number in numbers}
        try:
            yield ended
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
