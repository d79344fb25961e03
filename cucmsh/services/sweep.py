"""Sweeps what dead writers left behind on this node (docs/security.md F1, F24).

Takes only temporary files of ours whose writer is gone; anything else stays.
"""

from __future__ import annotations

from cucmsh.layout import (
    HISTORY,
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
    """Remove stale temporary files from the folders that this node writes to."""
    trust = [trusted_folder(name) for name in site.home.folders(TRUST_FOLDER)]
    units = [unit_folder(unit) for unit in Unit]
    state = (STATE_FOLDER, STAGING, HISTORY)
    for folder in (*state, SECRETS_FOLDER, *units, *trust):
        site.home.sweep(folder)
    if site.node.has_tftp:
        site.tftp.sweep()
