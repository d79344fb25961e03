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
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS, SignedFile
from cucmsh.trustlist.tags import Role, role_label
from cucmsh.trustlist.trust import unknown_signer


class SignedVerdict(NamedTuple):
    """``reason`` is one sentence for an administrator, whatever the answer.

    ``signer`` is the held list's record of the signer, if it has just one.
    """

    accepted: bool
    reason: str
    signer: Record | None


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
    header = offered.header
    signers = signers_of(header.by_tag, held.records, CONFIGURATION_SIGNERS)
    keys = {(record.public_key, record.certificate) for record in signers}
    refusal, signer = "", None
    if not signers:
        refusal = _unknown(held, offered)
    elif len(keys) > 1:
        refusal = "The held list has the signer twice, with different keys."
    else:
        signer = signers[0]
        fault = _fault(signer, offered, verifier)
        if fault:
            refusal = f"The file does not verify: {fault}."
        elif path and header.file_name != path:
            refusal = f"The file is named {header.file_name} inside, not {path}."
    if refusal:
        return SignedVerdict(accepted=False, reason=refusal, signer=signer)
    name = signer.subject_name if signer else ""
    reason = f"The held list trusts the signer {name}."
    return SignedVerdict(accepted=True, reason=reason, signer=signer)


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
