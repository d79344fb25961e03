"""Lists and signed files as certutils 4 writes them; imports nothing of cucmsh.

From docs/formats.md: tag 28, children of SIGNERID in the order name, CA, serial, names
joined with ``,`` in the certificate's order, records 1, 3, 5, 6, 4, 7, 8, 9 and no
DNSNAME. One PEM file has a key and its certificate.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ROLES = {"sast": 0, "ccm": 1, "ccm-tftp": 2, "tftp": 3, "capf": 4, "app-server": 7}
NOW = 1_700_000_000
SHA512 = 3


def make_pem(path: Path, common_name: str, bits: int = 2048) -> None:
    """A key and its own certificate, as `mkcert` makes them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    parts = [
        (x509.NameOID.COUNTRY_NAME, "NZ"),
        (x509.NameOID.ORGANIZATION_NAME, "Example, Inc."),
        (x509.NameOID.COMMON_NAME, common_name),
    ]
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=30))
    builder = builder.not_valid_after(now + timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    encoding = serialization.Encoding.PEM
    raw = certificate.public_bytes(encoding) + key.private_bytes(
        encoding,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(raw)


def certificate_of(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def build_list(*options: tuple[str, Path], file_name: str = "ITLFile.tlv") -> bytes:
    """`tlvfile --build`: pairs of role and PEM file; the first SAST signs."""
    records = b"".join(_record(ROLES[role], path) for role, path in options)
    signer = next(path for role, path in options if role == "sast")
    more = _field(28, b"\1\0")
    return _signed(signer, b"\1\2", more, file_name, records)


def sign_file(signer: Path, file_name: str, payload: bytes) -> bytes:
    """`sgnfile --build`: what the phone gets that asks for ``file_name``."""
    return _signed(signer, b"\1\0", b"", file_name, payload)


def _field(tag: int, value: bytes) -> bytes:
    return bytes([tag]) + len(value).to_bytes(2) + value


def _name(name: x509.Name) -> bytes:
    return ",".join(part.rfc4514_string() for part in name).encode() + b"\0"


def _serial(certificate: x509.Certificate) -> bytes:
    number = certificate.serial_number
    return number.to_bytes((number.bit_length() + 7) // 8)


def _record(role: int, path: Path) -> bytes:
    found = certificate_of(path)
    key = found.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    body = b"".join(
        (
            _field(3, _name(found.subject)),
            _field(5, _name(found.issuer)),
            _field(6, _serial(found)),
            _field(4, role.to_bytes(2)),
            _field(
                7,
                key.public_bytes(
                    serialization.Encoding.DER, serialization.PublicFormat.PKCS1
                ),
            ),
            _field(8, found.signature),
            _field(9, found.public_bytes(serialization.Encoding.DER)),
        )
    )
    return _field(1, (5 + len(body)).to_bytes(2)) + body


def _signed(
    signer: Path, version: bytes, more: bytes, file_name: str, rest: bytes
) -> bytes:
    found = certificate_of(signer)
    key = serialization.load_pem_private_key(signer.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    size = key.key_size // 8
    names = _field(4, _name(found.subject)) + _field(6, _name(found.issuer))
    names += _field(5, _serial(found))
    class_ = {64: 0, 128: 1, 256: 2, 512: 3}[size]
    algorithm = _field(10, b"\0") + _field(11, bytes([class_]))
    head = more + _field(3, names)
    head += _field(7, _field(8, bytes([SHA512])) + _field(9, algorithm))
    # Containers are laid out inline: their length counts what follows.
    tail = _field(14, file_name.encode() + b"\0") + _field(15, NOW.to_bytes(4))
    length = 5 + 5 + len(head) + 3 + size + len(tail)
    padding_bytes = -length % 4
    tail += b"\x0d" * padding_bytes
    start = _field(1, version) + _field(2, (length + padding_bytes).to_bytes(2)) + head
    signature = key.sign(start + tail + rest, padding.PKCS1v15(), hashes.SHA512())
    return start + _field(12, signature) + tail + rest
