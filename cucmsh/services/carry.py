"""One node's part of a reset: staged first, then installed and proven.

To a member: SFTP into its staging folder, then its own hook, under its own lock. To a
replica: a temporary file beside its list, then the rename and the configured restart
(design decision 19). A node whose list is not the one that was seen is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from cucmsh.cluster.model import Node
from cucmsh.errors import CucmshError, RefusedError, ServiceError
from cucmsh.services.deliver import bring_certificates, hook_on, stage_on
from cucmsh.services.doors import Link
from cucmsh.services.enrol import public_certificates
from cucmsh.services.fleet import Fleet
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.reset import ResetPlan
from cucmsh.services.site import LIST_FILE, SERVED_MODE, Site
from cucmsh.services.survey import Located, sha256_on
from cucmsh.services.tftp import serves

RESTART_SECONDS = 60


class Staged(NamedTuple):
    """What lies ready on a node: the name of the staged file, or why nothing does."""

    entry: Located
    name: str
    problem: str = ""


class Carrier:
    """Brings one plan to other nodes; its verbs may run side by side.

    Args:
        plan: the list, signed, and its key's certificate.
        site: this node, the publisher.
        fleet: the connections.
    """

    def __init__(self, plan: ResetPlan, site: Site, fleet: Fleet) -> None:
        self._raw = plan.trust_list.raw
        self._sha256 = plan.sha256
        self._site = site
        self._fleet = fleet
        # All of them, not only the key's: an earlier delivery may have failed.
        self._certificates = public_certificates(site, plan.recovery)

    def stage(self, entry: Located) -> Staged:
        """S8: every byte is on the node, and nothing is changed there yet.

        A member gets our certificates first: it takes no list of a key that it does
        not know.
        """
        if entry.problem:
            return Staged(entry, "", entry.problem)
        try:
            name = self._fleet.on(entry.node, self._stager(entry.node))
        except CucmshError as problem:
            return Staged(entry, "", problem.message)
        return Staged(entry, name)

    def discard(self, staged: Staged) -> None:
        """Take away what was staged; what cannot be is swept by the next reset."""
        if not staged.name:
            return
        node = staged.entry.node
        folder = node.staging if node.is_member else node.tftp_directory

        def remove(link: Link) -> None:
            self._site.doors.store_on(link, folder).discard(staged.name)

        with suppress(CucmshError):
            self._fleet.on(node, remove)

    def install(self, staged: Staged) -> NodeOutcome:
        """S11 and S12: in place, restarted, and read back through TFTP.

        A connection that breaks on the way says nothing about how far the node came:
        the second attempt stages again and starts with what the node serves then.
        """
        node, name = staged.entry.node, staged.name
        if staged.problem:
            return NodeOutcome(node.name, State.PENDING, staged.problem)
        attempts = iter((name,))

        def work(link: Link) -> NodeOutcome:
            ready = next(attempts, "") or self._stager(node)(link)
            install = self._install_on_member if node.is_member else self._replace
            return install(link, staged.entry, ready)

        try:
            outcome = self._fleet.on(node, work)
        except CucmshError as problem:
            return NodeOutcome(node.name, State.PENDING, problem.message)
        if outcome.state is State.UPDATED and not serves(
            self._site, node.tftp, self._raw
        ):
            return NodeOutcome(node.name, State.UNPROVEN, "TFTP gives back other bytes")
        return outcome

    def _stager(self, node: Node) -> Callable[[Link], str]:
        def on_member(link: Link) -> str:
            bring_certificates(self._site, link, node, self._certificates)
            return stage_on(self._site, link, node, "install-list", self._raw)

        def on_replica(link: Link) -> str:
            store = self._site.doors.store_on(link, node.tftp_directory)
            store.sweep()  # the publisher's lock is ours: nobody else writes there
            return store.stage(LIST_FILE, self._raw, SERVED_MODE)

        return on_member if node.is_member else on_replica

    def _install_on_member(self, link: Link, entry: Located, name: str) -> NodeOutcome:
        state = "active" if entry.is_active else "inactive"
        words = ("install-list", name, self._sha256, entry.served, state)
        state, _, reason = hook_on(link, entry.node, *words).partition("\n")
        try:
            return NodeOutcome(entry.node.name, State(state), reason)
        except ValueError as problem:
            raise ServiceError(f"{entry.node.name} answers {state!r}") from problem

    def _replace(self, link: Link, entry: Located, name: str) -> NodeOutcome:
        node = entry.node
        store = self._site.doors.store_on(link, node.tftp_directory)
        present = sha256_on(self._site, link, node)
        if present not in (entry.served, self._sha256):
            store.discard(name)
            raise RefusedError(changed_meanwhile(node.name))
        store.commit(name, LIST_FILE)
        if not entry.is_active or node.service_commands is None:
            # Nobody can read it back there: at least it was read where it lies.
            if sha256_on(self._site, link, node) != self._sha256:
                raise ServiceError(f"{node.name} does not keep the list")
            return NodeOutcome(node.name, State.STOPPED)
        done = link.run(node.service_commands.restart, RESTART_SECONDS)
        if done.status != 0:
            detail = done.complaint or done.output or f"exit status {done.status}"
            return NodeOutcome(
                node.name, State.UNPROVEN, f"its TFTP did not restart: {detail}"
            )
        return NodeOutcome(node.name, State.UPDATED)


def changed_meanwhile(name: str) -> str:
    """The refusal of a node whose list is not the one that was planned upon."""
    return f"the list of {name} changed after it was looked at; it was left alone"
