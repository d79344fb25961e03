"""The header of a new list or signed file, as CUCM 10 writes it.

See docs/formats.md#header, #signed-files.

Refuses only what 16-bit lengths cannot hold. The order is 1, 2, 3 {4, 5, 6},
7 {8, 9 {10, 11}}, 12, 14, 15 and padding; no tag 28. The padding is reckoned with the
signature counted in, so everything that is signed is final before there is one.
"""

from __future__ import annotations

from cucmsh.errors import SignatureError
from cucmsh.trustlist.model import Header, Record
from cucmsh.trustlist.public_key import PublicKey, kind_of
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag
from cucmsh.trustlist.wire import MAX_VALUE_SIZE, Field, join_fields, long, short

SIGNED_FILE_VERSION = b"\x01\x00"  # 1.0 (docs/formats.md#versions)
_VERSION = b"\x01\x02"  # 1.2, in every list of either writer (docs/formats.md#versions)
_LEADING_SIZE = 10  # bytes of the version and HeaderLength fields
_ALIGNMENT = 4  # bytes; the header's size is a multiple of it


def unsigned_header(
    own: Record, digest: Digest, key: PublicKey, file_name: bytes, timestamp: int
) -> Header:
    """A whole header whose signature is still zero.

    Names and serial are the record's own bytes: readers find the signer by comparing
    them, and a record may spell them in its own way (docs/formats.md#names).

    Args:
        own: the signer's record.
        digest: the hash that will be signed.
        key: what will sign, and may (see KeyKind.signing_sizes): the header says its
            kind and counts the bytes of the signature to come.
        file_name: with its NUL.
        timestamp: seconds since 1970, UTC.

    Raises:
        SignatureError: the header would be larger than 65,535 bytes.
    """
    signer_id = join_fields(
        (
            _field(HeaderTag.SIGNER_NAME, own.find(RecordTag.SUBJECT_NAME) or b"\0"),
            _field(HeaderTag.SERIAL_NUMBER, own.serial),
            _field(HeaderTag.CA_NAME, own.find(RecordTag.ISSUER_NAME) or b"\0"),
        )
    )
    code, kind = kind_of(key)
    class_of = {size: number for number, size in kind.size_classes.items()}
    algorithm_info = join_fields(
        (
            _field(HeaderTag.SIGNATURE_ALGORITHM, bytes((code,))),
            _field(HeaderTag.SIGNATURE_MODULUS, bytes((class_of[key.signature_size],))),
        )
    )
    signature_info = join_fields(
        (
            _field(HeaderTag.DIGEST_ALGORITHM, bytes((digest,))),
            _field(HeaderTag.SIGNATURE_ALGORITHM_INFO, algorithm_info),
        )
    )
    body = (
        _field(HeaderTag.SIGNER_ID, signer_id),
        _field(HeaderTag.SIGNATURE_INFO, signature_info),
        _field(HeaderTag.SIGNATURE, bytes(key.signature_size)),
        _field(HeaderTag.FILE_NAME, file_name),
        _field(HeaderTag.TIMESTAMP, long(timestamp)),
    )
    length = _LEADING_SIZE + len(join_fields(body))
    padding = -length % _ALIGNMENT
    length += padding
    if length > MAX_VALUE_SIZE:
        raise SignatureError(f"A header of {length} bytes does not fit a trust list")
    return Header(
        (
            _field(HeaderTag.VERSION, _VERSION),
            _field(HeaderTag.HEADER_LENGTH, short(length)),
            *body,
            *(_field(HeaderTag.PADDING, b"") for _ in range(padding)),
        )
    )


def with_signature(header: Header, signature: bytes) -> Header:
    """The same header with the signature, which must be of the size foreseen."""
    return _replaced(header, HeaderTag.SIGNATURE, signature)


def of_signed_file(header: Header) -> Header:
    """The same header with the version of a signed file.

    See docs/formats.md#signed-files.
    """
    return _replaced(header, HeaderTag.VERSION, SIGNED_FILE_VERSION)


def _replaced(header: Header, replaced: HeaderTag, by: bytes) -> Header:
    """Put in a value of the same size, so that HeaderLength stays true."""
    return Header(
        tuple(
            Field(tag, by if tag == replaced else value) for tag, value in header.fields
        )
    )


def _field(tag: HeaderTag, value: bytes) -> Field:
    return Field(tag.value, value)
