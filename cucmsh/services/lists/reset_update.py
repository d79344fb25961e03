"""What a reset brings to other nodes: its list, and to members the certificates too.

A member's own hooks stage and install the list there, under its lock (``install``);
they are run from here by ``member_hooks``. On a replica, where nothing of ours runs,
the list is renamed into place over SFTP, and the TFTP service restarted by the
configured command (docs/decisions/019).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.pki.model import Unit
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import RESTART_SECONDS
from cucmsh.services.lists.acceptance import describe, who_refuses
from cucmsh.services.lists.locate_nodes import NodeStatus, refuse_unless_expected
from cucmsh.services.lists.member_hooks import bring_certificates, hook_on, stage_on
from cucmsh.services.lists.node_update import NodeUpdate
from cucmsh.services.lists.replica_list import ReplicaList
from cucmsh.services.lists.served_lists import sha256_or_none, why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode


class ResetJob(NamedTuple):
    """A ``Job``: the list of a reset.

    Attributes:
        raw: the list.
        certificates: PEM by unit, which a member is given first: it takes no list of a
            key that it does not know.
        given_up: SHA-256 of lists on other nodes that may be replaced though their
            phones refuse the new one, as a person agreed.
    """

    raw: bytes
    certificates: Mapping[Unit, bytes] = {}
    given_up: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str:
        return sha256(self.raw).hexdigest()

    def update_of(self, site: Site, status: NodeStatus, link: Link) -> NodeUpdate:
        if status.node.is_member:
            return MemberReset(site, status, link, self)
        return ReplicaReset(site, status, link, self)


class MemberReset:
    """A member's part of a reset; see ``NodeUpdate``."""

    seen = ""

    def __init__(
        self, site: Site, status: NodeStatus, link: Link, job: ResetJob
    ) -> None:
        self.has_begun = False
        self._site = site
        self._status = status
        self._node = status.node
        self._link = link
        self._job = job
        self._name = ""  # of the staged file

    def stage(self) -> None:
        """The certificates first: it takes no list of a key that it does not know."""
        bring_certificates(self._site, self._link, self._node, self._job.certificates)
        self._name = stage_on(self._site, self._link, self._node, self._job.raw)

    def discard(self) -> None:
        if self._name:
            hook_on(self._link, self._node, "discard", self._name)

    def commit(self) -> NodeOutcome:
        """Its hook compares, installs, restarts and reads back; see ``install``."""
        was = "active" if self._status.is_active else "inactive"
        agreed = ("agreed",) if self._status.served in self._job.given_up else ()
        argv = (self._name, self._job.sha256, self._status.served, was, *agreed)
        self.has_begun = True
        said = hook_on(self._link, self._node, "install-list", *argv)
        state, _, reason = said.partition("\n")
        try:
            return NodeOutcome(self._node.name, State(state), reason)
        except ValueError as problem:
            raise ServiceError(f"{self._node.name} answers {state!r}") from problem

    def why_unserved(self) -> str:
        """Asked from here, whatever the member itself found."""
        return why_unserved(self._site, self._node.tftp, self._job.raw)


class ReplicaReset:
    """A replica's part of a reset; see ``NodeUpdate``."""

    seen = ""

    def __init__(
        self, site: Site, status: NodeStatus, link: Link, job: ResetJob
    ) -> None:
        self._site = site
        self._status = status
        self._node = status.node
        self._link = link
        self._job = job
        store = site.backends.store_on(link, self._node.tftp_directory)
        self._list = ReplicaList(store, job.raw)

    @property
    def has_begun(self) -> bool:
        return self._list.has_begun

    def stage(self) -> None:
        self._list.stage_swept()

    def discard(self) -> None:
        self._list.discard()

    def commit(self) -> NodeOutcome:
        """Compare, rename, and restart the TFTP service if it ran."""
        try:
            self._require_seen()
            self._list.commit()
        except RefusedError:
            self.discard()
            raise
        return self._restarted()

    def why_unserved(self) -> str:
        return why_unserved(self._site, self._node.tftp, self._job.raw)

    def _require_seen(self) -> None:
        """Refuse to replace a list that was not seen before, or not asked about.

        Raises:
            RefusedError: another list lies there than was seen; or its phones would
                refuse the new one, and no person was asked about them, because the
                node was silent when it was planned.
        """
        there = self._list.read()
        expected = (self._status.served, self._job.sha256)
        refuse_unless_expected(self._node, sha256_or_none(there), expected)
        if there is None or self._status.served in self._job.given_up:
            return
        history = History(self._site)
        asked = {kept.digests.sha256 for kept in history.binding}
        history.consider(self._node.name, there)
        offered = decode(self._job.raw)
        refused = who_refuses(self._site, offered, history, agreed=asked)
        if refused:
            raise RefusedError(describe(refused), "Run the reset again.")

    def _restarted(self) -> NodeOutcome:
        name, commands = self._node.name, self._node.service_commands
        if not self._status.is_active or commands is None:
            # Nobody can read it back there: at least it was read where it lies.
            if self._list.read() != self._job.raw:
                raise ServiceError(f"{name} does not keep the list")
            return NodeOutcome(name, State.STOPPED)
        done = self._link.run(commands.restart, RESTART_SECONDS)
        if done.status != 0:
            detail = done.stderr or done.output or f"exit status {done.status}"
            reason = f"its TFTP did not restart: {detail}"
            return NodeOutcome(name, State.UNPROVEN, reason)
        return NodeOutcome(name, State.UPDATED, files=1)
