"""Keys that sign, as the format writes them (docs/formats.md#header, #record).

What a list says of its signer's key stands in three places: the PUBLICKEY field of a
record, and SIGNATUREALGORTITHM and SIGNATUREMODULUS of the header. ``KINDS`` is the one
table of them, by the value of SIGNATUREALGORTITHM. A second kind of key is a second
entry here and one in ``cucmsh.pki.keys``, which knows how such a key signs and what
verifies it.

RSA is the only kind that a list was ever seen signed with, so an EC point is refused
as a signer. Reading PUBLICKEY here keeps X.509 away from ``show itl``; whether a key is
a good one is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cucmsh.errors import SignatureError

_SEQUENCE = 0x30
_INTEGER = 0x02
_EC_POINT = b"\x04"  # first byte of an uncompressed point; DER begins with 0x30


class PublicKey(NamedTuple):
    """A public key, as far as checking a signature needs it.

    Attributes:
        algorithm: the name of its kind: ``RSA``.
        numbers: of an RSA key, the modulus and the public exponent.
        bits: the size of the key.
        signature_size: bytes of every signature that the key makes.
    """

    algorithm: str
    numbers: tuple[int, ...]
    bits: int
    signature_size: int


class KeyKind(NamedTuple):
    """A kind of key that signs lists, and what the format says of its signatures.

    Attributes:
        name: ``RSA``; the ``algorithm`` of its keys.
        size_classes: by the value of SIGNATUREMODULUS, the bytes of SIGNATURE.
        signing_sizes: the sizes among them that a list may be signed with.
        advice: which keys those are, for whoever has another.
        first_byte: what a PUBLICKEY field with such a key begins with.
        read: PUBLICKEY to a key; raises SignatureError for every other field.
    """

    name: str
    size_classes: Mapping[int, int]
    signing_sizes: frozenset[int]
    advice: str
    first_byte: bytes
    read: Callable[[bytes], PublicKey]


def read_key(public_key: bytes) -> PublicKey:
    """The key of a PUBLICKEY field, whatever its kind.

    Raises:
        SignatureError: no kind of key that signs lists is written so.
    """
    first = public_key[:1]
    read = next(
        (kind.read for kind in KINDS.values() if kind.first_byte == first), None
    )
    return (read or _read_rsa)(public_key)


def kind_of(key: PublicKey) -> tuple[int, KeyKind]:
    """The SIGNATUREALGORTITHM of the key's signatures, and its kind."""
    return next(
        (code, kind) for code, kind in KINDS.items() if kind.name == key.algorithm
    )


def size_of_class(code: int, size_class: int) -> int | None:
    """Bytes of a SIGNATURE, by SIGNATUREALGORTITHM and SIGNATUREMODULUS.

    ``None`` for a class without a size. An unknown algorithm is held to RSA's classes:
    such a list can be shown, and no check lets it pass.
    """
    return KINDS.get(code, _RSA).size_classes.get(size_class)


def _read_rsa(public_key: bytes) -> PublicKey:
    modulus, exponent = rsa_numbers(public_key)
    bits = modulus.bit_length()
    return PublicKey(_RSA.name, (modulus, exponent), bits, (bits + 7) // 8)


def rsa_numbers(public_key: bytes) -> tuple[int, int]:
    """Modulus and public exponent of a PUBLICKEY field.

    Raises:
        SignatureError: the field is an EC point, or no DER of an RSA public key.
    """
    if public_key.startswith(_EC_POINT):
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


_RSA = KeyKind(
    name="RSA",
    size_classes={0: 64, 1: 128, 2: 256, 3: 512},
    # Class 0 (512 bits) decodes, and is too weak to mean anything; 3072 bits have no
    # class.
    signing_sizes=frozenset((128, 256, 512)),
    advice="Use an RSA key of 1024, 2048 or 4096 bits.",
    first_byte=bytes((_SEQUENCE,)),
    read=_read_rsa,
)
KINDS: dict[int, KeyKind] = {0: _RSA}  # 0: RSASSA-PKCS1-v1_5
