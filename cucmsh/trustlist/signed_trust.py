"""Would a phone that holds a list take a signed file?

See docs/formats.md#signed-files, #phones.

Trust comes from the held list alone: the signer must be one of its records with role
TFTP or CCM+TFTP, whole certificate and all; a security token alone signs no
configuration. Asks no TVS: a phone that refuses here may still be helped by one.

Decided: issuer and serial number are compared byte for byte with the record's, as
within one list, because nothing else in the file names the signer; a name spelled in
another writer's way is a stranger. FILENAME must be the name that was asked for.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.trustlist.certificates import frame_mismatch
from cucmsh.trustlist.check import (
    Verifier,
    algorithm_fault,
    signature_fault,
    signers_of,
)
from cucmsh.trustlist.encode import CertificateFields
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS, SignedFile
from cucmsh.trustlist.tags import Role, role_label
from cucmsh.trustlist.trust import names_tvs, unknown_signer


class SignedVerdict(NamedTuple):
    """``reason`` is one sentence for an administrator, whatever the answer.

    ``signer`` is the held list's record of the signer, if it has just one.
    ``tvs_may_help`` is true of a refusal that a TVS of the held ITL could turn.
    """

    accepted: bool
    reason: str
    signer: Record | None
    tvs_may_help: bool = False


def judge_signed(
    held: TrustList, offered: SignedFile, verifier: Verifier, *, path: str = ""
) -> SignedVerdict:
    """Say whether a phone that holds ``held`` takes the file by itself.

    Args:
        held: the list it holds.
        offered: the file it is given.
        verifier: does the operation with the key.
        path: what it asked for; empty if that is not known.
    """
    return judge_signed_holder(None, held, offered, verifier, path=path)


def judge_signed_holder(  # noqa: PLR0913 - what a phone has, and what it is given
    ctl: TrustList | None,
    itl: TrustList | None,
    offered: SignedFile,
    verifier: Verifier,
    *,
    path: str = "",
    vouched: CertificateFields | None = None,
) -> SignedVerdict:
    """``judge_signed`` for a phone that may hold a CTL too, which it asks first.

    The first of its lists that knows the signer decides. If none does, a TVS that the
    held ITL names may be asked for the certificate.

    Args:
        ctl: the CTL that it holds, or ``None``.
        itl: the ITL that it holds, or ``None``.
        offered: the file it is given.
        verifier: does the operation with the key.
        path: what it asked for; empty if that is not known.
        vouched: what a TVS of the held ITL answers for the signer, as one that may sign
            configuration; ``None`` if none was asked, or none knows it.
    """
    held = [each for each in (ctl, itl) if each is not None]
    for each in held:
        signers = signers_of(offered.header.by_tag, each.records, CONFIGURATION_SIGNERS)
        if signers:
            return _judge_by_record(signers, offered, verifier, path)
    refusal = _unknown(held[-1], offered) if held else "The phone holds no list."
    if not names_tvs(itl):
        return SignedVerdict(accepted=False, reason=refusal, signer=None)
    if vouched is None:
        return SignedVerdict(
            accepted=False, reason=refusal, signer=None, tvs_may_help=True
        )
    fault = _vouched_fault(held, offered, verifier, vouched) or _name_fault(
        offered, path
    )
    name = offered.header.signer_name
    reason = fault or f"A TVS of the held list trusts the signer {name}."
    return SignedVerdict(accepted=not fault, reason=reason, signer=None)


def _judge_by_record(
    signers: list[Record], offered: SignedFile, verifier: Verifier, path: str
) -> SignedVerdict:
    keys = {(record.public_key, record.certificate) for record in signers}
    if len(keys) > 1:
        reason = "The held list has the signer twice, with different keys."
        return SignedVerdict(accepted=False, reason=reason, signer=None)
    signer = signers[0]
    fault = _fault(signer, offered, verifier)
    refusal = f"The file does not verify: {fault}." if fault else ""
    refusal = refusal or _name_fault(offered, path)
    reason = refusal or f"The held list trusts the signer {signer.subject_name}."
    return SignedVerdict(accepted=not refusal, reason=reason, signer=signer)


def _name_fault(offered: SignedFile, path: str) -> str:
    name = offered.header.file_name
    if path and name != path:
        return f"The file is named {name} inside, not {path}."
    return ""


def _vouched_fault(
    held: list[TrustList],
    offered: SignedFile,
    verifier: Verifier,
    vouched: CertificateFields,
) -> str:
    """Why the certificate that a TVS answered does not make the file good."""
    header = offered.header.by_tag
    if vouched.serial.lstrip(b"\0") != offered.header.serial.lstrip(b"\0"):
        return "The TVS answered with another certificate than the signer's."
    known = [
        record
        for each in held
        for record in signers_of(header, each.records, frozenset(Role))
    ]
    if any(record.public_key not in (None, vouched.public_key) for record in known):
        name = offered.header.signer_name
        return f"The held list knows the signer {name} with another key."
    fault = algorithm_fault(header) or signature_fault(
        offered.unsigned, header, vouched.public_key, verifier, "file"
    )
    return f"The file does not verify: {fault}." if fault else ""


def _unknown(held: TrustList, offered: SignedFile) -> str:
    """Why nobody in the list may have signed: a stranger, or without the role."""
    name = offered.header.signer_name
    others = signers_of(offered.header.by_tag, held.records, frozenset(Role))
    if not others:
        return unknown_signer(held, name, offered.header.serial)
    labels = ", ".join(role_label(record.role or 0) for record in others)
    return (
        f"The held list knows the signer {name} only as {labels}, "
        "which may not sign configuration."
    )


def _fault(signer: Record, offered: SignedFile, verifier: Verifier) -> str:
    if signer.certificate is None:
        return "the held list has no certificate of the signer"
    header = offered.header.by_tag
    return (
        algorithm_fault(header)
        or frame_mismatch((signer,))
        or signature_fault(
            offered.unsigned, header, signer.public_key or b"", verifier, "file"
        )
    )
