"""What holders of other lists judge a list by, made once for all of them.

Decides nothing: whether a holder takes the list is :mod:`cucmsh.trustlist.trust`'s
question, whether it is sound :mod:`cucmsh.trustlist.check`'s.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple

from cucmsh.trustlist.check import SignatureClaim, claim_of
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import RecordTag


def sha1_of(certificate: bytes) -> bytes:
    """The hash of a certificate (DER), as records without it have it."""
    return sha1(certificate, usedforsecurity=False).digest()


class SignerSays(NamedTuple):
    """What holders of other lists look a signer up by, out of its record.

    Attributes:
        record: the record.
        name: issuer and serial number, byte for byte.
        key: the PUBLICKEY field, or ``None``.
        keys: that key and ``None``: what records of its name may have.
        certificate: DER, or ``None``.
        sha1: of the certificate, as records without it have it.
    """

    record: Record
    name: tuple[bytes | None, bytes]
    key: bytes | None
    keys: frozenset[bytes | None]
    certificate: bytes | None
    sha1: bytes

    @classmethod
    def of(cls, record: Record) -> SignerSays:
        """That of a record."""
        name = record.find(RecordTag.ISSUER_NAME), record.serial
        key, certificate = record.public_key, record.certificate
        keys = frozenset((key, None))
        return cls(record, name, key, keys, certificate, sha1_of(certificate or b""))


class Offer(NamedTuple):
    """All of a list that its judgement needs, but for the operation with the key.

    Whoever offers one list to many holders keeps this.

    Attributes:
        claim: what the list says of its signature.
        signer: what it says of its signer; ``None`` beside a fault of the claim.
    """

    claim: SignatureClaim
    signer: SignerSays | None

    @classmethod
    def of(cls, offered: TrustList) -> Offer:
        """That of a list."""
        claim = claim_of(offered)
        if claim.fault or claim.signer is None:
            return cls(claim, None)
        return cls(claim, SignerSays.of(claim.signer))
