"""A PEM block that is pasted where a command is read: it is read over, and refused.

Its lines are no commands. It may be a private key that stands behind a certificate in
the same file, so no line of it is echoed further, kept for Up, or run.
"""

from __future__ import annotations

from cucmsh.errors import UsageError

_BEGIN, _END = "-----BEGIN ", "-----END "


def begins_block(line: str) -> bool:
    """Whether a PEM block begins in that line, or is all of it, as an editor gives."""
    return line.startswith(_BEGIN)


def ends_block(line: str, before: str = "") -> bool:
    """Whether the block is over with that line, the one before it being `before`.

    An empty line ends it, too, but the one behind headers (``DEK-Info: ...``).
    """
    return _END in line or (not line and ":" not in before)


def refused_block(line: str) -> UsageError:
    """What is said of the block that began in that line."""
    if "PRIVATE KEY" in line:
        return UsageError(
            "A private key was pasted where a command is read; it was not kept.",
            "Whoever could see it here has that key now: make a new one.",
        )
    return UsageError(
        "A PEM block was pasted where a command is read; it was read over.",
        "Certificates are imported one at a time, each behind its own `set cert "
        "import`; a chain goes in whole as PKCS#7.",
    )
