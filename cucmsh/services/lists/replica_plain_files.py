"""Plain files and firmware that a replica is brought: ``bring`` in its configuration.

Which: files of the publisher's TFTP directory that match, in subfolders too; never
lists, signed files, key files by their names, links, or anything that is or holds a
private key (``secret_files``; of a large one the first MiB is looked at).

They come after the list and the signed files, which are small and decide about trust,
the largest first: what names a firmware is smaller than the firmware. Each is put in
place as soon as it is whole, and noted; so a push that breaks off or runs out of time
goes on with the next file, and a phone gets every file whole, the old one or the new
one. A file is brought again where the note, the size and time there, and the digest
here do not agree. One that is gone here is removed there if nobody changed it since;
one that matches no pattern any more is left there, and forgotten; one that cannot be
read here stays as it is there, and the replica is pending.
"""

from __future__ import annotations

import os
from hashlib import sha256
from time import monotonic
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, StoreError
from cucmsh.layout import SERVED_MODE
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.services.backends import Link
from cucmsh.services.lists.files_to_bring import FilesToBring, files_to_bring
from cucmsh.services.lists.phone_files import pattern_matcher
from cucmsh.services.lists.replica_records import (
    MAX_FAULTS,
    NOT_THERE,
    Entry,
    Manifest,
    read_plain_manifest,
    write_plain_manifest,
)
from cucmsh.services.lists.secret_files import Secrets
from cucmsh.services.site import Site
from cucmsh.storage.folders import is_gone
from cucmsh.storage.store import MAX_FILE_SIZE, Listed, Store, temporary_for

LATE = "there was no time left for it"


class PlainFile(NamedTuple):
    """A file of this publisher: bytes, and 128 bits of SHA-256 in hex."""

    size: int
    digest: str


def plain_files(site: Site, node: Node) -> FilesToBring[PlainFile]:
    """The files that the replica is to have; none without ``bring``.

    Raises:
        StoreError: the directory, or this node's home, cannot be looked at.
    """
    if not node.bring:
        return FilesToBring({}, {}, ())

    def look(name: str, secrets: Secrets) -> PlainFile | None:
        with site.tftp.opened(name) as file:
            digest = sha256()
            head = b""
            for piece in file.pieces():
                digest.update(piece)
                if len(head) < MAX_FILE_SIZE:
                    head += piece
            if secrets.why_kept(head):
                return None
            return PlainFile(file.size, digest.hexdigest()[:32])

    return files_to_bring(site, pattern_matcher(node.bring), look)


class PlainFileUpdate:
    """Brings one replica its plain files.

    Attributes:
        written: how many were put in place.
        problem: why it has not all; empty if it has.
    """

    def __init__(self, site: Site, node: Node, link: Link, store: Store) -> None:
        self.written = 0
        self.problem = ""
        self._site = site
        self._node = node
        self._link = link
        self._store = store
        self._home = site.backends.home_on(link)
        self._manifest: Manifest = {}
        self._there: dict[str, Listed] = {}
        self._faults: dict[str, str] = {}

    def run(self, wanted: FilesToBring[PlainFile], end: float) -> None:
        """Bring what differs; ``end``, by ``monotonic``, is when to begin no more.

        Raises:
            StoreError: it cannot be seen or noted what lies there.
            ConnectionFailedError: the connection broke; what was noted is there.
        """
        files = wanted.files
        self._manifest = read_plain_manifest(self._home, self._node)
        unknown = wanted.unknown(self._manifest)
        for folder in {_folder(name) for name in (*files, *self._manifest)}:
            self._store.sweep(folder)  # what a push left there that was hung up on
            self._there |= self._listing(folder)
        known = dict(self._manifest)
        by_size = sorted(files, key=lambda name: (-files[name].size, name))
        for name in by_size:
            if self._has(name, files[name]):
                continue
            if monotonic() > end:
                self._faults[name] = LATE
                break
            try:
                self._bring(name, files[name])
            except StoreError as problem:
                self._faults[name] = problem.message
                if len(self._faults) > MAX_FAULTS:
                    break
        for name in self._manifest.keys() - files.keys() - unknown.keys():
            self._forget(name)
        if self._manifest != known:
            write_plain_manifest(self._home, self._node, self._manifest)
        faults = unknown | self._faults
        if faults:
            left = sum(not self._has(name, files[name]) for name in by_size)
            left += len(unknown)
            name, why = min(faults.items())
            self.problem = f"{left} plain files are still to be brought: {name}: {why}"

    def _has(self, name: str, file: PlainFile) -> bool:
        there = self._there.get(name)
        return there is not None and self._manifest.get(name) == Entry(
            file.digest, there
        )

    def _bring(self, name: str, file: PlainFile) -> None:
        folder = _folder(name)
        if folder and name not in self._there:
            self._store.make_folder(folder)
        if file.size <= MAX_FILE_SIZE:
            self._bring_small(name, file)
        else:
            self._bring_large(name, file)
        self._there |= self._listing(folder)
        there = self._there.get(name, NOT_THERE)
        if there.size != file.size:
            raise StoreError(f"it has {there.size} bytes there, not {file.size}")
        self._manifest[name] = Entry(file.digest, there)
        if file.size > MAX_FILE_SIZE:  # a loss would be felt
            write_plain_manifest(self._home, self._node, self._manifest)

    def _bring_small(self, name: str, file: PlainFile) -> None:
        raw = self._site.tftp.read(name)
        self._require_same(name, sha256(raw).hexdigest(), file)
        listed = self._there.get(name)
        if listed and listed.size == len(raw) and self._store.read(name) == raw:
            return
        staged = self._store.stage(name, raw, SERVED_MODE)
        self._put(staged, name)

    def _bring_large(self, name: str, file: PlainFile) -> None:
        """Piece by piece, read back by the transfer, then renamed as any other."""
        staged, second = temporary_for(name), temporary_for(name)
        directory = os.path.join(self._node.tftp_directory, _folder(name)).rstrip("/")
        try:
            with self._site.tftp.opened(name) as opened:
                outgoing = OutgoingFile(
                    staged.rpartition("/")[2],
                    second.rpartition("/")[2],
                    opened.size,
                    opened.pieces,
                    SERVED_MODE,
                )
                sent = self._site.backends.transfer(
                    self._link, directory, outgoing, lambda _: None
                )
            self._require_proven(sent)
            self._require_same(name, sent.sha256, file)
        except StoreError:
            for left in (staged, second):  # it may lie under either name
                self._store.discard(left)
            raise
        self._put(staged, name)

    def _put(self, staged: str, name: str) -> None:
        try:
            self._store.commit(staged, name)
        except CucmshError:
            self._store.discard(staged)
            raise
        self.written += 1

    @staticmethod
    def _require_proven(sent: SentFile) -> None:
        if sent.why_elsewhere or sent.why_unproven:
            raise StoreError(sent.why_elsewhere or sent.why_unproven)

    @staticmethod
    def _require_same(name: str, found: str, file: PlainFile) -> None:
        if found[:32] != file.digest:
            raise StoreError(f"{name} changed while it was brought")

    def _forget(self, name: str) -> None:
        """Remove what is gone here and unchanged there; see the module."""
        entry = self._manifest[name]
        is_gone_here = is_gone(os.path.join(self._site.tftp.root, name))
        if is_gone_here and self._there.get(name) == entry.there:
            try:
                self._store.remove(name)
            except StoreError as problem:
                why = f"it is gone here and served there: {problem.message}"
                self._faults[name] = why
                return
        del self._manifest[name]

    def _listing(self, folder: str) -> dict[str, Listed]:
        inside = f"{folder}/" if folder else ""
        found = self._store.listing(folder)
        return {f"{inside}{name}": at for name, at in found.items()}


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
