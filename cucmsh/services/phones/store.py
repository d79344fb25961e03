"""What keeps the claims about phones: the verbs of a store of them.

The inventory (``cucmsh.inventory``) is one; tests bring others. Use-cases open it with
``open_store.open_inventory``. It keeps and finds what was said; whom to believe, and
what follows, is not its business (docs/decisions/031).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from cucmsh.phones.claims import Claim
from cucmsh.phones.known import Counts, HeldBy, Known, Phone, Recorded, Sighting, Wanted


class PhoneStore(Protocol):
    """Keeps claims. Several processes write at once; each call stands by itself.

    Every method raises ``StoreError``, one sentence with advice, if the store cannot be
    reached, read or written. Then nothing of that call was kept.
    """

    def record(self, claims: Iterable[Claim], now: int) -> Recorded:
        """Keep claims, in their order; they are on disk when it returns.

        Args:
            claims: any number; some 10,000 a call are quickest. Texts are cut, and what
                cannot be printed is `?`.
            now: seconds since 1970.

        Raises:
            ValueError: a phone's name is none, which its reader should have seen.
        """

    def phones(self, wanted: Wanted, known: Known) -> Iterator[Phone]:
        """Those phones, by name."""

    def find(self, names: Iterable[str]) -> list[Phone]:
        """The phones of these names that are known, by name."""

    def counts(
        self, known: Known, nodes: tuple[str, ...] = (), part: str = ""
    ) -> Counts:
        """How many there are, of all or of those that are wanted so; see ``Wanted``."""

    def held(self, node: str = "") -> Sequence[HeldBy]:
        """All phones by what they hold, the most frequent first."""

    def sightings(self, name: str, most: int = 100) -> Sequence[Sighting]:
        """What was said of a phone, the latest first."""

    def latest(self, name: str) -> Sequence[Sighting]:
        """The last word of each source on a phone, the latest first."""

    def nameless(self, since: int) -> tuple[int, int]:
        """Claims since then that belong to no phone: how many, of how many addresses.

        Args:
            since: seconds since 1970.
        """

    def prune(self, before: int) -> int:
        """Forget what is older, and phones of which nothing is left; how many claims.

        Args:
            before: seconds since 1970.
        """

    def close(self) -> None:
        """End the connection; the store stays."""
