"""The recovery key in its file: PKCS#12 (RFC 7292) in and out.

Written with PBES2, AES-256, SHA-256 and 600,000 rounds, so that plain
``openssl pkcs12`` opens it (design decision 18). The container's MAC stays cheap to
guess, whatever the rounds: the password's strength is the protection. Legacy RC2 and
3DES files are readable. Every file passes the ``gate`` first. Refuses a file that does
not hold exactly one RSA key with its certificate. A file from outside is opened by
``foreign`` alone, in a process of its own.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate

from cucmsh.errors import CertificateError, KeyFileError
from cucmsh.pki.certificates import read_certificate
from cucmsh.pki.credential import Credential
from cucmsh.pki.gate import inspect

ROUNDS = 600_000


def write_key_file(credential: Credential, password: str) -> bytes:
    """``credential`` as a PKCS#12 file protected by ``password``."""
    builder = PrivateFormat.PKCS12.encryption_builder()
    encryption = (
        builder.kdf_rounds(ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )
    certificate = load_der_x509_certificate(credential.certificate.der)
    return pkcs12.serialize_key_and_certificates(
        None, credential.private_key, certificate, None, encryption
    )


def read_key_file(raw: bytes, password: str) -> Credential:
    """The key and certificate in ``raw``.

    The key is checked fully (42 ms for 2,048 bits).

    Raises:
        KeyFileError: refused by the gate, another password, not exactly one RSA key
            of 1024 to 4096 bits with its own certificate and no other.
    """
    inspect(raw)
    try:
        bundle = pkcs12.load_pkcs12(raw, password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        # The library tells a wrong password from garbage by this word alone.
        if "password" in str(problem).lower():
            raise KeyFileError(
                "the key file does not open with this cluster's security password",
                "It opens only with the security password of the cluster it came from.",
            ) from problem
        raise KeyFileError(
            "the key file holds a key or certificate that is damaged or of no use",
            "Take another copy of it.",
        ) from problem
    return _credential(bundle)


def _credential(bundle: pkcs12.PKCS12KeyAndCertificates) -> Credential:
    if not isinstance(bundle.key, rsa.RSAPrivateKey):
        kind = "no key" if bundle.key is None else "a key that is no RSA key"
        raise KeyFileError(f"the key file holds {kind}")
    if bundle.cert is None:
        # OpenSSL puts a certificate of another key among the additional ones.
        found = "another key's" if bundle.additional_certs else "no"
        raise KeyFileError(f"the key file holds an RSA key and {found} certificate")
    if bundle.additional_certs:
        raise KeyFileError("the key file holds more certificates than the key's own")
    der = bundle.cert.certificate.public_bytes(Encoding.DER)
    try:
        return Credential(bundle.key, read_certificate(der))
    except CertificateError as problem:
        raise KeyFileError(
            f"the key file is not usable: {problem.message}", problem.advice
        ) from problem
