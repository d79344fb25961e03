"""What was said of phones long ago is forgotten; called by those who record."""

from __future__ import annotations

from cucmsh.services.phones.store import PhoneStore
from cucmsh.services.site import Site

DAY = 24 * 3600


def forget_old(site: Site, store: PhoneStore) -> int:
    """Forget what is older than ``retention_days``; how many sightings that were.

    Raises:
        StoreError: the inventory cannot be written.
    """
    kept = site.settings.inventory.retention_days * DAY
    return store.prune(int(site.clock.now().timestamp()) - kept)
