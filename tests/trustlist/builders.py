"""Stand-in certificates, real signers, and lists written by hand.

A stand-in is no X.509: filler bytes of any size that contain the key and end with the
signature, framed as a certificate frames them. The room reads no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record
from cucmsh.trustlist.public_key import PublicKey

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}
TAIL = ";OU=tac;O=cisco;L=rtp;ST=nc;C=US"


class StandIn(NamedTuple):
    der: bytes
    subject_name: str
    issuer_name: str
    serial: bytes
    public_key: bytes
    signature: bytes


def tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(octets))) + octets + content


def bit_string(content: bytes) -> bytes:
    return der(3, b"\0" + content)


def public_bytes(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def stand_in(
    name: str,
    key: bytes,
    *,
    size: int = 0,
    serial: bytes = b"",
    signature: bytes = b"",
) -> StandIn:
    """A certificate of ``size`` bytes (0: as small as can be), issued by itself."""
    serial = serial or name.encode()[:16].ljust(16, b"1")
    signature = signature or bytes(range(1, 129))
    middle = b"\x30\x82" + serial + name.encode() + bit_string(key)
    end = bit_string(signature)
    filler = bytes(max(0, size - len(middle) - len(end)))
    whole = middle + filler + end
    assert size in (0, len(whole))
    return StandIn(whole, name, name, serial, key, signature)


class KeySigner:
    """A real key with a stand-in certificate; ``hash_name`` lies if it is given."""

    def __init__(
        self, key: rsa.RSAPrivateKey, certificate: StandIn, lie: str = ""
    ) -> None:
        self.key = key
        self.certificate = certificate
        self._lie = lie

    def sign(self, message: bytes, hash_name: str) -> bytes:
        algorithm = HASHES[self._lie or hash_name]
        return self.key.sign(message, padding.PKCS1v15(), algorithm)


class LibraryVerifier:
    """The library's verification, counted."""

    def __init__(self) -> None:
        self.calls = 0

    def verifies(
        self, key: PublicKey, signature: bytes, message: bytes, hash_name: str
    ) -> bool:
        self.calls += 1
        modulus, exponent = key.numbers
        try:
            public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
            public.verify(signature, message, padding.PKCS1v15(), HASHES[hash_name])
        except (InvalidSignature, ValueError):
            return False
        return True


class Cluster(NamedTuple):
    """The signers of a cluster, as in the source document."""

    call_manager: KeySigner
    recovery: KeySigner
    capf: StandIn
    tvs: StandIn
    subscriber_tvs: StandIn

    def records(self) -> tuple[Record, ...]:
        """The six records of the document, in its order."""
        return (
            full_record(0, self.call_manager.certificate),
            full_record(3, self.call_manager.certificate),
            hashed_record(4, self.capf),
            hashed_record(21, self.tvs),
            full_record(0, self.recovery.certificate),
            hashed_record(21, self.subscriber_tvs),
        )


class HandMadeList(NamedTuple):
    """A list put together byte by byte, without the room's own encoder."""

    before_signature: bytes
    after_signature: bytes
    records: bytes

    def unsigned(self) -> bytes:
        return self.before_signature + self.after_signature + self.records

    def signed(self, signature: bytes) -> bytes:
        return (
            self.before_signature
            + tlv(12, signature)
            + self.after_signature
            + self.records
        )


def hand_made_record(fields: Iterable[bytes]) -> bytes:
    body = b"".join(fields)
    return tlv(1, (len(body) + 5).to_bytes(2, "big")) + body


def certutils_record(role: int, certificate: StandIn, name: str) -> bytes:
    """certutils 4: 1, 3, 5, 6, 4, 7, 8, 9 and no DNSNAME.

    See docs/formats.md#record, #dialects.
    """
    return hand_made_record(
        (
            tlv(3, name.encode() + b"\0"),
            tlv(5, name.encode() + b"\0"),
            tlv(6, certificate.serial),
            tlv(4, role.to_bytes(2, "big")),
            tlv(7, certificate.public_key),
            tlv(8, certificate.signature),
            tlv(9, certificate.der),
        )
    )


def hand_made(
    signer: StandIn,
    name: str,
    records: bytes,
    *,
    digest: int = 3,
    size_class: int = 1,
    algorithm: int = 0,
    signature_size: int = 128,
    file_name: bytes = b"ITLFile.tlv\0",
    pads: bool = True,
) -> HandMadeList:
    """A certutils header: tag 28 after 2, name, CA, serial.

    See docs/formats.md#header, #dialects.
    """
    spelled = name.encode() + b"\0"
    body = (
        tlv(28, b"\x01\x01")
        + tlv(3, tlv(4, spelled) + tlv(6, spelled) + tlv(5, signer.serial))
        + tlv(
            7,
            tlv(8, bytes((digest,)))
            + tlv(9, tlv(10, bytes((algorithm,))) + tlv(11, bytes((size_class,)))),
        )
    )
    after = tlv(14, file_name) + tlv(15, bytes.fromhex("530e3e1b"))
    size = 10 + len(body) + 3 + signature_size + len(after)
    if pads:
        after += b"\x0d" * (-size % 4)
        size += -size % 4
    before = tlv(1, b"\x01\x02") + tlv(2, size.to_bytes(2, "big")) + body
    return HandMadeList(before, after, records)
