"""Brings one replica what the publisher serves, over one connection.

Compares before it writes, reads nothing back that the manifest vouches for but a few
samples, and leaves single files that the replica will not take for last: the others do
not wait for them. See ``replicas`` for the order and the reason for it.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import (
    CucmshError,
    MissingFileError,
    ServiceError,
    StoreError,
)
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.services.backends import Link
from cucmsh.services.lists.acceptance import RELEASE, describe, who_refuses
from cucmsh.services.lists.asked_names import asked_name
from cucmsh.services.lists.manifest import (
    NOT_THERE,
    Entry,
    Manifest,
    claim,
    digest_of_file,
    read_manifest,
    require_ours,
    write_manifest,
)
from cucmsh.services.nodes.tftp_service import why_unserved
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.storage.store import Listed, Store
from cucmsh.trustlist.decode import decode

MAX_FAULTS = 20  # files that a replica does not take, before it is given up
SAMPLES = 8  # files that the manifest vouches for, read all the same at every push


class Errand(NamedTuple):
    """What is to be done on one replica.

    Attributes:
        trust_list: the list that the publisher serves.
        digests: its signed files, and the digest of each; the replica's own copy.
        end: when to begin nothing more, by ``monotonic``.
    """

    trust_list: bytes
    digests: dict[str, str]
    end: float


class Pushed(NamedTuple):
    """How it ended: why the replica is pending, or empty; how many files it got."""

    problem: str
    written: int = 0


def bring(site: Site, node: Node, link: Link, errand: Errand) -> Pushed:
    """Make the replica serve the same, and prove it through TFTP.

    Args:
        site: the publisher.
        node: the replica.
        link: the way onto it.
        errand: what is to be served, and until when.

    Raises:
        RefusedError: it belongs to another publisher; nothing was changed there.
        ConnectionFailedError: the connection broke; the replica is as it was, or has
            some of the files committed.
        StoreError, ServiceError: the list or too many files cannot be written, or time
            is over; the replica is as it was.
    """
    store = site.doors.store_on(link, node.tftp_directory)
    home = site.doors.home_on(link)
    try:
        is_ours = require_ours(site, home, node)
        there = _read(store, LIST_FILE)
        refusal = _refusal(site, node, there, errand.trust_list)
        if refusal:
            return Pushed(refusal)
        if not is_ours:
            claim(site, home, node, None)
        before = read_manifest(home, node)
        pusher = _Pusher(site, store, errand, before)
        try:
            pusher.stage(there)
            coming = pusher.coming()
            if coming != before:
                write_manifest(home, node, coming)
            pusher.commit()
        except BaseException:
            pusher.discard()
            raise
        kept = pusher.seen()
        if kept != coming:
            write_manifest(home, node, kept)
    finally:
        store.close()
        home.close()
    problem = pusher.problem or _unserved(site, node, errand, pusher.proven)
    return Pushed(problem, pusher.written)


def _read(store: Store, name: str) -> bytes | None:
    try:
        return store.read(name)
    except MissingFileError:
        return None


def _refusal(site: Site, node: Node, there: bytes | None, offered: bytes) -> str:
    """Why phones would not take the list, by the one rule; empty if they would.

    What lies on the replica is taken into the history first: it may have been away for
    long, or been looked after by a publisher that is no more.
    """
    if not site.settings.keep_trust or there is None or there == offered:
        return ""
    with site.node_lock():
        history = History(site)
        history.note_elsewhere(node.name, there)
    refused = who_refuses(site, decode(offered), history)
    if not refused:
        return ""
    return (
        f"its list was kept, for phones would refuse the new one: {describe(refused)}. "
        f"Run `utils itl reset localkey`, or give those phones up with `{RELEASE}`"
    )


def _unserved(site: Site, node: Node, errand: Errand, names: list[str]) -> str:
    """What does not come back through TFTP: the list, or one of the files."""
    unserved = why_unserved(site, node.tftp, errand.trust_list)
    if unserved:
        return unserved
    for name in random.sample(names, min(1, len(names))):
        path = asked_name(name, site.settings.served_as)
        try:
            raw = site.doors.read_back(node.tftp, path)
        except CucmshError as problem:
            return problem.message
        if digest_of_file(raw) != errand.digests[name]:
            return f"its TFTP service gives another {name} back"
    return ""


class _Pusher:
    """The files of one replica: staged, committed, listed."""

    def __init__(
        self, site: Site, store: Store, errand: Errand, manifest: Manifest
    ) -> None:
        self.written = 0
        self._site = site
        self._store = store
        self._errand = errand
        self._digests = errand.digests
        self._manifest = manifest
        self._there = self._listed()
        self._proven: set[str] = set()
        self._staged: list[tuple[str, str]] = []
        self._faults: dict[str, str] = {}

    @property
    def problem(self) -> str:
        """Which files it did not take; empty if it has all."""
        if not self._faults:
            return ""
        name, why = min(self._faults.items())
        return f"{len(self._faults)} files are not as they should be: {name}: {why}"

    @property
    def proven(self) -> list[str]:
        """The files that it has, as they should be; not the list."""
        return sorted(self._proven & self._digests.keys())

    def coming(self) -> Manifest:
        """What may be there while the files are put in place, if we die meanwhile."""
        entries = dict(self._manifest)
        for name in (name for _, name in self._staged if name != LIST_FILE):
            known = self._manifest.get(name)
            entries[name] = Entry(
                self._digests[name], NOT_THERE, known.digest if known else ""
            )
        for name in self._proven:
            there = self._there.get(name, NOT_THERE)
            entries[name] = Entry(self._digests[name], there)
        return entries

    def stage(self, there: bytes | None) -> None:
        """Put everything that is new beside what it will replace.

        What an earlier push left there when it died goes first; nobody else of ours
        writes there, for the publisher's lock is held.

        Raises:
            StoreError: the list, or too many files, cannot be written there.
            ServiceError: there is no time left.
        """
        for folder in self._folders():
            self._store.sweep(folder)
        if there != self._errand.trust_list:
            self._stage(LIST_FILE, self._errand.trust_list)
        vouched = self._vouched()
        for name in self._digests:
            if name in vouched:
                self._proven.add(name)
                continue
            if monotonic() > self._errand.end:
                raise ServiceError("there was no time left for its files")
            try:
                self._stage_file(name)
            except StoreError as problem:
                self._faults[name] = problem.message
                if len(self._faults) > MAX_FAULTS:
                    raise

    def commit(self) -> None:
        """Rename the files, then the list; remove files of ours that are gone here."""
        for temporary, name in sorted(self._staged, key=lambda at: at[1] == LIST_FILE):
            try:
                self._store.commit(temporary, name)
            except StoreError as problem:
                if name == LIST_FILE:
                    raise
                self._store.discard(temporary)
                self._faults[name] = problem.message
                continue
            self.written += 1
            self._proven.add(name)
        self._staged = []
        for name in self._manifest.keys() - self._digests.keys():
            self._remove(name)

    def discard(self) -> None:
        """Take away what was staged, as far as the connection still does it."""
        for temporary, _ in self._staged:
            self._store.discard(temporary)

    def seen(self) -> Manifest:
        """What is proven to be there, as its file system lists it now.

        And what should have gone and has not: it is tried again.
        """
        there = self._listed()
        entries = {
            name: Entry(digest, there[name])
            for name, digest in self._digests.items()
            if name in self._proven and name in there
        }
        return entries | {
            name: self._manifest[name]
            for name in self._faults.keys() & self._manifest.keys()
        }

    def _listed(self) -> dict[str, Listed]:
        found = {}
        for folder in self._folders():
            for name, listed in self._store.listing(folder).items():
                found[f"{folder}/{name}" if folder else name] = listed
        return found

    def _folders(self) -> set[str]:
        names = {LIST_FILE} | self._digests.keys() | self._manifest.keys()
        return {name.rpartition("/")[0] for name in names}

    def _vouched(self) -> set[str]:
        """The files that need not be read, unless a sample of them says otherwise."""
        vouched = [
            name
            for name, digest in self._digests.items()
            if name in self._manifest
            and self._manifest[name] == Entry(digest, self._there.get(name, NOT_THERE))
            and name in self._there
        ]
        samples = random.sample(vouched, min(SAMPLES, len(vouched)))
        return set(vouched) if all(map(self._is_there, samples)) else set()

    def _is_there(self, name: str) -> bool:
        """Whether the replica has the bytes that it should have."""
        raw = _read(self._store, name)
        return raw is not None and digest_of_file(raw) == self._digests[name]

    def _stage_file(self, name: str) -> None:
        raw = self._site.tftp.read(name)
        self._digests[name] = digest_of_file(raw)
        listed = self._there.get(name)
        if listed and listed.size == len(raw) and self._is_there(name):
            self._proven.add(name)
            return
        folder = name.rpartition("/")[0]
        if folder and listed is None:
            self._store.make_folder(folder)
        self._stage(name, raw)

    def _stage(self, name: str, raw: bytes) -> None:
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
