"""The recovery key in its file: PKCS#12 (RFC 7292) in and out.

Written with PBES2, AES-256, SHA-256 and 600,000 rounds, so that plain
``openssl pkcs12`` opens it (docs/decisions/018). The container's MAC stays cheap to
guess, whatever the rounds: the password's strength is the protection. Read is what
OpenSSL reads: DER or BER, AES or RC2 and 3DES, further certificates beside the key's
own. ``pkcs12_limits`` looks at every file first. Refuses a file that does not hold
exactly one key that signs lists (``keys``), with its certificate. A file from outside
is opened by ``sandbox`` alone, in a process of its own.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate

from cucmsh.errors import CertificateError, KeyFileError, WrongPasswordError
from cucmsh.pki.certificates import listed_key, quiet, read_certificate
from cucmsh.pki.credential import Credential
from cucmsh.pki.keys import is_known, names
from cucmsh.pki.pkcs12_limits import inspect
from cucmsh.pki.wrapping import FROM_TWO_FILES, PACK_ANEW

ROUNDS = 600_000


class Bundle(NamedTuple):
    """An opened PKCS#12: its key with certificate, and whether it is strict DER."""

    credential: Credential
    is_der: bool


def write_key_file(credential: Credential, password: str) -> bytes:
    """``credential`` as a PKCS#12 file protected by ``password``."""
    builder = PrivateFormat.PKCS12.encryption_builder()
    encryption = (
        builder.kdf_rounds(ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )
    with quiet():
        certificate = load_der_x509_certificate(credential.certificate.der)
        return pkcs12.serialize_key_and_certificates(
            None, credential.private_key, certificate, None, encryption
        )


def read_key_file(raw: bytes, password: str) -> Credential:
    """The key and certificate in ``raw``, a PKCS#12 without PEM or base64 around it.

    The key is checked fully (42 ms for 2,048 bits). Other certificates than the key's
    own, such as those of a chain, are left alone.

    Raises:
        KeyFileError: refused by ``pkcs12_limits``, another password, not exactly one
            key of a kind and size in ``keys.KINDS`` with its own certificate.
    """
    inspect(raw)
    return open_bundle(raw, password).credential


def open_bundle(raw: bytes, password: str) -> Bundle:
    """As ``read_key_file``, without a look at the limits.

    For the process that is confined, which has looked at them.
    """
    try:
        # cryptography says by a warning that it had to let OpenSSL read BER.
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            bundle = pkcs12.load_pkcs12(raw, password.encode())
        is_ber = any("BER" in str(warning.message) for warning in warned)
        return Bundle(_credential(bundle), is_der=not is_ber)
    except KeyFileError:
        raise
    except CertificateError as problem:
        raise KeyFileError(
            f"the key file is not usable: {problem.message}", problem.advice
        ) from problem
    # cryptography converts every certificate of the file, and has an exception of its
    # own class for some of them (InvalidVersion): see ``certificates``.
    except Exception as problem:
        # The library tells a wrong password from garbage by this word alone.
        if "password" in str(problem).lower():
            raise WrongPasswordError(
                "the key file does not open with this cluster's security password",
                "It opens only with the security password of the cluster it came from. "
                f"If you know that, pack it anew under this one: {PACK_ANEW}",
            ) from problem
        raise KeyFileError(
            "the key file holds a key or certificate that is damaged or of no use",
            "Take another copy of it. If `openssl pkcs12 -in FILE` opens it, pack it "
            f"anew: {PACK_ANEW}",
        ) from problem


def _credential(bundle: pkcs12.PKCS12KeyAndCertificates) -> Credential:
    if not is_known(bundle.key):
        kind = "no key" if bundle.key is None else f"a key that is no {names()} key"
        raise KeyFileError(f"the key file holds {kind}")
    if bundle.cert is None:
        kind = listed_key(bundle.key.public_key()).kind
        # OpenSSL puts a certificate of another key among the additional ones.
        found = "another key's" if bundle.additional_certs else "no"
        raise KeyFileError(
            f"the key file holds an {kind} key and {found} certificate",
            f"Put the key and its certificate together: {FROM_TWO_FILES}",
        )
    der = bundle.cert.certificate.public_bytes(Encoding.DER)
    return Credential(bundle.key, read_certificate(der))
