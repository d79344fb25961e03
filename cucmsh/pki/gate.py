"""What a PKCS#12 file (RFC 7292) asks of whoever opens it, before anything is derived.

OpenSSL runs the rounds that a file names before it checks any password: a MAC with
2^31-1 of them held it past every timeout tried (threats-and-faults.md finding 5).
This gate reads the structure only, needs no password, and lets through plain DER
with a password MAC, known algorithms, few parts and few rounds. What lies inside an
encrypted part it cannot see; a time limit has to guard that.

The structures are spelled out for the DER decoder of ``cryptography``. Its authors
call that interface unstable, so it stands in this module only. It knows no SEQUENCE
OF at the root: ``_Parts`` and ``_Bags`` name their members one by one, which caps
their number.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypeVar

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from cucmsh.errors import KeyFileError

MAX_KEY_FILE_SIZE = 64 * 1024  # bytes; a genuine one has two to five thousand
# In the whole file. OWASP asks for at most 1,400,000 (PBKDF2-HMAC-SHA1), and a file
# has three derivations: MAC, certificate, key. At a microsecond a round, a small
# board's pace, it still opens within ten seconds.
MAX_ROUNDS = 5_000_000

_DATA = "1.2.840.113549.1.7.1"
_ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
_KEY_BAG = "1.2.840.113549.1.12.10.1.1"
_SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
_CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3"
_PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_PKCS12_CIPHERS = {f"1.2.840.113549.1.12.1.{number}" for number in range(1, 7)}
_AES_CBC = {f"2.16.840.1.101.3.4.1.{number}" for number in (2, 22, 42)}
_OLD_CIPHERS = {"1.2.840.113549.3.7", "1.2.840.113549.3.2"}  # 3DES, RC2
_DIGESTS = {
    "1.3.14.3.2.26",  # SHA-1, then SHA-256, SHA-384, SHA-512
    *(f"2.16.840.1.101.3.4.2.{number}" for number in (1, 2, 3)),
}

# AlgorithmIdentifier: an object identifier and, mostly, parameters.
_Algorithm = list[asn1.TLV]
_T = TypeVar("_T")


@asn1.sequence
class _ContentInfo:
    kind: ObjectIdentifier
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class _DigestInfo:
    algorithm: _Algorithm
    digest: bytes


@asn1.sequence
class _MacData:
    mac: _DigestInfo
    salt: bytes
    rounds: int | None  # DEFAULT 1


@asn1.sequence
class _Pfx:
    version: int
    safe: _ContentInfo
    mac: _MacData | None


@asn1.sequence
class _Parts:
    first: _ContentInfo | None
    second: _ContentInfo | None
    third: _ContentInfo | None
    fourth: _ContentInfo | None


@asn1.sequence
class _EncryptedContentInfo:
    kind: ObjectIdentifier
    algorithm: _Algorithm
    content: Annotated[bytes, asn1.Implicit(0)]


@asn1.sequence
class _EncryptedData:
    version: int
    info: _EncryptedContentInfo


@asn1.sequence
class _Bag:
    kind: ObjectIdentifier
    value: Annotated[asn1.TLV, asn1.Explicit(0)]
    attributes: asn1.SetOf[asn1.TLV] | None


@asn1.sequence
class _Bags:
    first: _Bag | None
    second: _Bag | None
    third: _Bag | None
    fourth: _Bag | None


@asn1.sequence
class _EncryptedKey:
    algorithm: _Algorithm
    content: bytes


@asn1.sequence
class _Pbes2:
    derivation: _Algorithm
    cipher: _Algorithm


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    rounds: int
    key_length: int | None
    digest: _Algorithm | None


@asn1.sequence
class _Pkcs12Pbe:
    salt: bytes
    rounds: int


class Protection(NamedTuple):
    """How a key file is protected, as far as can be seen without its password.

    Attributes:
        rounds: of all derivations that can be seen, together.
        is_legacy: whether the key or the certificate stands under RC2, RC4 or 3DES,
            or the key under nothing at all.
    """

    rounds: int
    is_legacy: bool


def inspect(raw: bytes) -> Protection:
    """Look at ``raw`` in time linear in its size; derives and decrypts nothing.

    Raises:
        KeyFileError: larger than 64 KiB, no DER of a PFX, bytes behind its end, no
            password MAC, another algorithm or content than a key file has, more
            than four parts or bags in one place, more than one key, or more than
            5,000,000 rounds.
    """
    if len(raw) > MAX_KEY_FILE_SIZE:
        raise KeyFileError(
            f"the file has {len(raw)} bytes; a key file has at most {MAX_KEY_FILE_SIZE}"
        )
    try:
        return _protection(asn1.decode_der(_Pfx, raw))
    except ValueError as problem:
        raise KeyFileError(
            "the file is no PKCS#12 key file, or not a whole one",
            "Give the path of an ITLRecovery.p12 that `file get tftp` saved.",
        ) from problem


def _protection(pfx: _Pfx) -> Protection:
    if pfx.version != 3:
        raise _unusual("is of another version than 3")
    if _name(pfx.safe.kind) != _DATA:
        raise _unusual("is not protected by a password")
    if pfx.mac is None:
        raise KeyFileError(
            "the key file has no MAC: anybody could have changed it",
            "Take another copy of it, or export it again with a MAC.",
        )
    if _name(_of(pfx.mac.mac.algorithm, ObjectIdentifier)) not in _DIGESTS:
        raise _unusual("has a MAC of an unknown kind")
    seen = _Seen()
    seen.derivation(1 if pfx.mac.rounds is None else pfx.mac.rounds)
    parts = asn1.decode_der(_Parts, pfx.safe.content.parse(bytes))
    for part in (parts.first, parts.second, parts.third, parts.fourth):
        if part is not None:
            seen.part(part)
    return Protection(seen.rounds, seen.is_legacy)


class _Seen:
    """Adds up what the parts of one file ask for."""

    def __init__(self) -> None:
        self.rounds = 0
        self.keys = 0
        self.is_legacy = False

    def part(self, part: _ContentInfo) -> None:
        kind = _name(part.kind)
        if kind == _ENCRYPTED_DATA:
            self.encryption(part.content.parse(_EncryptedData).info.algorithm)
        elif kind == _DATA:
            bags = asn1.decode_der(_Bags, part.content.parse(bytes))
            for bag in (bags.first, bags.second, bags.third, bags.fourth):
                if bag is not None:
                    self.bag(bag)
        else:
            raise _unusual("is not protected by a password")

    def bag(self, bag: _Bag) -> None:
        kind = _name(bag.kind)
        if kind == _CERTIFICATE_BAG:
            return  # it is public
        if kind == _SHROUDED_KEY_BAG:
            self.encryption(bag.value.parse(_EncryptedKey).algorithm)
        elif kind == _KEY_BAG:
            self.is_legacy = True
        else:
            raise _unusual("holds other things than a key and its certificate")
        self.keys += 1
        if self.keys > 1:
            # OpenSSL takes the first and says nothing of the others.
            raise KeyFileError("the key file holds more keys than one")

    def encryption(self, algorithm: list[asn1.TLV]) -> None:
        kind = _name(_of(algorithm, ObjectIdentifier))
        if kind in _PKCS12_CIPHERS:
            self.derivation(_of(algorithm, _Pkcs12Pbe, 1).rounds)
            self.is_legacy = True
            return
        if kind != _PBES2:
            raise _unusual("is encrypted in an unknown way")
        both = _of(algorithm, _Pbes2, 1)
        cipher = _name(_of(both.cipher, ObjectIdentifier))
        if cipher not in _AES_CBC | _OLD_CIPHERS:
            raise _unusual("is encrypted in an unknown way")
        if _name(_of(both.derivation, ObjectIdentifier)) != _PBKDF2:
            raise _unusual("derives its key in an unknown way")
        self.derivation(_of(both.derivation, _Pbkdf2, 1).rounds)
        self.is_legacy = self.is_legacy or cipher in _OLD_CIPHERS

    def derivation(self, rounds: int) -> None:
        if rounds < 1:
            raise _unusual("names an impossible number of rounds")
        self.rounds += rounds
        if self.rounds > MAX_ROUNDS:
            raise KeyFileError(
                f"the key file asks for more than {MAX_ROUNDS:,} rounds of its "
                "password; it is made to keep a computer busy",
                "Take the file from a server that you trust.",
            )


def _of(algorithm: list[asn1.TLV], kind: type[_T], place: int = 0) -> _T:
    """The object identifier (place 0) or the parameters (1) of an algorithm."""
    if place >= len(algorithm):
        raise _unusual("names an algorithm without its parameters")
    found: _T = algorithm[place].parse(kind)
    return found


def _name(identifier: ObjectIdentifier) -> str:
    return identifier.dotted_string


def _unusual(what: str) -> KeyFileError:
    return KeyFileError(
        f"the key file {what}",
        "Export it again with `openssl pkcs12 -export`, which makes a plain one.",
    )
