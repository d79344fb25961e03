"""Is a list what its own signer made? Consistency, never trust.

Refuses, with a sentence: a signer that is not in the list with role SAST, or there
with two keys; digests and algorithms other than the declared and known ones; keys
that the declared algorithm does not sign with (:mod:`cucmsh.trustlist.public_key`); a
signature of another size; records that contradict their certificates; a signature that
does not fit the bytes. The operation with the key is the verifier's (one a list): no
padding is checked here. Whether a phone should *believe* the signer is
:mod:`cucmsh.trustlist.trust`'s question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from cucmsh.errors import SignatureError
from cucmsh.trustlist.certificates import frame_mismatch
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.public_key import KINDS, PublicKey, size_of_class
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag, Role

_LIST_SIGNERS = frozenset((Role.SAST,))
_SERIAL = RecordTag.SERIAL_NUMBER.value
_HASH_NAMES: dict[int, str] = {digest: digest.hash_name for digest in Digest}


class Verifier(Protocol):
    """Checks one signature; raises nothing.

    An RSA key makes RSASSA-PKCS1-v1_5 signatures here. A key of an algorithm that the
    verifier does not know has made none.
    """

    def verifies(
        self, key: PublicKey, signature: bytes, message: bytes, hash_name: str
    ) -> bool:
        """Whether ``signature`` is that of ``message`` under the key and hash.

        Args:
            key: of the signer.
            signature: the bytes of the SIGNATURE field.
            message: what was signed.
            hash_name: ``sha1``, ``sha256`` or ``sha512``.
        """


class SignatureVerdict(NamedTuple):
    """``reason`` is empty when valid; ``signer`` is ``None`` if not one was found."""

    is_valid: bool
    reason: str
    signer: Record | None


class SignatureClaim(NamedTuple):
    """All that a list says of its signature, found sound but for the signature itself.

    Whoever is offered one list many times keeps this, and pays for the operation with
    the key alone each time.

    Attributes:
        fault: why it can be no good signature; empty if only the key can tell.
        signer: the list's record of its signer, or ``None``.
        key: the signer's; ``None`` beside a fault.
        signature: the bytes of the SIGNATURE field.
        message: what it covers.
        hash_name: ``sha1``, ``sha256`` or ``sha512``.
    """

    fault: str
    signer: Record | None
    key: PublicKey | None = None
    signature: bytes = b""
    message: bytes = b""
    hash_name: str = ""

    def verdict(self, verifier: Verifier, kind: str = "list") -> SignatureVerdict:
        """Whether the signature fits; one operation with the key at most."""
        reason = self.why_not(verifier, kind)
        return SignatureVerdict(not reason, reason, self.signer)

    def why_not(self, verifier: Verifier, kind: str = "list") -> str:
        """Why the signature does not fit; empty if it does. Costs the same."""
        key = self.key
        if key is None or verifier.verifies(
            key, self.signature, self.message, self.hash_name
        ):
            return self.fault
        return f"the signature does not fit the {kind}"


def check(trust_list: TrustList, verifier: Verifier) -> SignatureVerdict:
    """Check a list against the signer that it names, found in the list itself.

    Args:
        trust_list: a decoded or sealed list.
        verifier: does the operation with the key.
    """
    return claim_of(trust_list).verdict(verifier)


def claim_of(trust_list: TrustList) -> SignatureClaim:
    """What ``check`` finds of a list before it asks the key."""
    header = trust_list.header.by_tag
    signers = signers_of(header, trust_list.records, _LIST_SIGNERS)
    if not signers:
        return SignatureClaim(
            "the list holds no System Administrator Security Token with the "
            "issuer and serial number of its signer",
            None,
        )
    if len({signer.public_key for signer in signers}) > 1:
        return SignatureClaim(
            "the list holds its signer twice, with different keys", None
        )
    signer = signers[0]
    fault = algorithm_fault(header) or frame_mismatch(trust_list.records)
    if fault:
        return SignatureClaim(fault, signer)
    return _claim(trust_list.unsigned, header, signer.public_key or b"", signer)


def signers_of(
    header: Mapping[int, bytes], records: tuple[Record, ...], roles: frozenset[Role]
) -> list[Record]:
    """The records with such a role that the header's issuer and serial name.

    Byte for byte: the two are a look-up key, not names to be understood
    (docs/formats.md#names).
    """
    issuer = header[HeaderTag.CA_NAME]
    serial = header[HeaderTag.SERIAL_NUMBER]
    return [
        record
        for record in records
        if record.find(_SERIAL) == serial
        and record.find(RecordTag.ISSUER_NAME) == issuer
        and record.role in roles
    ]


def algorithm_fault(header: Mapping[int, bytes]) -> str:
    """What is wrong with the declared algorithms; empty if they are known."""
    algorithm = header[HeaderTag.SIGNATURE_ALGORITHM][0]
    if algorithm not in KINDS:
        return f"signature algorithm {algorithm} is unknown"
    digest = header[HeaderTag.DIGEST_ALGORITHM][0]
    if digest not in _HASH_NAMES:
        return f"digest algorithm {digest} is unknown"
    return ""


def signature_fault(
    unsigned: bytes,
    header: Mapping[int, bytes],
    public_key: bytes,
    verifier: Verifier,
    kind: str,
) -> str:
    """Key, size class and signature must be of one size, then the signature must fit.

    Args:
        unsigned: what the signature covers.
        header: the header's fields by their tags; the algorithms are known ones.
        public_key: the signer's, a PUBLICKEY field.
        verifier: does the operation with the key.
        kind: the word for what is signed, ``list`` or ``file``.
    """
    return _claim(unsigned, header, public_key, None).verdict(verifier, kind).reason


def _claim(
    unsigned: bytes,
    header: Mapping[int, bytes],
    public_key: bytes,
    signer: Record | None,
) -> SignatureClaim:
    algorithm = header[HeaderTag.SIGNATURE_ALGORITHM][0]
    key_kind = KINDS[algorithm]
    try:
        key = key_kind.read(public_key)
    except SignatureError as error:
        fault = f"the signer's PUBLICKEY cannot be used: {error.message}"
        return SignatureClaim(fault, signer)
    size = key.signature_size
    if size not in key_kind.signing_sizes:
        fault = f"a key of {key.bits} bits signs no trust list"
        return SignatureClaim(fault, signer)
    signature = header[HeaderTag.SIGNATURE]
    size_class = header[HeaderTag.SIGNATURE_MODULUS][0]
    if not size == size_of_class(algorithm, size_class) == len(signature):
        fault = (
            f"a signature of {len(signature)} bytes in size class {size_class} does "
            f"not fit the signer's key of {size} bytes"
        )
        return SignatureClaim(fault, signer)
    hash_name = _HASH_NAMES[header[HeaderTag.DIGEST_ALGORITHM][0]]
    return SignatureClaim("", signer, key, signature, unsigned, hash_name)
