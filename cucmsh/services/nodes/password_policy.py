"""What the passwords of a new node must be like.

Whoever has a key file can guess its password offline, and the container's MAC makes a
guess cheap whatever else protects it (docs/security.md M6): the strength of the
password is the protection (docs/decisions/018). The CCM Administrator password is
asked for at the prompt, of somebody who is logged in already, and kept as a scrypt
digest: its floor is lower.
"""

from __future__ import annotations

from itertools import pairwise

from cucmsh.errors import RefusedError
from cucmsh.secret import Secret

LEAST_LENGTH = 14  # characters (docs/security.md T28)
LEAST_VARIETY = 6  # different characters
LEAST_CCM_LENGTH = 8  # characters
LEAST_CCM_VARIETY = 4
MOST_ACCOUNT_LENGTH = 31  # characters, as the original has it


def require_strong(password: Secret) -> None:
    """Refuse a cluster security password that is easy to guess.

    Raises:
        RefusedError: shorter than 14 characters, other characters than printable
            ASCII, a blank at an end, or a simple pattern. The message does not hold
            the password.
    """
    reason = _weakness(password.reveal())
    if reason:
        raise RefusedError(
            f"the security password {reason}",
            "It is all that protects a stolen key file. Take four or more unrelated "
            f"words, or at least {LEAST_LENGTH} characters made by chance.",
        )


def require_ccm(password: Secret, security: Secret) -> None:
    """Refuse a CCM Administrator password that is easy to guess.

    Args:
        password: the CCM Administrator password.
        security: the cluster security password, which must be another one.

    Raises:
        RefusedError: shorter than 8 characters, a simple pattern, or the security
            password once more. The message does not hold it.
    """
    reason = _weakness(password.reveal(), LEAST_CCM_LENGTH, LEAST_CCM_VARIETY)
    if not reason and password == security:
        reason = "is the cluster security password, too"
    if reason:
        raise RefusedError(
            f"the CCM Administrator password {reason}",
            "Whoever is logged in and knows it can start a reset. Take two or more "
            f"unrelated words, at least {LEAST_CCM_LENGTH} characters.",
        )


def require_account(password: Secret) -> None:
    """Refuse a password of an account that is easy to guess, or too long.

    Raises:
        RefusedError: shorter than 8 characters, longer than 31, or a simple pattern.
            The message does not hold it.
    """
    text = password.reveal()
    reason = _weakness(text, LEAST_CCM_LENGTH, LEAST_CCM_VARIETY)
    if not reason and len(text) > MOST_ACCOUNT_LENGTH:
        reason = f"has more than {MOST_ACCOUNT_LENGTH} characters"
    if reason:
        raise RefusedError(
            f"the password {reason}; nothing was changed",
            f"Take {LEAST_CCM_LENGTH} to {MOST_ACCOUNT_LENGTH} characters, two or more "
            "unrelated words.",
        )


def _weakness(
    password: str, length: int = LEAST_LENGTH, variety: int = LEAST_VARIETY
) -> str:
    if not password.isascii() or not password.isprintable():
        return "has characters that not every keyboard and program spells alike"
    if password != password.strip():
        return "begins or ends with a blank"
    if len(password) < length:
        return f"has fewer than {length} characters"
    if len(set(password.lower())) < variety:
        return f"has fewer than {variety} different characters"
    if _is_repeated(password) or _is_counted(password):
        return "has a simple pattern"
    return ""


def _is_repeated(password: str) -> bool:
    """Whether it is one piece repeated, the last repetition perhaps cut off."""
    return any(
        (password[:size] * len(password)).startswith(password)
        for size in range(1, len(password) // 2 + 1)
    )


def _is_counted(password: str) -> bool:
    """Whether most of it counts up, counts down or stands still: 1234..., abcd..."""
    steps = [ord(b) - ord(a) for a, b in pairwise(password)]
    return max(steps.count(step) for step in (-1, 0, 1)) > len(steps) // 2
