"""``utils itl trust release``: a person ends what ``keep_trust`` holds on to.

While phones may hold a list that does not know this node's own key, an unusual key
signs, or the served list stays (see ``compose``). It gives up the phones that hold
those lists: they do not bind this node any more, and their bytes and digests stay in
the history until they are old. Each node has a history of its own, for each serves
lists of its own, so the command is run on each.

The list that is served now is given up last: where no key of this node is known to it,
or nobody else is left to be given up.
Restarts nothing: the next start of the TFTP service composes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cucmsh.errors import RefusedError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import (
    TRUST_RELEASE,
    Refusal,
    recovery_record,
    refusals,
    require_not_older,
    signers_of_any,
    signers_of_files,
)
from cucmsh.services.lists.compose import Candidate, lists_to_offer
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.phones.holders import lines_about
from cucmsh.services.records.history import History, Kept, digests_of
from cucmsh.services.records.state import read_published, write_published
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

# Lists whose holders are not given up, for the sentence about phones.
TAKES_NEXT = "an ITL whose holders take the next one,"


class GiveUpPlan(NamedTuple):
    """What giving phones up would do.

    Attributes:
        given_up: the lists whose holders would refuse the next one, and why.
        key: which key signs the next one, in words.
        damaged: what of the history cannot be read; it is removed.
        remark: what is said now of the served list.
        phones: what the inventory says of phones, lines; empty without one.
    """

    given_up: tuple[Refusal, ...]
    key: str
    damaged: tuple[str, ...]
    remark: str
    phones: tuple[str, ...] = ()


@use_case(TRUST_RELEASE, changes=True)
def release_trust(site: Site, agree: Callable[[GiveUpPlan], None]) -> GiveUpPlan:
    """Plan, have it agreed to, give them up; under the cluster's lock.

    Args:
        site: this node.
        agree: shows the plan to a person; raises ``CancelledError`` if they do not
            agree.

    Raises:
        RefusedError: there is nothing to end.
        BusyError: another change of the cluster is under way.
        StoreError: see ``give_up``.
    """
    with site.cluster_lock(TRUST_RELEASE):
        plan = plan_giving_up(site)
        agree(plan)
        give_up(site, plan)
    return plan


def plan_giving_up(site: Site) -> GiveUpPlan:
    """What ``utils itl trust release`` would do now; changes nothing.

    Raises:
        RefusedError: there is nothing to end.
    """
    if not site.settings.keep_trust:
        raise RefusedError(
            "keep_trust is off, so no earlier ITL binds this node",
            "There is nothing to release: every start signs with the present key.",
        )
    history, raw = History(site), served_list(site)
    if raw is not None:
        history.consider(site.node.name, raw)
    served = history.find(raw) if raw else None
    if served is not None and served.is_given_up:
        served = None
    target = _next(site, history.binding, served)
    given_up = refusals(site, history.binding, target.trust_list)
    if served is not None:
        given_up += _older_key(site, target, served)
    if not given_up:
        given_up = _strangers_to_resets(site, history.binding)
    if not given_up and not history.damaged:
        raise RefusedError(
            "there is nothing to end: phones that hold any kept ITL take the next one",
            "See `show itl` for the present one.",
        )
    published = read_published(site.home)
    remark = published.remark if published else ""
    refusing = {id(refusal.kept) for refusal in given_up}
    others = [kept for kept in history.entries if id(kept) not in refusing]
    phones = lines_about(site, digests_of(others), TAKES_NEXT)
    return GiveUpPlan(
        given_up, target.key, tuple(history.damaged), remark, tuple(phones)
    )


def give_up(site: Site, plan: GiveUpPlan) -> None:
    """Give those phones up; earlier CallManager keys that nothing needs are removed.

    Raises:
        StoreError: it cannot be remembered, or not all of it.
    """
    with site.node_lock(TRUST_RELEASE):
        history = History(site)
        history.give_up([entry.kept for entry in plan.given_up])
        needed = signers_of_any(history.binding)
        keystore = Keystore(site)
        keystore.remove_earlier(Unit.CALL_MANAGER, needed)
        keystore.remove_adopted(needed | signers_of_files(history.binding))
        published = read_published(site.home)
        if published and published.remark:
            day = site.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")
            remark = (
                f"`{TRUST_RELEASE}` of {day} takes effect when Cisco Tftp starts "
                f"next; it then signs with {plan.key}"
            )
            write_published(site.home, published._replace(remark=remark))


def _next(site: Site, held: list[Kept], served: Kept | None) -> Candidate:
    """The list to serve next, once those who refuse it are given up.

    The first that holders of the served list take, if that gives anybody up; else, if
    they take none, that which the fewest of the others refuse; else the usual list.
    """
    offers = list(lists_to_offer(site, held))
    taken = [
        offer
        for offer in offers
        if served is None or not refusals(site, [served], offer.trust_list)
    ]
    for offer in taken:
        if offer is offers[0] or refusals(site, held, offer.trust_list):
            return offer
    if taken:
        return offers[0]
    others = [kept for kept in held if kept is not served]
    return min(
        lists_to_offer(site, others),
        key=lambda offer: len(refusals(site, others, offer.trust_list)),
    )


def _strangers_to_resets(site: Site, held: list[Kept]) -> tuple[Refusal, ...]:
    """On a subscriber: lists whose holders do not know the publisher's recovery key.

    A list that it signs is refused here, that of a reset or one that is given (see
    ``install``, ``take_list``); on the publisher a reset asks by itself.
    """
    if site.node.is_publisher:
        return ()
    publisher = site.settings.cluster.publisher
    recovery = Keystore(site).trusted(publisher, Unit.ITL_RECOVERY)
    if recovery is None:
        return ()
    reason = f"The signer of resets, {recovery.subject_name}, is not in the held list."
    return tuple(
        Refusal(kept, reason)
        for kept in held
        if recovery.der not in signers_of_any([kept])
    )


def _older_key(site: Site, target: Candidate, served: Kept) -> tuple[Refusal, ...]:
    """The served list, if it is in the way because it names a later recovery key."""
    named = recovery_record(target.trust_list)
    if named is None or not named.certificate:
        return ()
    recovery = site.backends.keys().read_certificate(named.certificate)
    try:
        require_not_older(site, recovery, served.trust_list)
    except RefusedError as refusal:
        return (Refusal(served, f"{refusal.message}."),)
    return ()
