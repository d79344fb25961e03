"""Certificate authorities and what they sign: made by ``cryptography``, not by us."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key for each number, made once a process."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def name(common_name: str, organization: str = "Example") -> x509.Name:
    """A name of two parts."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Wanted(NamedTuple):
    """How a certificate is to be; what is left out is as usual."""

    starts: datetime
    days: int = 365
    is_authority: bool = False
    path_length: int | None = None
    may_sign: bool = True
    hosts: tuple[str, ...] = ()


class Authority:
    """A root, or one below another.

    Args:
        common_name: of it.
        wanted: when it is valid, and what it may do.
        above: who signed it; None for a root.
        number: of its key.
    """

    def __init__(
        self,
        common_name: str,
        wanted: Wanted,
        above: Authority | None = None,
        number: int = 0,
    ) -> None:
        self.key = rsa_key(number)
        self.name = name(common_name)
        signer = above or self
        self.certificate = signer.sign(self.key.public_key(), self.name, wanted)

    def sign(
        self, key: Any, subject: x509.Name, wanted: Wanted, hash_: Any = None
    ) -> x509.Certificate:
        """A certificate of that key and name."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(wanted.starts)
            .not_valid_after(wanted.starts + wanted.days * DAY)
            .add_extension(
                x509.BasicConstraints(
                    ca=wanted.is_authority, path_length=wanted.path_length
                ),
                critical=True,
            )
        )
        usages = dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        )
        usage = x509.KeyUsage(
            digital_signature=wanted.may_sign,
            key_cert_sign=wanted.is_authority,
            **usages,
        )
        builder = builder.add_extension(usage, critical=True)
        if wanted.hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(h) for h in wanted.hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hash_ or hashes.SHA256())

    def answer(self, request: bytes, wanted: Wanted) -> str:
        """The certificate for a request (PEM), PEM."""
        asked = x509.load_pem_x509_csr(request)
        assert asked.is_signature_valid
        return pem(self.sign(asked.public_key(), asked.subject, wanted))

    @property
    def pem(self) -> str:
        return pem(self.certificate)


def authority_usages(starts: datetime, path_length: int | None = None) -> Wanted:
    """As authorities have them, for ten years."""
    return Wanted(starts, 3650, is_authority=True, path_length=path_length)


def ec_key(bits: int = 256) -> ec.EllipticCurvePrivateKey:
    """A key on a NIST curve."""
    curves = {256: ec.SECP256R1(), 384: ec.SECP384R1()}
    return ec.generate_private_key(curves[bits])


def pem(certificate: x509.Certificate) -> str:
    """PEM, with its line end."""
    return certificate.public_bytes(Encoding.PEM).decode()


def chain_pem(*certificates: x509.Certificate) -> str:
    """PKCS#7 in PEM."""
    return pkcs7.serialize_certificates(list(certificates), Encoding.PEM).decode()
