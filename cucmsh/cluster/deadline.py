"""How long the other end may take; whoever does not answer in time is hung up on.

paramiko waits for ever for the answer to a channel request, and keepalives push its
other limits back (threats-and-faults.md section 1(c)). Hanging up ends every wait. The
seconds are those of rule 5 there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Timer

from cucmsh.errors import CucmshError

CONNECT_SECONDS = 10.0  # the look-up of the name included
BANNER_SECONDS = 15.0
HANDSHAKE_SECONDS = 15.0
LOGIN_SECONDS = 30.0  # for all attempts together
CHANNEL_SECONDS = 15.0
OPERATION_SECONDS = 30.0  # for one verb of a store from beginning to end
RESTART_SECONDS = 60.0


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
