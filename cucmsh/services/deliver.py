"""Brings files to the other members: staged over SFTP, installed by their own hook.

Only certificates and lists travel; private keys never leave their node (design
decisions 6 and 19). A member that cannot be reached is an outcome.
"""

from __future__ import annotations

import os

from cucmsh.cluster.model import Node
from cucmsh.errors import CucmshError, RefusedError, ServiceError, UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.compose import sha256_of
from cucmsh.services.doors import Link
from cucmsh.services.fleet import Fleet, side_by_side
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site

HOOK_SECONDS = 90


def stage_on(site: Site, link: Link, node: Node, hook: str, raw: bytes) -> str:
    """Put ``raw`` into the node's staging folder; gives the name it has there.

    What an earlier attempt of this same node left there for that hook goes first.
    """
    store = site.doors.store_on(link, node.staging)
    prefix = f"{hook}-{site.node.name}-"
    for name in store.names():
        if name.startswith(prefix):
            store.remove(name)
    name = f"{prefix}{os.urandom(8).hex()}"
    store.write(name, raw)
    return name


def hook_on(link: Link, node: Node, *words: str) -> str:
    """Run a hook of the node; gives what it says.

    Raises:
        RefusedError: the hook refused; its reason is the message.
        ServiceError: it ended in another way.
    """
    done = link.run((*node.program, "hook", *words), HOOK_SECONDS)
    if done.status == 0:
        return done.output
    reason = done.complaint or done.output or f"exit status {done.status}"
    if done.status in (CucmshError.exit_status, UsageError.exit_status):
        raise RefusedError(f"{node.name} refused: {reason}")
    raise ServiceError(f"{node.name}: {reason}")


def bring_certificates(
    site: Site, link: Link, node: Node, certificates: dict[Unit, bytes]
) -> None:
    """Bring this node's certificates (PEM) to one member."""
    hook = "install-certificate"
    for unit, pem in certificates.items():
        name = stage_on(site, link, node, hook, pem)
        hook_on(link, node, hook, name, sha256_of(pem), site.node.name, unit.value)


def deliver_certificates(
    site: Site, certificates: dict[Unit, bytes]
) -> list[NodeOutcome]:
    """Bring this node's certificates (PEM) to every other member, side by side."""
    members = site.settings.cluster.members
    others = [node for node in members if node.name != site.node.name]
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

        return list(side_by_side(deliver, others))
