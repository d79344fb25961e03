"""The recovery key in its file: PKCS#12 (RFC 7292) in and out.

Written with PBES2, AES-256, SHA-256 and 600,000 rounds, so that plain
``openssl pkcs12`` opens it (design decision 18). The container's MAC stays cheap to
guess, whatever the rounds: the password's strength is the protection. Legacy RC2 and
3DES files are readable. Refuses a file that does not hold exactly one RSA key with its
certificate.
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

ROUNDS = 600_000
MAX_KEY_FILE_SIZE = 64 * 1024  # bytes; a genuine one has two to five thousand


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

    Raises:
        KeyFileError: too large, no PKCS#12, another password, not exactly one RSA key
            with its own certificate.
    """
    if len(raw) > MAX_KEY_FILE_SIZE:
        raise KeyFileError(
            f"the file has {len(raw)} bytes; a key file has at most {MAX_KEY_FILE_SIZE}"
        )
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
            "the file is no PKCS#12 key file",
            "Give the path of an ITLRecovery.p12 that `file get tftp` saved.",
        ) from problem
    if bundle.cert is None or not isinstance(bundle.key, rsa.RSAPrivateKey):
        raise KeyFileError("the key file does not hold an RSA key and its certificate")
    if bundle.additional_certs:
        raise KeyFileError("the key file holds more certificates than the key's own")
    der = bundle.cert.certificate.public_bytes(Encoding.DER)
    try:
        return Credential(bundle.key, read_certificate(der))
    except CertificateError as problem:
        raise KeyFileError(
            f"the key file is not usable: {problem.message}"
        ) from problem
