"""Signed files (``.sgn``): bytes to values, a payload to a signed file.

See docs/formats.md#signed-files.

The header of a list with version 1.0 and no tag 28, then the plain payload. Signed are
the header without its SIGNATURE field, and the payload. FILENAME is the path that a
phone asks for, with its folders and the suffix. Refuses encrypted files (version 2.0)
and lists, sizes above the limit, and a signer that the list does not name as TFTP or
CCM+TFTP with its whole certificate. Who believes such a file is
:mod:`cucmsh.trustlist.signed_trust`'s question: the file holds no certificate.

The invariant: every input gives a value or :class:`TrustListError`, in linear time,
and ``decode_signed(raw).raw == raw``.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.errors import SignatureError, TrustListError
from cucmsh.trustlist.decode import (
    ENCRYPTED_VERSION,
    SIGNED_VERSION,
    read_header,
    require_bytes,
)
from cucmsh.trustlist.encode import text
from cucmsh.trustlist.header import of_signed_file, unsigned_header, with_signature
from cucmsh.trustlist.model import Header, Record
from cucmsh.trustlist.sealing import (
    Signer,
    require_possible,
    signed_by,
    signing_key,
)
from cucmsh.trustlist.tags import Digest, Role

SUFFIX = ".sgn"
MAX_SIGNED_SIZE = 1 << 20  # bytes; phones' files have some thousand
CONFIGURATION_SIGNERS = frozenset((Role.TFTP, Role.CCM_TFTP))

_VERSION_FIELD = b"\x01\x00\x02"  # tag 1 and a length of 2


class SignedFile(NamedTuple):
    """A signed file: its header, and the plain file behind it."""

    header: Header
    payload: bytes

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return self.header.raw + self.payload

    @property
    def unsigned(self) -> bytes:
        """What the signature covers: everything but the SIGNATURE field."""
        return self.header.unsigned + self.payload


def is_no_list(raw: bytes) -> bool:
    """Whether the bytes begin as a signed file does, or an encrypted one."""
    version = int.from_bytes(raw[3:5], "big")
    return raw[:3] == _VERSION_FIELD and version in (SIGNED_VERSION, ENCRYPTED_VERSION)


def decode_signed(raw: bytes) -> SignedFile:
    """Read a whole ``.sgn`` file.

    Args:
        raw: the file, at most 1,048,576 bytes.

    Raises:
        TrustListError: the bytes are no signed file; the only error there is.
    """
    require_bytes(raw)
    if len(raw) > MAX_SIGNED_SIZE:
        raise TrustListError(
            f"The file is larger than {MAX_SIGNED_SIZE} bytes", MAX_SIGNED_SIZE
        )
    raw = bytes(raw)
    header, size = read_header(raw, is_list=False)
    return SignedFile(header, raw[size:])


def seal_signed(
    payload: bytes,
    path: str,
    signer: tuple[Signer, Record],
    *,
    timestamp: int,
    digest: Digest,
) -> SignedFile:
    """Sign a file that phones ask for as ``path``.

    Names and serial number are those of the record, byte for byte: that is how a
    phone finds the signer in the list it holds.

    Args:
        payload: the plain file.
        path: what is asked for, ``folder/NAME.sgn``; FILENAME is it and a NUL.
        signer: who signs, and its record in the list that phones hold.
        timestamp: seconds since 1970, UTC.
        digest: SHA1 or SHA512.

    Raises:
        SignatureError: the signer, digest, time, name or size cannot be.
    """
    key, record = signer
    require_possible(digest, timestamp)
    _require_signer(key, record)
    header = of_signed_file(
        unsigned_header(
            record, digest, signing_key(key.certificate), _name(path), timestamp
        )
    )
    draft = SignedFile(header, payload)
    size = len(draft.raw)
    if size > MAX_SIGNED_SIZE:
        raise SignatureError(
            f"{path} would have {size} bytes; a signed file has at most "
            f"{MAX_SIGNED_SIZE}",
            "Take the file out of the TFTP directory, or make it smaller.",
        )
    signature = signed_by(key, draft.unsigned, digest)
    return decode_signed(SignedFile(with_signature(header, signature), payload).raw)


def _name(path: str) -> bytes:
    """FILENAME.

    Raises:
        SignatureError: no phone can ask for such a name.
    """
    try:
        name = text(path)
    except UnicodeEncodeError as problem:
        raise SignatureError(f"{path!r} is no name in UTF-8") from problem
    if not path.endswith(SUFFIX) or path.startswith("/") or name.count(0) != 1:
        raise SignatureError(
            f"{path!r} is no relative path that ends with {SUFFIX}",
            "Name the file as phones ask for it.",
        )
    return name


def _require_signer(key: Signer, record: Record) -> None:
    name = key.certificate.subject_name
    if record.role not in CONFIGURATION_SIGNERS:
        raise SignatureError(
            f"{name} is not in the list as TFTP", "Sign with the list's TFTP record."
        )
    if (
        record.certificate != key.certificate.der
        or record.public_key != key.certificate.public_key
    ):
        raise SignatureError(
            f"The list holds another certificate or key for {record.subject_name} "
            "than the one that signs",
            "Make a new list from the present certificates first.",
        )
