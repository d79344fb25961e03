"""What a PKCS#12 file (RFC 7292) asks of whoever opens it, before anything is derived.

OpenSSL runs the rounds that a file names before it checks any password: a file that
names far too many held it past every timeout tried (docs/security.md M5).
This looks at the structure, needs no password, and lets through few rounds and one
key. The rest is OpenSSL's business: it reads BER as well as DER, and what it does not
know it refuses itself. What lies inside an encrypted part cannot be seen here; the
limits of the process that opens a file from outside guard that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cucmsh.errors import KeyFileError
from cucmsh.pki.ber import Oid, Value, decode
from cucmsh.pki.wrapping import ONE_OF_SEVERAL, PACK_ANEW

MAX_KEY_FILE_SIZE = 64 * 1024  # bytes; a genuine one has two to five thousand
# In the whole file. OWASP asks for at most 1,400,000 (PBKDF2-HMAC-SHA1), and a file
# has three derivations: MAC, certificate, key. At a microsecond a round, a small
# board's pace, it still opens within ten seconds.
MAX_ROUNDS = 5_000_000

_DATA = "1.2.840.113549.1.7.1"
_ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
_KEY_BAG = "1.2.840.113549.1.12.10.1.1"
_SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
_NESTED_BAGS = "1.2.840.113549.1.12.10.1.6"
_AES = "2.16.840.1.101.3.4.1."


class UnreadableKeyFileError(KeyFileError):
    """The bytes do not have the structure of a PKCS#12."""


class Protection(NamedTuple):
    """How a key file is protected, as far as can be seen without its password.

    Attributes:
        rounds: of all derivations that can be seen, together; numbers that stand
            beside them (sizes of keys) are counted in.
        is_legacy: whether the key or the certificate stands under another cipher than
            AES, or the key under nothing at all, or the file has no MAC.
        size: bytes of the PKCS#12 itself; what follows it is padding.
    """

    rounds: int
    is_legacy: bool
    size: int


def inspect(raw: bytes) -> Protection:
    """Look at ``raw``, which may have padding behind it; derives, decrypts nothing.

    Raises:
        UnreadableKeyFileError: no PKCS#12, or not a whole one.
        KeyFileError: larger than 64 KiB, signed instead of protected by a password,
            more than one key, more than 5,000,000 rounds, or neither a MAC nor an
            encrypted key.
    """
    if len(raw) > MAX_KEY_FILE_SIZE:
        raise too_large(len(raw))
    try:
        return _protection(raw)
    except KeyFileError:
        raise
    # Hostile bytes go through a library's decoder, and the result is searched for a
    # structure that may not be there: whatever is raised, the bytes are no PKCS#12.
    except Exception as problem:
        raise UnreadableKeyFileError(
            "the file is no PKCS#12 key file, or not a whole one",
            "Give the path of an ITLRecovery.p12 that `file get tftp` saved.",
        ) from problem


def too_large(size: int) -> KeyFileError:
    return KeyFileError(
        f"the file has {size} bytes; a key file has at most {MAX_KEY_FILE_SIZE}",
        f"If `openssl pkcs12 -in FILE` opens it, pack it anew: {PACK_ANEW}",
    )


def _protection(raw: bytes) -> Protection:
    pfx, rest = decode(raw)
    (kind, content), mac = pfx[1], pfx[2] if len(pfx) > 2 else None
    if kind != _DATA:
        raise KeyFileError(
            "the key file is protected by a signature, not by a password",
            "Export it again with a password.",
        )
    found = _Found()
    for part in decode(content)[0]:
        found.part(*part)
    if mac is not None:
        # PBMAC1 (RFC 9579) has its rounds inside; otherwise they come last, or are 1.
        found.count([*mac, 1] if len(mac) < 3 else mac)
    elif found.has_bare_key:
        raise KeyFileError(
            "the key file has no MAC, and its key is not encrypted: anybody could "
            "have made it",
            f"If you know that it is yours, pack it anew: {PACK_ANEW}",
        )
    is_legacy = found.is_legacy or mac is None
    return Protection(found.rounds, is_legacy, len(raw) - len(rest))


class _Found:
    """Adds up what the parts of a file ask for."""

    def __init__(self) -> None:
        self.rounds = 0
        self.keys = 0
        self.is_legacy = False
        self.has_bare_key = False

    def part(self, kind: str, content: Value = None) -> None:
        if kind == _ENCRYPTED_DATA:
            self.encryption(content[1][1])
        elif kind == _DATA:
            self.bags(decode(content)[0])

    def bags(self, bags: Value) -> None:
        for kind, value, *_ in bags:
            if kind == _NESTED_BAGS:
                self.bags(value)
            elif kind == _SHROUDED_KEY_BAG:
                self.encryption(value[0])
            elif kind == _KEY_BAG:
                self.is_legacy = self.has_bare_key = True
            self.keys += kind in (_SHROUDED_KEY_BAG, _KEY_BAG)
            if self.keys > 1:
                # OpenSSL takes the first and says nothing of the others.
                raise KeyFileError(
                    "the key file holds more keys than one",
                    f"Take the right one out (`keytool -list` names them): "
                    f"{ONE_OF_SEVERAL}",
                )

    def encryption(self, algorithm: Value) -> None:
        self.count(algorithm)
        names = (leaf for leaf in _leaves(algorithm) if isinstance(leaf, Oid))
        is_modern = any(name.startswith(_AES) for name in names)
        self.is_legacy = self.is_legacy or not is_modern

    def count(self, algorithm: Value) -> None:
        """Add every number of an algorithm's parameters: rounds dwarf the others."""
        for leaf in _leaves(algorithm):
            if isinstance(leaf, int):
                self.rounds += abs(leaf)
        if self.rounds > MAX_ROUNDS:
            raise KeyFileError(
                f"the key file asks for more than {MAX_ROUNDS:,} rounds of its "
                "password; it is made to keep a computer busy",
                "Take the file from a server that you trust. If it is your own, pack "
                f"it anew: {PACK_ANEW}",
            )


def _leaves(value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        for member in value:
            yield from _leaves(member)
    else:
        yield value
