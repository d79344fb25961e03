"""How a recovery key compares with the one that a list names. Opens nothing."""

from __future__ import annotations

from cucmsh.errors import SignatureError
from cucmsh.pki.model import Certificate
from cucmsh.trustlist.public_key import read_key


def weaker_than(certificate: Certificate, listed_key: bytes) -> str:
    """In what way a recovery key falls short of the one that phones know by now.

    Args:
        certificate: of the key that a reset is going to sign with.
        listed_key: the PUBLICKEY field of the list's ITLRECOVERY record.

    Returns:
        A sentence for the question that a reset asks; empty if the key is as strong.
    """
    try:
        listed = read_key(listed_key)
    except SignatureError as problem:
        return f"The ITL names a recovery key of another kind: {problem.message}."
    if not certificate.is_rsa:
        return "The recovery key is no RSA key; the ITL names one."
    if certificate.key_bits >= listed.bits:
        return ""
    return (
        f"The recovery key has {certificate.key_bits} bits, fewer than the "
        f"{listed.bits} bits of the one that the ITL names."
    )
