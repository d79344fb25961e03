"""Removes temporary files that interrupted writers left (docs/security.md F1, F24).

Only our own temporary files, and only if their writer has ended. A module of its own: a
reset of the publisher, the installing of a list on a member, an adoption, a restore and
a change of the release begin with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.layout import IDENTITY_FOLDER, LOG_FOLDER, SECURITY_FOLDER, STATE_FOLDER
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore


def sweep(site: Site) -> None:
    """Sweep all folders that this node writes to."""
    for top in (STATE_FOLDER, SECURITY_FOLDER, IDENTITY_FOLDER, LOG_FOLDER):
        for folder in _below(site.home, top):
            site.home.sweep(folder)
    if site.node.has_tftp:
        site.tftp.sweep()
    site.configuration.sweep()


def _below(home: LocalStore, folder: str) -> Iterator[str]:
    yield folder
    for name in home.folders(folder):
        yield from _below(home, f"{folder}/{name}")
