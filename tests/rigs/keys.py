"""Key pairs for SSH, made by ``ssh-keygen``."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_key(path: Path, kind: str = "ed25519") -> str:
    """A new key pair: ``path``, and its public half beside it as ``path.pub``.

    Args:
        path: of the private key, which has no password; nothing is there yet.
        kind: ``ed25519``, ``rsa`` or ``ecdsa``.

    Returns:
        The public line, without a comment.
    """
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return public_line(path)


def public_line(path: Path) -> str:
    """The public half of the key at ``path``: its kind and its base64."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])
