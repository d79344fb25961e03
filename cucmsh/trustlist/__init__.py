"""Trust lists: bytes to values, values to bytes, and who believes whom.

Opens no file and no socket, reads no clock, holds no key, knows no X.509. What stands
in ``__all__`` is the public API, and keeps its names and meanings as docs/programs.md
promises; the modules may change::

    decode(raw)                        bytes -> TrustList, or TrustListError
    encode(trust_list)                 TrustList -> the same bytes
    full_record, hashed_record         certificates -> records, as CUCM 10 writes them
    seal, reseal                       records and a Signer -> a signed TrustList
    check, check_certificates          is the list what its own signer made?
    judge(held, offered, ...)          would a holder of this list take that one?
    decode_signed, seal_signed         signed files (.sgn): the same, with a payload
    judge_signed(held, file, ...)      would a holder of this list take that file?

The format is that of docs/formats.md.
"""

from typing import TYPE_CHECKING

from cucmsh.late import late_names

# Modules of these names are there, too, and whoever imports them would hide a function
# that comes late. All that look at a list need them.
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import encode

if TYPE_CHECKING:
    from cucmsh.errors import CertificateError, SignatureError, TrustListError
    from cucmsh.trustlist.certificates import check_certificates
    from cucmsh.trustlist.check import SignatureVerdict, Verifier
    from cucmsh.trustlist.decode import MAX_LIST_SIZE
    from cucmsh.trustlist.encode import (
        CertificateFields,
        full_record,
        hashed_record,
    )
    from cucmsh.trustlist.model import Header, Record, TrustList
    from cucmsh.trustlist.public_key import PublicKey
    from cucmsh.trustlist.sealing import Signer, reseal, seal
    from cucmsh.trustlist.signed import SignedFile, decode_signed, seal_signed
    from cucmsh.trustlist.signed_trust import SignedVerdict, judge_signed
    from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag, Role, role_label
    from cucmsh.trustlist.trust import TrustVerdict, judge
    from cucmsh.trustlist.wire import Field

__all__ = [
    "MAX_LIST_SIZE",
    "CertificateError",
    "CertificateFields",
    "Digest",
    "Field",
    "Header",
    "HeaderTag",
    "PublicKey",
    "Record",
    "RecordTag",
    "Role",
    "SignatureError",
    "SignatureVerdict",
    "SignedFile",
    "SignedVerdict",
    "Signer",
    "TrustList",
    "TrustListError",
    "TrustVerdict",
    "Verifier",
    "check",
    "check_certificates",
    "decode",
    "decode_signed",
    "encode",
    "full_record",
    "hashed_record",
    "judge",
    "judge_signed",
    "reseal",
    "role_label",
    "seal",
    "seal_signed",
]

# Where the names are that are imported when they are first asked for: `show itl` signs
# nothing and judges no signed file (docs/performance.md row 3).
__getattr__ = late_names(
    __name__,
    {
        "cucmsh.errors": ("CertificateError", "SignatureError", "TrustListError"),
        "cucmsh.trustlist.certificates": ("check_certificates",),
        "cucmsh.trustlist.check": ("SignatureVerdict", "Verifier"),
        "cucmsh.trustlist.decode": ("MAX_LIST_SIZE",),
        "cucmsh.trustlist.encode": (
            "CertificateFields",
            "full_record",
            "hashed_record",
        ),
        "cucmsh.trustlist.model": ("Header", "Record", "TrustList"),
        "cucmsh.trustlist.public_key": ("PublicKey",),
        "cucmsh.trustlist.sealing": ("Signer", "reseal", "seal"),
        "cucmsh.trustlist.signed": ("SignedFile", "decode_signed", "seal_signed"),
        "cucmsh.trustlist.signed_trust": ("SignedVerdict", "judge_signed"),
        "cucmsh.trustlist.tags": (
            "Digest",
            "HeaderTag",
            "RecordTag",
            "Role",
            "role_label",
        ),
        "cucmsh.trustlist.trust": ("TrustVerdict", "judge"),
        "cucmsh.trustlist.wire": ("Field",),
    },
)
