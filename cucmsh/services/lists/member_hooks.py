"""Runs hooks on other members, and hands them the files that those check and keep.

A hook reads the file from its standard input. There is no SFTP to a member: its account
owns the keys, and OpenSSH's ``sftp-server`` cannot be kept in one folder without root.
Our key there runs hooks and nothing else (``cli.login.serve_node``). A list is staged
first and installed later; what is small and harmless until it is whole is installed at
once.

Only certificates and lists travel; private keys never leave their node
(docs/decisions/006, 019). A member that cannot be reached is an outcome.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError, ServiceError, UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import HOOK_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.waiting import note_waiting, open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side

INPUT = "-"  # in place of a staged file's name: the bytes come on standard input


def stage_on(site: Site, link: Link, node: Node, raw: bytes) -> str:
    """Have the node keep a list for ``install-list``; return the name it has there.

    What an earlier attempt of this same node left there goes first.
    """
    name = f"install-list-{site.node.name}-{os.urandom(8).hex()}"
    hook_on(link, node, "stage", name, hashlib.sha256(raw).hexdigest(), given=raw)
    return name


def hook_on(
    link: Link,
    node: Node,
    *argv: str,
    given: bytes | None = None,
    seconds: float = HOOK_SECONDS,
) -> str:
    """Run a hook of the node; return what it says.

    Args:
        link: the way onto it.
        node: which one.
        argv: the hook and its arguments; ``cli.login.serve_node`` lets it through.
        given: its standard input.
        seconds: until a hook that does not end fails.

    Raises:
        RefusedError: the hook refused; its reason is the message.
        ServiceError: it ended in another way.
    """
    if given is None:
        done = link.run((*node.program, "hook", *argv), seconds)
    else:
        done = link.feed((*node.program, "hook", *argv), given, seconds)
    if done.status == 0:
        return done.output
    reason = done.stderr or done.output or f"exit status {done.status}"
    if done.status in (CucmshError.exit_status, UsageError.exit_status):
        raise RefusedError(f"{node.name} refused: {reason}")
    raise ServiceError(f"{node.name}: {reason}")


def bring_certificates(
    site: Site, link: Link, node: Node, certificates: Mapping[Unit, bytes]
) -> None:
    """Bring this node's certificates (PEM) to one member."""
    for unit, pem in certificates.items():
        send_certificate(link, node, site.node, unit, pem)


def send_certificate(
    link: Link, node: Node, owner: Node, unit: str, pem: bytes
) -> None:
    """Bring one certificate (PEM) of ``owner`` to a member.

    Args:
        link: the way onto it.
        node: the member.
        owner: whose it is, or where it was imported.
        unit: a ``Unit``, or the trust that it was imported into.
        pem: it.
    """
    argv = (
        "install-certificate",
        INPUT,
        hashlib.sha256(pem).hexdigest(),
        owner.name,
        str(unit),
    )
    hook_on(link, node, *argv, given=pem)


def deliver_certificates(
    site: Site, certificates: dict[Unit, bytes]
) -> list[NodeOutcome]:
    """Bring this node's certificates (PEM) to every other member, side by side.

    Called under the cluster's lock. Who did not get them is noted as open work.

    Raises:
        StoreError: that cannot be noted.
    """
    cluster = site.settings.cluster
    others = [node for node in cluster.members if node.name != site.node.name]
    # First, so that after a crash too many are noted and never too few.
    reached = {node.name for node in others if node.ssh is not None}
    beyond = [node.name for node in others if node.name not in reached]
    # Where the publisher is reached, it passes them on.
    ours = (
        {node.name for node in others} if cluster.publisher.name in reached else reached
    )
    note_waiting(site, Work.CERTIFICATES, dict.fromkeys(ours, "not tried"))
    with Fleet(site) as fleet:

        def deliver(node: Node) -> NodeOutcome:
            try:
                fleet.on(
                    node,
                    lambda link: bring_certificates(site, link, node, certificates),
                )
            except CucmshError as problem:
                return NodeOutcome(node.name, State.PENDING, problem.message)
            return NodeOutcome(node.name, State.UPDATED)

        direct = [node for node in others if node.name in reached]
        outcomes = list(side_by_side(deliver, direct))
        if beyond:
            has_them = {each.name for each in outcomes if each.is_done}
            passed, is_noted_there = _passed_on(site, fleet, beyond, has_them)
            outcomes += passed
            ours -= set(beyond) if is_noted_there else set()
    undone = [each for each in outcomes if not each.is_done and each.name in ours]
    left = {each.name: each.reason for each in undone}
    note_waiting(site, Work.CERTIFICATES, left)
    return outcomes


def _passed_on(
    site: Site, fleet: Fleet, names: Sequence[str], has_them: Collection[str]
) -> tuple[list[NodeOutcome], bool]:
    """What became of members that no way leads to from here.

    The publisher passes a subscriber's certificates on, and then notes itself who did
    not get them: whether it does.
    """
    publisher = site.settings.cluster.publisher
    why = dict.fromkeys(names, f"no way leads there from {site.node.name}")
    is_noted_there = False
    if publisher.name in has_them:
        try:
            said = fleet.on(
                publisher,
                lambda link: hook_on(
                    link, publisher, "pass-certificates", site.node.name
                ),
            )
            lines = (line.partition(": ") for line in said.splitlines())
            left = {name: reason for name, _, reason in lines}
            why = {name: left[name] for name in names if name in left}
            is_noted_there = True
        except CucmshError as problem:
            why = dict.fromkeys(names, problem.message)
    outcomes = [
        NodeOutcome(name, State.PENDING, f"{why[name]}; {_by_hand(site, name)}")
        if name in why
        else NodeOutcome(name, State.UPDATED)
        for name in names
    ]
    return outcomes, is_noted_there


def _by_hand(site: Site, name: str) -> str:
    """What brings that member this node's certificates all the same."""
    publisher = site.settings.cluster.publisher.name
    added = site.node.name if name == publisher else name
    return f"`cucmsh node add {added}` on {publisher} brings them"


def deliver_imported(
    site: Site, imported: Sequence[tuple[str, bytes]]
) -> list[NodeOutcome]:
    """Bring imported certificates (trust and PEM) to every other member.

    Phones ask the TVS of any node. Who cannot be reached is told by the outcome; the
    same import on this node, or there, brings them again.
    """
    cluster = site.settings.cluster
    others = [node for node in cluster.members if node.name != site.node.name]
    with Fleet(site) as fleet:

        def deliver(node: Node) -> NodeOutcome:
            def bring(link: Link) -> None:
                for trust, pem in imported:
                    send_certificate(link, node, site.node, trust, pem)

            try:
                if node.ssh is None:
                    raise RefusedError(
                        f"no way leads there from {site.node.name}; "
                        f"{cluster.publisher.name} brings it to all nodes"
                    )
                fleet.on(node, bring)
            except CucmshError as problem:
                return NodeOutcome(node.name, State.PENDING, problem.message)
            return NodeOutcome(node.name, State.UPDATED)

        return list(side_by_side(deliver, others))


def deliver_pending(site: Site) -> list[NodeOutcome]:
    """Bring this node's certificates to the members, if one does not have them yet.

    Returns:
        One outcome for each other member; none if nothing was pending.

    Raises:
        BusyError: another command holds the cluster's lock.
        CucmshError: a certificate of this node cannot be read.
    """
    if not open_waiting(site, Work.CERTIFICATES):
        return []
    with site.cluster_lock("bringing certificates to the members"):
        return deliver_certificates(site, public_certificates(site))
