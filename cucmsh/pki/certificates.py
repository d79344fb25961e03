"""Reads certificates and makes self-signed ones. Opens no file, keeps no key.

The profile of each unit is that of a genuine CUCM (docs/formats.md#certificates): v3,
no critical extension, the name in the order C, O, OU, CN, ST, L, five years less one
second. Signed with SHA-256 always (docs/decisions/016).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from cucmsh.errors import CertificateError
from cucmsh.names import format_subject, read_subject
from cucmsh.pki.ber import Value, decode
from cucmsh.pki.keys import PrivateKey
from cucmsh.pki.model import Certificate, Unit
from cucmsh.release import DEFAULT_RELEASE, profile_of

VALIDITY_DAYS = profile_of(DEFAULT_RELEASE).days
# All there are (RFC 5280 section 4.2.1.3); a unit's profile says which are set.
KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment"),
    *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
    *("encipher_only", "decipher_only"),
)
DER_ORDER = ("C", "O", "OU", "CN", "ST", "L")
OIDS = {
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
}
KINDS = {oid: kind for kind, oid in OIDS.items()}
# The characters of a PrintableString (X.680 section 41.4); an underscore is none, so
# CUCM writes such a value as a T61String (docs/formats.md#names).
PRINTABLE = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?"
)


def _attribute(kind: str, value: str) -> x509.NameAttribute[str]:
    printable = PRINTABLE.issuperset(value)
    if not value.isascii():
        return x509.NameAttribute(OIDS[kind], value)
    tag = _ASN1Type.PrintableString if printable else _ASN1Type.T61String
    return x509.NameAttribute(OIDS[kind], value, _type=tag)


def written_name(attributes: dict[str, str]) -> x509.Name:
    """The name of these attributes, in the order and encoding of a genuine CUCM.

    Raises:
        CertificateError: it cannot be written.
    """
    try:
        return x509.Name(
            [_attribute(k, attributes[k]) for k in DER_ORDER if k in attributes]
        )
    except ValueError as problem:
        raise CertificateError(
            f"the subject {format_subject(attributes)!r} cannot be written: {problem}",
            "Shorten or correct [cluster] subject and the node's name.",
        ) from problem


def key_usage_of(unit: Unit, without: str = "") -> x509.KeyUsage:
    """The usages that certificates of that unit say, but for ``without``."""
    usages = unit.profile.key_usage - {without}
    return x509.KeyUsage(**{usage: usage in usages for usage in KEY_USAGES})


def extended_key_usage_of(unit: Unit) -> x509.ExtendedKeyUsage:
    """The purposes that certificates of that unit say."""
    return x509.ExtendedKeyUsage(
        [x509.ObjectIdentifier(oid) for oid in unit.profile.extended_key_usage]
    )


def _serial_number() -> int:
    # 16 bytes with the top bit clear and the first byte never zero, as CUCM's are.
    raw = bytearray(token_bytes(16))
    raw[0] = (raw[0] & 0x3F) | 0x40
    return int.from_bytes(raw)


def make_certificate(  # noqa: PLR0913 - what a certificate says
    key: PrivateKey,
    unit: Unit,
    common_name: str,
    subject: str,
    now: datetime,
    *,
    days: int = VALIDITY_DAYS,
) -> Certificate:
    """A self-signed certificate for ``unit``.

    Args:
        key: the key it belongs to, which signs it.
        unit: whose profile it gets.
        common_name: the CN, e.g. ``ITLRECOVERY_test10pub.joemar2.lab``.
        subject: the rest of the name, e.g. ``OU=tac;O=cisco;L=rtp;ST=nc;C=US``.
        now: start of validity, UTC.
        days: how long it is valid, less a second.

    Raises:
        NamingError: the subject is none.
        CertificateError: the name cannot be written into a certificate.
    """
    name = written_name({"CN": common_name, **read_subject(subject)})
    start = now.astimezone(UTC).replace(microsecond=0)
    public_key = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days, seconds=-1))
        .add_extension(key_usage_of(unit), critical=False)
        .add_extension(extended_key_usage_of(unit), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
        )
    )
    certificate = builder.sign(key, hashes.SHA256())
    return read_certificate(certificate.public_bytes(Encoding.DER))


def read_certificate(raw: bytes) -> Certificate:
    """The certificate in ``raw``, DER or PEM.

    Raises:
        CertificateError: the bytes are no certificate, or hold a key of a kind that
            no trust list knows.
    """
    try:
        with quiet():
            return _values(_load(raw))
    except CertificateError:
        raise
    # The bytes are anybody's: a record of a list, what another node sent. The library
    # refuses them with ValueError and TypeError, but also with classes of its own
    # (InvalidVersion), which are no ValueError, and may do so with others.
    except Exception as problem:
        raise CertificateError(
            f"these bytes are no certificate: {problem}",
            "A certificate is one PEM block or plain DER.",
        ) from problem


def _values(parsed: x509.Certificate) -> Certificate:
    key = listed_key(parsed.public_key())
    subject_name, issuer_name = _names(parsed)
    return Certificate(
        der=parsed.public_bytes(Encoding.DER),
        subject_name=subject_name,
        issuer_name=issuer_name,
        serial=_serial(parsed.serial_number),
        public_key=key.field,
        signature=parsed.signature,
        key_bits=key.bits,
        key_type=key.kind,
        signature_algorithm=_algorithm(parsed),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
    )


class ListedKey(NamedTuple):
    """A public key as a record has it: its kind, the PUBLICKEY field, its bits."""

    kind: str
    field: bytes
    bits: int


def listed_key(key: PublicKeyTypes) -> ListedKey:
    """``key`` as a record has it (docs/formats.md#record).

    Records hold keys of both kinds; which of them can sign is ``keys``' business.

    Raises:
        CertificateError: no record holds such a key.
    """
    if isinstance(key, rsa.RSAPublicKey):
        field = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        return ListedKey("RSA", field, key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        field = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return ListedKey("EC", field, key.key_size)
    raise CertificateError("the certificate's key is neither RSA nor EC")


def _serial(number: int) -> bytes:
    """Without DER's sign byte; of a negative number the bytes that DER has."""
    if number < 0:
        return number.to_bytes((number + 1).bit_length() // 8 + 1, signed=True)
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))


def _names(parsed: x509.Certificate) -> tuple[str, str]:
    """Subject and issuer.

    cryptography takes a T61String for UTF-8 and refuses others; what is there in
    practice is Latin-1 (openssl and certtool read it so). pyasn1 does, too.
    """
    try:
        return _cucm_name(parsed.subject), _cucm_name(parsed.issuer)
    except ValueError:
        # Serial number and version are numbers, so the first lists of what is signed
        # are: algorithm, issuer, validity, subject (RFC 5280 section 4.1).
        signed, _ = decode(parsed.tbs_certificate_bytes)
        lists = [part for part in signed if isinstance(part, list)]
        return _stored_name(lists[3]), _stored_name(lists[1])


def _stored_name(name: Value) -> str:
    first: dict[str, str] = {}
    for attributes in name:
        for oid, value in attributes:
            kind = KINDS.get(x509.ObjectIdentifier(oid))
            if kind and kind not in first:
                first[kind] = str(value)
    return format_subject(first)


def _cucm_name(name: x509.Name) -> str:
    first: dict[str, str] = {}
    for attribute in name:
        kind = KINDS.get(attribute.oid)
        value = attribute.value
        if kind and kind not in first:
            first[kind] = value if isinstance(value, str) else value.decode("latin-1")
    return format_subject(first)


def _algorithm(parsed: x509.Certificate) -> str:
    oid = parsed.signature_algorithm_oid.dotted_string
    kind = "ECDSA" if oid.startswith("1.2.840.10045") else "RSA"
    try:
        digest = parsed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return f"unknown ({oid})"
    name = digest.name.upper() if digest else "none"
    return f"{name}with{kind} ({oid})"


def to_pem(certificate: Certificate) -> bytes:
    """The certificate as one PEM block, ASCII, 64 characters a line."""
    with quiet():
        return _load(certificate.der).public_bytes(Encoding.PEM)


@contextmanager
def quiet() -> Iterator[None]:
    """Let the library warn nobody of a negative or zero serial number.

    It does so when such a certificate is loaded and when its number is asked for, and
    says that it will raise one day: the tests will tell.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _load(raw: bytes) -> x509.Certificate:
    if raw.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(raw)
    return x509.load_der_x509_certificate(raw)
