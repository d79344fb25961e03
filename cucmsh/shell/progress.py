"""A line now and then while something takes long. Draws nothing, counts nothing.

The line comes from a thread: whoever works may be waiting for the network. Imported
when a command first needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

NEXT_SECONDS = 10.0


@contextmanager
def progress(
    tell: Callable[[], None], first: float, following: float = NEXT_SECONDS
) -> Iterator[None]:
    """Call `tell` after `first` seconds of the block, and then every `following` ones.

    It is never called after the block.
    """
    is_over = Event()

    def watch() -> None:
        seconds = first
        while not is_over.wait(seconds):
            tell()
            seconds = following

    watcher = Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except (RuntimeError, MemoryError):  # no thread is left: no line is said
        yield
        return
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
