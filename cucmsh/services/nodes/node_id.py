"""The id of this node: random, made once, kept in ``state/``; survives renaming.

Names are for people and change; what another machine keeps about this node is kept
under its id (docs/decisions/028).
"""

from __future__ import annotations

import os

from cucmsh.layout import NODE
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site

BYTES = 16


def own_id(site: Site) -> str:
    """The id; made at the first question, for homes of earlier versions.

    Raises:
        StoreError: it cannot be read, or kept.
    """
    known = _read(site)
    if known:
        return known
    with site.node_lock():
        known = _read(site)
        if not known:
            known = os.urandom(BYTES).hex()
            remember(site.home, NODE, {"id": known})
    return known


def _read(site: Site) -> str:
    found = recall(site.home, NODE).get("id")
    return found if isinstance(found, str) and len(found) == 2 * BYTES else ""
