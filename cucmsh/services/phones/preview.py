"""``utils itl preview``: who takes the list that would be served after a change.

The list is really made, by the code that makes it, on a draft of this node in memory
(``adoption.draft``); nothing on disk or on another node changes. Each list that phones
may hold then judges it as a phone does (``phones.takers``): the preview informs, and
releases nothing.

A key that is made anew, or brought, is known to no TVS yet, so each is asked about the
present one of that unit: it learns the new one in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from cucmsh.errors import (
    CucmshError,
    MissingFileError,
    RefusedError,
    UsageError,
    WrongPasswordError,
)
from cucmsh.layout import BROUGHT_KEYS
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.keystore import ImportedKey, Keystore
from cucmsh.services.certificates.own import require_unit
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.plan_reset import (
    ResetPlan,
    plan_local_reset,
    plan_remote_reset,
)
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.tried import regenerate_on_draft
from cucmsh.services.nodes.rename_plan import (
    DOMAIN,
    HOST_NAME,
    keeps_tvs,
    plan_rename,
    renamed_draft,
    units_of,
)
from cucmsh.services.phones.open_store import has_inventory
from cucmsh.services.phones.takers import (
    GivenList,
    Holders,
    Judge,
    KnownHere,
    NewKeyJudge,
    OfferJudge,
    Way,
    known_here,
    known_with_others,
    takers,
)
from cucmsh.services.records import as_one
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
REMOTE_KEY = "remotekey"
RENAMES = (HOST_NAME, DOMAIN)
CHANGES = (RESTART, REGEN, LOCAL_KEY, REMOTE_KEY, *RENAMES)

OpenWith = Callable[[Secret], ImportedKey]


class SavedKey(NamedTuple):
    """A recovery key file, for a look.

    Attributes:
        raw: its bytes, PKCS#12.
        own_password: asked where the cluster's security password does not open it: the
            refusal, and what opens it; see ``ResetDialog.own_password``.
    """

    raw: bytes
    own_password: Callable[[WrongPasswordError, OpenWith], ImportedKey]


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


class Preview(NamedTuple):
    """The answer.

    Attributes:
        change: what would be done, as it is typed.
        offer: what would be served then.
        holders: by list, node and model, the worst first.
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
    site: Site,
    change: str,
    value: str = "",
    given: Iterable[GivenList] = (),
    key: SavedKey | None = None,
) -> Preview:
    """Make the list that would be served, and ask every holder.

    Args:
        site: this node.
        change: one of ``CHANGES``.
        value: the unit whose certificate is regenerated; the new host name or domain.
        given: further lists that phones may hold.
        key: the key file of ``REMOTE_KEY``; it is installed nowhere.

    Raises:
        RefusedError: this node serves no list; a reset that would be refused.
        UsageError: there is no such unit; no key file.
        WrongPasswordError, KeyFileError: the key file does not open, or holds no key
            that can be used.
        CucmshError: what the change itself would raise before it changes anything.
    """
    if change == REMOTE_KEY and key is None:
        raise UsageError("remotekey: which key file?", "Name an ITLRecovery.p12.")
    offer, judge = _offer(site, change, value, key)
    found = takers(
        site, known_with_others(site, offer.nodes, given), judge, offer.nodes
    )
    typed = f"{change} {value}" if value else change
    return Preview(typed, offer, *found)


def saved_keys(site: Site) -> list[str]:
    """The key files that may be named at the prompt, for completion."""
    return site.home.names(BROUGHT_KEYS)


def saved_key(site: Site, name: str) -> bytes:
    """The bytes of a key file that somebody with a shell brought into the home.

    Whoever is at the prompt opens no other path (docs/decisions/021).

    Raises:
        MissingFileError: there is none of that name; says where it belongs.
    """
    if name not in site.home.names(BROUGHT_KEYS):
        raise MissingFileError(
            f"there is no key file {name}",
            f"The prompt opens those in {site.home.root}/{BROUGHT_KEYS}; `cucmsh "
            "preview remotekey FILE` opens others.",
        )
    return as_one.read(site.home, f"{BROUGHT_KEYS}/{name}")


def locked_out(site: Site, change: str, value: str = "") -> tuple[Holders, ...]:
    """Whom a change would lock out who takes what is served now; for the command.

    With ``keep_trust`` on each start goes by that rule, so that no list of the history
    that binds is lost: only phones that are said to hold another one, or a CTL, can be.
    With it off no key is made: whoever holds a list knows no key that is made anew, so
    that TVS alone decides. Nobody where that cannot be told, which the change itself
    then says.

    Args:
        site: this node.
        change: ``RESTART``, ``REGEN`` or one of ``RENAMES``.
        value: the unit whose certificate is regenerated; the new name.
    """
    if not site.node.has_tftp or _is_covered_by_history(site):
        return ()
    try:
        nodes: tuple[str, ...] = (site.node.name,)
        judge: Judge | None
        if change == REGEN and not site.settings.keep_trust:
            judge = _judge_of_new(site, require_unit(site, value))
        else:
            offer, judge = _offer(site, change, value, None)
            nodes = offer.nodes
        return _newly_locked_out(site, judge, nodes) if judge else ()
    except CucmshError:
        return ()


def locked_out_by_reset(site: Site, plan: ResetPlan) -> tuple[Holders, ...]:
    """Whom the list of a reset would lock out who takes what is served now.

    For nodes with ``keep_trust`` on; with it off the plan's warnings are all. The
    plan's questions name the lists of the history: here they are with the phones that
    are said to hold them, and so is what else phones are said to hold.

    Args:
        site: this publisher.
        plan: of the reset.
    """
    if not site.settings.keep_trust or _is_covered_by_history(site):
        return ()
    try:
        judge = _judge_of_reset(site, plan.trust_list, is_brought=bool(plan.key_file))
        return _newly_locked_out(site, judge, _tftp_nodes(site))
    except CucmshError:
        return ()


def _is_covered_by_history(site: Site) -> bool:
    """Whether the rule of ``lists.acceptance`` says all that can be told here."""
    return site.settings.keep_trust and not has_inventory(site)


def _newly_locked_out(
    site: Site, judge: Judge, nodes: tuple[str, ...]
) -> tuple[Holders, ...]:
    known = known_here(site)
    lost = [
        each
        for each in takers(site, known, judge, nodes).holders
        if each.way is Way.LOCKED_OUT and not each.is_given_up
    ]
    raw = served_list(site)
    if not lost or raw is None:
        return ()
    served = decode(raw)
    now = OfferJudge(site, served, _signer(site, served))
    return tuple(each for each in lost if _takes(now, known, each))


def _judge_of_new(site: Site, unit: Unit) -> Judge | None:
    """Of lists of a new key of that unit; None if it does not sign at the start."""
    if unit != site.settings.profile.signer:
        return None
    return NewKeyJudge(site, unit, Keystore(site).certificate(unit).der)


def _takes(judge: Judge, known: KnownHere, each: Holders) -> bool:
    listed = known.itls.get(each.sha1)
    way, _ = judge.answer(listed and listed.trust_list, known.ctls.get(each.ctl))
    return way is not Way.LOCKED_OUT


def _offer(
    site: Site, change: str, value: str, key: SavedKey | None
) -> tuple[Offer, Judge]:
    """The list, and who says what holders of others do with it."""
    if change in (LOCAL_KEY, REMOTE_KEY):
        return _of_reset(site, key)
    if not site.node.has_tftp:
        raise RefusedError(
            f"{site.node.name} does not run Cisco Tftp, so it serves no list",
            "Ask on the node that serves those phones.",
        )
    draft, anew = _changed(site, change, value)
    composed = compose_for_start(draft)
    cluster = site.settings.cluster
    nodes: tuple[str, ...] = (site.node.name,)
    if site.node.is_publisher:
        own = {node.name for node in cluster.members}
        nodes += tuple(
            node.name
            for node in cluster.nodes
            if node.has_tftp and node.name not in own
        )
    trust_list = decode(composed.raw)
    offer = _offered(
        draft, trust_list, nodes, composed.remark, is_kept=composed.is_kept
    )
    asked_for = signer = _signer(draft, trust_list)
    for unit in anew:
        if signer == Keystore(draft).certificate(unit).der:
            asked_for = Keystore(site).certificate(unit).der
    is_new = asked_for != signer
    goes = Unit.TVS in anew and not (
        change in RENAMES and keeps_tvs(draft, trust_list, is_kept=composed.is_kept)
    )
    without = (site.node.name,) if goes else ()
    replaced = {Keystore(site).certificate(unit).der for unit in anew}
    made = KeptKeyJudge if signer in replaced else OfferJudge
    judge = made(site, trust_list, asked_for, is_new=is_new, without=without)
    return offer, judge


class KeptKeyJudge(OfferJudge):
    """Of lists that a key signs which the change replaces: other nodes' TVS forget it.

    That of this node goes on vouching for it, while it signs here (``tvs.trusted``).
    """

    def _ways_of(self, site: Site) -> TvsWays:
        return TvsWays(site, alone=site.node.name)


def _changed(site: Site, change: str, value: str) -> tuple[DraftSite, tuple[Unit, ...]]:
    """The node in memory after the change, and the units that were made anew."""
    if change in RENAMES:
        draft = renamed_draft(site, plan_rename(site, change, value))
        return draft, units_of(draft)
    draft = DraftSite(site, asks=True)
    if change != REGEN:
        return draft, ()
    unit = require_unit(site, value)
    regenerate_on_draft(draft, unit)
    return draft, (unit,)


def _of_reset(site: Site, key: SavedKey | None) -> tuple[Offer, Judge]:
    site.require_publisher()
    draft = DraftSite(site, asks=True)
    planned = _planned(draft, key)
    trust_list = planned.trust_list
    offer = _offered(draft, trust_list, _tftp_nodes(site), "")
    return offer, _judge_of_reset(site, trust_list, is_brought=key is not None)


def _tftp_nodes(site: Site) -> tuple[str, ...]:
    return tuple(node.name for node in site.settings.cluster.nodes if node.has_tftp)


def _judge_of_reset(
    site: Site, trust_list: TrustList, *, is_brought: bool
) -> OfferJudge:
    """Of the list of a reset; TVS is asked about the present key for one brought."""
    asked_for = signer = _signer(site, trust_list)
    if is_brought:
        asked_for = Keystore(site).certificate(Unit.ITL_RECOVERY).der
    return OfferJudge(site, trust_list, asked_for, is_new=asked_for != signer)


def _planned(draft: Site, key: SavedKey | None) -> ResetPlan:
    if key is None:
        return plan_local_reset(draft)
    keystore = Keystore(draft)
    try:
        imported = keystore.open_key_file(key.raw)
    except WrongPasswordError as refusal:
        imported = key.own_password(
            refusal, lambda password: keystore.open_key_file(key.raw, password)
        )
    return plan_remote_reset(draft, imported)


def _offered(
    site: Site,
    trust_list: TrustList,
    nodes: tuple[str, ...],
    remark: str,
    *,
    is_kept: bool = False,
) -> Offer:
    signer = check(trust_list, site.backends.verifier()).signer
    name = signer.subject_name if signer else trust_list.header.signer_name
    return Offer(trust_list, nodes, name, is_kept=is_kept, remark=remark)


def _signer(site: Site, trust_list: TrustList) -> bytes:
    signer = check(trust_list, site.backends.verifier()).signer
    return (signer.certificate if signer else None) or b""
