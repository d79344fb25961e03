"""Lists and signed files put together byte by byte, honest ones and others.

No line of the product's encoder: what it would refuse to write is written here, and
signed all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.SHA1(),
    2: hashes.SHA256(),
    3: hashes.SHA512(),
}
START = datetime(2024, 1, 1, tzinfo=UTC)
ITL, CTL = "ITLFile.tlv", "CTLFile.tlv"


class Identity(NamedTuple):
    """A key with a certificate, and how lists spell its name."""

    key: rsa.RSAPrivateKey
    der: bytes
    name: str
    serial: bytes
    public: bytes
    signature: bytes

    @property
    def spelled(self) -> bytes:
        return self.name.encode() + b"\0"


def identity(name: str, serial: int, key: rsa.RSAPrivateKey) -> Identity:
    """A self-signed one; ``name`` is a CN, the serial number has 8 bytes."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number((1 << 62) + serial)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1825))
        .sign(key, hashes.SHA256())
    )
    return Identity(
        key,
        made.public_bytes(Encoding.DER),
        f"CN={name}",
        ((1 << 62) + serial).to_bytes(8),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1),
        made.signature,
    )


def tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + len(value).to_bytes(2) + value


def record(
    role: int, who: Identity, form: str = "full", *, public: bytes = b""
) -> bytes:
    """A record; ``form`` is full, hash, or nothing for one without either.

    Args:
        role: its code.
        who: whose certificate.
        form: how the certificate stands in it.
        public: another PUBLICKEY than the certificate's.
    """
    fields = [
        tlv(2, b" \0"),
        tlv(3, who.spelled),
        tlv(4, role.to_bytes(2)),
        tlv(5, who.spelled),
        tlv(6, who.serial),
        tlv(7, public or who.public),
        tlv(8, who.signature),
    ]
    if form == "full":
        fields.append(tlv(9, who.der))
    elif form == "hash":
        fields += [tlv(11, hashlib.sha1(who.der).digest()), tlv(12, b"\1")]
    return framed(fields)


def blank_record(role: int, *more: bytes) -> bytes:
    return framed([tlv(2, b" \0"), tlv(4, role.to_bytes(2)), *more])


def framed(fields: Iterable[bytes]) -> bytes:
    body = b"".join(fields)
    return tlv(1, (len(body) + 5).to_bytes(2)) + body


def signed(
    body: bytes,
    signer: Identity,
    *,
    name: str = ITL,
    version: bytes = b"\1\2",
    digest: int = 1,
    algorithm: int = 0,
    length_lie: int = 0,
    key: rsa.RSAPrivateKey | None = None,
) -> bytes:
    """A header and what stands behind it.

    Args:
        body: the records of a list, or the plain file.
        signer: whom the header names.
        name: FILENAME.
        version: of tag 1: 1.0 heads a signed file.
        digest: the code; one that is unknown is made with SHA-1.
        algorithm: the code.
        length_lie: bytes that HeaderLength is off by.
        key: who really signs, if it is somebody else.
    """
    key = key or signer.key
    size = key.key_size // 8
    size_class = {128: 1, 256: 2, 512: 3}[size]
    middle = tlv(
        3, tlv(4, signer.spelled) + tlv(5, signer.serial) + tlv(6, signer.spelled)
    ) + tlv(
        7,
        tlv(8, bytes((digest,)))
        + tlv(9, tlv(10, bytes((algorithm,))) + tlv(11, bytes((size_class,)))),
    )
    after = tlv(14, name.encode() + b"\0") + tlv(15, bytes(4))
    whole = 10 + len(middle) + 3 + size + len(after)
    after += b"\x0d" * (-whole % 4)
    whole += -whole % 4
    before = tlv(1, version) + tlv(2, (whole + length_lie).to_bytes(2)) + middle
    signature = key.sign(
        before + after + body, padding.PKCS1v15(), HASHES.get(digest, HASHES[1])
    )
    return before + tlv(12, signature) + after + body
