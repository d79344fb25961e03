"""A trust list to its bytes, and certificates to records.

Refuses a record that the 16-bit RECORDLENGTH cannot hold. Writes the CUCM 10 dialect
(docs/formats.md#record): the order of the tags' numbers, a DNSNAME of a blank and a
NUL, names as the certificate says them. Checks no certificate: what stands in the
fields is the word of whoever read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Protocol

from cucmsh.errors import SignatureError
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import Digest, RecordTag
from cucmsh.trustlist.wire import MAX_VALUE_SIZE, Field, short

_BLANK_DNS_NAME = b" \0"  # the seed's two bytes print blank (docs/formats.md#unknown)
_LENGTH_FIELD = 5  # bytes of the RECORDLENGTH field itself


class CertificateFields(Protocol):
    """What a trust list says about a certificate; the room ``pki`` reads it."""

    @property
    def der(self) -> bytes:
        """The whole certificate."""

    @property
    def subject_name(self) -> str:
        """In CUCM's spelling ``CN=...;OU=...``, no NUL (docs/formats.md#names)."""

    @property
    def issuer_name(self) -> str:
        """In CUCM's spelling, without a NUL."""

    @property
    def serial(self) -> bytes:
        """Big-endian, without the sign byte of DER (docs/formats.md#names)."""

    @property
    def public_key(self) -> bytes:
        """PKCS#1 RSAPublicKey in DER, or an uncompressed EC point."""

    @property
    def signature(self) -> bytes:
        """The certificate's own signature bits."""


def encode(trust_list: TrustList) -> bytes:
    """The bytes of the file; those it was decoded from, if it was."""
    return trust_list.raw


def text(name: str) -> bytes:
    """A name as it stands in a field: UTF-8 and one NUL (docs/formats.md#names)."""
    return name.encode() + b"\0"


def full_record(role: int, certificate: CertificateFields) -> Record:
    """A record that carries the whole certificate, tags 1 to 9.

    Raises:
        SignatureError: the record would be larger than 65,535 bytes.
    """
    return _record(
        role, certificate, Field(RecordTag.CERTIFICATE.value, certificate.der)
    )


def hashed_record(role: int, certificate: CertificateFields) -> Record:
    """A record that carries the certificate's SHA-1 only, tags 1 to 8, 11 and 12.

    Raises:
        SignatureError: the record would be larger than 65,535 bytes.
    """
    digest = sha1(certificate.der, usedforsecurity=False).digest()
    return _record(
        role,
        certificate,
        Field(RecordTag.CERTIFICATE_HASH.value, digest),
        Field(RecordTag.HASH_ALGORITHM.value, bytes((Digest.SHA1,))),
    )


def with_names(record: Record, subject: bytes, issuer: bytes) -> Record:
    """The record with these bytes as SUBJECTNAME and ISSUERNAME.

    Writers spell the same names in different ways (docs/formats.md#names), and a
    phone may compare them as they are written.

    Raises:
        SignatureError: the record would be larger than 65,535 bytes.
    """
    names: dict[int, bytes] = {
        RecordTag.SUBJECT_NAME: subject,
        RecordTag.ISSUER_NAME: issuer,
    }
    fields = [
        Field(field.tag, names.get(field.tag, field.value))
        for field in record.fields[1:]
    ]
    return _with_length(fields, record.subject_name)


def _record(role: int, certificate: CertificateFields, *last: Field) -> Record:
    fields = [
        Field(RecordTag.DNS_NAME.value, _BLANK_DNS_NAME),
        Field(RecordTag.SUBJECT_NAME.value, text(certificate.subject_name)),
        Field(RecordTag.FUNCTION.value, short(role)),
        Field(RecordTag.ISSUER_NAME.value, text(certificate.issuer_name)),
        Field(RecordTag.SERIAL_NUMBER.value, certificate.serial),
        Field(RecordTag.PUBLIC_KEY.value, certificate.public_key),
        Field(RecordTag.SIGNATURE.value, certificate.signature),
        *last,
    ]
    return _with_length(fields, certificate.subject_name)


def _with_length(fields: Sequence[Field], subject: str) -> Record:
    """The record of these fields, which follow RECORDLENGTH."""
    length = _LENGTH_FIELD + sum(3 + len(field.value) for field in fields)
    if length > MAX_VALUE_SIZE:
        raise SignatureError(
            f"The certificate {subject} makes a record of {length} "
            f"bytes; a trust list holds {MAX_VALUE_SIZE} at most",
            "Use a certificate with fewer extensions or a smaller key.",
        )
    return Record((Field(RecordTag.RECORD_LENGTH.value, short(length)), *fields))
