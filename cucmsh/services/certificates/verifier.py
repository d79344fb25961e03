"""What tells a password again and does not give it away: scrypt, with a salt."""

from __future__ import annotations

import hashlib
import hmac
import os

from cucmsh.secret import Secret

SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}  # 16 MiB and about 50 ms a guess


def make_verifier(password: Secret) -> dict[str, str]:
    """A new one of that password; two of the same password differ."""
    salt = os.urandom(16)
    return {"salt": salt.hex(), "key": _stretch(password, salt).hex()}


def verifies(verifier: dict[str, str], password: Secret) -> bool:
    """Whether a verifier is of that password.

    Raises:
        ValueError, KeyError, TypeError: it is no verifier.
    """
    salt, key = bytes.fromhex(verifier["salt"]), bytes.fromhex(verifier["key"])
    return hmac.compare_digest(_stretch(password, salt), key)


def _stretch(password: Secret, salt: bytes) -> bytes:
    # A byte that was no UTF-8 came as a lone surrogate, and goes back to that byte.
    raw = password.reveal().encode("utf-8", "surrogateescape")
    return hashlib.scrypt(raw, salt=salt, dklen=32, **SCRYPT)
