"""The light door: checks RSA signatures, and nothing else of cryptography.

``show itl`` pays for this module at every login, so it imports ``rsa``, ``padding``
and ``hashes`` only, never ``x509`` (docs/performance.md#imports: 2.8 against 6.3 bare
interpreters).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the source document's lists are SHA-1
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}


class RsaVerifier:
    """Says whether an RSASSA-PKCS1-v1_5 signature fits (RFC 8017 section 8.2)."""

    def verifies(
        self,
        modulus: int,
        exponent: int,
        signature: bytes,
        message: bytes,
        hash_name: str,
    ) -> bool:
        """False for a bad signature, an unknown digest or a key OpenSSL refuses."""
        algorithm = HASHES.get(hash_name)
        if algorithm is None:
            return False
        try:
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True
