"""Would phones that hold any kept list take this one? The rule of ``keep_trust``.

Compose, the push to replicas, a reset and the member that a reset reaches ask it by
``who_refuses`` (docs/decisions/009): a list is fit to be served if a holder of *any*
kept list takes it directly, those left out whose phones a person gave up. That a TVS
answers us does not mean that it answers phones, so ``vouched`` of
``trustlist.trust.judge`` is never given here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from cucmsh.errors import CertificateError, RefusedError
from cucmsh.pki.model import Certificate
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.records.history import History, Kept
from cucmsh.services.site import Site
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge

TRUST_RELEASE = "utils itl trust release"


class Refusal(NamedTuple):
    """Holders of a kept list would not take what is offered, and why."""

    kept: Kept
    reason: str


def who_refuses(
    site: Site,
    offered: TrustList,
    history: History | None = None,
    *,
    agreed: Collection[str] = (),
) -> tuple[Refusal, ...]:
    """The kept lists whose holders would refuse ``offered``.

    It may be served if there are none.

    Args:
        site: this node; with its ``keep_trust`` off nobody is asked after.
        offered: what shall be served.
        history: the kept lists, with those that were found elsewhere considered; None
            for those that are on this node's disk.
        agreed: SHA-256 of kept lists whose holders a person was asked about already.
    """
    if not site.settings.keep_trust:
        return ()
    held = (history or History(site)).binding
    left = [kept for kept in held if kept.digests.sha256 not in agreed]
    return refusals(site, left, offered)


def refusals(
    site: Site, held: Iterable[Kept], offered: TrustList
) -> tuple[Refusal, ...]:
    """Which of these lists' holders would refuse ``offered``; for planning.

    Whether a list may be served is ``who_refuses``.
    """
    held = tuple(held)
    if not held:
        return ()
    verifier = site.backends.verifier()
    judged = ((kept, judge(kept.trust_list, offered, verifier)) for kept in held)
    return tuple(
        Refusal(kept, verdict.reason)
        for kept, verdict in judged
        if not verdict.accepted
    )


def describe(refused: tuple[Refusal, ...]) -> str:
    """Who would refuse, and why, as one sentence without a full stop at its end."""
    newest = refused[0]
    where = f" on {', '.join(newest.kept.nodes)}" if newest.kept.nodes else ""
    day = period(newest.kept)
    which = f"the ITL with MD5 {newest.kept.digests.md5}, served{where} {day}"
    if len(refused) > 1:
        which = f"one of {len(refused)} earlier ITLs, such as {which}"
    return f"phones that hold {which}, would refuse: {newest.reason.rstrip('.')}"


def refusal_lines(refused: tuple[Refusal, ...]) -> list[str]:
    """Each of the lists, how a phone shows it, where it lies, and why it is refused."""
    lines = []
    for kept, reason in refused:
        where = f", lies on {', '.join(kept.nodes)}" if kept.nodes else ""
        lines += [
            f"MD5 {kept.digests.md5}, served {period(kept)}{where}",
            f"SHA-1 {kept.digests.sha1}: {reason}",
        ]
    return lines


def period(kept: Kept) -> str:
    """From when to when it was served, for a sentence."""
    first, last = _day(kept.first), _day(kept.digests.last)
    return f"on {last}" if first == last else f"from {first} to {last}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def common_signers(held: Iterable[Kept]) -> set[bytes]:
    """The certificates (DER) that every one of the lists trusts to sign lists.

    Lists without any key are left out: their holders take everything.
    """
    sets = [
        {record.certificate for record in kept.trust_list.records if _may_sign(record)}
        for kept in held
        if any(record.public_key for record in kept.trust_list.records)
    ]
    shared = set.intersection(*sets) if sets else set()
    return {der for der in shared if der}


def signers_of_any(held: Iterable[Kept]) -> set[bytes]:
    """The certificates (DER) that at least one of the lists trusts to sign lists."""
    return {
        record.certificate
        for kept in held
        for record in kept.trust_list.records
        if _may_sign(record) and record.certificate
    }


def signers_of_files(held: Iterable[Kept]) -> set[bytes]:
    """The certificates (DER) that at least one of the lists trusts to sign files."""
    return {
        record.certificate
        for kept in held
        for record in kept.trust_list.records
        if record.role in CONFIGURATION_SIGNERS and record.certificate
    }


def _may_sign(record: Record) -> bool:
    return record.role == Role.SAST


def recovery_record(trust_list: TrustList) -> Record | None:
    """The ITLRECOVERY record, or None.

    It is the last SAST record whose certificate no TFTP record has: where there are
    two such, the first is an earlier key that signs the list.
    """
    serving = {
        record.certificate
        for record in trust_list.records
        if record.role in CONFIGURATION_SIGNERS
    }
    found = [
        record
        for record in trust_list.records
        if record.role == Role.SAST
        and record.certificate
        and record.certificate not in serving
    ]
    return found[-1] if found else None


def _is_from_elsewhere(
    site: Site, listed: Certificate, recovery: Certificate, served: TrustList
) -> bool:
    """Whether a list's recovery certificate is another tool's, as far as can be told.

    Either it is an adopted key's; or an adopted key may sign beside it, and its name is
    not that of this cluster's.
    """
    adopted = {key.certificate.der for key in Keystore(site).adopted()}
    if listed.der in adopted:
        return True
    tokens = {record.certificate for record in served.records if _may_sign(record)}
    return bool(adopted & tokens) and listed.subject_name != recovery.subject_name


def require_not_older(site: Site, recovery: Certificate, served: TrustList) -> None:
    """Refuse a recovery key that is older than the one that the served list names.

    Such a key file comes from a backup: phones were told of a later key since, and that
    key is the one to bring back. Not so where the list is of another tool whose key was
    adopted: its recovery key is none of this cluster.

    Raises:
        RefusedError: names the command that helps.
    """
    named = recovery_record(served)
    if named is None or not named.certificate or named.certificate == recovery.der:
        return
    try:
        listed = site.backends.keys().read_certificate(named.certificate)
    except CertificateError:
        return
    if recovery.not_before >= listed.not_before:
        return
    if _is_from_elsewhere(site, listed, recovery, served):
        return
    if site.node.is_publisher:
        advice = (
            "Run `utils itl reset remotekey` with the latest saved ITLRecovery.p12 "
            f"(`{TRUST_RELEASE}` gives up the phones that hold the served list)."
        )
        what = "the key file ITLRecovery.p12"
    else:
        advice = "Run `utils itl reset localkey` on the publisher."
        what = "the ITLRecovery certificate that was brought here"
    raise RefusedError(
        f"{what} is of {recovery.not_before:%Y-%m-%d %H:%M:%S}, older than the "
        f"ITLRECOVERY record of the served ITL ({listed.not_before:%Y-%m-%d %H:%M:%S})",
        advice,
    )
