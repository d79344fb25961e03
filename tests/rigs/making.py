"""What it takes to make a node in this process: a clock, and keys; nothing is reached.

The shell of the node that was made opens the rest for itself.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cucmsh.pki.backend import KeyBackend


class WallClock:
    """The time of this machine, which was never started again."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        return "", 0.0


class KeysOnly:
    """Of all backends the keys, of the kind that a rig wants."""

    def __init__(self, keys: KeyBackend) -> None:
        self._keys = keys

    def keys(self) -> KeyBackend:
        return self._keys
