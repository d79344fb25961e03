"""Hands claims to the inventory, and keeps them while it cannot take them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Self

from cucmsh.errors import StoreError
from cucmsh.phones.claims import Claim
from cucmsh.phones.known import Recorded
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.store import PhoneStore
from cucmsh.services.phones.trust_list_alarms import TrustListAlarms
from cucmsh.services.site import Site

BATCH = 10_000  # claims that are written at once
DAY = 24 * 3600


class Keeper:
    """Claims on their way into the inventory of a node.

    Args:
        site: this node.

    Attributes:
        waiting: claims that are not on disk yet, in their order.
        recorded: what became of the others.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open = ExitStack()
        self._store: PhoneStore | None = None
        self._pruned = 0
        self._alarms = TrustListAlarms(site)
        self.waiting: list[Claim] = []
        self.recorded = Recorded(0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._alarms.end_interval()
        self._open.close()

    def open(self) -> PhoneStore:
        """The inventory; opened once, and again after it failed.

        Raises:
            StoreError, ServiceError: it cannot be opened.
        """
        if self._store is None:
            self._store = self._open.enter_context(open_inventory(self._site))
        return self._store

    def take(self, claims: Iterable[Claim]) -> None:
        """Keep claims until they are written."""
        self.waiting += claims

    def write(self) -> None:
        """All that waits, onto disk.

        Raises:
            StoreError: what was not written waits on; nothing is lost.
        """
        while self.waiting:
            batch = self.waiting[:BATCH]
            now = int(self._site.clock.now().timestamp())
            try:
                done = self.open().record(batch, now)
            except StoreError:
                self.close()
                raise
            self.recorded = Recorded(*map(sum, zip(self.recorded, done, strict=True)))
            self._alarms.tell(batch, done.new)
            del self.waiting[:BATCH]

    def forget_old(self) -> None:
        """What is older than the configuration says goes, once a day.

        Raises:
            StoreError: it cannot be forgotten now.
        """
        now = int(self._site.clock.now().timestamp())
        if now - self._pruned < DAY:
            return
        self._pruned = now
        self.open().prune(now - self._site.settings.inventory.retention_days * DAY)

    def close(self) -> None:
        """End the connection; the next ``write`` makes another."""
        self._store = None
        self._open.close()
        self._open = ExitStack()
