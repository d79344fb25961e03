"""The connections to the other nodes during one change: opened late, closed together.

A connection is kept from the first look at a node to its last step: a login costs more
round trips than all that a reset does there (docs/performance.md#fan-out). One that
broke is opened again once; a node that did not answer in time is not asked twice, so
that it costs its time-out and no more (docs/security.md#rules-of-a-reset).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from cucmsh.config.model import Node
from cucmsh.errors import ConnectionFailedError, CucmshError, NoAnswerError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.remote.deadline import within
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import NODE_SECONDS
from cucmsh.services.site import Site

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
