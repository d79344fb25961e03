"""Deadlines for another host: who does not answer in time is hung up on.

paramiko waits for ever for the answer to a channel request, and keepalives push its
other limits back (docs/security.md#servers-that-ask). Hanging up ends every wait. The
seconds are those of rule 5 there.

One thread keeps the time of all: a timer each costs a thread for every step on every
node of a fan-out, a third of its processor time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

from cucmsh.errors import CucmshError

CONNECT_SECONDS = 10.0  # the look-up of the name included
BANNER_SECONDS = 15.0
HANDSHAKE_SECONDS = 15.0
LOGIN_SECONDS = 30.0  # for all attempts together
CHANNEL_SECONDS = 15.0
OPERATION_SECONDS = 30.0  # for one verb of a store from beginning to end
COMMAND_SECONDS = 60.0  # for one program there, unless its caller knows better

WATCH_SECONDS = 1.0  # how often the watch looks whether anybody still needs it


class _Limit:
    """One body and when it must have ended."""

    def __init__(self, end: float, hang_up: Callable[[], None]) -> None:
        self.end = end
        self.hang_up = hang_up
        self.is_late = False
        self.hanging_up: Thread | None = None


class _Watch:
    """The thread that calls ``hang_up`` of who is late; ends when no body is left."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._limits: set[_Limit] = set()
        self._is_running = False
        self._wakes = 0.0  # when the thread looks next

    def add(self, limit: _Limit) -> None:
        with self._changed:
            self._limits.add(limit)
            if not self._is_running:
                try:
                    Thread(target=self._run, name="deadlines", daemon=True).start()
                except (RuntimeError, MemoryError):  # nobody would keep its time
                    self._limits.discard(limit)
                    raise
                self._is_running, self._wakes = True, limit.end
            elif limit.end < self._wakes:
                self._changed.notify()

    def remove(self, limit: _Limit) -> bool:
        """Whether it was in time."""
        with self._changed:
            self._limits.discard(limit)
        if limit.hanging_up is not None:
            limit.hanging_up.join()
        return not limit.is_late

    def _run(self) -> None:
        with self._changed:
            try:
                while self._limits:
                    self._look()
            finally:  # the next one starts another thread
                self._is_running = False

    def _look(self) -> None:
        now = monotonic()
        late = [limit for limit in self._limits if limit.end <= now]
        for limit in late:
            # A thread of its own: the others' time must not wait for it.
            limit.is_late = True
            hanging_up = Thread(target=limit.hang_up, daemon=True)
            try:
                hanging_up.start()
            except (RuntimeError, MemoryError):  # then the others' time has to wait
                limit.hang_up()
            else:
                limit.hanging_up = hanging_up
        self._limits.difference_update(late)
        self._wakes = min([limit.end for limit in self._limits] + [now + WATCH_SECONDS])
        self._changed.wait(self._wakes - now)


_watch = _Watch()


@contextmanager
def within(
    seconds: float, hang_up: Callable[[], None], late: CucmshError
) -> Iterator[None]:
    """Run the body under a deadline; on expiry call ``hang_up`` and raise ``late``."""
    limit = _Limit(monotonic() + seconds, hang_up)
    _watch.add(limit)
    try:
        yield
    finally:
        if not _watch.remove(limit):
            raise late
