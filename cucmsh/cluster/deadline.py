"""A time limit on the other end: whoever does not answer in time is hung up on.

paramiko waits for ever for the answer to a channel request, and keepalives push its
other limits back (threats-and-faults.md section 1(c)). Hanging up ends every wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Timer

from cucmsh.errors import CucmshError


@contextmanager
def within(
    seconds: float, hang_up: Callable[[], None], late: CucmshError
) -> Iterator[None]:
    """Let the body take so long; then ``hang_up``, and ``late`` whatever came of it."""
    passed = Event()

    def end() -> None:
        passed.set()
        hang_up()

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if passed.is_set():
            raise late
