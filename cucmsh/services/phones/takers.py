"""Holders of lists, and how each comes to a list that would be served.

Which lists phones may hold: those of the history, those that were handed over, the CTL
that this node serves; and how many phones are said to hold which, a claim
(docs/decisions/031). What they do is ``phones.decide``, and TVS counts as ``tvs.way``
says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from hashlib import md5, sha1
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError, StoreError, TrustListError
from cucmsh.layout import CTL_FILE
from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.decide import Held, Outcome, consider_list
from cucmsh.phones.families import EIGHTY_EIGHT, OLDEST, Family, ListKind, family_of
from cucmsh.phones.known import HeldBy
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.lists.acceptance import period
from cucmsh.services.lists.served_lists import (
    ask_all_served,
    other_tftp_nodes,
    served_list,
)
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.services.tvs.way import TvsWays
from cucmsh.trustlist.decode import MAX_LIST_SIZE, decode
from cucmsh.trustlist.model import TrustList

MOST_BYTES = MAX_LIST_SIZE  # of a list


class Way(StrEnum):
    """How the holder of a list comes to the next one."""

    DIRECT = "direct"  # by the list that it holds
    TVS = "tvs"  # through a TVS that this list names
    LOCKED_OUT = "locked out"
    UNKNOWN = "unknown"  # nobody here has the list that it is said to hold


class GivenList(NamedTuple):
    """A list that was handed over, and what it is called in the answer.

    Without one, ``problem`` says why nobody can tell what its holders take.
    """

    name: str
    trust_list: TrustList | None
    problem: str = ""


class Holders(NamedTuple):
    """Phones of one model that ask one node and hold one list, as far as is known.

    Attributes:
        held: which list, for a person.
        sha1: of that list, lower-case hex; empty for none, and for an unknown MD5.
        way: how they come to the new one.
        reason: one sentence.
        node: that they asked last; empty if that is not known.
        model: such as ``8845``; empty if that is not known.
        phones: how many; None for a list that nobody was counted for.
        is_given_up: a person gave them up.
        ctl: SHA-1 of the CTL that they hold, too; empty for none, or one that is not
            known here.
    """

    held: str
    sha1: str
    way: Way
    reason: str
    node: str = ""
    model: str = ""
    phones: int | None = None
    is_given_up: bool = False
    ctl: str = ""


class Listed(NamedTuple):
    """A list that phones may hold.

    Attributes:
        label: which one, for a person.
        trust_list: the list.
        is_given_up: a person gave its holders up.
        is_only_if_counted: nobody is taken to hold it of whom that is not said.
    """

    label: str
    trust_list: TrustList
    is_given_up: bool = False
    is_only_if_counted: bool = False


class KnownHere(NamedTuple):
    """The lists that are known here, by SHA-1 and MD5 of each.

    Attributes:
        itls: of the history, handed over, and served elsewhere; of the history, lists
            with the same keys count as one, and so do their digests.
        ctls: the CTL in the TFTP directory.
        unread: those that were handed over and are no lists.
    """

    itls: Mapping[str, Listed]
    ctls: Mapping[str, TrustList]
    unread: tuple[Holders, ...] = ()


class Judge(Protocol):
    """Says how holders of lists come to what would be served."""

    def answer(self, itl: TrustList | None, ctl: TrustList | None) -> tuple[Way, str]:
        """The way, and a sentence."""


class Takers(NamedTuple):
    """Everybody, as far as is known.

    Attributes:
        holders: by list, node and model, the worst first.
        elsewhere: phones that ask other nodes.
        silent: phones of which nothing is said; they hold some list of the history.
    """

    holders: tuple[Holders, ...]
    elsewhere: int = 0
    silent: int = 0


def given_list(name: str, raw: bytes) -> GivenList:
    """A list that came without a file.

    Args:
        name: what it is called in the answer.
        raw: its bytes; of a long stream, the first ``MOST_BYTES`` and one more.

    Raises:
        StoreError: it is no trust list.
    """
    try:
        return GivenList(name, decode(raw))
    except TrustListError as problem:
        raise StoreError(
            f"{name} is no trust list: {problem.message}", "Give an ITLFile.tlv."
        ) from problem


def known_here(site: Site, given: Iterable[GivenList] = ()) -> KnownHere:
    """The lists that phones may hold; asks no other node.

    One that was served only while ``keep_trust`` was off (a lab loses trust on purpose)
    counts for those phones that are said to hold it.
    """
    found: dict[str, Listed] = {}
    history, raw = History(site), served_list(site)
    if raw is not None:
        history.consider(site.node.name, raw)
    for kept in history.entries:
        label = f"MD5 {kept.digests.md5}, served {period(kept)}"
        listed = Listed(label, kept.trust_list, kept.is_given_up, kept.is_unbound)
        for digests in (kept.digests, *kept.earlier):
            found[digests.sha1] = found[digests.md5] = listed
    return with_given(KnownHere(found, _ctls(site)), given)


def with_given(known: KnownHere, given: Iterable[GivenList]) -> KnownHere:
    """With lists that were handed over, too."""
    found, unread = dict(known.itls), list(known.unread)
    for name, trust_list, problem in given:
        if trust_list is None:
            unread.append(Holders(name, "", Way.UNKNOWN, f"{problem}."))
            continue
        short, long = _digests(trust_list)
        if short not in found:
            found[short] = found[long] = Listed(f"{name} (MD5 {short})", trust_list)
    return known._replace(itls=found, unread=tuple(unread))


def known_with_others(
    site: Site, nodes: tuple[str, ...], given: Iterable[GivenList] = ()
) -> KnownHere:
    """``known_here``, and what the other nodes serve now.

    Asks them all at once, and for ``SERVED_LIST_SECONDS`` at most. A list of a node
    that is not named counts for those phones that are said to hold it.

    Args:
        site: this node.
        nodes: names of the nodes that would serve the new list.
        given: lists that were handed over.
    """
    answers = ask_all_served(site, other_tftp_nodes(site), SERVED_LIST_SECONDS)
    served = ((answer.node.name, answer.raw or b"") for answer in answers)
    return with_served(known_here(site, given), served, nodes)


def with_served(
    known: KnownHere, served: Iterable[tuple[str, bytes]], nodes: Collection[str]
) -> KnownHere:
    """With what other nodes serve now; see ``known_with_others``.

    Args:
        known: what is known without them.
        served: names of nodes, and the bytes that each gave.
        nodes: names of the nodes that would serve the new list.
    """
    found = dict(known.itls)
    for name, raw in served:
        try:
            trust_list = decode(raw)
        except TrustListError:
            continue
        short, long = _digests(trust_list)
        is_touched = name in nodes
        listed = found.get(short)
        if listed is None:
            listed = Listed(
                f"MD5 {short}, served by {name} now",
                trust_list,
                is_only_if_counted=not is_touched,
            )
            found[short] = found[long] = listed
        elif listed.is_only_if_counted and is_touched:
            found[short] = found[long] = listed._replace(is_only_if_counted=False)
    return known._replace(itls=found)


def _ctls(site: Site) -> Mapping[str, TrustList]:
    if not site.node.has_tftp:
        return {}
    try:
        ctl = decode(site.tftp.read(CTL_FILE))
    except CucmshError:  # there is none, or nobody can hold what lies there
        return {}
    return dict.fromkeys(_digests(ctl), ctl)


def _digests(trust_list: TrustList) -> tuple[str, str]:
    raw = trust_list.raw
    short, long = (each(raw, usedforsecurity=False) for each in (md5, sha1))
    return short.hexdigest(), long.hexdigest()


def takers(
    site: Site,
    known: KnownHere,
    judge: Judge,
    nodes: tuple[str, ...],
    groups: Sequence[HeldBy] | None = None,
) -> Takers:
    """Ask every holder.

    Args:
        site: this node.
        known: the lists that they may hold.
        judge: says what they do.
        nodes: names of the nodes that would serve the new list.
        groups: the phones, where the inventory was read already.

    Raises:
        StoreError: the inventory cannot be read.
    """
    lists = {id(listed): listed for listed in known.itls.values()}.values()
    holders = [
        _holders(judge, listed, None)
        for listed in lists
        if not listed.is_only_if_counted
    ]
    counted = _Counted(nodes, known, judge)
    if groups is None and has_inventory(site):
        with open_inventory(site) as store:
            groups = store.held()
    counted.count(site, groups or ())
    told = {each.sha1 for each in counted.holders}
    left = [each for each in holders if each.sha1 not in told]
    return Takers(
        tuple(sorted((*counted.holders, *left, *known.unread), key=_order)),
        counted.elsewhere,
        counted.silent,
    )


_WORST_FIRST = (Way.LOCKED_OUT, Way.UNKNOWN, Way.TVS, Way.DIRECT)


def _order(each: Holders) -> tuple[int, str, str, str, int, str]:
    many = -(each.phones or 0)
    place = _WORST_FIRST.index(each.way)
    return place, each.sha1, each.ctl, each.node, many, each.model


def _holders(judge: Judge, listed: Listed | None, ctl: TrustList | None) -> Holders:
    """Who holds this ITL, or none, and this CTL, or none that is known."""
    itl = listed.trust_list if listed else None
    way, reason = judge.answer(itl, ctl)
    short, long = _digests(ctl) if ctl else ("", "")
    with_ctl = f", with the CTL MD5 {short}" if ctl else ""
    return Holders(
        f"{listed.label if listed else 'no ITL'}{with_ctl}",
        _digests(itl)[1] if itl else "",
        way,
        reason,
        is_given_up=listed.is_given_up if listed else False,
        ctl=long,
    )


class OfferJudge:
    """Judges one offered list; asks each TVS once about its signer.

    Args:
        site: this node.
        offered: the list.
        asked_for: the certificate (DER) that each TVS is asked about.
        is_new: the list is signed by another, which TVS is told of by then.
        without: names of nodes whose TVS counts as gone.
    """

    def __init__(
        self,
        site: Site,
        offered: TrustList,
        asked_for: bytes,
        *,
        is_new: bool = False,
        without: tuple[str, ...] = (),
    ) -> None:
        self._offered = offered.raw
        self._verifier = site.backends.verifier()
        self._ways = self._ways_of(site)
        self._asked_for = asked_for
        self._without = without
        self._vouching = (
            "A TVS that it names knows the present one, and is told of the new one."
            if is_new
            else "A TVS that it names knows it."
        )

    def _ways_of(self, site: Site) -> TvsWays:
        return TvsWays(site)

    def answer(self, itl: TrustList | None, ctl: TrustList | None) -> tuple[Way, str]:
        """See ``Judge``."""
        # All that hold an ITL take it alike; they differ in words and in digests.
        held = Held(EIGHTY_EIGHT, ctl=ctl, itl=itl)
        decision = consider_list(held, ListKind.ITL, self._offered, self._verifier)
        if decision.accepted:
            return Way.DIRECT, decision.reason
        if itl is None or decision.outcome is not Outcome.ASK:
            return Way.LOCKED_OUT, decision.reason
        if self._ways.vouched_for(itl, self._asked_for, without=self._without):
            return Way.TVS, f"{decision.reason} {self._vouching}"
        return (
            Way.LOCKED_OUT,
            f"{decision.reason} No TVS that it names vouches for it.",
        )


class NewKeyJudge:
    """Judges any list of a key that is still to be made: TVS alone helps.

    Args:
        site: this node.
        unit: whose key it is.
        present: the certificate (DER) of its present key, which TVS is asked about.
    """

    def __init__(self, site: Site, unit: str, present: bytes) -> None:
        self._ways = TvsWays(site)
        self._unit = unit
        self._present = present

    def answer(self, itl: TrustList | None, ctl: TrustList | None) -> tuple[Way, str]:
        """See ``Judge``."""
        held = [each for each in (itl, ctl) if each is not None]
        if all(each.is_blank for each in held):
            return Way.DIRECT, "It holds no key, so it takes any list."
        if itl is not None and self._ways.vouched_for(itl, self._present):
            return Way.TVS, f"A TVS that it names vouches for {self._unit}."
        return Way.LOCKED_OUT, f"No TVS that it names vouches for {self._unit}."


class _Counted:
    """The phones of the inventory, by list, node and model."""

    def __init__(self, nodes: tuple[str, ...], known: KnownHere, judge: Judge) -> None:
        self._nodes = nodes
        self._known = known
        self._judge = judge
        self._judged: dict[tuple[str, str], Holders] = {}
        self.holders: list[Holders] = []
        self.elsewhere = 0
        self.silent = 0

    def count(self, site: Site, groups: Sequence[HeldBy]) -> None:
        seen: dict[tuple[str, str], Holders] = {}
        numbers: dict[tuple[tuple[str, str], str, str], int] = {}
        present = site.settings.cluster.present_name  # of a node that was renamed since
        for group in groups:
            node = present(group.node)
            if node and node not in self._nodes:
                self.elsewhere += group.phones
                continue
            found = None
            if _family(group.model) is not OLDEST:
                found = self._worst(group)
            if found is None:
                self.silent += group.phones
            else:
                key = found.sha1 or found.held, found.ctl
                seen[key] = found
                place = (key, node, group.model)
                numbers[place] = numbers.get(place, 0) + group.phones
        self.holders = list(_placed(seen, numbers))

    def _worst(self, group: HeldBy) -> Holders | None:
        """By what they are said to hold; of an alarm only what is worse counts.

        None if nothing is said of it that counts (docs/decisions/031).
        """
        own, said = (
            self._found(digest, group.ctl) if digest else None
            for digest in (group.itl, group.said)
        )
        taken = own.way if own else Way.TVS
        if said is None or _WORST_FIRST.index(said.way) >= _WORST_FIRST.index(taken):
            return own
        return said

    def _found(self, itl: str, ctl: str) -> Holders:
        """Of the phones that are said to hold these, by their digests."""
        key = itl, ctl
        if key not in self._judged:
            self._judged[key] = self._judge_of(itl, ctl)
        return self._judged[key]

    def _judge_of(self, itl: str, ctl: str) -> Holders:
        held = self._known.ctls.get(ctl)
        if itl == NOT_INSTALLED:
            return _holders(self._judge, None, held)
        listed = self._known.itls.get(itl)
        if listed is None:
            reason = "This list is not known here: nobody can tell what they take."
            return Holders(f"a list with digest {itl}", "", Way.UNKNOWN, reason)
        return _holders(self._judge, listed, held)


def _placed(
    seen: Mapping[tuple[str, str], Holders],
    numbers: Mapping[tuple[tuple[str, str], str, str], int],
) -> Iterator[Holders]:
    for (key, node, model), phones in numbers.items():
        yield seen[key]._replace(node=node, model=model, phones=phones)


def _family(model: str) -> Family | None:
    return family_of(model) if model else None
