"""Finds the TFTP nodes before a change: which run, and which list lies there.

Reads only; asks over SSH, and looks into the TFTP directories. What the TFTP services
give is asked by ``served_lists``.

What was seen here is compared again on the node at the moment of its change: a list
that changed in between is not replaced (docs/security.md S11).
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, MissingFileError, RefusedError
from cucmsh.layout import LIST_FILE
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import STATUS_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.replica_records import ask_publisher, refuse_another
from cucmsh.services.lists.served_lists import NO_LIST, sha256_or_none, sha256_served
from cucmsh.services.nodes.own_services import is_running
from cucmsh.services.nodes.service_status import begin_status, status_on
from cucmsh.services.records.reset_journal import read_reset
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case


class NodeStatus(NamedTuple):
    """A TFTP node as it was found.

    Attributes:
        node: the node.
        is_active: whether its TFTP service runs.
        served: SHA-256 of the list in its TFTP directory, or ``NO_LIST``.
        problem: why it cannot be reached; empty if it can.
        is_settled: whether an open reset to the list that it serves was finished on it.
    """

    node: Node
    is_active: bool
    served: str = NO_LIST
    problem: str = ""
    is_settled: bool = False


def locate(site: Site, fleet: Fleet) -> tuple[NodeStatus, ...]:
    """Every node with a TFTP service, in the order of the configuration.

    Where a reset is open, a service that ran when it was begun counts as active: if it
    is down now, our own restart brought it down, and nobody else will bring it up.
    """
    nodes = [node for node in site.settings.cluster.nodes if node.has_tftp]
    reset = read_reset(site)

    def look(node: Node) -> NodeStatus:
        found = _locate(site, fleet, node)
        if reset is None or found.problem:
            return found
        is_settled = found.served == reset.sha256 and node.name not in reset.pending
        is_active = found.is_active or node.name in reset.active
        return found._replace(is_active=is_active, is_settled=is_settled)

    return tuple(side_by_side(look, nodes))


@use_case("hook service-status")
def service_status(site: Site) -> str:
    """``active`` or ``inactive``, a blank, and what ``sha256_served`` gives."""
    state = "active" if is_running(site) else "inactive"
    return f"{state} {sha256_served(site)}"


def _sha256_on(site: Site, link: Link, node: Node) -> str:
    """SHA-256 of the list in a replica's TFTP directory, or ``NO_LIST``."""
    store = site.backends.store_on(link, node.tftp_directory)
    try:
        return sha256_or_none(store.read(LIST_FILE))
    except MissingFileError:
        return NO_LIST


def refuse_unless_expected(node: Node, present: str, expected: tuple[str, str]) -> None:
    """Refuse to replace a list that nobody planned upon.

    Args:
        node: where it lies.
        present: SHA-256 of the list that is there, or ``NO_LIST``.
        expected: of the lists that may be there.

    Raises:
        RefusedError: somebody else put another one there.
    """
    if present not in expected:
        raise RefusedError(
            f"the list of {node.name} changed after it was looked at; "
            "it was left alone",
            "Run the command again.",
        )


def _locate(site: Site, fleet: Fleet, node: Node) -> NodeStatus:
    try:
        if node.name == site.node.name:
            return NodeStatus(node, is_running(site), sha256_served(site))
        look = _look_at_member if node.is_member else _look_at_replica
        return fleet.on(node, lambda link: look(site, link, node))
    except CucmshError as problem:
        return NodeStatus(node, is_active=False, problem=problem.message)


def _look_at_member(_: Site, link: Link, node: Node) -> NodeStatus:
    status = status_on(link, node, STATUS_SECONDS)
    return NodeStatus(node, status.is_running, status.served)


def _look_at_replica(site: Site, link: Link, node: Node) -> NodeStatus:
    status = begin_status(link, node, STATUS_SECONDS)
    publisher = ask_publisher(site.backends.home_on(link), node)
    served = _sha256_on(site, link, node)
    refuse_another(site, node, publisher())
    return NodeStatus(node, status().is_running, served)
