"""A private key in PEM from elsewhere, encrypted or not: taken out of its file.

Known are PKCS#8 (encrypted too), PKCS#1 and the older encryption of OpenSSL
(``Proc-Type: 4,ENCRYPTED``); beside the key there may be certificates. Only
``sandbox_worker`` opens such a file, in a process that is confined: an encrypted one
names the rounds of its password itself. Refuses a file with more keys than one.
"""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cucmsh.errors import CertificateError, KeyFileError, WrongPasswordError
from cucmsh.pki.certificates import read_certificate, to_pem
from cucmsh.pki.keys import is_known, names

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)
_MOST_CERTIFICATES = 16  # beside the key; a chain has three
_SSH = b"OPENSSH PRIVATE KEY"


def is_pem_key(raw: bytes) -> bool:
    """Whether the file holds a private key in PEM."""
    return any(label.endswith(b"PRIVATE KEY") for label in _labels(raw))


def needs_password(raw: bytes) -> bool:
    """Whether the key in such a file is encrypted."""
    return any(
        label == b"ENCRYPTED PRIVATE KEY" or b"4,ENCRYPTED" in block
        for label, block in _blocks(raw)
        if label.endswith(b"PRIVATE KEY")
    )


def open_pem(raw: bytes, password: str) -> bytes:
    """The key, not encrypted, and the certificates of the file, each as a PEM block.

    The key is not checked yet: whoever takes it over does that.

    Raises:
        WrongPasswordError: another password opens it.
        KeyFileError: not exactly one key of a kind in ``keys.KINDS``, too many
            certificates, or one that cannot be read.
    """
    keys = [pair for pair in _blocks(raw) if pair[0].endswith(b"PRIVATE KEY")]
    certificates = [block for label, block in _blocks(raw) if label == b"CERTIFICATE"]
    if len(keys) > 1 or len(certificates) > _MOST_CERTIFICATES:
        raise KeyFileError(
            f"the file holds {len(keys)} keys and {len(certificates)} certificates",
            "Give a file with one key and its own certificate.",
        )
    label, block = keys[0]
    if label == _SSH:
        raise KeyFileError("the file holds an SSH key, which signs no list")
    secret = password.encode() if needs_password(raw) else None
    try:
        key = load_pem_private_key(block, secret, unsafe_skip_rsa_key_validation=True)
    # The library has ValueError, TypeError and classes of its own for what is damaged,
    # and ValueError for another password, too.
    except Exception as problem:
        if secret is not None:
            raise WrongPasswordError(
                "the key does not open with that password", "Type it again."
            ) from problem
        raise KeyFileError(
            "the file holds a private key that is damaged or of no use",
            "Take another copy of it.",
        ) from problem
    if not is_known(key):
        raise KeyFileError(f"the file holds a key that is no {names()} key")
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        return plain + b"".join(to_pem(read_certificate(pem)) for pem in certificates)
    except CertificateError as problem:
        raise KeyFileError(
            f"a certificate beside the key cannot be read: {problem.message}"
        ) from problem


def _labels(raw: bytes) -> list[bytes]:
    return [label for label, _ in _blocks(raw)]


def _blocks(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Label and whole text of each block."""
    return [(found[1], found[0]) for found in _BLOCK.finditer(raw)]
