"""Kinds of keys that sign: what makes one, what it signs, what verifies that.

``KINDS`` is the one table, by the name that ``cucmsh.trustlist.public_key`` gives the
kind (that room knows how the format writes such keys, and no library). Everybody else
in this room takes a key as it comes and asks its kind.

``show itl`` pays for this module at every login, so it imports ``rsa``, ``padding`` and
``hashes`` only, never ``x509`` (docs/performance.md#imports: 2.8 against 6.3 bare
interpreters).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the source document's lists are SHA-1
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}
DEFAULT_KIND = "RSA"
DEFAULT_KEY_BITS = 2048

# The library's classes of the keys in ``KINDS``.
PrivateKey: TypeAlias = rsa.RSAPrivateKey


class KeyKind(NamedTuple):
    """A kind of key, by functions on the library's keys.

    Attributes:
        name: of the kind, ``RSA``.
        private: the library's class.
        bits: the sizes of keys that are used.
        generate: a new key of so many bits.
        public: the key from the numbers that PUBLICKEY holds; ValueError for none.
        sign: the signature of a message, as the SIGNATURE field holds it.
        verify: raises InvalidSignature for a signature that does not fit its message,
            ValueError for a key that OpenSSL refuses.
    """

    name: str
    private: type
    bits: range
    generate: Callable[[int], Any]
    public: Callable[[tuple[int, ...]], Any]
    sign: Callable[[Any, bytes, hashes.HashAlgorithm], bytes]
    verify: Callable[[Any, bytes, bytes, hashes.HashAlgorithm], None]


def kind_of(key: object) -> KeyKind | None:
    """The kind of a private key; ``None`` for one that signs nothing here."""
    return next(
        (kind for kind in KINDS.values() if isinstance(key, kind.private)), None
    )


def is_known(key: object) -> TypeGuard[PrivateKey]:
    """Whether it is a private key of a kind in ``KINDS``."""
    return kind_of(key) is not None


def names() -> str:
    """The kinds, for a sentence: ``RSA``."""
    return " or ".join(KINDS)


_RSA_PADDING = padding.PKCS1v15()  # RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2)


def _generate_rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _public_rsa(numbers: tuple[int, ...]) -> rsa.RSAPublicKey:
    modulus, exponent = numbers
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _sign_rsa(
    key: rsa.RSAPrivateKey, message: bytes, algorithm: hashes.HashAlgorithm
) -> bytes:
    return key.sign(message, _RSA_PADDING, algorithm)


def _verify_rsa(
    key: rsa.RSAPublicKey,
    signature: bytes,
    message: bytes,
    algorithm: hashes.HashAlgorithm,
) -> None:
    key.verify(signature, message, _RSA_PADDING, algorithm)


KINDS: dict[str, KeyKind] = {
    "RSA": KeyKind(
        name="RSA",
        private=rsa.RSAPrivateKey,
        bits=range(1024, 4096 + 1),
        generate=_generate_rsa,
        public=_public_rsa,
        sign=_sign_rsa,
        verify=_verify_rsa,
    )
}
