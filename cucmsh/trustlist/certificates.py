"""Does a full record say the same as the certificate that it carries?

Reads no X.509 itself. :func:`frame_mismatch` looks for the bytes that a certificate
with this key and signature must contain; it is what every check of a list pays for.
:func:`check_certificates` is the strict form, with a real parser handed in; the
parser is ``pki``'s, and only it can tell a key in its place from a key in an
extension. Nothing refuses the spelling of names by certutils or the Windows CTL
client (docs/formats.md#names).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cucmsh.errors import CertificateError
from cucmsh.trustlist.encode import CertificateFields
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import RecordTag

_PUBLIC_KEY = RecordTag.PUBLIC_KEY.value
_SIGNATURE = RecordTag.SIGNATURE.value
_CERTIFICATE = RecordTag.CERTIFICATE.value

_BIT_STRING = 3
_NO_UNUSED_BITS = 0

# The fixed order of CUCM's names (docs/formats.md#names).
_CUCM_ORDER = ("CN=", "OU=", "O=", "L=", "ST=", "C=")


def frame_mismatch(records: tuple[Record, ...]) -> str:
    """What is wrong with the first full record that contradicts its certificate.

    A certificate ends with its signature and contains its key, both framed as BIT
    STRING. Returns an empty string when all full records do so. A record without
    SIGNATURE is a USB token's (docs/formats.md#record) and is not blamed for it.
    """
    for number, record in enumerate(records, 1):
        values = record.by_tag
        certificate = values.get(_CERTIFICATE)
        if certificate is None:
            continue
        key, signature = values.get(_PUBLIC_KEY), values.get(_SIGNATURE)
        if key is None or _bit_string_head(len(key)) + key not in certificate:
            return f"record {number}: PUBLICKEY is not that of its certificate"
        if signature is not None and not certificate.endswith(
            _bit_string_head(len(signature)) + signature
        ):
            return f"record {number}: SIGNATURE is not that of its certificate"
    return ""


@lru_cache(maxsize=32)
def _bit_string_head(content_size: int) -> bytes:
    """Tag, DER length and the count of unused bits, before so many bytes."""
    size = content_size + 1
    if size < 0x80:
        return bytes((_BIT_STRING, size, _NO_UNUSED_BITS))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_BIT_STRING, 0x80 | len(octets), *octets, _NO_UNUSED_BITS))


def check_certificates(
    trust_list: TrustList, read: Callable[[bytes], CertificateFields]
) -> str:
    """The first mismatch between full records and their certificates, or "".

    Serial, key and signature must always be the certificate's. Names must be only
    where they are written as CUCM writes them.

    Args:
        trust_list: the list.
        read: reads a certificate in DER, raises CertificateError for anything else.
    """
    for number, record in enumerate(trust_list.records, 1):
        if record.certificate is None:
            continue
        try:
            certificate = read(record.certificate)
        except CertificateError as error:
            return f"record {number}: CERTIFICATE cannot be read: {error.message}"
        label = _differing_field(record, certificate)
        if label:
            return f"record {number}: {label} is not that of its certificate"
    return ""


def _differing_field(record: Record, certificate: CertificateFields) -> str:
    # An old writer may have kept DER's sign byte; the number is the same.
    if record.serial.lstrip(b"\0") != certificate.serial.lstrip(b"\0"):
        return "SERIALNUMBER"
    if record.public_key != certificate.public_key:
        return "PUBLICKEY"
    if record.signature not in (None, certificate.signature):
        return "SIGNATURE"
    if _contradicts(record.subject_name, certificate.subject_name):
        return "SUBJECTNAME"
    if _contradicts(record.issuer_name, certificate.issuer_name):
        return "ISSUERNAME"
    return ""


def _contradicts(written: str, true_name: str) -> bool:
    return written != true_name and _is_cucm_spelling(written)


def _is_cucm_spelling(name: str) -> bool:
    """True when ``;`` joins upper-case types in CUCM's fixed order, unescaped.

    One attribute alone has no separator that would tell CUCM from certutils.
    """
    parts = name.split(";")
    if len(parts) < 2 or "\\" in name:
        return False
    places = [
        place
        for part in parts
        for place, kind in enumerate(_CUCM_ORDER)
        if part.startswith(kind)
    ]
    return len(places) == len(parts) and places == sorted(places)
