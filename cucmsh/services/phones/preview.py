"""``utils itl preview``: who takes the list that would be served after a change.

The list is really made, by the code that makes it, on a draft of this node in memory
(``adoption.draft``); nothing on disk or on another node changes. Each list that phones
may hold then judges it as a phone does (``phones.decide``): those of the history, those
that were handed over, and those that phones are said to hold. What a phone is said to
hold is a claim (docs/decisions/031): the preview informs, and releases nothing.

TVS counts as ``tvs.way`` says. A key that is made anew is known to nobody yet, so each
TVS is asked about the present one of that unit: it learns the new one in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import md5, sha1
from typing import NamedTuple

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.decide import Held, Outcome, consider_list
from cucmsh.phones.families import EIGHTY_EIGHT, OLDEST, Family, ListKind, family_of
from cucmsh.phones.known import HeldBy
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.own import require_unit
from cucmsh.services.lists.acceptance import period
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.tried import regenerate_on_draft
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.services.tvs.way import TvsWays
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList

PREVIEW = "utils itl preview"
RESTART = "restart"
REGEN = "regen"
LOCAL_KEY = "localkey"
CHANGES = (RESTART, REGEN, LOCAL_KEY)


class Way(StrEnum):
    """How the holder of a list comes to the next one."""

    DIRECT = "direct"  # by the list that it holds
    TVS = "tvs"  # through a TVS that this list names
    LOCKED_OUT = "locked out"
    UNKNOWN = "unknown"  # nobody here has the list that it is said to hold


# From best to worst.
_WAYS = (Way.DIRECT, Way.TVS, Way.UNKNOWN, Way.LOCKED_OUT)


class GivenList(NamedTuple):
    """A list that was handed over, and what it is called in the answer."""

    name: str
    trust_list: TrustList


class Offer(NamedTuple):
    """What would be served.

    Attributes:
        trust_list: the list.
        nodes: names of the nodes that would serve it.
        signer: subject of who signed it.
        is_kept: it is the list that lies there now.
        remark: what an administrator is told about it; empty if nothing.
    """

    trust_list: TrustList
    nodes: tuple[str, ...]
    signer: str
    is_kept: bool
    remark: str


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
    """

    held: str
    sha1: str
    way: Way
    reason: str
    node: str = ""
    model: str = ""
    phones: int | None = None
    is_given_up: bool = False


class Preview(NamedTuple):
    """The answer.

    Attributes:
        change: what would be done, as it is typed.
        offer: what would be served then.
        holders: by list, node and model.
        elsewhere: phones that ask nodes which this change does not touch.
        silent: phones of which nothing is said; they hold some list of the history.
    """

    change: str
    offer: Offer
    holders: tuple[Holders, ...]
    elsewhere: int = 0
    silent: int = 0

    @property
    def is_locking_out(self) -> bool:
        """Somebody whom nobody gave up would refuse it, or nobody can tell."""
        return any(
            each.way in (Way.LOCKED_OUT, Way.UNKNOWN) and not each.is_given_up
            for each in self.holders
        )


@use_case(PREVIEW)
def preview(
    site: Site, change: str, unit: str = "", given: Iterable[GivenList] = ()
) -> Preview:
    """Make the list that would be served, and ask every holder.

    Args:
        site: this node.
        change: one of ``CHANGES``.
        unit: whose certificate is regenerated.
        given: further lists that phones may hold.

    Raises:
        RefusedError: this node serves no list; a reset that would be refused.
        UsageError: there is no such unit.
        CucmshError: what the change itself would raise before it changes anything.
    """
    name = require_unit(site, unit) if change == REGEN else None
    return _previewed(site, change, name, given)


def _previewed(
    site: Site, change: str, name: Unit | None, given: Iterable[GivenList]
) -> Preview:
    typed = f"{change} {name}" if name else change
    offer, asked_for = _offer(site, change, name)
    judge = _Judge(
        site,
        offer,
        asked_for,
        without=(site.node.name,) if name is Unit.TVS else (),
    )
    lists = _known(site, given)
    holders = [
        judge.holders(each.label, each.trust_list)._replace(
            is_given_up=each.is_given_up
        )
        for each in {id(listed): listed for listed in lists.values()}.values()
    ]
    counted = _Counted(offer.nodes)
    if has_inventory(site):
        counted.count(site, lists, judge)
    told = {each.sha1 for each in counted.holders}
    left = [each for each in holders if each.sha1 not in told]
    return Preview(
        typed,
        offer,
        tuple(sorted((*counted.holders, *left), key=_order)),
        counted.elsewhere,
        counted.silent,
    )


def locked_out(site: Site, change: str, unit: str = "") -> tuple[Holders, ...]:
    """Whom a change would lock out who takes what is served now; for the command.

    Makes no key: whoever holds a list knows no key that is made anew, so that TVS alone
    decides. Nobody where ``keep_trust`` is on, by whose rule each start goes; nor where
    that cannot be told, which the change itself then says.

    Args:
        site: this node.
        change: ``RESTART`` or ``REGEN``.
        unit: whose certificate is regenerated.
    """
    if site.settings.keep_trust or not site.node.has_tftp:
        return ()
    try:
        served = decode(served_list(site) or b"")
        if change == REGEN:
            found = _strangers_to(site, require_unit(site, unit))
        else:
            found = _previewed(site, change, None, ()).holders
        if not found:
            return ()
        now = _Judge(
            site,
            _offered(site, served, (), ""),
            _signer(site, served),
            without=(),
        )
        lists = _known(site, ())
        return tuple(
            each
            for each in found
            if each.way is Way.LOCKED_OUT
            and not each.is_given_up
            and each.sha1 in lists
            and now.holders("", lists[each.sha1].trust_list).way is not Way.LOCKED_OUT
        )
    except CucmshError:
        return ()


def _strangers_to(site: Site, unit: Unit) -> tuple[Holders, ...]:
    """Who would not take lists of a new key of that unit, if it signs at the start."""
    if unit != site.settings.profile.signer:
        return ()
    ways, present = TvsWays(site), Keystore(site).certificate(unit).der
    lists = {id(listed): listed for listed in _known(site, ()).values()}
    return tuple(
        Holders(
            listed.label,
            sha1(listed.trust_list.raw, usedforsecurity=False).hexdigest(),
            Way.LOCKED_OUT,
            f"No TVS that it names vouches for {unit}.",
            is_given_up=listed.is_given_up,
        )
        for listed in lists.values()
        if not listed.trust_list.is_blank
        and not ways.vouched_for(listed.trust_list, present)
    )


_WORST_FIRST = (Way.LOCKED_OUT, Way.UNKNOWN, Way.TVS, Way.DIRECT)


def _order(each: Holders) -> tuple[int, str, str, int, str]:
    many = -(each.phones or 0)
    return _WORST_FIRST.index(each.way), each.sha1, each.node, many, each.model


def _offer(site: Site, change: str, unit: Unit | None) -> tuple[Offer, bytes]:
    """The list, and the certificate (DER) that each TVS is asked about."""
    cluster, draft = site.settings.cluster, DraftSite(site, asks=True)
    if change == LOCAL_KEY:
        planned = plan_local_reset(draft)
        nodes = tuple(node.name for node in cluster.nodes if node.has_tftp)
        offer = _offered(draft, planned.trust_list, nodes, "")
        return offer, _signer(draft, offer.trust_list)
    if not site.node.has_tftp:
        raise RefusedError(
            f"{site.node.name} does not run Cisco Tftp, so it serves no list",
            "Ask on the node that serves those phones.",
        )
    if unit is not None:
        regenerate_on_draft(draft, unit)
    composed = compose_for_start(draft)
    nodes = (site.node.name,)
    if site.node.is_publisher:
        own = {node.name for node in cluster.members}
        nodes += tuple(
            node.name
            for node in cluster.nodes
            if node.has_tftp and node.name not in own
        )
    offer = _offered(draft, decode(composed.raw), nodes, composed.remark)
    offer = offer._replace(is_kept=composed.is_kept)
    signer = _signer(draft, offer.trust_list)
    if unit is not None and signer == Keystore(draft).certificate(unit).der:
        signer = Keystore(site).certificate(unit).der
    return offer, signer


def _offered(
    site: Site, trust_list: TrustList, nodes: tuple[str, ...], remark: str
) -> Offer:
    signer = check(trust_list, site.backends.verifier()).signer
    name = signer.subject_name if signer else trust_list.header.signer_name
    return Offer(trust_list, nodes, name, is_kept=False, remark=remark)


def _signer(site: Site, trust_list: TrustList) -> bytes:
    signer = check(trust_list, site.backends.verifier()).signer
    return (signer.certificate if signer else None) or b""


class _Listed(NamedTuple):
    """A list that phones may hold."""

    label: str
    trust_list: TrustList
    is_given_up: bool = False


def _known(site: Site, given: Iterable[GivenList]) -> Mapping[str, _Listed]:
    """The lists that are known here, by SHA-1 and MD5 of each.

    Lists of the history with the same keys count as one, and so do their digests.
    """
    found: dict[str, _Listed] = {}
    history, raw = History(site), served_list(site)
    if raw is not None:
        history.consider(site.node.name, raw)
    for kept in history.entries:
        label = f"MD5 {kept.digests.md5}, served {period(kept)}"
        listed = _Listed(label, kept.trust_list, kept.is_given_up)
        for digests in (kept.digests, *kept.earlier):
            found[digests.sha1] = found[digests.md5] = listed
    for name, trust_list in given:
        raw = trust_list.raw
        names = [each(raw, usedforsecurity=False).hexdigest() for each in (md5, sha1)]
        if names[0] not in found:
            listed = _Listed(f"{name} (MD5 {names[0]})", trust_list)
            found |= dict.fromkeys(names, listed)
    return found


class _Judge:
    """Asks holders of lists about one offer; each TVS once about its signer."""

    def __init__(
        self, site: Site, offer: Offer, asked_for: bytes, *, without: tuple[str, ...]
    ) -> None:
        self._offered = offer.trust_list.raw
        self._verifier = site.backends.verifier()
        self._ways = TvsWays(site)
        self._asked_for = asked_for
        self._without = without
        is_new = asked_for != _signer(site, offer.trust_list)
        self._vouching = (
            "A TVS that it names knows the present one, and is told of the new one."
            if is_new
            else "A TVS that it names knows it."
        )

    def holders(self, label: str, trust_list: TrustList | None) -> Holders:
        """How a holder of this list, or of none, comes to what is offered."""
        raw = trust_list.raw if trust_list else b""
        digest = sha1(raw, usedforsecurity=False).hexdigest() if raw else ""
        way, reason = self._answer(trust_list)
        return Holders(label, digest, way, reason)

    def _answer(self, trust_list: TrustList | None) -> tuple[Way, str]:
        # All that hold an ITL take it alike; they differ in words and in digests.
        held = Held(EIGHTY_EIGHT, itl=trust_list)
        decision = consider_list(held, ListKind.ITL, self._offered, self._verifier)
        if decision.accepted:
            return Way.DIRECT, decision.reason
        if trust_list is None or decision.outcome is not Outcome.ASK:
            return Way.LOCKED_OUT, decision.reason
        if self._ways.vouched_for(trust_list, self._asked_for, without=self._without):
            return Way.TVS, f"{decision.reason} {self._vouching}"
        return (
            Way.LOCKED_OUT,
            f"{decision.reason} No TVS that it names vouches for it.",
        )


class _Counted:
    """The phones of the inventory, by list, node and model."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self._nodes = nodes
        self.holders: list[Holders] = []
        self.elsewhere = 0
        self.silent = 0

    def count(self, site: Site, lists: Mapping[str, _Listed], judge: _Judge) -> None:
        with open_inventory(site) as store:
            groups = store.held()
        seen: dict[str, Holders] = {}
        numbers: dict[tuple[str, str, str], int] = {}
        for group in groups:
            if group.node and group.node not in self._nodes:
                self.elsewhere += group.phones
                continue
            found = None
            if _family(group.model) is not OLDEST:
                found = _worst(group, lists, judge)
            if found is None:
                self.silent += group.phones
            else:
                key = found.sha1 or found.held
                seen[key] = found
                place = (key, group.node, group.model)
                numbers[place] = numbers.get(place, 0) + group.phones
        self.holders = list(_placed(seen, numbers))


def _placed(
    seen: Mapping[str, Holders], numbers: Mapping[tuple[str, str, str], int]
) -> Iterator[Holders]:
    for (key, node, model), phones in numbers.items():
        yield seen[key]._replace(node=node, model=model, phones=phones)


def _worst(
    group: HeldBy, lists: Mapping[str, _Listed], judge: _Judge
) -> Holders | None:
    """By what they are said to hold; of an alarm only what is worse counts.

    None if nothing is said of it that counts (docs/decisions/031).
    """
    own, said = (
        _found(digest, lists.get(digest), judge) if digest else None
        for digest in (group.itl, group.said)
    )
    taken = own.way if own else Way.TVS
    if said is None or _WAYS.index(said.way) <= _WAYS.index(taken):
        return own
    return said


def _found(digest: str, listed: _Listed | None, judge: _Judge) -> Holders:
    if digest == NOT_INSTALLED:
        return judge.holders("no ITL", None)
    if listed is None:
        reason = "This list is not known here: nobody can tell what they take."
        return Holders(f"a list with digest {digest}", "", Way.UNKNOWN, reason)
    found = judge.holders(listed.label, listed.trust_list)
    return found._replace(is_given_up=listed.is_given_up)


def _family(model: str) -> Family | None:
    return family_of(model) if model else None
