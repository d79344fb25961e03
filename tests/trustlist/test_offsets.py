"""The offset in an error is where the fault is, not where what holds it begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cucmsh.errors import TrustListError
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed import decode_signed
from cucmsh.trustlist.wire import Field, join_fields

PADDING = 13
Fields = list[Field]


def header_with(sealed: TrustList, fields: Fields) -> bytes:
    """The list with other header fields; its HeaderLength is right."""
    size = len(join_fields(fields, PADDING))
    fields[1] = Field(2, size.to_bytes(2, "big"))
    records = b"".join(record.raw for record in sealed.records)
    return join_fields(fields, PADDING) + records


def record_with(sealed: TrustList, fields: Fields) -> bytes:
    """The list with another second record; its RECORDLENGTH is right."""
    fields[0] = Field(1, len(join_fields(fields)).to_bytes(2, "big"))
    first, _, *others = (record.raw for record in sealed.records)
    return b"".join((sealed.header.raw, first, join_fields(fields), *others))


def second_record(sealed: TrustList) -> int:
    return len(sealed.header.raw) + len(sealed.records[0].raw)


def before(fields: Fields, place: int, padding: int = -1) -> int:
    return len(join_fields(fields[:place], padding))


def refused(raw: bytes) -> TrustListError:
    with pytest.raises(TrustListError) as refusal:
        decode(raw)
    return refusal.value


HeaderFault = Callable[[Fields], int]
"""Spoils the fields; gives the number of bytes before the fault."""


def twice(fields: Fields) -> int:
    fields.append(fields[6])
    return before(fields, len(fields) - 1, PADDING)


def outside_its_container(fields: Fields) -> int:
    fields.insert(5, Field(8, b"\1"))
    return before(fields, 5, PADDING)


def text_without_nul(fields: Fields) -> int:
    place = [field.tag for field in fields].index(14)
    fields[place] = Field(14, b"ITLFile.tlv")
    return before(fields, place, PADDING)


def child_too_long(fields: Fields) -> int:
    place = [field.tag for field in fields].index(3)
    inner = bytearray(fields[place].value)
    name = 3 + int.from_bytes(inner[1:3], "big")
    inner[name + 1] = 0xFF  # the length of the second child
    fields[place] = Field(3, bytes(inner))
    return before(fields, place, PADDING) + 3 + name


def child_of_another(fields: Fields) -> int:
    place = [field.tag for field in fields].index(3)
    value = fields[place].value
    fields[place] = Field(3, value + bytes((8, 0, 1, 1)))
    return before(fields, place, PADDING) + 3 + len(value)


def child_of_a_wrong_size(fields: Fields) -> int:
    place = [field.tag for field in fields].index(7)
    inner = fields[place].value  # 8, then 9 with 10 and 11
    fields[place] = Field(7, inner[:11] + b"\x0b\0\x0b\0")
    return before(fields, place, PADDING) + 3 + 4 + 3 + 4


@pytest.mark.parametrize(
    "spoil",
    [
        twice,
        outside_its_container,
        text_without_nul,
        child_too_long,
        child_of_another,
        child_of_a_wrong_size,
    ],
)
def test_fault_in_the_header_is_at_its_field(
    sealed: TrustList, spoil: HeaderFault
) -> None:
    fields = list(sealed.header.fields)
    expected = spoil(fields)
    assert refused(header_with(sealed, fields)).offset == expected


def repeated(fields: Fields) -> int:
    fields.append(fields[3])
    return before(fields, len(fields) - 1)


def address_of_five_bytes(fields: Fields) -> int:
    fields.append(Field(10, bytes(5)))
    return before(fields, len(fields) - 1)


def behind_an_unknown_tag_13(fields: Fields) -> int:
    """Padding in a header, nothing but an unknown field in a record."""
    fields.insert(1, Field(PADDING, b"four"))
    fields.append(Field(10, bytes(5)))
    return before(fields, len(fields) - 1)


def hash_without_algorithm(fields: Fields) -> int:
    fields.append(Field(11, bytes(20)))
    return before(fields, len(fields) - 1)


def algorithm_without_hash(fields: Fields) -> int:
    fields.append(Field(12, b"\1"))
    return before(fields, len(fields) - 1)


def hash_beside_certificate(fields: Fields) -> int:
    fields += [Field(11, bytes(20)), Field(12, b"\1")]
    return before(fields, len(fields) - 2)


def hash_of_19_bytes(fields: Fields) -> int:
    place = [field.tag for field in fields].index(9)
    fields[place:] = [Field(12, b"\1"), Field(11, bytes(19))]
    return before(fields, len(fields) - 1)


@pytest.mark.parametrize(
    "spoil",
    [
        repeated,
        address_of_five_bytes,
        behind_an_unknown_tag_13,
        hash_without_algorithm,
        algorithm_without_hash,
        hash_beside_certificate,
        hash_of_19_bytes,
    ],
)
def test_fault_in_a_record_is_at_its_field(
    sealed: TrustList, spoil: HeaderFault
) -> None:
    fields = list(sealed.records[1].fields)
    expected = second_record(sealed) + spoil(fields)
    assert refused(record_with(sealed, fields)).offset == expected


def test_field_that_runs_over_its_record_is_named_where_it_stands(
    sealed: TrustList,
) -> None:
    raw = bytearray(sealed.raw)
    start = second_record(sealed)
    last = start + before(list(sealed.records[1].fields), -1)
    raw[last + 1] = 0xFF
    assert refused(bytes(raw)).offset == last


def test_empty_file_is_called_so() -> None:
    for read in (decode, decode_signed):
        with pytest.raises(TrustListError, match=r"^The file is empty"):
            read(b"")
