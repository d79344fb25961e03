"""DeviceTLInfo of a phone, told as an alarm of this node: a claim, never a proof."""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.alarms import DEVICE_TL_INFO
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site


def tell_trust_lists(site: Site, claims: Sequence[Claim], new: int) -> None:
    """Tell what phones said of their lists, as far as it is new.

    Args:
        site: this node.
        claims: what the inventory has taken, the newest last.
        new: how many of them it did not know; of a log that is imported again none.
    """
    said = [
        claim
        for claim in claims
        if claim.source is Source.ALARM and (claim.itl or claim.ctl)
    ]
    for claim in said[max(len(said) - new, 0) :] if new else []:
        is_old = ":" not in claim.address
        values = (
            *(claim.phone, claim.address if is_old else ""),
            *("" if is_old else claim.address, _signature(claim.ctl), "N/A"),
            *(_signature(claim.itl), claim.node or "N/A"),
        )
        status = [str(claim.status)] if claim.status >= 0 else []
        tell(site, DEVICE_TL_INFO, *values, *status)


def _signature(digest: str) -> str:
    """As phones write one (docs/formats.md#alarm)."""
    if digest == NOT_INSTALLED:
        return "Not Installed"
    pairs = (digest[at : at + 2].upper() for at in range(0, len(digest), 2))
    return "".join(f"{pair} " for pair in pairs)
