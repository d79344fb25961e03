"""Removes temporary files that interrupted writers left (docs/security.md F1, F24).

Only our own temporary files, and only if their writer has ended. A module of its own: a
reset of the publisher, the installing of a list on a member and an adoption begin with
it.
"""

from __future__ import annotations

from cucmsh.layout import (
    ADOPTED_FOLDER,
    HISTORY,
    REKEYING_FOLDER,
    SECRETS_FOLDER,
    STAGING,
    STATE_FOLDER,
    TRUST_FOLDER,
    trusted_folder,
    unit_folder,
)
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site


def sweep(site: Site) -> None:
    """Sweep all folders that this node writes to."""
    trust = [trusted_folder(name) for name in site.home.folders(TRUST_FOLDER)]
    units = [unit_folder(unit) for unit in Unit]
    state = (STATE_FOLDER, STAGING, HISTORY)
    secrets = (SECRETS_FOLDER, REKEYING_FOLDER, ADOPTED_FOLDER)
    for folder in (*state, *secrets, *units, *trust):
        site.home.sweep(folder)
    if site.node.has_tftp:
        site.tftp.sweep()
