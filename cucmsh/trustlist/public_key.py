"""The key in a PUBLICKEY field (docs/formats.md#record): PKCS#1 RSAPublicKey.

Everybody else takes it as a ``PublicKey``, and asks for its algorithm and sizes: a
second algorithm is a second branch of ``read_key`` here, and a second entry in the
table of the verifier (``cucmsh.pki.verify``).

Refuses everything but the one DER spelling of SEQUENCE { INTEGER, INTEGER }, EC
points, and exponents that make no RSA key. Reading it here keeps X.509 away from
``show itl``; deciding whether a key is a good one is not done here.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.errors import SignatureError

RSA = "RSA"

_SEQUENCE = 0x30
_INTEGER = 0x02
_EC_POINT = b"\x04"  # first byte of an uncompressed point; DER begins with 0x30


def is_ec_point(public_key: bytes) -> bool:
    """True for the EC form of a PUBLICKEY field."""
    return public_key.startswith(_EC_POINT)


class PublicKey(NamedTuple):
    """A public key, as far as checking a signature needs it.

    Attributes:
        algorithm: ``RSA``.
        numbers: of an RSA key, the modulus and the public exponent.
        bits: the size of the key.
        signature_size: bytes of every signature that the key makes.
    """

    algorithm: str
    numbers: tuple[int, ...]
    bits: int
    signature_size: int


def read_key(public_key: bytes) -> PublicKey:
    """The key of a PUBLICKEY field.

    Raises:
        SignatureError: the field is an EC point, or no DER of an RSA public key.
    """
    modulus, exponent = rsa_numbers(public_key)
    bits = modulus.bit_length()
    return PublicKey(RSA, (modulus, exponent), bits, (bits + 7) // 8)


def rsa_numbers(public_key: bytes) -> tuple[int, int]:
    """Modulus and public exponent of a PUBLICKEY field.

    Raises:
        SignatureError: the field is an EC point, or no DER of an RSA public key.
    """
    if is_ec_point(public_key):
        raise SignatureError("The key is an EC key; a trust list is signed with RSA")
    start, end = _element(public_key, 0, _SEQUENCE)
    if end != len(public_key):
        raise SignatureError("The public key has bytes behind its end")
    modulus, offset = _integer(public_key, start)
    exponent, offset = _integer(public_key, offset)
    if offset != end:
        raise SignatureError("The public key holds more than two numbers")
    if exponent < 3 or not exponent & modulus & 1:
        raise SignatureError("The public key is no RSA key: its numbers are impossible")
    return modulus, exponent


def _integer(der: bytes, offset: int) -> tuple[int, int]:
    """A positive INTEGER at ``offset``, and the offset behind it."""
    start, end = _element(der, offset, _INTEGER)
    content = der[start:end]
    is_minimal = content[:1] != b"\0" or content[1:2] >= b"\x80"
    if not content or content[0] >= 0x80 or not is_minimal:
        raise SignatureError("The public key has a number that is no positive DER")
    return int.from_bytes(content, "big"), end


def _element(der: bytes, offset: int, tag: int) -> tuple[int, int]:
    """Start and end of the content of the element at ``offset``; lengths minimal."""
    head = der[offset : offset + 4]
    if len(head) < 2 or head[0] != tag:
        raise SignatureError("The public key is no DER of an RSA public key")
    size, start = head[1], offset + 2
    if size > 0x80:
        count = size & 0x7F
        size = int.from_bytes(head[2 : 2 + count], "big")
        start += count
        # Longest of all is a 16-bit length; a shorter way to say it must be used.
        if count > 2 or size < (0x80, 0x100)[count - 1]:
            raise SignatureError("The public key has a length that is no DER")
    elif size == 0x80:
        raise SignatureError("The public key has a length that is no DER")
    if start + size > len(der):
        raise SignatureError("The public key is cut off")
    return start, start + size
