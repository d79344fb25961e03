"""How many connections a TVS has at once, and how long each of them may take."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Limits(NamedTuple):
    """How many connections there may be, and how long each of them may take.

    Attributes:
        connections: in all; each of several workers has its part of them.
        connections_per_address: of them from one address; a whole NAT is one address.
            Each of several workers counts for itself.
        handshake_seconds: from the connection to the end of the handshake.
        message_seconds: from the first byte of a question to its last.
        idle_seconds: without a question, before the first one and after an answer.
    """

    connections: int = 4_000
    connections_per_address: int = 1_000
    handshake_seconds: float = 10
    message_seconds: float = 5
    idle_seconds: float = 15

    def part_of(self, workers: int) -> Limits:
        """What one of so many workers keeps to: rounded up."""
        return self._replace(connections=-(-self.connections // workers))


class Crowd:
    """Who is connected. A connection is counted before TLS costs anything for it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = 0
        self._by_address: Counter[str] = Counter()
        self._told: set[str] = set()

    def refusal(self, address: str) -> str:
        """Why one more from there is too many; empty if it is not, and counted.

        ``MORE`` where it was told before, and there was no room since.
        """
        limits = self._limits
        if self._count >= limits.connections:
            return self._once("", f"refused: {self._count} connections are open")
        found = self._by_address[address]
        if found >= limits.connections_per_address:
            return self._once(address, f"refused: it has {found} connections")
        self._count += 1
        self._by_address[address] += 1
        return ""

    def leave(self, address: str) -> None:
        self._count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        if self._told:
            self._told -= {"", address}

    def _once(self, whom: str, reason: str) -> str:
        if whom in self._told:
            return MORE
        self._told.add(whom)
        return reason


MORE = "refused, too"
