"""Certificates of a subscriber, passed on by its publisher to the other subscribers.

Subscribers log in to the publisher only (docs/decisions/019), so what is new of one of
them reaches the others from there: when it says so, after it brought its own
(``member_hooks``). Who did not get them is open work of the publisher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cucmsh.config.model import Node
from cucmsh.errors import UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.backends import Link
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.member_hooks import send_certificate
from cucmsh.services.lists.noted_nodes import on_each
from cucmsh.services.outcome import NodeOutcome
from cucmsh.services.records.waiting import add_waiting, read_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

UNITS = (Unit.TVS, Unit.CALL_MANAGER, Unit.CAPF, Unit.TOMCAT)


def known_certificates(site: Site, node: Node) -> dict[Unit, bytes]:
    """Another member's certificates (PEM), as far as they were brought here."""
    keystore, keys = Keystore(site), site.backends.keys()
    found = {unit: keystore.trusted(node, unit) for unit in UNITS}
    return {unit: keys.to_pem(known) for unit, known in found.items() if known}


@use_case("hook pass-certificates", changes=True, publisher_only=True)
def pass_certificates(site: Site, name: str) -> list[NodeOutcome]:
    """Bring a subscriber's certificates, as they are known here, to the others.

    Args:
        site: the publisher.
        name: of the subscriber, which brought them before.

    Returns:
        One outcome for each of the others.

    Raises:
        UsageError: there is no such subscriber.
        BusyError: another change of the cluster is under way here.
    """
    owner = site.settings.cluster.find(name)
    if owner is None or owner not in _subscribers(site):
        raise UsageError(f"{name!r} is no subscriber of this cluster")
    with site.cluster_lock("passing certificates on"):
        others = [node for node in _subscribers(site) if node.name != owner.name]
        return _pass(site, others, lambda _: [owner])


def pass_pending(site: Site) -> list[NodeOutcome]:
    """On a publisher: bring those that wait all certificates of other subscribers.

    Raises:
        BusyError: another command holds the cluster's lock.
        CucmshError: a certificate cannot be read.
    """
    if not site.node.is_publisher or not read_waiting(site, Work.PASSING):
        return []
    with site.cluster_lock("passing certificates on"):
        waiting = read_waiting(site, Work.PASSING)
        nodes = [node for node in _subscribers(site) if node.name in waiting]
        return _pass(
            site,
            nodes,
            lambda to: [node for node in _subscribers(site) if node.name != to.name],
        )


def _subscribers(site: Site) -> list[Node]:
    members = site.settings.cluster.members
    return [node for node in members if not node.is_publisher]


def _pass(
    site: Site, nodes: Sequence[Node], owners_for: Callable[[Node], Sequence[Node]]
) -> list[NodeOutcome]:
    wanted = {
        node.name: [(at, known_certificates(site, at)) for at in owners_for(node)]
        for node in nodes
    }
    # First, so that after a crash too many are noted and never too few.
    add_waiting(site, Work.PASSING, [node.name for node in nodes])

    def bring(link: Link, node: Node) -> None:
        for owner, certificates in wanted[node.name]:
            for unit, pem in certificates.items():
                send_certificate(link, node, owner, unit, pem)

    def no_way(_: Node) -> str:
        return f"no way leads there from {site.node.name}"

    return on_each(site, Work.PASSING, nodes, bring, no_way)
