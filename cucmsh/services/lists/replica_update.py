"""One replica's part of a job, over one connection: staged, committed, proven.

The list is renamed into place beside nothing of ours, and the TFTP service restarted by
the configured words where the job says so (docs/decisions/019).

With files, what lies there is compared before anything is written, and nothing is read
back that the manifest vouches for but a few samples. The order is: stage all, then
commit the files, the list last. Staging takes long and changes nothing that a phone
sees; commits are a rename each. The list comes last because taking it is the step that
a phone cannot take back: from then on it refuses whatever the earlier key signed, so
all that it will ask for must be there already. A phone that meets a new file with the
old list still held keeps the configuration it has, and asks again after its next list.
Single files that the replica will not take are left for last: the others do not wait
for them. Plain files come after the list (``plain_files``).
"""

from __future__ import annotations

import random
from hashlib import sha256
from time import monotonic

from cucmsh.config.model import Node
from cucmsh.errors import (
    CucmshError,
    MissingFileError,
    RefusedError,
    ServiceError,
    StoreError,
)
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import RESTART_SECONDS
from cucmsh.services.lists.acceptance import TRUST_RELEASE, describe, who_refuses
from cucmsh.services.lists.asked_names import asked_name
from cucmsh.services.lists.job import Job
from cucmsh.services.lists.locate_nodes import NodeStatus, refuse_unless_expected
from cucmsh.services.lists.plain_files import PlainFileUpdate
from cucmsh.services.lists.replica_records import (
    NOT_THERE,
    Entry,
    Manifest,
    claim,
    digest_of_file,
    read_manifest,
    require_ours,
    write_manifest,
)
from cucmsh.services.lists.served_lists import NO_LIST
from cucmsh.services.nodes.tftp_service import why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.storage.store import Listed, Store
from cucmsh.trustlist.decode import decode

MAX_FAULTS = 20  # files that a replica does not take, before it is given up
SAMPLES = 8  # files that the manifest vouches for, read all the same at every push


class ReplicaUpdate:
    """See ``NodeUpdate``."""

    def __init__(self, site: Site, node: Node, link: Link, job: Job) -> None:
        self.has_begun = False
        self.seen = ""
        self._site = site
        self._node = node
        self._link = link
        self._job = job
        self._store = site.backends.store_on(link, node.tftp_directory)
        self._home = site.backends.home_on(link)
        self._files = _Files(site, self._store, job)
        self._temporary = ""

    def stage(self) -> None:
        if self._job.files is None:
            # What is left there is ours: nobody else writes under the publisher's lock.
            self._temporary = self._store.stage_swept(
                LIST_FILE, self._job.raw, SERVED_MODE
            )
            return
        is_ours = require_ours(self._site, self._home, self._node)
        there = _read(self._store, LIST_FILE)
        self.seen = _sha256_or_none(there)
        self._require_kept_lists_accept(there)
        if not is_ours:
            claim(self._site, self._home, self._node, None)
        self._files.look(read_manifest(self._home, self._node))
        try:
            self._files.stage()
            if there != self._job.raw:
                self._temporary = self._store.stage(
                    LIST_FILE, self._job.raw, SERVED_MODE
                )
            self._files.record(self._home, self._node)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        self._files.discard()
        if self._temporary:
            self._store.discard(self._temporary)

    def commit(self, status: NodeStatus) -> NodeOutcome:
        try:
            if self._job.files is None:
                self._require_seen(status)
            else:
                self._files.commit()
            self._commit_list()
        except BaseException as problem:
            if self._job.files is not None or isinstance(problem, RefusedError):
                self.discard()
            raise
        if self._job.files is None:
            return self._restarted(status)
        self._files.record_seen(self._home, self._node)
        plain = PlainFileUpdate(self._site, self._node, self._link, self._store)
        if self._node.bring:
            wanted = self._job.plain.get(self._node.name, {})
            plain.run(wanted, self._job.end)
        return self._brought(plain)

    def why_unserved(self) -> str:
        """The list, and one of the files."""
        unserved = why_unserved(self._site, self._node.tftp, self._job.raw)
        if unserved or not self._job.files:
            return unserved
        for name in random.sample(self._files.proven, min(1, len(self._files.proven))):
            path = asked_name(name, self._site.settings.served_as)
            try:
                raw = self._site.backends.read_back(self._node.tftp, path)
            except CucmshError as problem:
                return problem.message
            if digest_of_file(raw) != self._files.digests[name]:
                return f"its TFTP service gives another {name} back"
        return ""

    def _commit_list(self) -> None:
        if self._temporary:
            self.has_begun = True
            self._store.commit(self._temporary, LIST_FILE)
            self._temporary = ""
            self._files.written += 1

    def _restarted(self, status: NodeStatus) -> NodeOutcome:
        name, commands = self._node.name, self._node.service_commands
        if not status.is_active or commands is None:
            # Nobody can read it back there: at least it was read where it lies.
            if _read(self._store, LIST_FILE) != self._job.raw:
                raise ServiceError(f"{name} does not keep the list")
            return NodeOutcome(name, State.STOPPED)
        done = self._link.run(commands.restart, RESTART_SECONDS)
        if done.status != 0:
            detail = done.stderr or done.output or f"exit status {done.status}"
            reason = f"its TFTP did not restart: {detail}"
            return NodeOutcome(name, State.UNPROVEN, reason)
        return NodeOutcome(name, State.UPDATED, files=self._files.written)

    def _brought(self, plain: PlainFileUpdate) -> NodeOutcome:
        name, written = self._node.name, self._files.written + plain.written
        problem = self._files.problem or plain.problem
        if problem:
            return NodeOutcome(name, State.PENDING, problem, written)
        state = State.UPDATED if written else State.UNCHANGED
        return NodeOutcome(name, state, files=written)

    def _require_seen(self, status: NodeStatus) -> None:
        """The list there is the one that was seen, or that phones would let go.

        Raises:
            RefusedError: it is not. Who holds a list of the history was asked about;
                nobody could be asked about one of a node that was silent.
        """
        there = _read(self._store, LIST_FILE)
        expected = (status.served, self._job.sha256)
        refuse_unless_expected(self._node, _sha256_or_none(there), expected)
        if there is None or status.served in self._job.given_up:
            return
        history = History(self._site)
        asked = {kept.digests.sha256 for kept in history.binding}
        history.consider(self._node.name, there)
        offered = decode(self._job.raw)
        refused = who_refuses(self._site, offered, history, agreed=asked)
        if refused:
            raise RefusedError(describe(refused), "Run the reset again.")

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
        with self._site.node_lock():
            history = History(self._site)
            history.note_elsewhere(self._node.name, there)
        refused = who_refuses(self._site, decode(self._job.raw), history)
        if refused:
            raise RefusedError(
                "its list was kept, for phones would refuse the new one: "
                f"{describe(refused)}. Run `utils itl reset localkey`, or give those "
                f"phones up with `{TRUST_RELEASE}`"
            )


def _sha256_or_none(raw: bytes | None) -> str:
    return NO_LIST if raw is None else sha256(raw).hexdigest()


def _read(store: Store, name: str) -> bytes | None:
    try:
        return store.read(name)
    except MissingFileError:
        return None


class _Files:
    """The files of one replica, but for its list: staged, committed, listed.

    Attributes:
        written: how many were put in place.
        digests: what it should have; what a file has when it is brought.
    """

    def __init__(self, site: Site, store: Store, job: Job) -> None:
        self.written = 0
        self.digests = dict(job.files or {})
        self._site = site
        self._store = store
        self._end = job.end
        self._manifest: Manifest = {}
        self._coming: Manifest = {}
        self._there: dict[str, Listed] = {}
        self._proven: set[str] = set()
        self._staged: list[tuple[str, str]] = []
        self._faults: dict[str, str] = {}

    def look(self, manifest: Manifest) -> None:
        """See what lies there, beside what was brought."""
        self._manifest = manifest
        self._there = self._listed()

    @property
    def problem(self) -> str:
        """Which files it did not take; empty if it has all."""
        if not self._faults:
            return ""
        name, why = min(self._faults.items())
        return f"{len(self._faults)} files are not as they should be: {name}: {why}"

    @property
    def proven(self) -> list[str]:
        """The files that it has, as they should be."""
        return sorted(self._proven & self.digests.keys())

    def record(self, home: Store, node: Node) -> None:
        """Write what may be there while they are put in place, if we die meanwhile."""
        entries = dict(self._manifest)
        for _, name in self._staged:
            known = self._manifest.get(name)
            entries[name] = Entry(
                self.digests[name], NOT_THERE, known.digest if known else ""
            )
        for name in self._proven:
            there = self._there.get(name, NOT_THERE)
            entries[name] = Entry(self.digests[name], there)
        self._coming = entries
        if entries != self._manifest:
            write_manifest(home, node, entries)

    def stage(self) -> None:
        """Put everything that is new beside what it will replace.

        What an earlier push left there when it died goes first; nobody else of ours
        writes there, for the publisher's lock is held.

        Raises:
            StoreError: too many files cannot be written there.
            ServiceError: there is no time left.
        """
        for folder in self._folders():
            self._store.sweep(folder)
        vouched = self._vouched()
        for name in self.digests:
            if name in vouched:
                self._proven.add(name)
                continue
            if monotonic() > self._end:
                raise ServiceError("there was no time left for its files")
            try:
                self._stage_file(name)
            except StoreError as problem:
                self._faults[name] = problem.message
                if len(self._faults) > MAX_FAULTS:
                    raise

    def commit(self) -> None:
        """Rename them."""
        for temporary, name in self._staged:
            try:
                self._store.commit(temporary, name)
            except StoreError as problem:
                self._store.discard(temporary)
                self._faults[name] = problem.message
                continue
            self.written += 1
            self._proven.add(name)
        self._staged = []

    def discard(self) -> None:
        for temporary, _ in self._staged:
            self._store.discard(temporary)

    def record_seen(self, home: Store, node: Node) -> None:
        """Remove files of ours that are gone here, and write what is there now.

        That is what is proven, as its file system lists it. And what should have gone
        and has not: it is tried again.
        """
        for name in self._manifest.keys() - self.digests.keys():
            self._remove(name)
        there = self._listed()
        entries = {
            name: Entry(digest, there[name])
            for name, digest in self.digests.items()
            if name in self._proven and name in there
        }
        entries |= {
            name: self._manifest[name]
            for name in self._faults.keys() & self._manifest.keys()
        }
        if entries != self._coming:
            write_manifest(home, node, entries)

    def _listed(self) -> dict[str, Listed]:
        found = {}
        for folder in self._folders():
            for name, listed in self._store.listing(folder).items():
                found[f"{folder}/{name}" if folder else name] = listed
        return found

    def _folders(self) -> set[str]:
        names = {LIST_FILE} | self.digests.keys() | self._manifest.keys()
        return {name.rpartition("/")[0] for name in names}

    def _vouched(self) -> set[str]:
        """The files that need not be read, unless a sample of them says otherwise."""
        vouched = [
            name
            for name, digest in self.digests.items()
            if name in self._manifest
            and self._manifest[name] == Entry(digest, self._there.get(name, NOT_THERE))
            and name in self._there
        ]
        samples = random.sample(vouched, min(SAMPLES, len(vouched)))
        return set(vouched) if all(map(self._is_there, samples)) else set()

    def _is_there(self, name: str) -> bool:
        """Whether the replica has the bytes that it should have."""
        raw = _read(self._store, name)
        return raw is not None and digest_of_file(raw) == self.digests[name]

    def _stage_file(self, name: str) -> None:
        raw = self._site.tftp.read(name)
        self.digests[name] = digest_of_file(raw)
        listed = self._there.get(name)
        if listed and listed.size == len(raw) and self._is_there(name):
            self._proven.add(name)
            return
        folder = name.rpartition("/")[0]
        if folder and listed is None:
            self._store.make_folder(folder)
        self._staged.append((self._store.stage(name, raw, SERVED_MODE), name))

    def _remove(self, name: str) -> None:
        """Only what was brought, and what nobody has changed since."""
        entry = self._manifest[name]
        try:
            raw = _read(self._store, name)
            if raw is not None and digest_of_file(raw) in (entry.digest, entry.earlier):
                self._store.remove(name)
        except StoreError as problem:
            self._faults[name] = f"it is gone here and served there: {problem.message}"
