"""Applies a planned reset: stage, commit, restart, read back, report.

The steps S7 to S14 of docs/security.md#steps-of-a-reset. Never stops at a bad node,
never calls a node updated whose TFTP service did not give back the new bytes (invariant
I4). Asks nothing, decides nothing about trust.
"""

from __future__ import annotations

from contextlib import suppress

from cucmsh.errors import CucmshError, ExhaustedError, RefusedError, StoreError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import PUSH_AFTER_START_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.install import put_in_place, restart_and_prove
from cucmsh.services.lists.locate_nodes import (
    NodeStatus,
    refuse_unless_expected,
)
from cucmsh.services.lists.member_lists import bring_lists_after
from cucmsh.services.lists.node_update import JobRunner, is_settled
from cucmsh.services.lists.plan_reset import ResetPlan
from cucmsh.services.lists.reset_update import ResetJob
from cucmsh.services.lists.served_lists import sha256_served
from cucmsh.services.lists.update_replicas import push_held
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.outcome import NodeOutcome, Progress, Report, State, Step
from cucmsh.services.records.history import note_successor
from cucmsh.services.records.reset_journal import (
    OpenReset,
    begin_reset,
    end_reset,
    put_back_reset,
    read_reset,
)
from cucmsh.services.records.state import Published, write_published
from cucmsh.services.records.waiting import open_waiting, settle_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.threads import as_done, side_by_side


def apply(
    plan: ResetPlan,
    located: tuple[NodeStatus, ...],
    site: Site,
    fleet: Fleet,
    progress: Progress,
) -> Report:
    """Install the key if it is a new one, then the list on every node.

    A new key is on every member before the first list is staged (step S7a), so a person
    can end that reset only before; one with the local key, until all is staged.

    Raises:
        RefusedError: another list is served than was planned upon, or what ``progress``
            raised at READY; no key and no list was changed.
        CucmshError: no list was changed. A new key may be in place, its earlier file
            kept; the journal stays open then.
    """
    _require_own_seen(located, site)
    sweep(site)
    earlier = read_reset(site)
    if plan.key_file:
        _require_as_planned(plan, located, site)
        progress(Step.READY, "")
    reset = _begin(plan, located, site)
    change = _Change(plan, located, site, progress)
    try:
        with exhaustion_as_error():
            change.run(fleet)
    except CucmshError as problem:
        if not change.has_begun and not _is_key_in_place(plan, site):
            if isinstance(problem, RefusedError):
                _leave_as_it_was(site, reset, earlier)
            raise
        change.leave(problem)
    report = Report(change.outcomes, is_key_new=bool(plan.key_file))
    _end(report, reset, site, progress)
    return report


class _Change:
    """The key, then the list on every node; outcomes are kept as they come.

    Attributes:
        has_begun: some list may have been replaced.
    """

    def __init__(
        self,
        plan: ResetPlan,
        located: tuple[NodeStatus, ...],
        site: Site,
        progress: Progress,
    ) -> None:
        self.has_begun = False
        self._plan = plan
        self._located = located
        self._site = site
        self._progress = progress
        self._done: dict[str, NodeOutcome] = {}

    @property
    def outcomes(self) -> tuple[NodeOutcome, ...]:
        """Those that are known by now, in the cluster's order."""
        names = (entry.node.name for entry in self._located)
        return tuple(self._done[name] for name in names if name in self._done)

    def run(self, fleet: Fleet) -> None:
        """Carry it out.

        Raises:
            CucmshError: it ended early.
        """
        plan, site = self._plan, self._site
        with site.node_lock("utils itl reset"):  # a start composes with what lies there
            if plan.key_file:
                Keystore(site).install_recovery(plan.key_file, plan.recovery)
            else:
                Keystore(site).derive_recovery(plan.recovery)
        runner = JobRunner(site, fleet, _job(plan, site))
        others = [each for each in self._located if each.node.name != site.node.name]
        staged = list(side_by_side(runner.stage, others))
        try:
            if not plan.key_file:
                self._progress(Step.READY, "")
            own = _commit_own(plan, self._located, site, self._progress)
        except RefusedError:  # no list is changed anywhere
            for _ in side_by_side(runner.discard, staged):
                pass
            raise
        self.has_begun = True
        if own:
            self._done[own.name] = own
            self._progress(Step.SETTLED, own.name)
        for outcome in as_done(runner.install, staged):
            self._done[outcome.name] = outcome
            _tell(outcome, self._progress)

    def leave(self, problem: CucmshError) -> None:
        """It ended early: nodes without an outcome are pending, or unknown.

        They are unknown if lists were already being replaced.
        """
        state = State.UNKNOWN if self.has_begun else State.PENDING
        for entry in self._located:
            name = entry.node.name
            self._done.setdefault(name, NodeOutcome(name, state, problem.message))
        self._progress(Step.FAILED, problem.message)


def _job(plan: ResetPlan, site: Site) -> ResetJob:
    # All certificates, not only the key's: an earlier delivery may have failed.
    certificates = public_certificates(site, plan.recovery)
    given_up = frozenset((plan.sha256, *plan.given_up))
    return ResetJob(plan.trust_list.raw, certificates, given_up)


def _is_key_in_place(plan: ResetPlan, site: Site) -> bool:
    """Whether the fetched key file took the place of the earlier one.

    It counts as there if that cannot be seen.
    """
    if not plan.key_file:
        return False
    try:
        with exhaustion_as_error():
            return Keystore(site).recovery_file() == plan.key_file
    except CucmshError:
        return True


def _require_own_seen(located: tuple[NodeStatus, ...], site: Site) -> None:
    """Refuse a reset if this node itself could not be looked at."""
    for entry in located:
        if entry.node.name == site.node.name and entry.problem:
            raise RefusedError(
                f"{entry.node.name} cannot be looked at: {entry.problem}",
                "Run the command again when that is mended.",
            )


def _require_as_planned(
    plan: ResetPlan, located: tuple[NodeStatus, ...], site: Site
) -> None:
    """The comparison of ``put_in_place``, before the new key is installed already."""
    for entry in located:
        if entry.node.name == site.node.name:
            expected = (entry.served, plan.sha256)
            refuse_unless_expected(site.node, sha256_served(site), expected)


def _leave_as_it_was(site: Site, reset: OpenReset, earlier: OpenReset | None) -> None:
    if earlier is None:
        end_reset(site, reset._replace(pending=()))
    else:
        put_back_reset(site, earlier)


def _begin(plan: ResetPlan, located: tuple[NodeStatus, ...], site: Site) -> OpenReset:
    reset = OpenReset(
        command="remotekey" if plan.key_file else "localkey",
        before=sha256_served(site),
        sha256=plan.sha256,
        key=plan.signer.sha256_fingerprint.hex(),
        pending=tuple(
            entry.node.name
            for entry in located
            if not (entry.is_settled and entry.served == plan.sha256)
        ),
        active=tuple(entry.node.name for entry in located if entry.is_active),
        given_up=plan.given_up,
    )
    begin_reset(site, reset)
    return reset


def _end(report: Report, reset: OpenReset, site: Site, progress: Progress) -> None:
    """Leave open what is pending; else push to the replicas what they may miss."""
    pending = tuple(outcome.name for outcome in report.pending)
    # Certificates come before a list; who had the list already was brought none.
    brought = (State.UPDATED, State.STOPPED)
    with suppress(CucmshError), exhaustion_as_error():  # then they are brought again
        done = [each.name for each in report.outcomes if each.state in brought]
        settle_waiting(site, Work.CERTIFICATES, done)
    try:
        with exhaustion_as_error():
            end_reset(site, reset._replace(pending=pending))
    except (
        StoreError,
        ExhaustedError,
    ) as problem:  # it names too many nodes then, never too few
        progress(Step.FAILED, f"the journal stays open: {problem.message}")
    try:
        with exhaustion_as_error():
            # It may be the list alone that is pending.
            if not pending and open_waiting(site, Work.PUSH):
                push_held(site, seconds=PUSH_AFTER_START_SECONDS)
    except CucmshError as problem:  # they stay pending; the reset is done
        progress(Step.FAILED, f"the replicas were not updated: {problem.message}")
    # What their next starts serve; who was not given it was noted before.
    with suppress(CucmshError), exhaustion_as_error():
        bring_lists_after(site, without=pending)


def _commit_own(
    plan: ResetPlan, located: tuple[NodeStatus, ...], site: Site, progress: Progress
) -> NodeOutcome | None:
    """S9 and S10: the publisher's own list; None if it serves none."""
    entry = next((e for e in located if e.node.name == site.node.name), None)
    if entry is None:  # the next list is later than this one all the same
        published = Published(plan.sha256, plan.trust_list.header.timestamp)
        with site.node_lock("utils itl reset"):
            note_successor(site, None, plan.trust_list.raw)
        write_published(site.home, published)
        return None
    name = entry.node.name
    if is_settled(site, entry, plan.trust_list.raw):
        return NodeOutcome(name, State.UNCHANGED)
    try:
        with exhaustion_as_error():
            put_in_place(site, plan.trust_list, entry.served)
    except RefusedError:
        raise
    except CucmshError as problem:
        # The rename may be done, and only the sync of its folder have failed.
        is_there = False
        with suppress(CucmshError), exhaustion_as_error():
            is_there = sha256_served(site) == plan.sha256
        state = State.UNPROVEN if is_there else State.PENDING
        outcome = NodeOutcome(name, state, problem.message)
    else:
        if entry.is_active:
            progress(Step.RESTARTING, name)
        outcome = restart_and_prove(
            site, plan.trust_list.raw, was_active=entry.is_active
        )
    if outcome.state is State.UPDATED:
        progress(Step.RESTARTED, name)
    elif not outcome.is_done:
        progress(Step.FAILED, f"{name}: {outcome.reason or outcome.state}")
    return outcome


def _tell(outcome: NodeOutcome, progress: Progress) -> None:
    if not outcome.is_done:
        progress(Step.FAILED, f"{outcome.name}: {outcome.reason or outcome.state}")
    elif outcome.state is not State.UNCHANGED:
        progress(Step.TRANSFERRED, outcome.name)
    if outcome.state is State.UPDATED:
        progress(Step.RESTARTING, outcome.name)
        progress(Step.RESTARTED, outcome.name)
    progress(Step.SETTLED, outcome.name)
