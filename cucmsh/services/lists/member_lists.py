"""The lists of the subscribers, where the publisher signs the lists of all nodes.

The key that signs never leaves the publisher (docs/decisions/008). It makes each
subscriber's list from the certificates in its own trust store, never from records that
somebody sent, signs it and hands it over; the subscriber looks at it, and serves it
from its next TFTP start on (``take_list``). That is done after each start of the
publisher's own TFTP service, when a certificate of a member has changed, after a reset,
when a node came or went, and when a subscriber asks before it restarts its service.

What the subscriber is asked first is how late its last list is, and which keys all of
its phones know: of the publisher's keys the first of those signs, ITLRecovery's, else
an earlier one that was kept. Where none is known to all, ITLRecovery's signs and the
subscriber refuses: it has the last word.

Killed at any point, nothing that is served has changed anywhere; who was not given a
list is noted before the first one is made, and is given one by the next of the
occasions above. Two of them at once wait for one another (the cluster's lock); a
hand-over that comes late loses by its TIMESTAMP.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from cucmsh.config.model import Node
from cucmsh.config.settings import is_outdated, read_settings
from cucmsh.errors import BusyError, CucmshError, RefusedError, ServiceError
from cucmsh.pki.model import Unit
from cucmsh.services.backends import Link
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import (
    GRACE_SECONDS,
    PUSH_AFTER_START_SECONDS,
    PUSH_WAIT_SECONDS,
)
from cucmsh.services.lists.compose import (
    digest_of,
    next_timestamp,
    signed_by_another,
)
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.given_list import LAST_TIME, WantedList, read_wanted
from cucmsh.services.lists.list_records import own_records, spelled_for_phones
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.member_hooks import INPUT, hook_on
from cucmsh.services.lists.node_update import JobRunner, NodeUpdate
from cucmsh.services.outcome import NodeOutcome, Report, State
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.threads import as_done
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import seal

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential

UNFINISHED = "handing the lists over was not finished"
NOBODY = Report(())


def subscribers_of(site: Site) -> list[Node]:
    """The subscribers whose lists this publisher makes."""
    if not (site.node.is_publisher and site.settings.profile.publisher_signs):
        return []
    members = site.settings.cluster.members
    return [node for node in members if node.has_tftp and not node.is_publisher]


@use_case("hook bring-lists", changes=True)
def bring_lists(site: Site) -> Report:
    """Make and hand over the lists of all subscribers, for one of them that asks.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    if not subscribers_of(site):
        return NOBODY
    try:
        with site.push_lock(PUSH_WAIT_SECONDS):
            if is_outdated(site.settings):  # a node may have come or gone meanwhile
                site = site.with_settings(read_settings(site.settings.path))
            return bring_lists_held(site)
    except BusyError as busy:
        return all_lists_pending(site, busy.message)


def bring_lists_held(
    site: Site,
    *,
    seconds: float = PUSH_AFTER_START_SECONDS,
    without: Collection[str] = (),
) -> Report:
    """``bring_lists`` for a caller that holds the cluster's lock.

    Args:
        site: the publisher.
        seconds: for everything.
        without: names of nodes that were found silent just now, and stay pending.

    Returns:
        One outcome for each subscriber.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    nodes = subscribers_of(site)
    if not nodes:
        return NOBODY
    end = monotonic() + seconds
    # First what is so if we are killed meanwhile.
    note_waiting(site, Work.LISTS, {node.name: UNFINISHED for node in nodes})
    job = ListJob(site)
    left = [node for node in nodes if node.name not in without]
    with Fleet(site, seconds + GRACE_SECONDS) as fleet:
        update = JobRunner(site, fleet, job).update
        done = {each.name: each for each in as_done(update, left, end + GRACE_SECONDS)}
    late = f"it was not done within {seconds:.0f} seconds"
    report = Report(
        tuple(
            done.get(node.name)
            or NodeOutcome(
                node.name,
                State.PENDING,
                "it did not answer" if node.name in without else late,
            )
            for node in nodes
        )
    )
    note_waiting(site, Work.LISTS, report.problems)
    return report


def all_lists_pending(site: Site, why: str) -> Report:
    """Note every subscriber as pending, for that reason.

    Raises:
        StoreError: it cannot be remembered.
    """
    nodes = subscribers_of(site)
    report = Report(tuple(NodeOutcome(n.name, State.PENDING, why) for n in nodes))
    if nodes:
        note_waiting(site, Work.LISTS, report.problems)
    return report


def bring_lists_after(site: Site, *, without: Collection[str] = ()) -> None:
    """After a change that is done, under the cluster's lock; see ``bring_lists_held``.

    Raises no ``CucmshError``: who was not given a list is open work.
    """
    try:
        bring_lists_held(site, without=without)
    except CucmshError as problem:
        with suppress(CucmshError):  # then what was noted before stands
            all_lists_pending(site, problem.message)


def lists_follow(site: Site) -> None:
    """After certificates of this node were brought to the other members.

    Called under the cluster's lock of this node; raises no ``CucmshError``.
    """
    if site.node.is_publisher:
        bring_lists_after(site)
    else:
        ask_for_lists(site)


def ask_for_lists(site: Site) -> str:
    """On a subscriber: have the publisher hand over the lists; why not, or empty.

    Under a release by which each node signs its own there is nothing to ask for.
    """
    publisher = site.settings.cluster.publisher
    if not site.settings.profile.publisher_signs or site.node.is_publisher:
        return ""
    if publisher.ssh is None:
        return f"no way leads to {publisher.name} from {site.node.name}"
    try:
        with Fleet(site) as fleet:
            said = fleet.on(
                publisher, lambda link: hook_on(link, publisher, "bring-lists")
            )
    except CucmshError as problem:
        return problem.message
    mine = f"{site.node.name}: "
    return next((s.removeprefix(mine) for s in said.split("\n") if mine in s), "")


class ListJob:
    """A ``Job``: the list of each subscriber. Its keys are opened once, when needed.

    Args:
        site: the publisher.
    """

    raw = b""  # no node serves it when the job is done

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()  # nodes are updated side by side

    def update_of(self, site: Site, status: NodeStatus, link: Link) -> NodeUpdate:
        return GivenList(site, status.node, link, self)

    def list_for(self, node: Node, wanted: WantedList) -> TrustList:
        """The list of that subscriber as of now, signed.

        Raises:
            RefusedError: a certificate of a node was not brought here yet.
            CertificateError, KeyFileError, StoreError: one cannot be read.
        """
        site = self._site
        with self._lock:
            recovery = self._recovery
            records = own_records(site, recovery.certificate, node)
            records = spelled_for_phones(site, records)
            signer = self._signer(wanted)
        if signer is not recovery:
            records = signed_by_another(records, signer)
        timestamp = max(next_timestamp(site), wanted.timestamp + 1)
        if timestamp > LAST_TIME:
            raise RefusedError(
                f"no TIMESTAMP is later than that of the list on {node.name}",
                f"Look at the clock of {node.name}.",
            )
        return seal(records, signer, timestamp=timestamp, digest=digest_of(site))

    def _signer(self, wanted: WantedList) -> Credential:
        known = wanted.signers
        if known is None or _sha256(self._recovery) in known:
            return self._recovery
        kept = (key for key in self._earlier if _sha256(key) in known)
        return next(kept, self._recovery)

    @cached_property
    def _recovery(self) -> Credential:
        return Keystore(self._site).recovery()

    @cached_property
    def _earlier(self) -> tuple[Credential, ...]:
        return tuple(Keystore(self._site).earlier(Unit.ITL_RECOVERY))


def _sha256(key: Credential) -> str:
    return sha256(key.certificate.der).hexdigest()


class GivenList:
    """One subscriber's list; see ``NodeUpdate``. Nothing that is served changes."""

    seen = ""
    has_begun = False

    def __init__(self, site: Site, node: Node, link: Link, job: ListJob) -> None:
        self._site = site
        self._node = node
        self._link = link
        self._job = job
        self._raw = b""

    def stage(self) -> None:
        said = hook_on(self._link, self._node, "wanted-list")
        wanted = read_wanted(self._node.name, said)
        self._raw = self._job.list_for(self._node, wanted).raw

    def discard(self) -> None:
        """Nothing of it is on the node."""

    def commit(self) -> NodeOutcome:
        argv = ("give-list", INPUT, sha256(self._raw).hexdigest())
        said = hook_on(self._link, self._node, *argv, given=self._raw)
        try:
            state = State(said)
        except ValueError as problem:
            raise ServiceError(f"{self._node.name} answers {said!r}") from problem
        return NodeOutcome(self._node.name, state, files=1)

    def why_unserved(self) -> str:
        return ""
