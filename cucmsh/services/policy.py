"""Which passwords are strong enough. Keeps none.

The MAC of a PKCS#12 is cheap to guess against whatever its rounds are, so the strength
of the cluster security password is the protection of a stolen ITLRecovery.p12 (design
decision 18; threats-and-faults.md finding 6 and T28).
"""

from __future__ import annotations

from cucmsh.errors import RefusedError

FEWEST_CHARACTERS = 14


def require_strong(password: str) -> None:
    """Refuse a cluster security password that a thief of the key file could guess."""
    if len(password) < FEWEST_CHARACTERS or not password.isprintable():
        raise RefusedError(
            "the cluster security password is too weak to protect ITLRecovery.p12",
            f"Take at least {FEWEST_CHARACTERS} printable characters, such as five "
            "words that a die has chosen.",
        )
