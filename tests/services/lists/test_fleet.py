"""One connection a node, one more if it broke, none for a node that stays silent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from cucmsh.config.model import Node
from cucmsh.errors import ConnectionFailedError, NoAnswerError, RefusedError
from cucmsh.remote.runner import Completed
from cucmsh.services.backends import Link
from cucmsh.services.lists import fleet as fleet_module
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from tests.services.made_cluster import AtOnce, MadeCluster

pytestmark = pytest.mark.thorough


class CountedLink(AtOnce):
    def __init__(self) -> None:
        self.closed = threading.Event()

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        raise AssertionError((words, timeout_seconds))

    def close(self) -> None:
        self.closed.set()


class Ways:
    """Opens counted links; see ``Site.open_link``."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.links: list[CountedLink] = []
        self.problem = problem

    def open_link(self, _: Node) -> Link:
        if self.problem:
            raise self.problem
        self.links.append(CountedLink())
        return cast(Link, self.links[-1])


@pytest.fixture
def node(cluster: MadeCluster) -> Node:
    return cluster.subscriber.node


def failing(*problems: Exception) -> Callable[[Link], str]:
    left = list(problems)

    def work(_: Link) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_connection_is_kept_and_closed_at_the_end(node: Node) -> None:
    ways = Ways()
    with Fleet(cast(Site, ways)) as fleet:
        assert [fleet.on(node, failing()) for _ in range(3)] == ["done"] * 3
        assert [link.closed.is_set() for link in ways.links] == [False]
    assert [link.closed.is_set() for link in ways.links] == [True]


def test_broken_connection_is_opened_again_once(node: Node) -> None:
    ways = Ways()
    broken = ConnectionFailedError("it broke")
    with Fleet(cast(Site, ways)) as fleet:
        assert fleet.on(node, failing(broken)) == "done"
        with pytest.raises(ConnectionFailedError, match="it broke"):
            fleet.on(node, failing(broken, broken))
    assert len(ways.links) == 3
    assert all(link.closed.is_set() for link in ways.links)


@pytest.mark.parametrize("problem", [NoAnswerError("late"), RefusedError("no")])
def test_silence_and_refusals_are_not_asked_twice(
    node: Node, problem: Exception
) -> None:
    ways = Ways()
    with Fleet(cast(Site, ways)) as fleet, pytest.raises(type(problem)):
        fleet.on(node, failing(problem))
    assert len(ways.links) == 1


def test_node_that_cannot_be_reached_is_not_tried_twice(node: Node) -> None:
    ways = Ways(ConnectionFailedError("refused"))
    with Fleet(cast(Site, ways)) as fleet:
        with pytest.raises(ConnectionFailedError):
            fleet.on(node, failing())
        assert ways.links == []


def test_node_is_hung_up_on_when_its_time_is_over(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "NODE_SECONDS", 0.2)
    ways = Ways()

    def wait(link: Link) -> None:
        assert cast(CountedLink, link).closed.wait(30)
        raise ConnectionFailedError("it was closed")

    with Fleet(cast(Site, ways)) as fleet, pytest.raises(NoAnswerError, match="within"):
        fleet.on(node, wait)
    assert len(ways.links) == 1


def test_all_nodes_are_worked_on_at_once_and_answer_in_their_order() -> None:
    together = threading.Barrier(20, timeout=30)

    def work(number: int) -> int:
        together.wait()
        return number

    assert list(side_by_side(work, range(20))) == list(range(20))
