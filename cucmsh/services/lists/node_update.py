"""Brings a job to other nodes: stage, commit, prove. The only way onto their lists.

For resets (``reset_update``) and for pushes to the replicas (``replica_push``). Whoever
runs a job decides whether all nodes are staged before the first is changed (a reset) or
each goes its way (a push). A node whose list is not the one that was seen is left
alone, and one dead node is an outcome (docs/decisions/014, 019, 026).
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple, Protocol

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import HOW_FAR_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.served_lists import ask_served, why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site


class NodeUpdate(Protocol):
    """One node's part of a job, over one connection."""

    @property
    def has_begun(self) -> bool:
        """Whether its list may have been replaced."""

    @property
    def seen(self) -> str:
        """SHA-256 of the list that lay there, or ``NO_LIST``; empty if not looked."""

    def stage(self) -> None:
        """Put all bytes beside what they replace; no phone sees a change.

        Raises:
            RefusedError: it must not be changed.
            StoreError, ServiceError, ConnectionFailedError: it cannot be.
        """

    def discard(self) -> None:
        """Take away what was staged, as far as the connection still does it.

        Raises:
            CucmshError: it does not; the next job sweeps it.
        """

    def commit(self) -> NodeOutcome:
        """Put what was staged in place.

        Raises:
            RefusedError: another list lies there than was seen; it was left alone.
            StoreError, ServiceError, ConnectionFailedError: it came no further.
        """

    def why_unserved(self) -> str:
        """What its TFTP service does not give back; empty if it gives all."""


class Job(Protocol):
    """What nodes are brought: a reset's list, or all that the publisher serves."""

    @property
    def raw(self) -> bytes:
        """The list that every node serves afterwards."""

    def update_of(self, site: Site, status: NodeStatus, link: Link) -> NodeUpdate:
        """The part of the node that was found so; nothing is done yet."""


class Staged(NamedTuple):
    """What lies ready on a node, or why nothing does.

    Attributes:
        status: the node as it was found.
        update: its part of the job, staged; None if nothing is.
        problem: why nothing is staged; empty if there is no need to, or it is.
        is_settled: an earlier attempt finished there, and TFTP still says so.
    """

    status: NodeStatus
    update: NodeUpdate | None = None
    problem: str = ""
    is_settled: bool = False


class JobRunner:
    """Runs one job on the nodes of a fleet; its verbs may run side by side.

    None of them raises a ``CucmshError``.
    """

    def __init__(self, site: Site, fleet: Fleet, job: Job) -> None:
        self._site = site
        self._fleet = fleet
        self._job = job

    def update(self, node: Node) -> NodeOutcome:
        """Stage and install, for a job that waits for no other node."""
        return self.install(self.stage(NodeStatus(node, is_active=False)))

    def stage(self, status: NodeStatus) -> Staged:
        """S8: every byte is on the node, and nothing is changed there yet."""
        if status.problem:
            return Staged(status, problem=status.problem)
        if is_settled(self._site, status, self._job.raw):
            return Staged(status, is_settled=True)

        def work(link: Link) -> NodeUpdate:
            return self._staged_on(status, link)

        try:
            return Staged(status, self._fleet.on(status.node, work))
        except CucmshError as problem:
            return Staged(status, problem=problem.message)

    def discard(self, staged: Staged) -> None:
        """Take away what was staged; what cannot be is swept by the next job."""
        update = staged.update
        if update is not None:
            with suppress(CucmshError):
                self._fleet.on(staged.status.node, lambda _: update.discard())

    def install(self, staged: Staged) -> NodeOutcome:
        """S11 and S12: in place, restarted, and read back through TFTP.

        A connection that breaks on the way says nothing about how far the node came:
        the second attempt stages again and starts with what the node serves then.
        """
        status, node = staged.status, staged.status.node
        if staged.problem:
            return NodeOutcome(node.name, State.PENDING, staged.problem)
        if staged.is_settled:
            return NodeOutcome(node.name, State.UNCHANGED)
        ready, begun = staged.update, list[NodeUpdate]()

        def work(link: Link) -> NodeOutcome:
            update = ready if ready and not begun else self._staged_on(status, link)
            begun.append(update)
            return update.commit()

        try:
            outcome = self._fleet.on(node, work)
        except CucmshError as problem:
            if any(update.has_begun for update in begun):
                return self._how_far(status, begun[0], problem)
            return NodeOutcome(node.name, State.PENDING, problem.message)
        if outcome.state not in (State.UPDATED, State.UNCHANGED):
            return outcome
        try:
            with exhaustion_as_error():
                unserved = begun[-1].why_unserved()
        except CucmshError as problem:
            unserved = problem.message
        return NodeOutcome(node.name, State.UNPROVEN, unserved) if unserved else outcome

    def _staged_on(self, status: NodeStatus, link: Link) -> NodeUpdate:
        update = self._job.update_of(self._site, status, link)
        update.stage()
        return update

    def _how_far(
        self, status: NodeStatus, update: NodeUpdate, problem: CucmshError
    ) -> NodeOutcome:
        """What became of a node that broke off in its change, as TFTP there tells."""
        name = status.node.name
        served = ask_served(self._site, status.node, HOW_FAR_SECONDS).sha256
        if served == sha256(self._job.raw).hexdigest():
            reason = f"{problem.message}; its TFTP service has the new list, unproven"
            return NodeOutcome(name, State.UNPROVEN, reason)
        before = update.seen or status.served
        if served == before or isinstance(problem, RefusedError):
            return NodeOutcome(name, State.PENDING, problem.message)
        reason = f"{problem.message}; whether its list was replaced is not known"
        return NodeOutcome(name, State.UNKNOWN, reason)


def is_settled(site: Site, status: NodeStatus, raw: bytes) -> bool:
    """Whether an earlier attempt finished on the node, and TFTP still says so."""
    return (
        status.is_settled
        and status.served == sha256(raw).hexdigest()
        and not why_unserved(site, status.node.tftp, raw)
    )
