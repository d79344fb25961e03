"""How many rounds of bcrypt an encrypted OpenSSH key asks for, before it is opened.

Whoever wrote the file chose the number, and each takes 8 ms: a hostile one would keep
us for hours. The form is OpenSSH's PROTOCOL.key: a magic, then texts with their length
before them: cipher, name of the derivation, its options (salt, rounds).
"""

from __future__ import annotations

import binascii

MAX_ROUNDS = 1024
MAX_PEM = 4096  # bytes; a key of this kind has 400
MAGIC = b"openssh-key-v1\0"
BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
END = b"-----END OPENSSH PRIVATE KEY-----"


def rounds_of(pem: bytes) -> int:
    """The rounds; 0 for what is no such key, or is not encrypted with bcrypt."""
    head, _, rest = pem.strip().partition(b"\n")
    body, end, behind = rest.partition(END)
    if len(pem) > MAX_PEM or head.strip() != BEGIN or not end or behind:
        return 0
    try:
        raw = binascii.a2b_base64(body)
    except binascii.Error:
        return 0
    if not raw.startswith(MAGIC):
        return 0
    cipher, rest = _text(raw[len(MAGIC) :])
    derivation, rest = _text(rest)
    options, _ = _text(rest)
    _, number = _text(options)
    if derivation != b"bcrypt" or len(number) != 4 or cipher == b"none":
        return 0
    return int.from_bytes(number)


def _text(raw: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(raw[:4])
    return raw[4 : 4 + size], raw[4 + size :]
