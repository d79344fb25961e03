"""Phones that have to fetch their list anew, after a certificate changed.

The original resets phones by itself when CallManager, TVS or CAPF change, never after
ITLRecovery. Here the list changes when Cisco Tftp starts, so phones that were told
before would fetch the earlier one: the change is noted, and they are told after that
start, as ``[phones] after_regeneration`` says. Telling them is ``phones.resets``.
"""

from __future__ import annotations

from cucmsh.config.phones import NO
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.layout import REGENERATED
from cucmsh.phones.service_control import PhoneAction
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.phones.open_store import has_inventory
from cucmsh.services.phones.reset_way import require_way
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.decode import decode

UNITS = (Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF)


def note_change(site: Site, unit: Unit) -> None:
    """A certificate of that unit changed; the caller holds the node's lock."""
    if unit in UNITS and phone_action(site) is not None:
        units = dict.fromkeys([*_noted(site), unit.value])
        remember(site.home, REGENERATED, {"units": " ".join(units)})


def units_changed(site: Site) -> tuple[str, ...]:
    """The units that changed since phones were told, of which they can learn now.

    The served list names their new certificates. None where no phone was ever heard of.
    """
    noted = _noted(site)
    if not noted or not has_inventory(site) or phone_action(site) is None:
        return ()
    try:
        served = decode(served_list(site) or b"")
        named = {each.certificate for each in served.records}
        named |= {each.certificate_hash for each in served.records}
        present = {
            unit: Keystore(site).certificate(unit) for unit in UNITS if unit in noted
        }
    except CucmshError:  # told by others; then nobody is told to fetch it
        return ()
    return tuple(
        unit.value
        for unit, certificate in present.items()
        if not named.isdisjoint({certificate.der, certificate.sha1_fingerprint})
    )


def phone_action(site: Site) -> PhoneAction | None:
    """What phones can be told; None where nothing says how, or they are not to be."""
    if site.settings.phones.after_regeneration == NO:
        return None
    for action in (PhoneAction.RESET, PhoneAction.RESTART):
        try:
            require_way(site, action)
        except RefusedError:
            continue
        return action
    return None


@use_case("utils phone reset", changes=True)
def settle_change(site: Site) -> None:
    """Phones are told now, or a person decided that they are not."""
    forget(site.home, REGENERATED)


def _noted(site: Site) -> list[str]:
    return str(recall(site.home, REGENERATED).get("units", "")).split()
