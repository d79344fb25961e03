"""Signals: hang-ups, Ctrl-C, and a timer.

SIGHUP and SIGTERM end the session in order, instead of killing it in the middle: a
command that runs goes on to its end (docs/security.md T9), a waiting read ends. Ctrl-C
is Python's own KeyboardInterrupt, which a session has even if it was started by
something that ignores SIGINT (a script's background job).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def hang_ups(end: Callable[[], None], *, owns_terminal: bool = False) -> Iterator[None]:
    """Call `end` when the line is lost or the process is asked to end.

    Once the line is lost, a further SIGHUP is ignored for good: what is left to do on
    the way out shall be done. So it is after a block that owns the terminal: it may
    have read the end of a line that is lost, and the signal is still to come. Only the
    main thread may set handlers; elsewhere (in tests) this does nothing.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            saved[signal.SIGHUP] = signal.SIG_IGN
        end()

    saved: dict[signal.Signals, signal._HANDLER] = {}
    try:
        for number in (signal.SIGHUP, signal.SIGTERM):
            saved[number] = signal.signal(number, handle)
        if owns_terminal:
            interrupt = signal.default_int_handler
            saved[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
            saved[signal.SIGHUP] = signal.SIG_IGN
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler or signal.SIG_DFL)


def call_later(call: Callable[[], None], seconds: float) -> bool:
    """Call it once, from a signal, after so long; False if that cannot be.

    One such call waits at a time, in the whole process; a later one takes its place.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        call()

    try:
        signal.signal(signal.SIGALRM, handle)
    except ValueError:  # outside of the main thread
        return False
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return True


def call_no_more() -> None:
    """Forget what `call_later` was given."""
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def deferred_interrupts(tell: Callable[[], None]) -> Iterator[list[int]]:
    """Let SIGINT interrupt nothing in the block; gives the list of those that came.

    `tell` is called at the first one, at once: whoever pressed Ctrl-C shall see that it
    was heard. As `hang_ups`, this does nothing outside of the main thread.
    """
    pressed: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) == 1:
            tell()

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
