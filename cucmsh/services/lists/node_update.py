"""One node's part of a reset: staged first, then installed and proven.

To a member: its own hooks stage and install the list, under its own lock. To a replica:
a temporary file beside its list, then the rename and the configured restart
(docs/decisions/019). A node whose list is not the one that was seen is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    ExhaustedError,
    MissingFileError,
    RefusedError,
    ServiceError,
)
from cucmsh.exhaustion import told
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.services.backends import Link
from cucmsh.services.lists.acceptance import describe, who_refuses
from cucmsh.services.lists.compose import sha256_of
from cucmsh.services.lists.deliver import bring_certificates, hook_on, stage_on
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.reset import ResetPlan
from cucmsh.services.lists.survey import (
    NO_LIST,
    Located,
    refuse_unless_expected,
    sha256_on,
)
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.nodes.tftp_service import why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.storage.store import Store

RESTART_SECONDS = 60
ASK_SECONDS = 3  # for TFTP on a node that has just fallen silent


class Staged(NamedTuple):
    """What lies ready on a node: the name of the staged file, or why nothing does.

    ``is_settled``: an earlier attempt finished there, and TFTP still says so.
    """

    entry: Located
    name: str
    problem: str = ""
    is_settled: bool = False


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
        self._trust_list = plan.trust_list
        # The lists of other nodes that may be replaced though their phones refuse it.
        self._given_up = {plan.sha256, *plan.given_up}
        self._site = site
        self._fleet = fleet
        # All of them, not only the key's: an earlier delivery may have failed.
        self._certificates = public_certificates(site, plan.recovery)
        self._begun: set[str] = set()  # nodes that may have changed

    def stage(self, entry: Located) -> Staged:
        """S8: every byte is on the node, and nothing is changed there yet.

        A member gets our certificates first: it takes no list of a key that it does
        not know.
        """
        if entry.problem:
            return Staged(entry, "", entry.problem)
        if is_settled(self._site, entry, self._raw):
            return Staged(entry, "", is_settled=True)
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

        def remove(link: Link) -> None:
            if node.is_member:
                hook_on(link, node, "discard", staged.name)
            else:
                store = self._site.doors.store_on(link, node.tftp_directory)
                store.discard(staged.name)

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
        if staged.is_settled:
            return NodeOutcome(node.name, State.UNCHANGED)
        attempts = iter((name,))

        def work(link: Link) -> NodeOutcome:
            ready = next(attempts, "") or self._stager(node)(link)
            install = self._install_on_member if node.is_member else self._replace
            return install(link, staged.entry, ready)

        try:
            outcome = self._fleet.on(node, work)
        except CucmshError as problem:
            if node.name in self._begun:
                return self._how_far(staged.entry, problem)
            return NodeOutcome(node.name, State.PENDING, problem.message)
        if outcome.state is not State.UPDATED:
            return outcome
        try:
            with told():
                unserved = why_unserved(self._site, node.tftp, self._raw)
        except CucmshError as problem:
            unserved = problem.message
        return NodeOutcome(node.name, State.UNPROVEN, unserved) if unserved else outcome

    def _how_far(self, entry: Located, problem: CucmshError) -> NodeOutcome:
        """What became of a node that broke off in its change: TFTP may know."""
        node, address = entry.node, entry.node.tftp
        try:
            with told():
                raw = self._site.doors.read_back(address, LIST_FILE, ASK_SECONDS)
            served = sha256_of(raw)
        except MissingFileError:
            served = NO_LIST
        except (ConnectionFailedError, ExhaustedError):
            served = ""
        if served == self._sha256:
            reason = f"{problem.message}; its TFTP service has the new list, unproven"
            return NodeOutcome(node.name, State.UNPROVEN, reason)
        if served == entry.served or isinstance(problem, RefusedError):
            return NodeOutcome(node.name, State.PENDING, problem.message)
        reason = f"{problem.message}; whether its list was replaced is not known"
        return NodeOutcome(node.name, State.UNKNOWN, reason)

    def _stager(self, node: Node) -> Callable[[Link], str]:
        def on_member(link: Link) -> str:
            bring_certificates(self._site, link, node, self._certificates)
            return stage_on(self._site, link, node, self._raw)

        def on_replica(link: Link) -> str:
            store = self._site.doors.store_on(link, node.tftp_directory)
            # What is left there is ours: nobody else writes under the publisher's lock.
            return store.stage_swept(LIST_FILE, self._raw, SERVED_MODE)

        return on_member if node.is_member else on_replica

    def _install_on_member(self, link: Link, entry: Located, name: str) -> NodeOutcome:
        state = "active" if entry.is_active else "inactive"
        agreed = ("agreed",) if entry.served in self._given_up else ()
        words = ("install-list", name, self._sha256, entry.served, state, *agreed)
        self._begun.add(entry.node.name)
        state, _, reason = hook_on(link, entry.node, *words).partition("\n")
        try:
            return NodeOutcome(entry.node.name, State(state), reason)
        except ValueError as problem:
            raise ServiceError(f"{entry.node.name} answers {state!r}") from problem

    def _require_acceptance(self, store: Store, entry: Located) -> None:
        """The one rule, for a list that nobody could be asked about: it was silent.

        What is in the history was asked about.

        Raises:
            RefusedError: phones that hold it would refuse the new one.
        """
        if entry.served in self._given_up:
            return
        with suppress(MissingFileError):
            history, there = History(self._site), store.read(LIST_FILE)
            asked = {kept.digests.sha256 for kept in history.binding}
            history.consider(entry.node.name, there)
            refused = who_refuses(self._site, self._trust_list, history, agreed=asked)
            if refused:
                raise RefusedError(describe(refused), "Run the reset again.")

    def _replace(self, link: Link, entry: Located, name: str) -> NodeOutcome:
        node = entry.node
        store = self._site.doors.store_on(link, node.tftp_directory)
        present = sha256_on(self._site, link, node)
        try:
            refuse_unless_expected(node, present, (entry.served, self._sha256))
            self._require_acceptance(store, entry)
        except RefusedError:
            store.discard(name)
            raise
        self._begun.add(node.name)
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


def is_settled(site: Site, entry: Located, raw: bytes) -> bool:
    """Whether an earlier attempt finished on the node, and TFTP still says so."""
    return (
        entry.is_settled
        and entry.served == sha256_of(raw)
        and not why_unserved(site, entry.node.tftp, raw)
    )
