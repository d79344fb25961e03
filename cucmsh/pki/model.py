"""Certificates and the units they belong to, as plain values.

Parses nothing, imports no cryptography. What is particular to a unit stands in one
table here: a new one is a member of ``Unit``, and an entry if it differs.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha1, sha256
from typing import NamedTuple

# Purposes of a key (RFC 5280 section 4.2.1.12; the last one is RFC 2459's).
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
IPSEC_END_SYSTEM = "1.3.6.1.5.5.7.3.5"


class Unit(StrEnum):
    """The certificate units of a node, spelled as the CLI spells them."""

    TOMCAT = "tomcat"
    IPSEC = "ipsec"
    ITL_RECOVERY = "ITLRecovery"
    CALL_MANAGER = "CallManager"
    CAPF = "CAPF"
    TVS = "TVS"

    @property
    def profile(self) -> UnitProfile:
        return _PROFILES.get(self, UnitProfile())


class UnitProfile(NamedTuple):
    """Which nodes have a unit, and what its certificates say.

    See docs/formats.md#certificates and docs/cli.md#certificates-of-a-node.

    Attributes:
        common_name: the CN; ``{host}`` stands for the node's full name, ``{digits}``
            for eight hex digits that are new each time.
        key_usage: the bits that are set, as ``cryptography`` spells them.
        extended_key_usage: object identifiers, dotted, in this order.
        service: the service whose nodes have the unit; empty: all members have it.
    """

    common_name: str = "{host}"
    key_usage: frozenset[str] = frozenset(
        (
            *("digital_signature", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign"),
        )
    )
    extended_key_usage: tuple[str, ...] = (SERVER_AUTH, CLIENT_AUTH, IPSEC_END_SYSTEM)
    service: str = ""


_PROFILES = {
    Unit.CAPF: UnitProfile(
        common_name="CAPF-{digits}",
        key_usage=frozenset(("digital_signature", "key_encipherment", "key_cert_sign")),
        extended_key_usage=(SERVER_AUTH, IPSEC_END_SYSTEM),
        service="capf",
    ),
    Unit.ITL_RECOVERY: UnitProfile(
        common_name="ITLRECOVERY_{host}",
        key_usage=UnitProfile().key_usage - {"key_cert_sign"},
        extended_key_usage=(SERVER_AUTH, CLIENT_AUTH),
    ),
}


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
