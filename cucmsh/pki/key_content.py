"""Whether bytes hold a private key, whatever the file is called. Opens nothing.

Looks at the outermost layers only and needs no library: it is asked of every file that
TFTP serves. Known are PKCS#12, PKCS#8 (encrypted too), PKCS#1 and SEC 1, each as DER,
BER with indefinite lengths, PEM or bare base64; OpenSSH's and PuTTY's own files; Java
key stores. Certificates, requests and public keys are none.
"""

from __future__ import annotations

import base64
import binascii

_MARKS = (b"PRIVATE KEY-----", b"PRIVATE KEY BLOCK-----", b"PuTTY-User-Key-File-")
_PKCS12_ARMOR = (b"-----BEGIN PKCS12", b"-----BEGIN PKCS #12", b"-----BEGIN PFX")
_KEY_STORES = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")  # JKS, JCEKS
_SEQUENCE, _INTEGER, _OCTETS, _OID = 0x30, 0x02, 0x04, 0x06
_PADDING = b"\0 \t\r\n"  # what is found before the first byte of saved files
_LOOK = 512  # bytes; the layers that tell lie at the very beginning
_BASE64 = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
)
_SHORT, _INDEFINITE = 0x7F, 0x80


def holds_private_key(raw: bytes) -> bool:
    """Whether the bytes are, or have in them, a private key or a key store."""
    if any(mark in raw for mark in (*_MARKS, *_PKCS12_ARMOR)):
        return True
    start = raw[: 4 * _LOOK].lstrip(_PADDING)[:_LOOK]
    return start.startswith(_KEY_STORES) or _is_key(start) or _is_key(_decoded(start))


def _decoded(start: bytes) -> bytes:
    """What bare base64 stands for; empty if it is none."""
    if not start.startswith((b"MI", b"MC", b"MH")) or not _BASE64.issuperset(start):
        return b""
    letters = start.translate(None, b"\r\n")
    try:
        return base64.b64decode(letters[: len(letters) // 4 * 4])
    except binascii.Error:
        return b""


def _is_key(start: bytes) -> bool:
    """A sequence that begins as one of the containers does."""
    tag, inner = _open(start)
    if tag != _SEQUENCE:
        return False
    tag, value = _open(inner)
    if tag == _INTEGER:
        return _is_numbered(inner, value)
    if tag != _SEQUENCE:
        return False
    # EncryptedPrivateKeyInfo: an algorithm (its OID), then the encrypted octets. A
    # certificate's first member begins with its version or serial number instead, and
    # a public key's algorithm is followed by a bit string.
    is_algorithm = _open(value)[0] == _OID
    return is_algorithm and _open(_after(inner))[0] == _OCTETS


def _is_numbered(inner: bytes, value: bytes) -> bool:
    """Version 3 and a content: PKCS#12. 0 or 1 and a key: PKCS#8, PKCS#1, SEC 1."""
    size = inner[1]
    if size != 1:
        return False
    number, (tag, _) = value[0] if value else -1, _open(_after(inner))
    match number:
        case 3:
            return tag == _SEQUENCE
        case 0:
            return tag in (_SEQUENCE, _INTEGER)
        case 1:
            return tag in (_SEQUENCE, _OCTETS)
    return False


def _open(raw: bytes) -> tuple[int, bytes]:
    """Tag, and what follows tag and length, as far as it goes; 0 if there is none."""
    if len(raw) < 2:
        return 0, b""
    tag, size = raw[0], raw[1]
    if size <= _SHORT or size == _INDEFINITE:
        return tag, raw[2:]
    return tag, raw[2 + (size & _SHORT) :]


def _after(raw: bytes) -> bytes:
    """What follows the first value, if its length says where; empty if not."""
    _, value = _open(raw)
    size = raw[1] if len(raw) > 1 else _INDEFINITE
    if size > _SHORT:
        size = int.from_bytes(raw[2 : len(raw) - len(value)], "big")
    return value[size:]
