"""The values: a trust list, its header, its records, their fields.

Refuses nothing: the values hold what was written, in the order it was written, and
:mod:`cucmsh.trustlist.decode` is the one that says what may be. All of them are
immutable. A property whose field is missing is empty (``""`` for text, ``b""`` for the
serial) or ``None``; only hand-made headers miss the fields that a decoded one has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

from cucmsh.trustlist.forms import CONTAINERS
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag
from cucmsh.trustlist.wire import Field, join_fields, split_fields

__all__ = ["Field", "Header", "Record", "TrustList"]


def _text(value: bytes | None) -> str:
    """Names are UTF-8 or ASCII and a NUL; other bytes are shown, never dropped."""
    return (value or b"").rstrip(b"\0").decode("utf-8", "backslashreplace")


@lru_cache(maxsize=64)
def name_parts(name: str) -> tuple[str, ...]:
    """The parts of a name, alike for writers that differ in separators and order."""
    return tuple(sorted(part.strip() for part in name.replace(",", ";").split(";")))


def _number(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, "big")


_PADDING = HeaderTag.PADDING.value
_SIGNATURE = HeaderTag.SIGNATURE.value


def _with_children(fields: Iterable[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        if field.tag in CONTAINERS:
            children = split_fields(field.value, 0, len(field.value))
            yield from _with_children(children)


Key = TypeVar("Key")


class _RecordFields(NamedTuple):
    fields: tuple[Field, ...]


class Record(_RecordFields):
    """One record: a certificate, or its hash, with one role.

    See docs/formats.md#record.

    Attributes:
        fields: in the order in which they were written.
    """

    @cached_property
    def _first(self) -> dict[int, bytes]:
        return dict(reversed(self.fields))

    @property
    def by_tag(self) -> dict[int, bytes]:
        """Every field's value by its tag; only unknown tags can stand twice."""
        return dict(self.fields)

    def find(self, tag: int) -> bytes | None:
        """The value of the first field with this tag, or ``None``."""
        return self._first.get(tag)

    @property
    def raw(self) -> bytes:
        """The bytes of the record."""
        return join_fields(self.fields)

    @property
    def length(self) -> int:
        """RECORDLENGTH: bytes of the whole record, as it says itself."""
        return _number(self.find(RecordTag.RECORD_LENGTH)) or 0

    @property
    def role(self) -> int | None:
        """The role code, see ``Role``; ``None`` in a record without FUNCTION."""
        return _number(self.find(RecordTag.FUNCTION))

    @property
    def dns_name(self) -> str:
        """The node's name or IPv4 address; blank in CUCM's own ITLs."""
        return _text(self.find(RecordTag.DNS_NAME))

    @property
    def subject_name(self) -> str:
        """The certificate's subject, as its writer spelled it."""
        return _text(self.find(RecordTag.SUBJECT_NAME))

    @property
    def issuer_name(self) -> str:
        """The certificate's issuer, as its writer spelled it."""
        return _text(self.find(RecordTag.ISSUER_NAME))

    @property
    def serial(self) -> bytes:
        """The certificate's serial number, big-endian."""
        return self.find(RecordTag.SERIAL_NUMBER) or b""

    @property
    def public_key(self) -> bytes | None:
        """PKCS#1 RSAPublicKey in DER, or an uncompressed EC point."""
        return self.find(RecordTag.PUBLIC_KEY)

    @property
    def signature(self) -> bytes | None:
        """The certificate's own signature; missing in records of USB tokens."""
        return self.find(RecordTag.SIGNATURE)

    @property
    def certificate(self) -> bytes | None:
        """The certificate in DER; ``None`` in the hash form and in blank records."""
        return self.find(RecordTag.CERTIFICATE)

    @property
    def certificate_hash(self) -> bytes | None:
        """The hash of the certificate that is not in the record."""
        return self.find(RecordTag.CERTIFICATE_HASH)

    @property
    def hash_algorithm(self) -> int | None:
        """The algorithm of that hash, see ``Digest``."""
        return _number(self.find(RecordTag.HASH_ALGORITHM))

    @property
    def ip_address(self) -> str:
        """Dotted IPv4, or empty."""
        value = self.find(RecordTag.IP_ADDRESS)
        return ".".join(str(byte) for byte in value or b"")


def _grouped(
    records: Iterable[Record], key: Callable[[Record], Key]
) -> dict[Key, tuple[Record, ...]]:
    groups: dict[Key, tuple[Record, ...]] = {}
    for record in records:
        name = key(record)
        groups[name] = (*groups.get(name, ()), record)
    return groups


class _HeaderFields(NamedTuple):
    fields: tuple[Field, ...]


class Header(_HeaderFields):
    """The header: who signed the list, how, and when (docs/formats.md#header).

    What is computed from its fields is kept, which a named tuple itself has no room
    for.

    Attributes:
        fields: those of the top level; a container's value is its encoded children.
    """

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        """The fields of all levels: behind each container its children.

        Raises:
            TrustListError: a container of a hand-made header does not close.
        """
        return tuple(_with_children(self.fields))

    @cached_property
    def by_tag(self) -> Mapping[int, bytes]:
        """Every field by its tag, the containers' children too.

        No two levels share a tag (docs/formats.md#header), so a tag alone says which
        field it is.
        """
        return dict(self.all_fields)

    def find(self, tag: int) -> bytes | None:
        """The value of the field with this tag, on whatever level, or ``None``."""
        return self.by_tag.get(tag)

    @property
    def raw(self) -> bytes:
        """The bytes of the header, padding included."""
        return join_fields(self.fields, _PADDING)

    @property
    def unsigned(self) -> bytes:
        """The header with the SIGNATURE field cut out, its tag and length too.

        Everything else stays, HeaderLength with the number that counts the missing
        field (docs/formats.md#signature).
        """
        signed = [field for field in self.fields if field[0] != _SIGNATURE]
        return join_fields(signed, _PADDING)

    @property
    def version(self) -> tuple[int, ...]:
        """Major and minor: (1, 2) in every list seen, (1, 0) in signed files."""
        return tuple(self.find(HeaderTag.VERSION) or b"")

    @property
    def length(self) -> int:
        """HeaderLength: bytes of the header with signature and padding."""
        return _number(self.find(HeaderTag.HEADER_LENGTH)) or 0

    @property
    def signer_name(self) -> str:
        """The subject of the signer's certificate, as the writer spelled it."""
        return _text(self.find(HeaderTag.SIGNER_NAME))

    @property
    def serial(self) -> bytes:
        """The serial number of the signer's certificate, big-endian."""
        return self.find(HeaderTag.SERIAL_NUMBER) or b""

    @property
    def ca_name(self) -> str:
        """The issuer of the signer's certificate, as the writer spelled it."""
        return _text(self.find(HeaderTag.CA_NAME))

    @property
    def digest(self) -> int:
        """The hash algorithm of the signature, see ``Digest``; 0: not there."""
        return _number(self.find(HeaderTag.DIGEST_ALGORITHM)) or 0

    @property
    def signature_algorithm(self) -> int:
        """0 is RSA with PKCS#1 v1.5; nothing else was ever seen. -1: not there."""
        number = _number(self.find(HeaderTag.SIGNATURE_ALGORITHM))
        return -1 if number is None else number

    @property
    def signature(self) -> bytes:
        """The bytes of the SIGNATURE field."""
        return self.find(HeaderTag.SIGNATURE) or b""

    @property
    def file_name(self) -> str:
        """The name that the file was made for, whatever it is called now."""
        return _text(self.find(HeaderTag.FILE_NAME))

    @property
    def timestamp(self) -> int:
        """Seconds since 1970, UTC."""
        return _number(self.find(HeaderTag.TIMESTAMP)) or 0


class Bearer(NamedTuple):
    """Whose certificate a record is of: it has the certificate, or the hash of it.

    Attributes:
        role: the record's, see ``Role``.
        certificate: DER, or ``None``.
        sha1: of the certificate that is not in the record, or ``None``.
    """

    role: int | None
    certificate: bytes | None
    sha1: bytes | None

    @classmethod
    def of(cls, record: Record) -> Bearer:
        """That of a record; hashes other than SHA-1 were never seen."""
        certificate = record.certificate
        is_hash = certificate is None and record.hash_algorithm == Digest.SHA1
        return cls(
            record.role, certificate, record.certificate_hash if is_hash else None
        )


class Namesakes(NamedTuple):
    """The certificates of one name in a list.

    Attributes:
        spelled: by serial number, how the name is written beside it.
        serials: all of them, for a sentence.
    """

    spelled: Mapping[bytes, frozenset[str]]
    serials: str


def colons(serials: Iterable[bytes]) -> str:
    """Serial numbers as a person compares them: ``0A:1B, 0A:1C``."""
    return ", ".join(sorted(serial.hex(":").upper() for serial in serials))


def _namesakes(records: tuple[Record, ...]) -> Namesakes:
    groups = _grouped(records, lambda each: each.serial)
    spelled = {
        serial: frozenset(record.subject_name for record in group)
        for serial, group in groups.items()
    }
    return Namesakes(spelled, colons(spelled))


class _TrustListParts(NamedTuple):
    header: Header
    records: tuple[Record, ...]


class TrustList(_TrustListParts):
    """A whole ITL or CTL.

    What is asked of it again and again is kept, as in the header; the parts are all
    that two lists are compared by.

    Attributes:
        header: who signed it, how and when.
        records: its certificates, one role each.
    """

    @cached_property
    def keys_by_name(
        self,
    ) -> Mapping[tuple[bytes | None, bytes], frozenset[bytes | None]]:
        """Which keys an issuer and serial number have, as a signer is looked up.

        Byte for byte: the two are a look-up key (docs/formats.md#names). None is the
        key of a record without one.
        """
        groups = _grouped(
            self.records, lambda each: (each.find(RecordTag.ISSUER_NAME), each.serial)
        )
        return {
            name: frozenset(record.public_key for record in records)
            for name, records in groups.items()
        }

    @cached_property
    def by_key(self) -> Mapping[bytes | None, tuple[Bearer, ...]]:
        """Who is in it, by the public key; records without one under ``None``."""
        groups = _grouped(self.records, lambda each: each.public_key)
        return {
            key: tuple(Bearer.of(record) for record in records)
            for key, records in groups.items()
        }

    @cached_property
    def by_subject(self) -> Mapping[tuple[str, ...], Namesakes]:
        """Who is in it, by the parts of the name, whatever joins and orders them."""
        groups = _grouped(self.records, lambda each: name_parts(each.subject_name))
        return {name: _namesakes(records) for name, records in groups.items()}

    @cached_property
    def roles(self) -> frozenset[int | None]:
        """All the roles that its records have."""
        return frozenset(record.role for record in self.records)

    @cached_property
    def is_blank(self) -> bool:
        """No record has a key: phones take any list after it."""
        return not (self.by_key.keys() - {None})

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return self.header.raw + b"".join(record.raw for record in self.records)

    @property
    def unsigned(self) -> bytes:
        """What the signature covers: the file without its SIGNATURE.

        See docs/formats.md#signature.
        """
        return self.header.unsigned + join_fields(
            [field for record in self.records for field in record.fields]
        )
