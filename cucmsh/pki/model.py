"""What a certificate says, as plain values. Parses nothing, imports no cryptography."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha1, sha256
from typing import NamedTuple


class Unit(StrEnum):
    """The certificate units of a node, spelled as the CLI spells them."""

    TOMCAT = "tomcat"
    IPSEC = "ipsec"
    ITL_RECOVERY = "ITLRecovery"
    CALL_MANAGER = "CallManager"
    CAPF = "CAPF"
    TVS = "TVS"


class Certificate(NamedTuple):
    """One X.509 certificate.

    Attributes:
        der: the certificate itself.
        subject_name: attributes CN, OU, O, L, ST, C in that order, joined by ``;``
            (docs/formats.md#names).
        issuer_name: the same for the issuer.
        serial: minimal big-endian magnitude, without the DER sign byte.
        public_key: PKCS#1 RSAPublicKey DER; an uncompressed point for EC.
        signature: the bits of the certificate's own signature.
        key_bits: size of the public key in bits.
        key_type: ``RSA`` or ``EC``.
        signature_algorithm: for people, e.g. ``SHA256withRSA (1.2.840...)``.
        not_before: start of validity, UTC.
        not_after: end of validity, UTC.
    """

    der: bytes
    subject_name: str
    issuer_name: str
    serial: bytes
    public_key: bytes
    signature: bytes
    key_bits: int
    key_type: str
    signature_algorithm: str
    not_before: datetime
    not_after: datetime

    @property
    def common_name(self) -> str:
        """The CN of the subject, or an empty string."""
        for part in self.subject_name.split(";"):
            if part.startswith("CN="):
                return part[3:]
        return ""

    @property
    def is_self_signed(self) -> bool:
        return self.subject_name == self.issuer_name

    @property
    def sha1_fingerprint(self) -> bytes:
        """SHA-1 of the DER, 20 bytes: what lists and phones show."""
        return sha1(self.der, usedforsecurity=False).digest()

    @property
    def sha256_fingerprint(self) -> bytes:
        """SHA-256 of the DER, 32 bytes: what a person compares."""
        return sha256(self.der).digest()

    def has_expired(self, now: datetime) -> bool:
        return now > self.not_after
