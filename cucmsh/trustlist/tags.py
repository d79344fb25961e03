"""The numbers of the format, CUCM's words for them, and what fields look like.

See docs/formats.md#header, #record, #roles.

Decides nothing: whether a field may stand where it stands is the decoder's business.
"""

from __future__ import annotations

from enum import IntEnum


class HeaderTag(IntEnum):
    """Fields of the header; ``label`` is what ``show itl`` prints.

    See docs/formats.md#header.
    """

    VERSION = 1
    HEADER_LENGTH = 2
    SIGNER_ID = 3
    SIGNER_NAME = 4
    SERIAL_NUMBER = 5
    CA_NAME = 6
    SIGNATURE_INFO = 7
    DIGEST_ALGORITHM = 8
    SIGNATURE_ALGORITHM_INFO = 9
    SIGNATURE_ALGORITHM = 10
    SIGNATURE_MODULUS = 11
    SIGNATURE = 12
    PADDING = 13
    FILE_NAME = 14
    TIMESTAMP = 15
    SIGNER_VERSION = 28

    @property
    def label(self) -> str:
        """What ``show itl`` prints of the field."""
        return _HEADER_LABELS[self]


class RecordTag(IntEnum):
    """Fields of a record; ``label`` is what ``show itl`` prints.

    See docs/formats.md#record.
    """

    RECORD_LENGTH = 1
    DNS_NAME = 2
    SUBJECT_NAME = 3
    FUNCTION = 4
    ISSUER_NAME = 5
    SERIAL_NUMBER = 6
    PUBLIC_KEY = 7
    SIGNATURE = 8
    CERTIFICATE = 9
    IP_ADDRESS = 10
    CERTIFICATE_HASH = 11
    HASH_ALGORITHM = 12

    @property
    def label(self) -> str:
        """What ``show itl`` prints of the field."""
        return _RECORD_LABELS[self]


class Role(IntEnum):
    """What a record's certificate may do for the phone (docs/formats.md#roles)."""

    SAST = 0
    CCM = 1
    CCM_TFTP = 2
    TFTP = 3
    CAPF = 4
    APPLICATION_SERVER = 7
    TVS = 21


class Digest(IntEnum):
    """Hash algorithms of the list signature (header tag 8) and of record tag 12."""

    SHA1 = 1
    SHA256 = 2
    SHA512 = 3

    @property
    def hash_name(self) -> str:
        """The name that hashlib and the room ``pki`` know: ``sha1`` and so on."""
        return self.name.lower()


# The misspellings are CUCM's own, and programs match on them.
_HEADER_LABELS = {
    HeaderTag.VERSION: "Version",
    HeaderTag.HEADER_LENGTH: "HeaderLength",
    HeaderTag.SIGNER_ID: "SIGNERID",
    HeaderTag.SIGNER_NAME: "SIGNERNAME",
    HeaderTag.SERIAL_NUMBER: "SERIALNUMBER",
    HeaderTag.CA_NAME: "CANAME",
    HeaderTag.SIGNATURE_INFO: "SIGNATUREINFO",
    HeaderTag.DIGEST_ALGORITHM: "DIGESTALGORTITHM",
    HeaderTag.SIGNATURE_ALGORITHM_INFO: "SIGNATUREALGOINFO",
    HeaderTag.SIGNATURE_ALGORITHM: "SIGNATUREALGORTITHM",
    HeaderTag.SIGNATURE_MODULUS: "SIGNATUREMODULUS",
    HeaderTag.SIGNATURE: "SIGNATURE",
    HeaderTag.PADDING: "PADDING",  # ours: CUCM never prints padding
    HeaderTag.FILE_NAME: "FILENAME",
    HeaderTag.TIMESTAMP: "TIMESTAMP",
    HeaderTag.SIGNER_VERSION: "SIGNERVERSION",  # ours: CUCM does not write tag 28
}

_RECORD_LABELS = {
    RecordTag.RECORD_LENGTH: "RECORDLENGTH",
    RecordTag.DNS_NAME: "DNSNAME",
    RecordTag.SUBJECT_NAME: "SUBJECTNAME",
    RecordTag.FUNCTION: "FUNCTION",
    RecordTag.ISSUER_NAME: "ISSUERNAME",
    RecordTag.SERIAL_NUMBER: "SERIALNUMBER",
    RecordTag.PUBLIC_KEY: "PUBLICKEY",
    RecordTag.SIGNATURE: "SIGNATURE",
    RecordTag.CERTIFICATE: "CERTIFICATE",
    RecordTag.IP_ADDRESS: "IPADDRESS",
    RecordTag.CERTIFICATE_HASH: "CERTHASH",
    RecordTag.HASH_ALGORITHM: "HASH ALGORITHM",
}

# A form is a size in bytes, or one of these.
TEXT = -1  # anything, then the only NUL
LOOSE_TEXT = -2  # the same, but nothing at all and NULs alone are in use too
FILLED = -3  # at least one byte

HEADER_FORMS: dict[int, int] = {
    HeaderTag.VERSION: 2,
    HeaderTag.HEADER_LENGTH: 2,
    HeaderTag.SIGNER_NAME: TEXT,
    HeaderTag.SERIAL_NUMBER: FILLED,
    HeaderTag.CA_NAME: TEXT,
    HeaderTag.SIGNATURE_INFO: 15,
    HeaderTag.DIGEST_ALGORITHM: 1,
    HeaderTag.SIGNATURE_ALGORITHM_INFO: 8,
    HeaderTag.SIGNATURE_ALGORITHM: 1,
    HeaderTag.SIGNATURE_MODULUS: 1,
    HeaderTag.FILE_NAME: TEXT,
    HeaderTag.TIMESTAMP: 4,
    HeaderTag.SIGNER_VERSION: 2,
}
# Lists without these are whole. A tag that is new to us belongs here: the lists that
# phones hold have none.
OPTIONAL_HEADER = frozenset({HeaderTag.PADDING, HeaderTag.SIGNER_VERSION})
RECORD_FORMS: dict[int, int] = {
    RecordTag.RECORD_LENGTH: 2,
    RecordTag.DNS_NAME: LOOSE_TEXT,
    RecordTag.SUBJECT_NAME: TEXT,
    RecordTag.FUNCTION: 2,
    RecordTag.ISSUER_NAME: TEXT,
    RecordTag.SERIAL_NUMBER: FILLED,
    RecordTag.IP_ADDRESS: 4,
    RecordTag.HASH_ALGORITHM: 1,
}

_ROLE_LABELS: dict[int, str] = {
    Role.SAST: "System Administrator Security Token",
    Role.CCM: "CCM",
    Role.CCM_TFTP: "CCM+TFTP",
    Role.TFTP: "TFTP",
    Role.CAPF: "CAPF",
    Role.APPLICATION_SERVER: "APP-SERVER",  # ours: CUCM's word is not known
    Role.TVS: "TVS",
}


def role_label(code: int) -> str:
    """CUCM's word for a role code; a code without a known word as its number."""
    return _ROLE_LABELS.get(code, str(code))
