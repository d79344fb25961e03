"""Lists, signed files and key files as other tools make them; no line of the product.

Two dialects (docs/formats.md#dialects): certutils 4 writes tag 28, SIGNERID as name,
CA, serial, names joined with ``,`` in the certificate's order, and records without
DNSNAME; a CUCM writes no tag 28, SIGNERID as name, serial, CA, names joined with ``;``
in one fixed order, and a DNSNAME. The keys are real and made once a process.
"""

from __future__ import annotations

import functools
import itertools
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

SAST, CCM, CCM_TFTP, TFTP, CAPF, APPLICATION, TVS = 0, 1, 2, 3, 4, 7, 21
MADE = datetime(2014, 1, 1, tzinfo=UTC)
TIME = int(MADE.timestamp())
DIGESTS = {"sha1": (1, hashes.SHA1()), "sha512": (3, hashes.SHA512())}
SIZE_CLASSES = {64: 0, 128: 1, 256: 2, 512: 3}  # bytes of a signature
CUCM_ORDER = ("CN", "OU", "O", "L", "ST", "C")
# In the order in which a tool's certificates have them.
CERTUTILS_NAME = {"C": "US", "O": "Example, Inc.", "OU": "tac"}
CUCM_NAME = {"C": "US", "O": "cisco", "OU": "tac"}
OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
}
UTF8_STRING, T61_STRING = 0x0C, 0x14  # tags of DER

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Identity(NamedTuple):
    """A key and its own certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key alone, as tools of the time wrote it."""
        return self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )

    @property
    def pem(self) -> bytes:
        """Certificate and key in one file."""
        return self.certificate_pem + self.key_pem

    @property
    def serial(self) -> bytes:
        number = self.certificate.serial_number
        return number.to_bytes((number.bit_length() + 7) // 8)


_serials = itertools.count(0x5A << 120)


@functools.cache
def _key(kind: int | str, name: str) -> PrivateKey:
    """One key a name: RSA of so many bits, or ``ec``."""
    del name
    if isinstance(kind, int):
        return rsa.generate_private_key(public_exponent=65537, key_size=kind)
    return ec.generate_private_key(ec.SECP256R1())


def identity(
    common_name: str,
    kind: int | str = 1024,
    name: dict[str, str] | None = None,
    days: int = 7300,
) -> Identity:
    """A key and its own certificate; ``kind`` is a number of RSA bits or ``ec``."""
    key = _key(kind, common_name)
    parts = {**(CERTUTILS_NAME if name is None else name), "CN": common_name}
    subject = x509.Name(
        [x509.NameAttribute(OIDS[part], value) for part, value in parts.items()]
    )
    builder = x509.CertificateBuilder(subject, subject, key.public_key())
    builder = builder.serial_number(next(_serials))
    builder = builder.not_valid_before(MADE)
    builder = builder.not_valid_after(MADE + timedelta(days=days))
    return Identity(key, builder.sign(key, hashes.SHA256()))


def recovery_identity(common_name: str) -> Identity:
    """A CUCM's ITLRecovery: the underscore makes its CN a T61String."""
    found = identity(common_name, name=CUCM_NAME)
    key, made = found.key, found.certificate
    assert isinstance(key, rsa.RSAPrivateKey)
    value = bytes([len(common_name)]) + common_name.encode()
    tbs = made.tbs_certificate_bytes.replace(
        bytes([UTF8_STRING]) + value, bytes([T61_STRING]) + value
    )
    signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    der = found.der.replace(made.tbs_certificate_bytes, tbs)
    der = der[: -len(signature)] + signature
    return Identity(key, x509.load_der_x509_certificate(der))


def recovery_file(found: Identity, password: str, cipher: str = "3DES") -> bytes:
    """A CUCM's ITLRecovery.p12: SHA-1, and 3DES or RC2."""
    kind = {"3DES": "PBE-SHA1-3DES", "RC2": "PBE-SHA1-RC2-40"}[cipher]
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder, "password")
        secret.write_text(f"{password}\n")
        words = ["openssl", "pkcs12", "-export", "-legacy", "-macalg", "sha1"]
        words += ["-keypbe", kind, "-certpbe", kind, "-passout", f"file:{secret}"]
        both = Path(folder, "both.pem")
        both.write_bytes(found.pem)
        words += ["-in", str(both)]
        made = subprocess.run(words, capture_output=True, check=True)
    return made.stdout


class Dialect(NamedTuple):
    """How a tool writes what all of them mean.

    Attributes:
        joint: between the parts of a name.
        order: of the parts; empty for the certificate's own.
        signer: tags of SIGNERID's children, in order.
        record: tags of a full record, in order.
        extra: a field behind HeaderLength, or nothing.
    """

    joint: str
    order: tuple[str, ...]
    signer: tuple[int, ...]
    record: tuple[int, ...]
    extra: bytes = b""

    def name(self, name: x509.Name) -> bytes:
        parts = [part.rfc4514_string() for part in name]
        if self.order:
            plain = {part.rfc4514_attribute_name: str(part.value) for part in name}
            parts = [f"{key}={plain[key]}" for key in self.order if key in plain]
        return self.joint.join(parts).encode() + b"\0"


def field(tag: int, value: bytes) -> bytes:
    return bytes([tag]) + len(value).to_bytes(2) + value


CERTUTILS = Dialect(",", (), (4, 6, 5), (3, 5, 6, 4, 7, 8, 9), field(28, bytes((1, 1))))
CUCM = Dialect(";", CUCM_ORDER, (4, 5, 6), (2, 3, 4, 5, 6, 7, 8, 9))
HASH_FORM = (11, 12)


def record(
    dialect: Dialect, role: int, found: Identity, *, is_hash: bool = False
) -> bytes:
    """One record, with the whole certificate or with its SHA-1."""
    key = found.certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        public = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    values = {
        2: b" \0",
        3: dialect.name(found.certificate.subject),
        4: role.to_bytes(2),
        5: dialect.name(found.certificate.issuer),
        6: found.serial,
        7: public,
        8: found.certificate.signature,
        9: found.der,
        11: sha1(found.der, usedforsecurity=False).digest(),
        12: b"\1",
    }
    tags = (*dialect.record[:-1], *HASH_FORM) if is_hash else dialect.record
    body = b"".join(field(tag, values[tag]) for tag in tags)
    return field(1, (5 + len(body)).to_bytes(2)) + body


def build_list(
    dialect: Dialect,
    signer: Identity,
    records: Iterable[bytes],
    *,
    digest: str = "sha1",
    file_name: str = "ITLFile.tlv",
    time: int = TIME,
) -> bytes:
    """A whole list; ``signer`` should stand among the records as SAST."""
    rest = b"".join(records)
    head = Head(b"\1\2", digest, file_name, time)
    return _signed(dialect, signer, head, rest)


def sign_file(
    dialect: Dialect,
    signer: Identity,
    file_name: str,
    payload: bytes,
    digest: str = "sha1",
) -> bytes:
    """What a phone gets that asks for ``file_name``, which ends with ``.sgn``."""
    plain = dialect._replace(extra=b"")
    head = Head(b"\1\0", digest, file_name, TIME)
    return _signed(plain, signer, head, payload)


class Head(NamedTuple):
    """What a header says besides who signed it; the time in seconds since 1970."""

    version: bytes
    digest: str
    file_name: str
    time: int


def _signed(dialect: Dialect, signer: Identity, head: Head, rest: bytes) -> bytes:
    key = signer.key
    assert isinstance(key, rsa.RSAPrivateKey), "the format knows no other signer"
    code, algorithm = DIGESTS[head.digest]
    names = {
        4: dialect.name(signer.certificate.subject),
        5: signer.serial,
        6: dialect.name(signer.certificate.issuer),
    }
    size = key.key_size // 8
    info = field(10, b"\0") + field(11, bytes([SIZE_CLASSES[size]]))
    before = dialect.extra
    before += field(3, b"".join(field(tag, names[tag]) for tag in dialect.signer))
    before += field(7, field(8, bytes([code])) + field(9, info))
    after = field(14, head.file_name.encode() + b"\0")
    after += field(15, head.time.to_bytes(4))
    length = 10 + len(before) + 3 + size + len(after)
    after += b"\x0d" * (-length % 4)
    length += -length % 4
    start = field(1, head.version) + field(2, length.to_bytes(2)) + before
    signature = key.sign(start + after + rest, padding.PKCS1v15(), algorithm)
    return start + field(12, signature) + after + rest
