"""A change tried on a draft of a node: the same code, and nothing is written.

Refuses nothing itself; locks and questions are those of whoever changes a real node.
"""

from __future__ import annotations

from cucmsh.pki.model import Unit
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import new_credential


def regenerate_on_draft(draft: DraftSite, unit: Unit) -> None:
    """A new key and certificate for a unit, as ``set cert regen`` would put there."""
    keystore, credential = Keystore(draft), new_credential(draft, unit)
    if unit is Unit.ITL_RECOVERY and draft.node.is_publisher:
        raw = keystore.make_recovery_file(credential)
        keystore.install_recovery(raw, credential.certificate)
    else:
        keystore.install(unit, credential)
