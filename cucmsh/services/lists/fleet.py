"""The ways onto the other nodes during one change: opened late, closed together.

A connection is kept from the first look at a node to its last step: a login costs more
round trips than all that a reset does there (docs/performance.md#fan-out). One that
broke is opened again once; a node that did not answer in time is not asked twice, so
that it costs its time-out and no more (docs/security.md#rules-of-a-reset).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from cucmsh.config.model import Node
from cucmsh.errors import ConnectionFailedError, CucmshError, NoAnswerError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.remote.deadline import within
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import NODE_SECONDS
from cucmsh.services.site import Site

WIDTH = (
    128  # threads; 128 cost 12 MiB and 0.1 s more than 32 (docs/performance.md#fan-out)
)
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Fleet:
    """The links of one change; a context manager that closes them all.

    Args:
        site: this node.
        node_seconds: for all that the change does on one node; None: ``NODE_SECONDS``.
    """

    def __init__(self, site: Site, node_seconds: float | None = None) -> None:
        self._site = site
        self._node_seconds = NODE_SECONDS if node_seconds is None else node_seconds
        self._links: dict[str, Link] = {}
        self._spent: dict[str, float] = {}
        self._lock = Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._is_closed = True
            links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()

    def on(self, node: Node, work: Callable[[Link], _Answer]) -> _Answer:
        """Do ``work`` on the node, once more on a new connection if the first broke.

        Raises:
            NoAnswerError: the node took longer than it may in all.
            ConnectionFailedError: it cannot be reached, or broke twice.
            ExhaustedError: this machine has no thread or memory left for it.
        """
        begun = monotonic()
        try:
            return self._attempt(node, work, begun)
        except NoAnswerError:
            raise
        except ConnectionFailedError:
            had_link = self._drop(node)
            if not had_link:
                raise
            return self._attempt(node, work, begun)
        finally:
            spent = self._spent.get(node.name, 0) + monotonic() - begun
            self._spent[node.name] = spent

    def _attempt(
        self, node: Node, work: Callable[[Link], _Answer], begun: float
    ) -> _Answer:
        spent = self._spent.get(node.name, 0) + monotonic() - begun
        late = NoAnswerError(
            f"it was not done within {self._node_seconds:.0f} seconds",
            "Look at its load and its network, then run the command again.",
        )
        with exhaustion_as_error():
            link = self._link(node)
            with within(max(self._node_seconds - spent, 0.1), link.close, late):
                return work(link)

    def _link(self, node: Node) -> Link:
        link = self._links.get(node.name)
        if link is None:
            link = self._site.open_link(node)
            with self._lock:
                if self._is_closed:  # the command was ended while we connected
                    link.close()
                    raise ConnectionFailedError(f"{node.name} is not needed any more")
                self._links[node.name] = link
        return link

    def _drop(self, node: Node) -> bool:
        with self._lock:
            link = self._links.pop(node.name, None)
        if link is not None:
            with suppress(CucmshError):
                link.close()
        return link is not None


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
    work: Callable[[_Item], _Answer], items: Sequence[_Item]
) -> Iterator[_Answer]:
    """The answers in the order of the items, each as soon as those before it are there.

    ``work`` raises nothing but what shall end everything.
    """
    early: dict[int, _Answer] = {}
    following = 0
    for place, answer in _as_done(work, items):
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
    work: Callable[[_Item], _Answer], items: Sequence[_Item], end: float = inf
) -> Iterator[tuple[int, _Answer]]:
    """Answers with the places of their items.

    As many threads as there are items, up to ``WIDTH``, and fewer where this machine
    has no more; if not even one can be had, the caller's own does the work.
    """
    waiting = deque(enumerate(items))
    found: SimpleQueue[tuple[int, _Outcome[_Answer]]] = SimpleQueue()

    def serve() -> None:
        while waiting:
            try:
                place, item = waiting.popleft()
            except IndexError:  # another thread took it
                return
            found.put((place, _outcome(partial(work, item))))

    wanted = min(len(items), WIDTH) if len(items) > 1 or end < inf else 0
    threads = 0
    while threads < wanted and _started(serve) is not None:
        threads += 1
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
