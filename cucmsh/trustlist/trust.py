"""Would a holder of one list take another (docs/formats.md#phones)?

Asks no TVS: what one would answer is an argument (``vouched``), and without it a
holder that refuses here may still be helped by one. Trust comes from the held list
alone, never from the offered one. Phones compare no timestamps, so an
older list that is signed well is accepted, here as there.

Decided: a *blank* held list is one without any key. A list whose SAST records stay
while its TFTP and TVS entries are empty may be blank to a phone too (its bytes are
unknown, docs/formats.md#unknown); calling it blank here could call a lost phone safe,
so it is judged by its SAST records.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha1
from typing import NamedTuple

from cucmsh.trustlist.check import SignatureClaim, Verifier, claim_of
from cucmsh.trustlist.model import Record, TrustList, colons, name_parts
from cucmsh.trustlist.tags import Digest, RecordTag, Role, role_label


class TrustVerdict(NamedTuple):
    """``reason`` is one sentence for an administrator, whatever the answer.

    ``signer`` is the offered list's record of its signer, if the list is consistent.
    ``tvs_may_help`` is true of a refusal that a TVS of the held ITL could turn, and
    ``by_tvs`` of what is taken because of one.
    """

    accepted: bool
    reason: str
    signer: Record | None
    tvs_may_help: bool = False
    by_tvs: bool = False


def judge(
    held: TrustList | None,
    offered: TrustList,
    verifier: Verifier,
    *,
    tftp_may_sign: bool = False,
    vouched: Collection[bytes] = (),
) -> TrustVerdict:
    """Say whether a phone that holds ``held`` takes ``offered``.

    Args:
        held: the list it holds; ``None`` for a phone that holds none.
        offered: the list it is given.
        verifier: does the operation with the key.
        tftp_may_sign: let the held TFTP and CCM+TFTP records vouch for a signer too
            (a Cisco note says that they do, certutils that they do not).
        vouched: certificates (DER) for which a TVS of the held list answers; empty for
            a phone that none answers. Previews use it. ``keep_trust`` never does: a TVS
            that answers us need not answer phones.
    """
    return judge_holder(
        None,
        held,
        claim_of(offered),
        verifier,
        tftp_may_sign=tftp_may_sign,
        vouched=vouched,
    )


def judge_holder(  # noqa: PLR0913 - what a phone has, and what it is given
    ctl: TrustList | None,
    itl: TrustList | None,
    offered: SignatureClaim,
    verifier: Verifier,
    *,
    tftp_may_sign: bool = False,
    vouched: Collection[bytes] = (),
) -> TrustVerdict:
    """``judge`` for a phone that may hold a CTL too, which it asks first.

    What is offered comes as ``claim_of`` it, which can be kept where many phones are
    given one list; CTL or ITL, it is judged by both. The TVS is one that the held ITL
    names, since a CTL names none (docs/formats.md#phones). A phone that holds lists is
    blank only if all of them are.
    """
    is_valid, fault, signer = offered.verdict(verifier)
    if not is_valid or signer is None:
        return TrustVerdict(
            accepted=False, reason=f"The new list is not valid: {fault}.", signer=None
        )
    held = [each for each in (ctl, itl) if each is not None]
    reason = ""
    if not held:
        reason = "The first list is taken on faith."
    elif all(each.is_blank for each in held):
        reason = "The held list is blank, so any list is taken."
    if reason:
        return TrustVerdict(accepted=True, reason=reason, signer=signer)
    name = signer.find(RecordTag.ISSUER_NAME), signer.serial
    refusal, is_conflict = "", False
    for each in held:
        is_conflict = _has_another_key(each, name, signer.public_key)
        if is_conflict:
            refusal = (
                f"The held list knows the signer {signer.subject_name} with another "
                "key."
            )
            break
        fault = _refusal(each, signer, tftp_may_sign=tftp_may_sign)
        if not fault:
            reason = f"The held list trusts the signer {signer.subject_name}."
            return TrustVerdict(accepted=True, reason=reason, signer=signer)
        refusal = refusal or fault
    may_ask = bool(signer.certificate) and names_tvs(itl) and not is_conflict
    if may_ask and signer.certificate in vouched:
        reason = f"A TVS of the held list trusts the signer {signer.subject_name}."
        return TrustVerdict(accepted=True, reason=reason, signer=signer, by_tvs=True)
    return TrustVerdict(
        accepted=False, reason=refusal, signer=signer, tvs_may_help=may_ask
    )


def names_tvs(itl: TrustList | None) -> bool:
    """Whether a holder of this ITL may ask any TVS at all."""
    return itl is not None and Role.TVS in itl.roles


def is_tvs_of(itl: TrustList | None, certificate: bytes) -> bool:
    """Whether a server with this certificate is a TVS to a holder of the list.

    A record of role 21 has the very certificate, or its hash (docs/formats.md#phones).
    Nobody else is ever asked about it.

    Args:
        itl: the ITL that a phone holds; ``None`` for none.
        certificate: DER, as the server showed it.
    """
    return itl is not None and any(
        record.role == Role.TVS and _carries(record, certificate)
        for record in itl.records
    )


def _refusal(held: TrustList, signer: Record, *, tftp_may_sign: bool) -> str:
    """Why the held list does not vouch for the signer; empty if it does."""
    name = signer.subject_name
    if signer.certificate is None:
        return f"The new list does not carry the certificate of its signer {name}."
    # The key of the offered record is only said to be the certificate's, so it must be
    # the one that the held record has: nothing else ties it to what is trusted.
    roles = [
        record.role
        for record in held.by_key.get(signer.public_key, ())
        if _carries(record, signer.certificate)
    ]
    if not roles:
        return unknown_signer(held, name, signer.serial)
    may_sign: set[int | None] = {Role.SAST}
    if tftp_may_sign:
        may_sign |= {Role.TFTP, Role.CCM_TFTP}
    if may_sign.isdisjoint(roles):
        labels = ", ".join(role_label(-1 if role is None else role) for role in roles)
        return (
            f"The held list knows the signer {name} only as {labels}, "
            "which may not sign lists."
        )
    return ""


def unknown_signer(held: TrustList, name: str, serial: bytes) -> str:
    """Why a signer is a stranger to the held list, one sentence.

    A certificate that was made anew keeps its name, so the serial numbers of others of
    that name are told. Names that differ in separators and order are the same here, for
    writers differ in that; nothing is decided by it.

    Args:
        held: the list, which does not hold the signer's certificate.
        name: the signer's, as the offered list or file writes it.
        serial: that of its certificate.
    """
    stranger = f"The signer {name} is not in the held list."
    namesakes = held.by_subject.get(name_parts(name)) if name else None
    if namesakes is None:
        return stranger
    known, spelled = namesakes.serials, namesakes.spelled.get(serial)
    if spelled is not None:
        if name not in spelled:
            return (
                f"The signer is called {name}, and in the held list "
                f"{' or '.join(sorted(spelled))}: names may be compared as they are "
                "written."
            )
        known = colons(namesakes.spelled.keys() - {serial})
    if not known:
        return stranger
    return (
        f"The signer {name} (serial {serial.hex(':').upper()}) is not in the held "
        f"list, which knows another certificate of that name (serial {known})."
    )


def is_same_name(one: str, other: str) -> bool:
    """Whether two names are one, however their writers join and order the parts."""
    return name_parts(one) == name_parts(other)


def _has_another_key(
    held: TrustList, name: tuple[bytes | None, bytes], key: bytes | None
) -> bool:
    return any(
        record.public_key not in (None, key) for record in held.by_name.get(name, ())
    )


def _carries(record: Record, certificate: bytes) -> bool:
    """The record has this certificate, or the hash of it."""
    if record.certificate is not None:
        return record.certificate == certificate
    return (
        record.hash_algorithm == Digest.SHA1
        and record.certificate_hash == sha1(certificate, usedforsecurity=False).digest()
    )
