"""Something done on several nodes at once; those on which it failed are noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.services.backends import Link
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.waiting import add_waiting, settle_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side


def on_each(
    site: Site,
    work: Work,
    nodes: Sequence[Node],
    act: Callable[[Link, Node], object],
    no_way: Callable[[Node], str],
) -> list[NodeOutcome]:
    """Do it; one outcome for each node. The caller noted them as waiting before.

    Args:
        site: this node, whose cluster's lock the caller holds.
        work: what they wait for.
        nodes: where.
        act: does it on one of them, by the way there.
        no_way: why none leads to a node that has none.

    Raises:
        StoreError: who waits cannot be noted.
    """
    with Fleet(site) as fleet:

        def attempt(node: Node) -> NodeOutcome:
            try:
                if node.ssh is None:
                    raise RefusedError(no_way(node))
                fleet.on(node, lambda link: act(link, node))
            except CucmshError as problem:
                return NodeOutcome(node.name, State.PENDING, problem.message)
            return NodeOutcome(node.name, State.UPDATED)

        outcomes = list(side_by_side(attempt, nodes))
    settle_waiting(site, work, [each.name for each in outcomes if each.is_done])
    for each in outcomes:
        if not each.is_done:
            add_waiting(site, work, (each.name,), each.reason)
    return outcomes
