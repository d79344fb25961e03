"""Brings files to the other members: staged over SFTP, installed by their own hook.

Only certificates and lists travel; private keys never leave their node (design
decisions 6 and 19). A member that cannot be reached is an outcome.
"""

from __future__ import annotations

import os

from cucmsh.cluster.model import Node
from cucmsh.errors import CucmshError, ServiceError
from cucmsh.pki.model import Unit
from cucmsh.services.compose import sha256_of
from cucmsh.services.doors import Link
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site

HOOK_SECONDS = 120


def run_hook(site: Site, link: Link, node: Node, raw: bytes, *words: str) -> str:
    """Stage ``raw`` on ``node`` and run a hook on it; gives what the hook says.

    The hook gets the staged name and the SHA-256 of the bytes, then ``words[1:]``.

    Raises:
        ServiceError: the hook refused; its reason is the message.
    """
    name = f"{words[0]}-{os.urandom(8).hex()}"
    store = site.doors.store_on(link, node.staging)
    try:
        store.write(name, raw)
    finally:
        store.close()
    hook = (*node.program, "hook", words[0], name, sha256_of(raw), *words[1:])
    done = link.run(hook, HOOK_SECONDS)
    if done.status != 0:
        reason = done.complaint or done.output or f"exit status {done.status}"
        raise ServiceError(f"{node.name} refused: {reason}")
    return done.output


def deliver_certificates(
    site: Site, certificates: dict[Unit, bytes]
) -> list[NodeOutcome]:
    """Bring this node's certificates (PEM) to every other member."""
    return [
        _deliver(site, node, certificates)
        for node in site.settings.cluster.members
        if node.name != site.node.name
    ]


def _deliver(site: Site, node: Node, certificates: dict[Unit, bytes]) -> NodeOutcome:
    try:
        with site.link_to(node) as link:
            for unit, pem in certificates.items():
                words = ("install-certificate", site.node.name, unit.value)
                run_hook(site, link, node, pem, *words)
    except CucmshError as problem:
        return NodeOutcome(node.name, State.PENDING, problem.message)
    return NodeOutcome(node.name, State.UPDATED)
