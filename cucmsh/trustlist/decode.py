"""Bytes to a trust list, or the one error. Strict where signers could be confused.

Refuses, with the offset: sizes and counts above the limits, fields that do not close,
containers that do not equal their children, a HeaderLength or RECORDLENGTH that is no
field boundary, known fields twice, missing or of a wrong size, text without its NUL,
bytes behind the last record. Accepts any order behind the leading lengths, unknown
tags, and lists without padding, DNSNAME or IPADDRESS (docs/formats.md#dialects).

The invariant: every input gives a value or :class:`TrustListError`, in linear time,
and ``encode(decode(raw)) == raw``.
"""

from __future__ import annotations

from cucmsh.errors import TrustListError
from cucmsh.trustlist.forms import (
    CONTAINED,
    CONTAINERS,
    TOP_LEVEL,
    check_forms,
    offset_of,
    size_of,
)
from cucmsh.trustlist.model import Header, Record, TrustList
from cucmsh.trustlist.public_key import size_of_class
from cucmsh.trustlist.tags import (
    HEADER_FORMS,
    RECORD_FORMS,
    Digest,
    HeaderTag,
    RecordTag,
)
from cucmsh.trustlist.wire import Field, split_fields

MAX_LIST_SIZE = 64 * 1024  # bytes; phones fail to load more (docs/formats.md#record)
MAX_RECORDS = 256

SIGNED_VERSION = 0x0100  # 1.0 heads a signed file (docs/formats.md#versions)
ENCRYPTED_VERSION = 0x0200  # 2.0 heads an encrypted and signed one

_FRAME_SIZE = 3  # bytes of tag and length
_LENGTH_FIELD = 5  # bytes of a HeaderLength, version or RECORDLENGTH field

_PADDING = HeaderTag.PADDING.value
_KNOWN_HEADER = frozenset(HeaderTag) - {HeaderTag.PADDING}
_KNOWN_RECORD = frozenset(RecordTag)
_HASH_FIELDS_IN_ORDER = (RecordTag.CERTIFICATE_HASH, RecordTag.HASH_ALGORITHM)
_HASH_FIELDS = frozenset(_HASH_FIELDS_IN_ORDER)
# Others were never seen (docs/formats.md#unknown)
_HASH_SIZES: dict[int, int] = {Digest.SHA1: 20}


def decode(raw: bytes) -> TrustList:
    """Read a whole ITL or CTL file.

    Args:
        raw: the file, at most 65,536 bytes.

    Raises:
        TrustListError: the bytes are no trust list; the only error there is.
    """
    require_bytes(raw)
    if len(raw) > MAX_LIST_SIZE:
        raise TrustListError("The file is larger than 65536 bytes", MAX_LIST_SIZE)
    raw = bytes(raw)
    header, offset = read_header(raw, is_list=True)
    records: list[Record] = []
    while offset < len(raw):
        if len(records) == MAX_RECORDS:
            raise TrustListError(f"More than {MAX_RECORDS} records", offset)
        record_size = _record_size(raw, offset)
        records.append(_read_record(raw, offset, offset + record_size))
        offset += record_size
    return TrustList(header, tuple(records))


def require_bytes(raw: bytes) -> None:
    """Name an empty file as what it is: people make them with ``touch``."""
    if not raw:
        raise TrustListError("The file is empty", 0)


def _leading_number(raw: bytes, offset: int, tag: int, label: str) -> int:
    """The 16-bit number of a field that must stand exactly here."""
    if raw[offset : offset + 3] != bytes((tag, 0, 2)):
        raise TrustListError(f"{label} is not where it must be", offset)
    if offset + _LENGTH_FIELD > len(raw):
        raise TrustListError(f"{label} is cut off", offset)
    return int.from_bytes(raw[offset + 3 : offset + _LENGTH_FIELD], "big")


def _header_size(raw: bytes, *, is_list: bool) -> int:
    version = _leading_number(raw, 0, HeaderTag.VERSION, "The version")
    if version == ENCRYPTED_VERSION:
        raise TrustListError(
            "Version 2.0 heads an encrypted configuration file, which is not supported",
            0,
        )
    # Two kinds of files have one signer, and the bytes behind a signed file's header
    # are anybody's: what is signed as the one must never pass as the other.
    if is_list == (version == SIGNED_VERSION) or version >> 8 != 1:
        kind = "trust list" if is_list else "signed file"
        raise TrustListError(
            f"Version {version >> 8}.{version & 255} does not head a {kind}", 0
        )
    size = _leading_number(
        raw, _LENGTH_FIELD, HeaderTag.HEADER_LENGTH, "The header length"
    )
    if not 2 * _LENGTH_FIELD <= size <= len(raw):
        raise TrustListError(
            f"A header of {size} bytes does not fit the file", _LENGTH_FIELD
        )
    return size


def _record_size(raw: bytes, offset: int) -> int:
    size = _leading_number(raw, offset, RecordTag.RECORD_LENGTH, "RECORDLENGTH")
    if not _LENGTH_FIELD <= size <= len(raw) - offset:
        raise TrustListError(f"A record of {size} bytes does not fit the file", offset)
    return size


def read_header(raw: bytes, *, is_list: bool) -> tuple[Header, int]:
    """Read the header; containers are checked to the last level, and kept whole.

    Args:
        raw: a whole file; the header ends at its HeaderLength.
        is_list: a trust list is expected, else a signed file
        (docs/formats.md#versions).

    Returns:
        The header, and the offset of what follows it, in bytes.

    Raises:
        TrustListError: the bytes do not begin with such a header.
    """
    size = _header_size(raw, is_list=is_list)
    fields = split_fields(raw, 0, size, _PADDING)
    _refuse_repeats(fields, _KNOWN_HEADER, 0, is_header=True)
    leaves = dict(fields)
    missing = TOP_LEVEL.difference(leaves)
    if missing:
        raise TrustListError(f"The header has no {_label(min(missing))}", 0)
    outside = CONTAINED.intersection(leaves)
    if outside:
        tag = min(outside)
        raise TrustListError(
            f"{_label(tag)} is outside its container",
            offset_of(fields, tag, is_header=True),
        )
    leaves |= _check_level(fields, 0)
    algorithm = leaves[HeaderTag.SIGNATURE_ALGORITHM][0]
    size_class = leaves[HeaderTag.SIGNATURE_MODULUS][0]
    signature_size = len(leaves[HeaderTag.SIGNATURE])
    if signature_size != size_of_class(algorithm, size_class):
        raise TrustListError(
            f"A SIGNATURE of {signature_size} bytes does not fit size class "
            f"{size_class}",
            offset_of(fields, HeaderTag.SIGNATURE, is_header=True),
        )
    return Header(fields), size


def _check_level(fields: tuple[Field, ...], start: int) -> dict[int, bytes]:
    """Check fields that begin at byte ``start``; return what their containers hold."""
    check_forms(fields, HEADER_FORMS, HeaderTag, start)
    contained: dict[int, bytes] = {}
    offset = start
    for tag, value in fields:
        if tag in CONTAINERS:
            children = _children(tag, value, offset)
            contained.update(children)
            contained |= _check_level(children, offset + _FRAME_SIZE)
        offset += 1 if tag == _PADDING else _FRAME_SIZE + len(value)
    return contained


def _children(tag: int, value: bytes, offset: int) -> tuple[Field, ...]:
    """A container holds exactly the children it has in CUCM, in any order."""
    inside = offset + _FRAME_SIZE
    try:
        children = split_fields(value, 0, len(value))
    except TrustListError as error:
        raise TrustListError(
            f"{_label(tag)} does not end with its last field", inside + error.offset
        ) from error
    missing = set(CONTAINERS[tag])
    at = inside
    for child in children:
        if child.tag not in missing:
            raise TrustListError(f"{_label(tag)} does not hold its own fields", at)
        missing.remove(child.tag)
        at += _FRAME_SIZE + len(child.value)
    if missing:
        raise TrustListError(f"{_label(tag)} does not hold its own fields", offset)
    return children


def _read_record(raw: bytes, start: int, end: int) -> Record:
    fields = split_fields(raw, start, end)
    values = dict(fields)
    if len(values) != len(fields):
        _refuse_repeats(fields, _KNOWN_RECORD, start, is_header=False)
    check_forms(fields, RECORD_FORMS, RecordTag, start)
    if not _HASH_FIELDS.isdisjoint(values):
        _check_hash(fields, values, start)
    return Record(fields)


def _check_hash(
    fields: tuple[Field, ...], values: dict[int, bytes], start: int
) -> None:
    """CERTHASH and HASH ALGORITHM come together, and instead of CERTIFICATE."""
    fault = ""
    if not _HASH_FIELDS.issubset(values):
        fault = "CERTHASH and HASH ALGORITHM are not together"
    elif RecordTag.CERTIFICATE in values:
        fault = "CERTHASH stands beside a CERTIFICATE"
    else:
        algorithm = values[RecordTag.HASH_ALGORITHM][0]
        size = len(values[RecordTag.CERTIFICATE_HASH])
        if _HASH_SIZES.get(algorithm, size) != size:
            fault = f"CERTHASH has {size} bytes"
    if fault:
        first = next(tag for tag in _HASH_FIELDS_IN_ORDER if tag in values)
        offset = start + offset_of(fields, first, is_header=False)
        raise TrustListError(fault, offset)


def _refuse_repeats(
    fields: tuple[Field, ...], known: frozenset[int], start: int, *, is_header: bool
) -> None:
    seen: set[int] = set()
    for place, (tag, _value) in enumerate(fields):
        if tag in seen and tag in known:
            offset = start + size_of(fields[:place], is_header=is_header)
            raise TrustListError(f"Field {tag} stands twice", offset)
        seen.add(tag)


def _label(tag: int) -> str:
    return HeaderTag(tag).label
