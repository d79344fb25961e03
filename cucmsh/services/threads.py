"""Work done side by side in threads: a wait on the network, on a node or on the disk.

As many threads as there is work, up to ``WIDTH``, and fewer where this machine has no
more; without any the caller's own thread does the work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Generic, TypeVar, cast

WIDTH = (
    128  # threads; 128 cost 12 MiB and 0.1 s more than 32 (docs/performance.md#fan-out)
)
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def meanwhile(work: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Begin ``work`` in a thread; the call gives its answer, or raises what it did.

    Without a thread the work is done by the call.
    """
    found: list[_Outcome[_Answer]] = []
    thread = _started(lambda: found.append(_outcome(work)))
    if thread is None:
        return work

    def answer() -> _Answer:
        thread.join()
        return found[0].answer()

    return answer


def side_by_side(
    work: Callable[[_Item], _Answer],
    items: Sequence[_Item],
    width: int = WIDTH,
    *,
    ends_whole: bool = False,
) -> Iterator[_Answer]:
    """The answers in the order of the items, each as soon as those before it are there.

    Args:
        work: raises nothing but what shall end everything.
        items: what it is done with.
        width: threads at most.
        ends_whole: Ctrl-C, or an error, waits for what is begun, such as files under a
            lock; no more is begun then.
    """
    early: dict[int, _Answer] = {}
    following = 0
    for place, answer in _as_done(work, items, inf, width, ends_whole=ends_whole):
        early[place] = answer
        while following in early:
            yield early.pop(following)
            following += 1


def as_done(
    work: Callable[[_Item], _Answer], items: Sequence[_Item], end: float = inf
) -> Iterator[_Answer]:
    """The same answers, each as soon as it is there: nobody waits for the slowest.

    Args:
        work: raises nothing but what shall end everything.
        items: what it is done with.
        end: by ``monotonic``, when to stop waiting: later answers are left out, and
            whoever called hangs up on what is under way.
    """
    for _, answer in _as_done(work, items, end):
        yield answer


class _Outcome(Generic[_Answer]):
    """What some work gave: an answer, or an error that is raised where it is asked."""

    def __init__(self, given: _Answer | None, error: BaseException | None) -> None:
        self._given = given
        self._error = error

    def answer(self) -> _Answer:
        if self._error is not None:
            raise self._error
        return cast("_Answer", self._given)


def _outcome(work: Callable[[], _Answer]) -> _Outcome[_Answer]:
    try:
        return _Outcome(work(), None)
    except BaseException as error:  # noqa: BLE001  # raised by who asks for it
        return _Outcome(None, error)


def _as_done(
    work: Callable[[_Item], _Answer],
    items: Sequence[_Item],
    end: float = inf,
    width: int = WIDTH,
    *,
    ends_whole: bool = False,
) -> Iterator[tuple[int, _Answer]]:
    """Answers with the places of their items; see the module."""
    waiting = deque(enumerate(items))
    found: SimpleQueue[tuple[int, _Outcome[_Answer]]] = SimpleQueue()

    def serve() -> None:
        while waiting:
            try:
                place, item = waiting.popleft()
            except IndexError:  # another thread took it
                return
            found.put((place, _outcome(partial(work, item))))

    wanted = min(len(items), width) if len(items) > 1 or end < inf else 0
    threads: list[Thread] = []
    while len(threads) < wanted and (thread := _started(serve)):
        threads.append(thread)
    try:
        for _ in items:
            if not threads:
                place, item = waiting.popleft()
                yield place, work(item)
                continue
            try:
                left = None if end == inf else max(end - monotonic(), 0)
                place, outcome = found.get(timeout=left)
            except Empty:
                return
            yield place, outcome.answer()
    finally:  # Ctrl-C does not wait for a node that does not answer
        waiting.clear()
        for thread in threads if ends_whole else ():
            thread.join()


def _started(work: Callable[[], object]) -> Thread | None:
    """A thread that does it; None if this machine has no more.

    A daemon: one that hangs in a connect dies with the process.
    """
    thread = Thread(target=work, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        return None
    return thread
