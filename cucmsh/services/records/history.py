"""The lists that phones may still hold: served here, or seen on other nodes.

One file a list in ``state/served``: a line of JSON (digests, times, nodes), then the
bytes of the list. Lists with the same signers (SAST records) and the same TVS hashes
accept the same successors, so they count as one: the bytes of the last one are kept,
and the digests of the earlier ones.

With ``keep_trust`` off they are kept too, for previews and for those who ask which list
a phone holds; what is served then binds nobody, also once ``keep_trust`` is on.

Nothing is forgotten before 400 days, nor while fewer than 32 newer ones are there, nor
while another node serves it or anything is pending. Age is not the difference of two
clock readings: between two entries at most ``LONGEST_GAP`` counts, and only what is
later than every time that was seen before. A clock that jumps makes a list stay longer,
never shorter.

A damaged line costs the times, if the signature of the list verifies; a damaged list
costs that one entry. Neither keeps a service from starting; both are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import md5, sha1, sha256
from typing import Any, NamedTuple

from cucmsh.errors import CucmshError, MissingFileError, StoreError, TrustListError
from cucmsh.layout import HISTORY, HISTORY_SUFFIX
from cucmsh.services.nodes.node_id import renamed, with_ids
from cucmsh.services.records.reset_journal import open_resets
from cucmsh.services.records.waiting import open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import RecordTag, Role

VERSION = 1
DAY = 24 * 3600
KEPT_SECONDS = 400 * DAY
KEPT_LISTS = 32
LONGEST_GAP = 31 * DAY  # what counts at most between two entries
MOST_LISTS = 1024  # bounds the folder: 64 MiB of the largest possible lists
MOST_DIGESTS = 64  # of earlier lists with the same signers, an entry
FURTHEST = 1 << 35  # seconds from 1970, over a thousand years: no time of ours
DAMAGES = (  # whatever a line of JSON that is not ours makes the readers raise
    TrustListError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Digests(NamedTuple):
    """How a list is known elsewhere, and when it was served (Unix time)."""

    sha256: str
    sha1: str
    md5: str
    first: int
    last: int


class Kept(NamedTuple):
    """A list that phones may hold.

    Attributes:
        trust_list: the last one served with these signers.
        digests: of that list, and when it was served.
        age_mark: the history's own clock (seconds) when it was last known to be served.
        nodes: other nodes that served it when they were last looked at.
        is_given_up: whether a person gave up the phones that hold it.
        earlier: digests of earlier lists with the same signers, the newest first.
        is_unbound: it was only served while ``keep_trust`` was off.
    """

    trust_list: TrustList
    digests: Digests
    age_mark: int
    nodes: tuple[str, ...] = ()
    is_given_up: bool = False
    earlier: tuple[Digests, ...] = ()
    is_unbound: bool = False

    @property
    def is_binding(self) -> bool:
        """Whether its holders must be able to take every list from now on."""
        return not (self.is_given_up or self.is_unbound)

    @property
    def first(self) -> int:
        """When a list with these signers was first served."""
        return min(found.first for found in (self.digests, *self.earlier))


class History:
    """The kept lists of one node, as they are on its disk.

    Reading needs no lock; the methods that write are called under the node's lock.

    Attributes:
        damaged: lists that are lost, a sentence each.
        mended: lists whose times were lost; the next ``note_served`` writes them anew.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._entries: dict[str, Kept] = {}
        self._lost: list[str] = []  # entries whose line is to be written anew
        self.damaged: list[str] = []
        self.mended: list[str] = []
        self._read()

    @property
    def entries(self) -> list[Kept]:
        """All of them, the one that was served last first."""
        return sorted(
            self._entries.values(),
            key=lambda kept: (kept.age_mark, kept.digests.last),
            reverse=True,
        )

    @property
    def binding(self) -> list[Kept]:
        """Those whose holders must be able to take every list from now on."""
        return [kept for kept in self.entries if kept.is_binding]

    def note_served(self, raw: bytes, *, is_new: bool = False) -> None:
        """This node serves the list.

        Bytes that are no list with a good signature are no phone's, and are ignored.

        Args:
            raw: the list.
            is_new: it is just about to be put in place; phones that hold a
                list with these signers are given up no longer.

        Raises:
            StoreError: it cannot be remembered.
        """
        trust_list = self._verified(raw)
        if trust_list is None:
            return
        while self._lost:
            mended = self._lost.pop()
            self._write(mended, self._entries[mended])
        name, now = _name_of(trust_list), self._now()
        kept, binds = self._entries.get(name), self._site.settings.keep_trust
        if kept is None:
            found = self._new(trust_list, now)._replace(is_unbound=not binds)
            self._write(name, found)
        else:
            earlier = kept.earlier
            digests = kept.digests._replace(last=now)
            if digests.sha256 != sha256(raw).hexdigest():
                # The first one stays, for it says since when.
                earlier = (digests, *earlier[: MOST_DIGESTS - 2], *earlier[-1:])
                digests = _digests(raw, now, now)
            self._write(
                name,
                kept._replace(
                    trust_list=trust_list,
                    digests=digests,
                    age_mark=self._clock(now),
                    is_given_up=kept.is_given_up and not is_new,
                    earlier=earlier,
                    is_unbound=not binds and (kept.is_unbound or kept.is_given_up),
                ),
            )
        self._forget_old()

    def note_held(self, raw: bytes) -> None:
        """Phones hold the list, though this node never served it.

        A list with these signers that was given up binds again: a person says so.

        Raises:
            TrustListError: it is no list with a good signature.
            StoreError: it cannot be remembered.
        """
        trust_list = self._verified(raw)
        if trust_list is None:
            raise TrustListError("a list that phones hold does not verify", 0)
        name, now = _name_of(trust_list), self._now()
        kept, found = self._entries.get(name), self._new(trust_list, now)
        if kept is None:
            self._write(name, found)
            return
        earlier = kept.earlier
        known = {digests.sha256 for digests in (kept.digests, *earlier)}
        if found.digests.sha256 not in known:
            earlier = (*earlier[: MOST_DIGESTS - 1], found.digests)
        binding = kept._replace(
            digests=kept.digests._replace(last=max(now, kept.digests.last)),
            age_mark=self._clock(now),
            is_given_up=False,
            earlier=earlier,
            is_unbound=False,
        )
        if binding != kept:
            self._write(name, binding)

    def note_elsewhere(self, node: str, raw: bytes) -> None:
        """Another node serves the list; phones that were given up stay so.

        Raises:
            StoreError: it cannot be remembered.
        """
        trust_list = self._verified(raw)
        if trust_list is None:
            return
        name, now = _name_of(trust_list), self._now()
        mark = self._clock(now)
        for other, kept in list(self._entries.items()):
            if other != name and node in kept.nodes:
                left = tuple(entry for entry in kept.nodes if entry != node)
                self._write(other, kept._replace(nodes=left, age_mark=mark))
        found = self._entries.get(name)
        if found is None:
            self._write(name, self._new(trust_list, now)._replace(nodes=(node,)))
        elif found.is_unbound or node not in found.nodes or mark - found.age_mark > DAY:
            nodes = (*(entry for entry in found.nodes if entry != node), node)
            digests = found.digests._replace(last=max(now, found.digests.last))
            self._write(
                name,
                found._replace(
                    nodes=nodes, age_mark=mark, digests=digests, is_unbound=False
                ),
            )

    def unite(self, whole: bytes) -> None:
        """Take over an entry of another history: the bytes of its file.

        What either of the two knows of a list counts, and it stays as long as the
        newest. What does not verify is no list that anybody holds, and is left out.

        Raises:
            StoreError: it cannot be remembered.
        """
        head, _, raw = whole.partition(b"\n")
        try:
            _, theirs = _from_head(head, raw)
        except DAMAGES:
            return
        if self._verified(raw) is None:
            return
        name = _name_of(theirs.trust_list)
        kept = self._entries.get(name)
        united = _united(kept, theirs) if kept else theirs
        united = united._replace(age_mark=self._clock(self._now()))
        if kept is None or united._replace(age_mark=kept.age_mark) != kept:
            self._write(name, united)

    def consider(self, node: str, raw: bytes) -> None:
        """Count a list that a node serves as held, in memory only."""
        trust_list = self._verified(raw)
        if trust_list is None:
            return
        name = _name_of(trust_list)
        kept = self._entries.get(name)
        if kept is None:
            kept = self._new(trust_list, self._now())._replace(nodes=(node,))
        self._entries[name] = kept._replace(is_unbound=False)

    def give_up(self, given_up: Iterable[Kept]) -> None:
        """Holders of these lists are not waited for any more; damaged files go.

        What was served while a person was asked stays remembered.

        Raises:
            StoreError: it cannot be remembered.
        """
        for asked in given_up:
            name = _name_of(asked.trust_list)
            kept = self._entries.get(name, asked)
            self._write(name, kept._replace(is_given_up=True))
        for name in self._names():
            if name not in self._entries:
                self._site.home.remove(f"{HISTORY}/{name}")
        self.damaged = []

    def find(self, raw: bytes) -> Kept | None:
        """The entry with the same signers as that list."""
        trust_list = self._verified(raw)
        return self._entries.get(_name_of(trust_list)) if trust_list else None

    def _names(self) -> list[str]:
        names = self._site.home.names(HISTORY)
        return [name for name in names if name.endswith(HISTORY_SUFFIX)]

    def _read(self) -> None:
        try:
            names = self._names()
        except StoreError as problem:
            self.damaged.append(problem.message)
            return
        lost = []
        for name in names:
            try:
                whole = self._site.home.read(f"{HISTORY}/{name}")
            except MissingFileError:  # forgotten just now
                continue
            except StoreError as problem:
                self.damaged.append(problem.message)
                continue
            head, _, raw = whole.partition(b"\n")
            try:
                said, kept = _from_head(head, raw)
            except DAMAGES:
                trust_list = self._verified(raw)
                if trust_list is None:
                    self.damaged.append(f"{HISTORY}/{name} holds no list that verifies")
                else:
                    self.mended.append(f"the times in {HISTORY}/{name} cannot be read")
                    lost.append(trust_list)
            else:
                now = renamed(self._site, said.get("ids"))
                nodes = tuple(now.get(name, name) for name in kept.nodes)
                kept = kept._replace(nodes=nodes)
                self._entries[_name_of(kept.trust_list)] = kept
        for trust_list in lost:  # as new as the newest: kept longer, never shorter
            name, made = _name_of(trust_list), trust_list.header.timestamp
            self._entries[name] = self._new(trust_list, made)
            self._lost.append(name)

    def _verified(self, raw: bytes) -> TrustList | None:
        try:
            trust_list = decode(raw)
        except TrustListError:
            return None
        verdict = check(trust_list, self._site.backends.verifier())
        return trust_list if verdict.is_valid else None

    def _now(self) -> int:
        return int(self._site.clock.now().timestamp())

    def _clock(self, now: int) -> int:
        """The history's own clock; see the module."""
        entries = self._entries.values()
        latest = max((kept.digests.last for kept in entries), default=now)
        mark = max((kept.age_mark for kept in entries), default=0)
        return mark + min(max(now - latest, 0), LONGEST_GAP)

    def _new(self, trust_list: TrustList, now: int) -> Kept:
        first = min(now, trust_list.header.timestamp)
        digests = _digests(trust_list.raw, first, now)
        return Kept(trust_list, digests, self._clock(now))

    def _write(self, name: str, kept: Kept) -> None:
        head = {
            "version": VERSION,
            "served": kept.digests._asdict(),
            "age_mark": kept.age_mark,
            "nodes": kept.nodes,
            "ids": with_ids(self._site, kept.nodes),
            "released": kept.is_given_up,
            "earlier": [found._asdict() for found in kept.earlier],
            **({"unbound": True} if kept.is_unbound else {}),
        }
        raw = json.dumps(head).encode() + b"\n" + kept.trust_list.raw
        self._site.home.write(f"{HISTORY}/{name}", raw)
        self._entries[name] = kept

    def _forget_old(self) -> None:
        entries = self.entries
        if len(entries) <= KEPT_LISTS or self._is_anything_pending():
            return
        nodes = {node.name for node in self._site.settings.cluster.nodes}
        clock = entries[0].age_mark
        for at, kept in enumerate(entries[KEPT_LISTS:], KEPT_LISTS):
            is_old = clock - kept.age_mark > KEPT_SECONDS or at >= MOST_LISTS
            if is_old and nodes.isdisjoint(kept.nodes):
                name = _name_of(kept.trust_list)
                self._site.home.remove(f"{HISTORY}/{name}")
                del self._entries[name]

    def _is_anything_pending(self) -> bool:
        try:
            return bool(open_resets(self._site) or open_waiting(self._site, Work.PUSH))
        except CucmshError:
            return True


def note_successor(site: Site, present: bytes | None, raw: bytes) -> None:
    """Both lists are in the history before the second one is in place.

    Called under the node's lock.

    Args:
        site: this node; with its ``keep_trust`` off a list that cannot be remembered is
            not known later, and keeps nobody from serving it.
        present: what is served now, if anything is.
        raw: what is about to be.

    Raises:
        StoreError: ``keep_trust`` is on, and it cannot be remembered.
    """
    try:
        history = History(site)
        if present is not None:
            history.note_served(present)
        history.note_served(raw, is_new=True)
    except StoreError:
        if site.settings.keep_trust:
            raise


def digests_of(entries: Iterable[Kept]) -> frozenset[str]:
    """SHA-1 and MD5 of all lists of these entries: how phones may name them."""
    return frozenset(
        digest
        for kept in entries
        for digests in (kept.digests, *kept.earlier)
        for digest in (digests.sha1, digests.md5)
    )


def _united(kept: Kept, theirs: Kept) -> Kept:
    """Two entries of lists with the same signers as one."""
    newest = max(kept, theirs, key=lambda each: each.digests.last)
    known: dict[str, Digests] = {}
    for each in (newest.digests, *kept.earlier, *theirs.earlier, *_both(kept, theirs)):
        found = known.get(each.sha256, each)
        times = min(found.first, each.first), max(found.last, each.last)
        known[each.sha256] = each._replace(first=times[0], last=times[1])
    digests, *earlier = known.values()
    earlier.sort(key=lambda each: each.last, reverse=True)
    return Kept(
        newest.trust_list,
        digests,
        kept.age_mark,
        tuple(dict.fromkeys((*kept.nodes, *theirs.nodes))),
        is_given_up=kept.is_given_up and theirs.is_given_up,
        earlier=tuple(earlier[:MOST_DIGESTS]),
        is_unbound=kept.is_unbound and theirs.is_unbound,
    )


def _both(kept: Kept, theirs: Kept) -> tuple[Digests, Digests]:
    return kept.digests, theirs.digests


def _name_of(trust_list: TrustList) -> str:
    """The name of the file for lists with these signers and TVS hashes."""
    parts = sorted(
        b"\0".join((str(record.role).encode(), _identity(record)))
        for record in trust_list.records
        if record.role in (Role.SAST, Role.TVS)
    )
    hashed = sha256(b"".join(sha256(part).digest() for part in parts))
    return hashed.hexdigest()[:32] + HISTORY_SUFFIX


def _identity(record: Record) -> bytes:
    """All of a record that decides whether its holder knows a certificate."""
    parts = (
        record.find(RecordTag.ISSUER_NAME) or b"",
        record.serial,
        record.public_key or b"",
        record.certificate or record.certificate_hash or b"",
    )
    return b"".join(sha256(part).digest() for part in parts)


def _digests(raw: bytes, first: int, last: int) -> Digests:
    return Digests(
        sha256(raw).hexdigest(),
        sha1(raw, usedforsecurity=False).hexdigest(),
        md5(raw, usedforsecurity=False).hexdigest(),
        first,
        last,
    )


def _from_head(head: bytes, raw: bytes) -> tuple[dict[str, Any], Kept]:
    """The line, and the entry that it describes: its list was verified when written.

    Raises:
        any of DAMAGES: one of the two is damaged, or the line is of another version.
    """
    said: dict[str, Any] = json.loads(head)
    served = _from_table(said["served"])
    if said["version"] != VERSION or served != _digests(raw, *served[3:]):
        raise ValueError(said["version"])
    return said, Kept(
        decode(raw),
        served,
        _time(said["age_mark"]),
        tuple(str(node) for node in said["nodes"]),
        said["released"] is True,
        tuple(_from_table(found) for found in said["earlier"]),
        said.get("unbound") is True,
    )


def _from_table(table: dict[str, Any]) -> Digests:
    return Digests(
        str(table["sha256"]),
        str(table["sha1"]),
        str(table["md5"]),
        _time(table["first"]),
        _time(table["last"]),
    )


def _time(said: float) -> int:
    if not -FURTHEST < said < FURTHEST:
        raise ValueError(said)
    return int(said)
