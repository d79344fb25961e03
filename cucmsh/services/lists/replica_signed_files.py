"""Signed files on one replica: which it is to have, staged, committed, recorded.

Every signed file of the publisher, but none that holds a key. What the records there
vouch for (``replica_records``), with the size and time that the replica's file system
still lists, is not read again but for samples; one sample that is not as it should be,
and all is read. The order within a push is in ``replica_push``.
"""

from __future__ import annotations

import random
from time import monotonic

from cucmsh.config.model import Node
from cucmsh.errors import MissingFileError, ServiceError, StoreError
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.services.lists.files_to_bring import FilesToBring, files_to_bring
from cucmsh.services.lists.replica_records import (
    MAX_FAULTS,
    NOT_THERE,
    Entry,
    Manifest,
    digest_of_file,
    write_manifest,
)
from cucmsh.services.lists.secret_files import Secrets
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE, Listed, Store
from cucmsh.trustlist.signed import SUFFIX

SAMPLES = 8  # files that the records vouch for, read all the same at every push


def signed_files(site: Site) -> FilesToBring[str]:
    """Every signed file of this publisher, and the digest of its bytes.

    Those that hold a key, or are one, are left out, and what is larger than a phone
    takes: firmware may have such a name.

    Raises:
        StoreError: the directory, or this node's home, cannot be looked at.
    """

    def look(name: str, secrets: Secrets) -> str | None:
        with site.tftp.opened(name) as file:
            if file.size > MAX_FILE_SIZE:
                return None
            raw = b"".join(file.pieces())
        return None if secrets.why_kept(raw) else digest_of_file(raw)

    return files_to_bring(site, lambda name: name.endswith(SUFFIX), look)


class SignedFileUpdate:
    """Brings one replica the signed files.

    Attributes:
        written: how many were put in place.
        digests: of each file as it should be there; of one that changed here
            meanwhile, as it was brought.
    """

    def __init__(
        self, site: Site, store: Store, wanted: FilesToBring[str], end: float
    ) -> None:
        """Nothing is looked at yet.

        Args:
            site: this publisher, whose TFTP directory has the files.
            store: the TFTP directory of the replica.
            wanted: the files, and the digest of each.
            end: by ``monotonic``, when to begin no further file.
        """
        self.written = 0
        self.digests = dict(wanted.files)
        self._wanted = wanted
        self._site = site
        self._store = store
        self._end = end
        self._manifest: Manifest = {}
        self._coming: Manifest = {}
        self._there: dict[str, Listed] = {}
        self._proven: set[str] = set()
        self._staged: list[tuple[str, str]] = []
        self._faults: dict[str, str] = {}
        self._unknown: dict[str, str] = {}  # what they are here cannot be told now

    def look(self, manifest: Manifest) -> None:
        """See what lies there; ``manifest`` says what was brought before.

        Raises:
            StoreError, ConnectionFailedError: it cannot be seen.
        """
        self._manifest = manifest
        self._unknown = self._wanted.unknown(manifest)
        self._there = self._listed()

    @property
    def problem(self) -> str:
        """Why it has not all files, in a sentence; empty if it has."""
        faults = self._unknown | self._faults
        if not faults:
            return ""
        name, why = min(faults.items())
        return f"{len(faults)} files are not as they should be: {name}: {why}"

    @property
    def proven(self) -> list[str]:
        """The names of the files that it has, as they should be."""
        return sorted(self._proven & self.digests.keys())

    def record(self, home: Store, node: Node) -> None:
        """Write down what may be there if we die while they are put in place.

        Raises:
            StoreError, ConnectionFailedError: it cannot be written.
        """
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
        """Rename them; which one was not taken is said by ``problem``.

        Raises:
            ConnectionFailedError: the connection broke.
        """
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
        """Remove what was staged, as far as the connection still does it."""
        for temporary, _ in self._staged:
            self._store.discard(temporary)

    def record_seen(self, home: Store, node: Node) -> None:
        """Remove files that are gone here, and write down what is there now.

        That is every file that is proven, with size and time as the file system there
        lists them; what could not be removed, so that it is tried again; and what
        cannot be read here now, which stays there as it is.

        Raises:
            StoreError, ConnectionFailedError: it cannot be written.
        """
        for name in self._manifest.keys() - self.digests.keys() - self._unknown.keys():
            self._remove(name)
        there = self._listed()
        entries = {
            name: Entry(digest, there[name])
            for name, digest in self.digests.items()
            if name in self._proven and name in there
        }
        entries |= {
            name: self._manifest[name]
            for name in self._manifest.keys() & (self._faults.keys() | self._unknown)
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

    def _read(self, name: str) -> bytes | None:
        try:
            return self._store.read(name)
        except MissingFileError:
            return None

    def _is_there(self, name: str) -> bool:
        """Whether the replica has the bytes that it should have."""
        raw = self._read(name)
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
            raw = self._read(name)
            if raw is not None and digest_of_file(raw) in (entry.digest, entry.earlier):
                self._store.remove(name)
        except StoreError as problem:
            self._faults[name] = f"it is gone here and served there: {problem.message}"
