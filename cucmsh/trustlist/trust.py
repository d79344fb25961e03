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

from cucmsh.trustlist.check import Verifier, check
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import Digest, RecordTag, Role, role_label


class TrustVerdict(NamedTuple):
    """``reason`` is one sentence for an administrator, whatever the answer.

    ``signer`` is the offered list's record of its signer, if the list is consistent.
    """

    accepted: bool
    reason: str
    signer: Record | None


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
    is_valid, fault, signer = check(offered, verifier)
    if not is_valid or signer is None:
        return TrustVerdict(
            accepted=False, reason=f"The new list is not valid: {fault}.", signer=None
        )
    if held is None:
        return TrustVerdict(
            accepted=True, reason="The first list is taken on faith.", signer=signer
        )
    if all(record.public_key is None for record in held.records):
        return TrustVerdict(
            accepted=True,
            reason="The held list is blank, so any list is taken.",
            signer=signer,
        )
    refusal = _refusal(held, signer, tftp_may_sign=tftp_may_sign)
    if refusal and _is_vouched_for(held, signer, vouched):
        reason = f"A TVS of the held list trusts the signer {signer.subject_name}."
        return TrustVerdict(accepted=True, reason=reason, signer=signer)
    if refusal:
        return TrustVerdict(accepted=False, reason=refusal, signer=signer)
    return TrustVerdict(
        accepted=True,
        reason=f"The held list trusts the signer {signer.subject_name}.",
        signer=signer,
    )


def _refusal(held: TrustList, signer: Record, *, tftp_may_sign: bool) -> str:
    """Why the held list does not vouch for the signer; empty if it does."""
    name = signer.subject_name
    if signer.certificate is None:
        return f"The new list does not carry the certificate of its signer {name}."
    if any(_has_another_key(record, signer) for record in held.records):
        return f"The held list knows the signer {name} with another key."
    roles = [
        record.role for record in held.records if _is_same_certificate(record, signer)
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
    named = [
        record for record in held.records if _parts(record.subject_name) == _parts(name)
    ]
    spelled = {record.subject_name for record in named if record.serial == serial}
    if name and spelled and name not in spelled:
        return (
            f"The signer is called {name}, and in the held list "
            f"{' or '.join(sorted(spelled))}: names may be compared as they are "
            "written."
        )
    others = {record.serial for record in named if record.serial != serial}
    if not name or not others:
        return f"The signer {name} is not in the held list."
    known = ", ".join(sorted(other.hex(":").upper() for other in others))
    return (
        f"The signer {name} (serial {serial.hex(':').upper()}) is not in the held "
        f"list, which knows another certificate of that name (serial {known})."
    )


def _parts(name: str) -> list[str]:
    return sorted(part.strip() for part in name.replace(",", ";").split(";"))


def _is_vouched_for(
    held: TrustList, signer: Record, vouched: Collection[bytes]
) -> bool:
    """A phone asks about a signer that it does not know, and only a TVS of its list."""
    return (
        signer.certificate in vouched
        and any(record.role == Role.TVS for record in held.records)
        and not any(_has_another_key(record, signer) for record in held.records)
    )


def _has_another_key(record: Record, signer: Record) -> bool:
    return (
        record.public_key is not None
        and record.public_key != signer.public_key
        and record.serial == signer.serial
        and record.find(RecordTag.ISSUER_NAME) == signer.find(RecordTag.ISSUER_NAME)
    )


def _is_same_certificate(record: Record, signer: Record) -> bool:
    """Same bytes, or the held hash of them, and the same key beside them.

    The key of the offered record is only said to be the certificate's, so it must be
    the one that the held record has: nothing else ties it to what is trusted.
    """
    certificate = signer.certificate
    if certificate is None or record.public_key != signer.public_key:
        return False
    if record.certificate is not None:
        return record.certificate == certificate
    return (
        record.hash_algorithm == Digest.SHA1
        and record.certificate_hash == sha1(certificate, usedforsecurity=False).digest()
    )
