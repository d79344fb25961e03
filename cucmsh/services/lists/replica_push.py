"""What a push brings to one replica: the list, the signed files, the plain files.

What lies there is compared before anything is written, and nothing is read back that
the records there vouch for but a few samples. The order is: stage all, then commit the
signed files, then the list. Staging takes long and changes nothing that a phone sees;
commits are a rename each. The list comes after the signed files because taking it is
the step that a phone cannot take back: from then on it refuses whatever the earlier key
signed, so all that it will ask for must be there already. A phone that meets a new file
with the old list still held keeps the configuration it has, and asks again after its
next list. Single files that the replica will not take are left out: the others do not
wait for them. Plain files come after the list (``replica_plain_files``).

The TFTP service is not restarted: it gives the new bytes without.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.services.backends import Link
from cucmsh.services.lists.acceptance import TRUST_RELEASE, describe, who_refuses
from cucmsh.services.lists.asked_names import asked_name
from cucmsh.services.lists.files_to_bring import FilesToBring
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.node_update import NodeUpdate
from cucmsh.services.lists.replica_list import ReplicaList
from cucmsh.services.lists.replica_plain_files import PlainFile, PlainFileUpdate
from cucmsh.services.lists.replica_records import (
    claim,
    digest_of_file,
    read_manifest,
    require_ours,
)
from cucmsh.services.lists.replica_signed_files import SignedFileUpdate
from cucmsh.services.lists.served_lists import sha256_or_none, why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.history import History
from cucmsh.services.site import PUSH, Site
from cucmsh.trustlist.decode import decode


class PushJob(NamedTuple):
    """A ``Job``: all that the publisher serves.

    Attributes:
        raw: the list.
        signed: its signed files, and the digest of each.
        plain: by the name of a replica, the plain files that it is to have.
        end: by ``monotonic``, when to begin nothing more.
    """

    raw: bytes
    signed: FilesToBring[str]
    plain: Mapping[str, FilesToBring[PlainFile]]
    end: float

    def update_of(self, site: Site, status: NodeStatus, link: Link) -> NodeUpdate:
        return ReplicaPush(site, status.node, link, self)


class ReplicaPush:
    """A replica's part of a push; see ``NodeUpdate``."""

    def __init__(self, site: Site, node: Node, link: Link, job: PushJob) -> None:
        self.seen = ""
        self._site = site
        self._node = node
        self._link = link
        self._job = job
        self._store = site.backends.store_on(link, node.tftp_directory)
        self._home = site.backends.home_on(link)
        self._list = ReplicaList(self._store, job.raw)
        self._files = SignedFileUpdate(site, self._store, job.signed, job.end)

    @property
    def has_begun(self) -> bool:
        return self._list.has_begun

    def stage(self) -> None:
        is_ours = require_ours(self._site, self._home, self._node)
        there = self._list.read()
        self.seen = sha256_or_none(there)
        self._require_kept_lists_accept(there)
        if not is_ours:
            claim(self._site, self._home, self._node, None)
        self._files.look(read_manifest(self._home, self._node))
        try:
            self._files.stage()
            if there != self._job.raw:
                self._list.stage()
            self._files.record(self._home, self._node)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        self._files.discard()
        self._list.discard()

    def commit(self) -> NodeOutcome:
        try:
            self._files.commit()
            written = int(self._list.commit())
        except BaseException:
            self.discard()
            raise
        self._files.record_seen(self._home, self._node)
        plain = PlainFileUpdate(self._site, self._node, self._link, self._store)
        if self._node.bring:
            plain.run(self._job.plain[self._node.name], self._job.end)
        written += self._files.written + plain.written
        problem = self._files.problem or plain.problem
        if problem:
            return NodeOutcome(self._node.name, State.PENDING, problem, written)
        state = State.UPDATED if written else State.UNCHANGED
        return NodeOutcome(self._node.name, state, files=written)

    def why_unserved(self) -> str:
        """The list, and one of the signed files."""
        unserved = why_unserved(self._site, self._node.tftp, self._job.raw)
        proven = self._files.proven
        if unserved or not proven:
            return unserved
        name = random.choice(proven)  # noqa: S311 - a sample, no secret
        path = asked_name(name, self._site.settings.served_as)
        try:
            raw = self._site.backends.read_back(self._node.tftp, path)
        except CucmshError as problem:
            return problem.message
        if digest_of_file(raw) != self._files.digests[name]:
            return f"its TFTP service gives another {name} back"
        return ""

    def _require_kept_lists_accept(self, there: bytes | None) -> None:
        """The one rule, for lists that nobody asked a person about.

        What lies on the replica is taken into the history first: it may have been away
        for long, or been looked after by a publisher that is no more.

        Raises:
            RefusedError: phones would not take the new list.
        """
        is_asked = self._site.settings.keep_trust and there != self._job.raw
        if there is None or not is_asked:
            return
        with self._site.node_lock(PUSH):
            history = History(self._site)
            history.note_elsewhere(self._node.name, there)
        refused = who_refuses(self._site, decode(self._job.raw), history)
        if refused:
            raise RefusedError(
                "its list was kept, for phones would refuse the new one: "
                f"{describe(refused)}. Run `utils itl reset localkey`, or give those "
                f"phones up with `{TRUST_RELEASE}`"
            )
