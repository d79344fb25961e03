"""Key files of every kind that a backup server may hand out (F18)."""

from __future__ import annotations

import datetime as dt
import functools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from tests.faults.cluster import SECURITY

LONG_NAME = "ITLRECOVERY_" + "a-very-long-name." * 3 + "example"
Maker = Callable[[bytes], bytes]


def encryption(password: str = SECURITY) -> KeySerializationEncryption:
    """As strong as the product's, with fewer rounds."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1000)
    builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
    return builder.hmac_hash(hashes.SHA256()).build(password.encode())


@functools.cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    name: str = "ITLRECOVERY_saved.rig.example",
    days: int = 1000,
) -> x509.Certificate:
    """Of that key; ``days`` from now it expires."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=2000))
    end = now + dt.timedelta(days=days)
    return builder.not_valid_after(end).sign(key, hashes.SHA256())


def pack(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None,
    named: x509.Certificate | None,
    password: str = SECURITY,
    more: list[x509.Certificate] | None = None,
) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        None, key, named, more, encryption(password)
    )


def own(raw: bytes) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Key and certificate of the cluster's present file."""
    bundle = pkcs12.load_pkcs12(raw, SECURITY.encode())
    assert isinstance(bundle.key, rsa.RSAPrivateKey)
    assert bundle.cert is not None
    return bundle.key, bundle.cert.certificate


def by_openssl(raw: bytes, *options: str) -> bytes:
    """The same key in a file that openssl wrote."""
    key, named = own(raw)
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pair.write_bytes(key.private_bytes(*form) + named.public_bytes(Encoding.PEM))
        words = ["openssl", "pkcs12", "-export", "-in", str(pair), *options]
        words += ["-passout", f"pass:{SECURITY}"]
        return subprocess.run(words, check=True, capture_output=True).stdout


def _no_certificate(raw: bytes) -> bytes:
    return pack(own(raw)[0], None)


def _swapped(raw: bytes) -> bytes:
    key, _ = own(raw)
    # The library refuses to pair a key with another's certificate: openssl takes it
    # as a further certificate, which is how such a file comes about.
    return pack(None, certificate(rsa_key(1024)), more=[certificate(key)])


REFUSED: dict[str, Maker] = {
    "empty": lambda _: b"",
    "truncated": lambda raw: raw[: len(raw) // 2],
    "last byte missing": lambda raw: raw[:-1],
    "one byte wrong": lambda raw: raw[:900] + bytes([raw[900] ^ 1]) + raw[901:],
    "no key file": lambda _: b"-----BEGIN CERTIFICATE-----\n",
    "other password": lambda raw: pack(*own(raw), password="another password"),
    "no certificate": _no_certificate,
    "another's certificate": _swapped,
    "elliptic curve": lambda _: pack(
        key := ec.generate_private_key(ec.SECP256R1()), certificate(key)
    ),
    "a megabyte": lambda raw: raw + bytes(1 << 20),
}
ACCEPTED: dict[str, Maker] = {
    "as saved": lambda raw: raw,
    "packed anew": lambda raw: pack(*own(raw)),
    "RC2 and 3DES": lambda raw: by_openssl(raw, "-legacy"),
    "3DES": lambda raw: by_openssl(
        raw, "-legacy", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"
    ),
    "padded": lambda raw: raw + bytes(512),
    "with a chain": lambda raw: pack(*own(raw), more=[certificate(rsa_key(1024))]),
    "strong library default": lambda raw: pkcs12.serialize_key_and_certificates(
        b"name", *own(raw), None, BestAvailableEncryption(SECURITY.encode())
    ),
}
ASKED: dict[str, Maker] = {
    "foreign 2048": lambda _: pack(rsa_key(2048), certificate(rsa_key(2048))),
    "foreign 4096": lambda _: pack(rsa_key(4096), certificate(rsa_key(4096))),
    "foreign 1024": lambda _: pack(rsa_key(1024), certificate(rsa_key(1024))),
    "long name": lambda _: pack(rsa_key(2048), certificate(rsa_key(2048), LONG_NAME)),
    "short name": lambda _: pack(rsa_key(2048), certificate(rsa_key(2048), "I")),
    "expired": lambda _: pack(rsa_key(2048), certificate(rsa_key(2048), days=-10)),
}
