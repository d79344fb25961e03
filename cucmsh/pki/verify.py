"""Checks signatures, and imports nothing of cryptography but what ``keys`` does."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature

from cucmsh.pki.keys import HASHES, KINDS


class PublicKey(Protocol):
    """A public key as ``cucmsh.trustlist.public_key`` reads it."""

    @property
    def algorithm(self) -> str: ...

    @property
    def numbers(self) -> tuple[int, ...]: ...


class SignatureVerifier:
    """Says whether a signature fits; see ``cucmsh.trustlist.check.Verifier``."""

    def verifies(
        self, key: PublicKey, signature: bytes, message: bytes, hash_name: str
    ) -> bool:
        """Whether ``signature`` is that of ``message`` under the key and hash.

        False for a bad signature, an unknown algorithm or digest, and for a key that
        OpenSSL refuses.
        """
        kind, algorithm = KINDS.get(key.algorithm), HASHES.get(hash_name)
        if kind is None or algorithm is None:
            return False
        try:
            public = _public(key.algorithm, key.numbers)
            kind.verify(public, signature, message, algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True


# OpenSSL looks at a key's numbers each time one is made of them, which takes as long as
# a signature check.
@lru_cache(maxsize=64)
def _public(algorithm: str, numbers: tuple[int, ...]) -> Any:
    return KINDS[algorithm].public(numbers)
