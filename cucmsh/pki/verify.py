"""Checks signatures, and imports nothing else of cryptography.

One function an algorithm, in ``ALGORITHMS``; RSA is the only one that phones' lists
were ever seen with.

``show itl`` pays for this module at every login, so it imports ``rsa``, ``padding``
and ``hashes`` only, never ``x509`` (docs/performance.md#imports: 2.8 against 6.3 bare
interpreters).
"""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the source document's lists are SHA-1
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}


class PublicKey(Protocol):
    """A public key as ``cucmsh.trustlist.public_key`` reads it."""

    @property
    def algorithm(self) -> str: ...

    @property
    def numbers(self) -> tuple[int, ...]: ...


def verify_rsa(
    numbers: tuple[int, ...],
    signature: bytes,
    message: bytes,
    algorithm: hashes.HashAlgorithm,
) -> None:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2), by modulus and public exponent.

    Raises:
        InvalidSignature: it does not fit.
        ValueError: no key, or one that OpenSSL refuses.
    """
    modulus, exponent = numbers
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    key.verify(signature, message, padding.PKCS1v15(), algorithm)


ALGORITHMS = {"RSA": verify_rsa}


class SignatureVerifier:
    """Says whether a signature fits; see ``cucmsh.trustlist.check.Verifier``."""

    def verifies(
        self, key: PublicKey, signature: bytes, message: bytes, hash_name: str
    ) -> bool:
        """Whether ``signature`` is that of ``message`` under the key and hash.

        False for a bad signature, an unknown algorithm or digest, and for a key that
        OpenSSL refuses.
        """
        verify, algorithm = ALGORITHMS.get(key.algorithm), HASHES.get(hash_name)
        if verify is None or algorithm is None:
            return False
        try:
            verify(key.numbers, signature, message, algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True
