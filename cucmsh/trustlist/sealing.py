"""Records and a signer to a signed list.

See docs/formats.md#header, #signature, #dialects.

Refuses a signer that is not in the list as System Administrator Security Token with
its whole certificate, keys that sign no lists (:mod:`cucmsh.trustlist.public_key`), the
digest that no phone of today reads (2), records that contradict their certificates, and
lists above the limits. Never touches a record's bytes. Holds no key: a :class:`Signer`
has it.

What is made is decoded again before it is handed out, so nothing leaves that
:func:`cucmsh.trustlist.decode.decode` would refuse. Checking lists is
:mod:`cucmsh.trustlist.check` and :mod:`cucmsh.trustlist.certificates`; their names
stand here too, because sealing and checking are asked for together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cucmsh.errors import SignatureError
from cucmsh.trustlist.certificates import check_certificates, frame_mismatch
from cucmsh.trustlist.check import SignatureVerdict, Verifier, check
from cucmsh.trustlist.decode import MAX_LIST_SIZE, MAX_RECORDS, decode
from cucmsh.trustlist.encode import CertificateFields, text
from cucmsh.trustlist.header import unsigned_header, with_signature
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.public_key import PublicKey, kind_of, read_key
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag, Role

__all__ = [
    "SignatureVerdict",
    "Signer",
    "Verifier",
    "check",
    "check_certificates",
    "reseal",
    "seal",
]

_MAX_TIMESTAMP = 0xFFFFFFFF


class Signer(Protocol):
    """A certificate and the power to sign with its key."""

    @property
    def certificate(self) -> CertificateFields:
        """The certificate of the key that signs."""

    def sign(self, message: bytes, hash_name: str) -> bytes:
        """The signature of ``message``: with an RSA key, RSASSA-PKCS1-v1_5.

        Args:
            message: what is signed.
            hash_name: ``sha1`` or ``sha512``.
        """


def seal(
    records: Sequence[Record],
    signer: Signer,
    *,
    timestamp: int,
    digest: Digest,
    file_name: str = "ITLFile.tlv",
) -> TrustList:
    """Make and sign a list of ``records``, with a header as CUCM 10 writes it.

    Args:
        records: the records, in their final order.
        signer: who signs; its certificate is one of the records.
        timestamp: seconds since 1970, UTC.
        digest: SHA1 or SHA512.
        file_name: the name inside the file, whatever the file is served as.

    Raises:
        SignatureError: the signer, digest, time or size cannot be; see above.
        TrustListError: a hand-made record is none.
    """
    return _seal(tuple(records), signer, timestamp, digest, text(file_name))


def reseal(
    trust_list: TrustList, signer: Signer, *, timestamp: int, digest: Digest
) -> TrustList:
    """Sign the same records, byte for byte, and the same file name anew.

    The header is made in our dialect whoever wrote the old one
    (docs/formats.md#dialects). Arguments and errors are those of :func:`seal`.
    """
    file_name = trust_list.header.find(HeaderTag.FILE_NAME) or b"\0"
    return _seal(trust_list.records, signer, timestamp, digest, file_name)


def _seal(
    records: tuple[Record, ...],
    signer: Signer,
    timestamp: int,
    digest: Digest,
    file_name: bytes,
) -> TrustList:
    require_possible(digest, timestamp)
    own = _own_record(records, signer.certificate)
    key = signing_key(signer.certificate)
    header = unsigned_header(own, digest, key, file_name, timestamp)
    draft = TrustList(header, records)
    _refuse_too_large(draft)
    mismatch = frame_mismatch(records)
    if mismatch:
        raise SignatureError(
            f"The list contradicts itself: {mismatch}",
            "Make the list's records anew from the certificates.",
        )
    signature = signed_by(signer, draft.unsigned, digest)
    return decode(TrustList(with_signature(header, signature), records).raw)


def require_possible(digest: Digest, timestamp: int) -> None:
    """Refuse a digest that phones do not read, and a time that has no field.

    Raises:
        SignatureError: so it is.
    """
    if digest not in (Digest.SHA1, Digest.SHA512):
        raise SignatureError(
            f"Lists are not signed with digest {int(digest)}", "Use SHA-1 or SHA-512."
        )
    if not 0 <= timestamp <= _MAX_TIMESTAMP:
        raise SignatureError(f"The time {timestamp} does not fit a trust list")


def signed_by(signer: Signer, unsigned: bytes, digest: Digest) -> bytes:
    """The signature of ``unsigned``, of the size that the certificate's key makes.

    Raises:
        SignatureError: it is of another size, or could not be made.
    """
    size = signing_key(signer.certificate).signature_size
    signature = signer.sign(unsigned, digest.hash_name)
    if len(signature) != size:
        raise SignatureError(
            f"The signer made a signature of {len(signature)} bytes; the key in its "
            f"certificate makes {size}"
        )
    return signature


def _own_record(records: tuple[Record, ...], certificate: CertificateFields) -> Record:
    """The record that makes the signer one: SAST, with its certificate and key."""
    name = certificate.subject_name
    own = next(
        (
            record
            for record in records
            if record.role == Role.SAST and record.certificate == certificate.der
        ),
        None,
    )
    if own is None:
        raise SignatureError(
            f"{name} is not in the list as System Administrator Security Token with "
            "its whole certificate",
            "Sign with a certificate of the list, or put this one into it first.",
        )
    issuer = own.find(RecordTag.ISSUER_NAME)
    keys = {
        record.public_key
        for record in records
        if record.role == Role.SAST
        and record.serial == own.serial
        and record.find(RecordTag.ISSUER_NAME) == issuer
    }
    if keys != {certificate.public_key}:
        raise SignatureError(
            f"The list holds {name} with another key than its certificate has",
            "Make the list's records anew from the certificates.",
        )
    return own


def signing_key(certificate: CertificateFields) -> PublicKey:
    """The certificate's key, which signs lists.

    Raises:
        SignatureError: no trust list is signed with such a key.
    """
    key = read_key(certificate.public_key)
    _, kind = kind_of(key)
    if key.signature_size not in kind.signing_sizes:
        raise SignatureError(
            f"A key of {key.bits} bits cannot sign a trust list", kind.advice
        )
    return key


def _refuse_too_large(draft: TrustList) -> None:
    size, count = len(draft.raw), len(draft.records)
    if size > MAX_LIST_SIZE or count > MAX_RECORDS:
        raise SignatureError(
            f"A list of {count} records and {size} bytes is too large: the limits are "
            f"{MAX_RECORDS} records and {MAX_LIST_SIZE} bytes",
            "Take certificates out of the cluster's trust.",
        )
