"""The framing of the format: tag, length, value (docs/formats.md#framing).

Knows no tag by name and refuses nothing but framing that does not close. One byte of
tag, two bytes of length, big-endian; the header's padding is a tag alone. All of
``struct`` that the room needs is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, error
from typing import NamedTuple

from cucmsh.errors import TrustListError

MAX_VALUE_SIZE = 0xFFFF  # bytes: lengths on the wire have 16 bits

_frame = Struct(">BH").pack
_SHORT = Struct(">H")
_LONG = Struct(">I")


class Field(NamedTuple):
    """One field as it stands on the wire.

    A container's value is its encoded children. Padding of the header is
    ``Field(13, b"")`` and takes one byte there.
    """

    tag: int
    value: bytes


# A list has some sixty fields and nothing else to do: the tuple's own constructor
# takes half the time of the class's.
_new_field = tuple.__new__


def split_fields(
    raw: bytes, start: int, end: int, padding_tag: int = -1
) -> tuple[Field, ...]:
    """Cut ``raw[start:end]`` into fields.

    Args:
        raw: the bytes.
        start: offset of the first field, in bytes.
        end: offset just behind the last field, which must be a field boundary.
        padding_tag: the tag that is a single byte here, -1 for none.

    Raises:
        TrustListError: a field runs over ``end``.
    """
    fields: list[Field] = []
    offset = start
    while offset < end:
        tag = raw[offset]
        if tag == padding_tag:
            fields.append(_new_field(Field, (tag, b"")))
            offset += 1
            continue
        value_offset = offset + 3
        if value_offset > end:
            raise TrustListError("A field is cut off", offset)
        next_offset = value_offset + (raw[offset + 1] << 8 | raw[offset + 2])
        if next_offset > end:
            raise TrustListError(f"Field {tag} is longer than what holds it", offset)
        fields.append(_new_field(Field, (tag, raw[value_offset:next_offset])))
        offset = next_offset
    return tuple(fields)


def join_fields(fields: Iterable[Field], padding_tag: int = -1) -> bytes:
    """The bytes of ``fields``: the inverse of :func:`split_fields`.

    Raises:
        TrustListError: a value is longer than 65,535 bytes, or a tag than one.
    """
    try:
        return b"".join(
            [
                _frame(tag, len(value)) + value if tag != padding_tag else bytes((tag,))
                for tag, value in fields
            ]
        )
    except error as problem:
        raise TrustListError("A field does not fit the wire", 0) from problem


def short(number: int) -> bytes:
    """Two bytes, big-endian; ``number`` is at most 65,535."""
    return _SHORT.pack(number)


def long(number: int) -> bytes:
    """Four bytes, big-endian; ``number`` is at most 2**32 - 1."""
    return _LONG.pack(number)
