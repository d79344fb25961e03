"""Compares the files a replica serves with this publisher's: extra, missing, changed.

Compares its TFTP directory with this publisher's, by names and sizes, and by bytes
where the record of what was brought does not vouch for them
(``lists.replica_records``).
Changes nothing there. Lists and signed files are brought, and of plain files and
firmware those that ``bring`` in the configuration names; what is said of the others is
what an administrator has to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, StoreError, TrustListError
from cucmsh.layout import LIST_FILE
from cucmsh.services.lists.asked_names import asked_name
from cucmsh.services.lists.phone_files import pattern_matcher
from cucmsh.services.lists.replica_plain_files import plain_files
from cucmsh.services.lists.replica_records import (
    Entry,
    digest_of_file,
    read_manifest,
    read_plain_manifest,
)
from cucmsh.services.lists.replica_signed_files import signed_files
from cucmsh.services.lists.secret_files import is_key_name
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site
from cucmsh.storage.store import Store
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.signed import SUFFIX, decode_signed
from cucmsh.trustlist.signed_trust import judge_signed

MAX_READ = 50  # files of each kind that are read there: more names than that are one
SHOWN = 3  # names in a finding that counts them
LIST_END = ".tlv"
SIGN = "Run `utils tftp sign`."


def file_findings(
    site: Site, node: Node, store: Store, home: Store
) -> Iterator[Finding]:
    """The findings about the replica's files; what is well comes first.

    Args:
        site: this node, the publisher.
        node: the replica.
        store: its TFTP directory.
        home: the home of the account there.

    Raises:
        StoreError, ConnectionFailedError: it cannot be looked at.
    """
    look = _Comparison(site, node, store, home)
    yield from look.signed_files()
    yield from look.brought_files()
    yield from look.unread_files()
    yield from look.extra_files()
    yield from look.plain_files()


class _Comparison:
    """The two directories, side by side."""

    def __init__(self, site: Site, node: Node, store: Store, home: Store) -> None:
        self._site = site
        self._name = node.name
        self._store = store
        self._manifest = read_manifest(home, node)
        self._plain_manifest = read_plain_manifest(home, node)
        plain, signed = plain_files(site, node), signed_files(site)
        self._plain, self._ours = plain.files, signed.files
        self._unread = plain.unread | signed.unread
        self._there = store.tree()
        self._here = site.tftp.tree()
        self._matches = pattern_matcher(site.settings.signed_patterns)

    def signed_files(self) -> Iterator[Finding]:
        """Whether all of this publisher's signed files are there as they are here."""
        missing = [name for name in self._ours if name not in self._there]
        present = [name for name in self._ours if name in self._there]
        doubted = [name for name in present if not self._is_vouched_for(name)]
        other = [name for name in doubted[:MAX_READ] if not self._is_same(name)]
        for names, what in ((missing, "lacks"), (other, "has other bytes in")):
            if names:
                text = f"{self._name} {what} {_counted(names, 'signed file')}"
                yield Finding(Level.FAIL, text, SIGN)
        unread = doubted[MAX_READ:]
        if unread:
            text = f"{self._name}: not compared: {_counted(unread, 'signed file')}"
            yield Finding(Level.WARN, text, SIGN)
        if self._ours and not missing and not other and not unread:
            text = f"{self._name} has this publisher's signed files: {len(present)}"
            yield Finding(Level.OK, text)

    def brought_files(self) -> Iterator[Finding]:
        """Whether the plain files that it is to have are there as they are here."""
        missing = sorted(self._plain.keys() - self._there.keys())
        present = sorted(self._plain.keys() & self._there.keys())
        other = [
            name
            for name in present
            if self._plain_manifest.get(name)
            != Entry(self._plain[name].digest, self._there[name])
        ]
        for names, what in ((missing, "lacks"), (other, "may have other bytes in")):
            if names:
                text = f"{self._name} {what} {_counted(names, 'plain file')}"
                yield Finding(Level.FAIL, text, SIGN)
        if self._plain and not missing and not other:
            text = (
                f"{self._name} has the plain files that it is brought: {len(present)}"
            )
            yield Finding(Level.OK, text)

    def unread_files(self) -> Iterator[Finding]:
        """Files of this publisher that nobody can bring: what they are is not known."""
        if self._unread:
            name, why = min(self._unread.items())
            counted = _counted(sorted(self._unread), "file")
            text = f"{self._name} is not brought {counted}: {name}: {why}"
            yield Finding(Level.FAIL, text, f"Mend that here. {SIGN}")

    def extra_files(self) -> Iterator[Finding]:
        """Files that phones get there and not from this publisher."""
        read = 0
        known = self._ours.keys() | self._unread.keys()
        for name in sorted(self._there.keys() - known):
            if self._is_signed_for_phones(name):
                read += 1
                yield self._stranger(name, is_read=read <= MAX_READ)
            elif name.lower().endswith(LIST_END) and self._is_list_apart(name):
                text = f"{self._name} serves {name}, and this publisher does not"
                yield Finding(Level.FAIL, text, "Remove it there.")
            elif is_key_name(name):
                text = f"{self._name} serves {name} to everybody, by its name a key"
                yield Finding(Level.FAIL, text, "Move it out of there.")

    def plain_files(self) -> Iterator[Finding]:
        """Plain files and firmware that are not brought, and only signed here."""
        plain = {
            name: at
            for name, at in self._there.items()
            if self._matches(name) and f"{name}{SUFFIX}" not in self._there
        }
        unsigned = sorted(plain.keys() - self._here.keys())
        yield from self._warned(
            unsigned,
            "only there, so that nobody signs it, and phones with a list refuse it",
            f"Put it into {self._site.node.tftp_directory} of the publisher.",
        )
        brought = self._plain.keys() | self._ours.keys() | self._unread.keys()
        both = sorted(
            name
            for name in self._there.keys() & self._here.keys() - brought
            if self._matches(name)
        )
        yield from self._warned(
            self._other_bytes(both),
            "shadowed by the publisher's signed file of the same name, which differs",
            "Keep one of the two: phones that hold a list take the publisher's.",
        )
        lacking = sorted(
            name
            for name in self._here.keys() - self._there.keys() - brought
            if not name.lower().endswith(LIST_END) and not is_key_name(name)
        )
        yield from self._warned(
            lacking,
            "not there, for plain files and firmware are not brought",
            "Copy it there if its phones need it, or name it under bring in the "
            f"entry of {self._name}.",
        )

    def _warned(self, names: list[str], what: str, advice: str) -> Iterator[Finding]:
        if names:
            text = f"{self._name}: {what}: {_counted(names, 'file')}"
            yield Finding(Level.WARN, text, advice)

    def _stranger(self, name: str, *, is_read: bool) -> Finding:
        """A signed file that this publisher does not have."""
        if name in self._manifest:
            text = f"{self._name} serves {name}, which is gone here"
            return Finding(Level.FAIL, text, SIGN)
        text = f"{self._name} serves {name}, which this publisher did not bring"
        refusal = self._refusal(name) if is_read else ""
        if refusal:
            text += f", and phones refuse it: {refusal.rstrip('.')}"
        return Finding(Level.FAIL if refusal else Level.WARN, text, "Remove it there.")

    def _refusal(self, name: str) -> str:
        """Why phones that hold the served list refuse the file; empty if not."""
        raw = served_list(self._site)
        if raw is None:
            return ""
        try:
            signed = decode_signed(self._store.read(name))
            held = decode(raw)
        except TrustListError as problem:
            return problem.message
        except StoreError:
            return ""
        path = asked_name(name, self._site.settings.served_as)
        verdict = judge_signed(held, signed, self._site.backends.verifier(), path=path)
        return "" if verdict.accepted else verdict.reason

    def _is_signed_for_phones(self, name: str) -> bool:
        """A name such as we sign: firmware has names with .sgn of its own."""
        return name in self._manifest or (
            name.endswith(SUFFIX) and self._matches(name.removesuffix(SUFFIX))
        )

    def _is_list_apart(self, name: str) -> bool:
        """A list that this publisher does not serve itself, in these bytes."""
        if name == LIST_FILE:
            return False
        if name not in self._here or self._here[name].size != self._there[name].size:
            return True
        return not self._is_equal(name)

    def _is_vouched_for(self, name: str) -> bool:
        expected = Entry(self._ours[name], self._there[name])
        return self._manifest.get(name) == expected

    def _is_same(self, name: str) -> bool:
        try:
            return digest_of_file(self._store.read(name)) == self._ours[name]
        except StoreError:
            return False

    def _other_bytes(self, names: Iterable[str]) -> list[str]:
        """Those that differ, as far as sizes and the first of them tell."""
        read, other = 0, []
        for name in names:
            if self._here[name].size != self._there[name].size:
                other.append(name)
            elif read < MAX_READ:
                read += 1
                if not self._is_equal(name):
                    other.append(name)
        return other

    def _is_equal(self, name: str) -> bool:
        try:
            return self._store.read(name) == self._site.tftp.read(name)
        except CucmshError:
            return True  # it cannot be compared; nothing is claimed


def _counted(names: list[str], what: str) -> str:
    """How many there are, with the first names."""
    more = ", ..." if len(names) > SHOWN else ""
    plural = "s" if len(names) > 1 else ""
    return f"{len(names)} {what}{plural} ({', '.join(names[:SHOWN])}{more})"
