"""BER and DER as plain values, without a schema, by pyasn1.

Lengths of either form, sets in any order, explicit tags left out. Judges nothing and
knows no structure; whatever the library raises on hostile bytes is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1UnicodeDecodeError
from pyasn1.type import base, char, univ

# A decoded value: list, int, Oid, bytes, Text, or None for every other type.
Value = Any


class Oid(str):
    """An object identifier, dotted."""

    __slots__ = ()


class Text(str):
    """A character string; bytes that its type does not have are read as Latin-1."""

    __slots__ = ()


class _ItemDecoder(decoder.SingleItemDecoder):
    """Gives an implicit tag, of which nothing is known without a schema, as bytes."""

    # A documented alternative in the library's source; its stubs leave it out.
    defaultErrorState = (  # noqa: N815 - the name that is overridden
        decoder.stDumpRawValue  # type: ignore[attr-defined]
    )


class _StreamingDecoder(decoder.StreamingDecoder):
    SINGLE_ITEM_DECODER = _ItemDecoder


class _Decoder(decoder.Decoder):
    STREAMING_DECODER = _StreamingDecoder


_decode = _Decoder()


def decode(raw: Value) -> tuple[Value, bytes]:
    """The first value in ``raw``, and the bytes behind it.

    Raises:
        Exception: of any class, pyasn1's own among them; TypeError for no bytes.
    """
    if not isinstance(raw, bytes):
        raise TypeError
    found, rest = _decode(raw)
    return _plain(found), bytes(rest)


def _plain(found: Any) -> Value:
    value: Value = None
    if isinstance(found, univ.Boolean | univ.Enumerated):
        pass  # they are integers, too
    elif isinstance(found, univ.Integer):
        value = int(found)
    elif isinstance(found, univ.ObjectIdentifier):
        value = Oid(found)
    elif isinstance(found, char.AbstractCharacterString):
        value = _text(found)
    elif isinstance(found, univ.OctetString):
        value = bytes(found)
    elif isinstance(found, base.ConstructedAsn1Type):
        value = [_plain(member) for member in _members(found)]
    return value


def _text(found: Any) -> Text:
    try:
        return Text(found)
    except PyAsn1UnicodeDecodeError:
        return Text(bytes(found).decode("latin-1"))


def _members(found: Any) -> Iterator[Any]:
    return iter(found.values()) if hasattr(found, "values") else iter(found)
