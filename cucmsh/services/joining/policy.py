"""What a cluster security password has to be. Knows no node, keeps nothing.

Whoever gets hold of a key file guesses its password offline, and the container's MAC
makes a guess cheap whatever else protects it (threats-and-faults.md finding 6): the
password is the protection (design decision 18).
"""

from __future__ import annotations

from itertools import pairwise

from cucmsh.errors import RefusedError

LEAST_LENGTH = 14  # characters (threats-and-faults.md T28)
LEAST_VARIETY = 6  # different characters


def require_strong(password: str) -> None:
    """Go on only with a password that is worth something.

    Raises:
        RefusedError: shorter than 14 characters, other characters than printable
            ASCII, a blank at an end, or a simple pattern. The message does not hold
            the password.
    """
    reason = _weakness(password)
    if reason:
        raise RefusedError(
            f"the security password {reason}",
            "It is all that protects a stolen key file. Take four or more unrelated "
            f"words, or at least {LEAST_LENGTH} characters made by chance.",
        )


def _weakness(password: str) -> str:
    if not password.isascii() or not password.isprintable():
        return "has characters that not every keyboard and program spells alike"
    if password != password.strip():
        return "begins or ends with a blank"
    if len(password) < LEAST_LENGTH:
        return f"has fewer than {LEAST_LENGTH} characters"
    if len(set(password.lower())) < LEAST_VARIETY:
        return f"has fewer than {LEAST_VARIETY} different characters"
    if _is_repeated(password) or _is_counted(password):
        return "has a simple pattern"
    return ""


def _is_repeated(password: str) -> bool:
    """Whether it is one piece again and again, the last time maybe cut off."""
    return any(
        (password[:size] * len(password)).startswith(password)
        for size in range(1, len(password) // 2 + 1)
    )


def _is_counted(password: str) -> bool:
    """Whether most of it counts up, counts down or stands still: 1234..., abcd..."""
    steps = [ord(b) - ord(a) for a, b in pairwise(password)]
    return max(steps.count(step) for step in (-1, 0, 1)) > len(steps) // 2
