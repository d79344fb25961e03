"""Pushes to the replicas what this publisher serves: list, signed and plain files.

A replica is a plain box with sshd and a TFTP server (docs/decisions/006). After every
compose and every signing the publisher brings it what is new; one that cannot be
reached, or does not give the list back through TFTP, is pending and named at the next
login. All replicas at once, a connection each, and a deadline for all together; the
order on one of them is ``replica_push``'s. The publisher's own TFTP service waits for
none of them: they get the list once it runs.

With ``keep_trust`` on, a replica keeps what it has, files and all, and is pending, if
phones that hold its list or another kept one would not take the new list.
"""

from __future__ import annotations

import hashlib
from time import monotonic

from cucmsh.config.model import Node, NodeRole
from cucmsh.config.settings import is_outdated, read_settings
from cucmsh.errors import BusyError
from cucmsh.services.deadlines import (
    GRACE_SECONDS,
    PATIENT_SECONDS,
    PUSH_AFTER_START_SECONDS,
    PUSH_WAIT_SECONDS,
)
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.member_lists import (
    all_lists_pending,
    bring_lists_held,
    subscribers_of,
)
from cucmsh.services.lists.node_update import JobRunner
from cucmsh.services.lists.replica_plain_files import plain_files
from cucmsh.services.lists.replica_push import PushJob
from cucmsh.services.lists.replica_signed_files import signed_files
from cucmsh.services.lists.served_lists import is_reset_list, served_list
from cucmsh.services.outcome import NodeOutcome, Report, State
from cucmsh.services.records.history import History
from cucmsh.services.records.reset_journal import settle_push
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import PUSH, Site
from cucmsh.services.threads import as_done, meanwhile
from cucmsh.services.usecase import use_case

MOST_ROUNDS = 5  # of starts that follow on one another
UNFINISHED = "the last push was not finished"
NOBODY = Report(())


def replicas_of(site: Site) -> list[Node]:
    """The replicas, if this node is the publisher and has something to bring them."""
    if not site.node.is_publisher or not site.node.has_tftp:
        return []
    nodes = site.settings.cluster.nodes
    return [node for node in nodes if node.role is NodeRole.REPLICA]


def brought_after_start(site: Site) -> list[Node]:
    """The nodes that a start of this publisher's TFTP service has something for."""
    return [*replicas_of(site), *subscribers_of(site)]


@use_case("hook update-replicas", changes=True)
def update_replicas(site: Site) -> Report:
    """Bring the replicas what this publisher serves, after its TFTP service started.

    Subscribers are handed the lists that it signs for them, by a release where it does.

    Waits for another push, which may have begun before the start and so bring an
    earlier list. What a later start composes meanwhile is brought too.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    found = NOBODY
    for _ in range(MOST_ROUNDS):
        raw = served_list(site)
        is_reset = is_reset_list(site, raw)
        wait = 0 if is_reset else PUSH_WAIT_SECONDS
        found = push(
            site,
            seconds=PUSH_AFTER_START_SECONDS,
            wait=wait,
            is_reset=is_reset,
            to_subscribers=True,
        )
        if served_list(site) == raw:
            return found
    meanwhile = "new lists were composed meanwhile"
    return _all_pending(site, meanwhile, found)


def push(
    site: Site,
    *,
    seconds: float = PATIENT_SECONDS,
    wait: float = 0,
    is_reset: bool = False,
    to_subscribers: bool = False,
) -> Report:
    """Push under the cluster's lock, and remember who is pending.

    Args:
        site: the publisher; on other nodes nothing is done.
        seconds: for everything, once the lock is there.
        wait: for the lock.
        is_reset: the served list is a reset's. If somebody holds the lock then, it is
            that reset, which brings its list to the replicas itself.
        to_subscribers: hand over lists, too (``member_lists``).

    Raises:
        StoreError: what is pending cannot be remembered.
        ConfigurationError: the configuration was changed, and cannot be read now.
    """
    given = subscribers_of(site) if to_subscribers else []
    if not replicas_of(site) and not given:
        return NOBODY
    try:
        with site.push_lock(wait):
            now = _as_configured_now(site)
            if not given:
                return push_held(now, seconds=seconds)
            handing = meanwhile(lambda: bring_lists_held(now, seconds=seconds))
            pushed = push_held(now, seconds=seconds)
            return Report((*pushed.outcomes, *handing().outcomes))
    except BusyError as busy:
        if is_reset:
            return NOBODY
        lists = all_lists_pending(site, busy.message) if given else NOBODY
        pending = _all_pending(site, busy.message)
        return Report((*pending.outcomes, *lists.outcomes))


def _as_configured_now(site: Site) -> Site:
    """Who waited for the lock may have waited for a node to come or go."""
    if is_outdated(site.settings):
        return site.with_settings(read_settings(site.settings.path))
    return site


def _all_pending(site: Site, why: str, known: Report = NOBODY) -> Report:
    """Note every replica as pending: for the reason in ``known``, else for ``why``."""
    report = Report(
        tuple(
            _pending(node, known.problems.get(node.name, why))
            for node in replicas_of(site)
        )
    )
    note_waiting(site, Work.PUSH, report.problems)
    return report


def push_held(site: Site, *, seconds: float = PATIENT_SECONDS) -> Report:
    """``push`` for a caller that holds the cluster's lock.

    Args:
        site: the publisher.
        seconds: for everything.

    Returns:
        One outcome for each replica; none if nothing is served here.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    nodes = replicas_of(site)
    raw = served_list(site) if nodes else None
    if raw is None:
        return NOBODY
    end = monotonic() + seconds
    plain = {node.name: plain_files(site, node) for node in nodes if node.bring}
    job = PushJob(raw, signed_files(site), plain, end)
    # First what is so if we are killed meanwhile.
    note_waiting(site, Work.PUSH, {node.name: UNFINISHED for node in nodes})
    with Fleet(site, seconds + GRACE_SECONDS) as fleet:
        update = JobRunner(site, fleet, job).update
        done = {each.name: each for each in as_done(update, nodes, end + GRACE_SECONDS)}
    late = f"it was not done within {seconds:.0f} seconds"
    report = Report(
        tuple(done.get(node.name) or _pending(node, late) for node in nodes)
    )
    if served_list(site) != raw:
        other = "this node composed another list meanwhile"
        report = Report(
            tuple(
                _pending(node, report.problems.get(node.name, other)) for node in nodes
            )
        )
    _note_served(site, raw, list(report.written))
    sha256 = hashlib.sha256(raw).hexdigest()
    settle_push(site, sha256, report.written, report.problems)
    return report


def _pending(node: Node, why: str) -> NodeOutcome:
    return NodeOutcome(node.name, State.PENDING, why)


def _note_served(site: Site, raw: bytes, names: list[str]) -> None:
    """Into the history: these replicas serve the list, so it is not forgotten."""
    if not site.settings.keep_trust or not names:
        return
    with site.node_lock(PUSH):
        history = History(site)
        for name in names:
            history.note_elsewhere(name, raw)
