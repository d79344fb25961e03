"""What has to happen after a certificate changed, and in which order.

The two orders that the original's manuals teach contradict each other. What holds in
both is: one certificate at a time, and wait until every phone holds the list in
between. So the order is not preached but asked of those who hold lists, by the rules of
previews and of TVS (``phones.preview``, ``tvs.way``). Looks only.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.errors import CucmshError
from cucmsh.pki.model import Unit
from cucmsh.services.lists.acceptance import TRUST_RELEASE
from cucmsh.services.lists.run_reset import LOCAL
from cucmsh.services.phones.preview import REGEN, locked_out
from cucmsh.services.site import Site
from cucmsh.services.tvs.way import cut_off_without


class Afterwards(NamedTuple):
    """What follows.

    Attributes:
        restarts: names of the nodes whose Cisco Tftp has to start anew, so that their
            lists name the certificate; in this order, one after the other.
        not_yet: units whose certificates are not to change before phones hold those
            lists: somebody would be locked out.
        is_signer_known: whether a key that phones know signs those lists; else the new
            one does, which they know by TVS only.
        first_use: the command that would sign with the new key before that.
    """

    restarts: tuple[str, ...]
    not_yet: tuple[Unit, ...]
    is_signer_known: bool = True
    first_use: str = ""


def afterwards(site: Site, unit: Unit) -> Afterwards:
    """What follows on a change of that unit's certificate, which is in place."""
    restarts = nodes_to_restart(site, unit)
    profile, keeps = site.settings.profile, site.settings.keep_trust
    return Afterwards(
        restarts,
        _not_yet(site, unit) if restarts else (),
        is_signer_known=keeps or profile.signer != unit,
        first_use=LOCAL if profile.reset_signer == unit else TRUST_RELEASE,
    )


def nodes_to_restart(site: Site, unit: Unit) -> tuple[str, ...]:
    """The members whose own lists name that certificate of this node.

    This node, whose lists say most of it, comes first, then the others in the order of
    the configuration. What no list names takes effect by itself: TVS and the page read
    their certificates anew.
    """
    members = [node for node in site.settings.cluster.members if node.has_tftp]
    if unit is Unit.CALL_MANAGER:
        members = [node for node in members if node.name == site.node.name]
    elif unit is Unit.ITL_RECOVERY:
        members = members if site.node.is_publisher else []
    elif unit not in (Unit.TVS, Unit.CAPF):
        members = []
    members.sort(key=lambda node: node.name != site.node.name)
    return tuple(node.name for node in members)


def _not_yet(site: Site, unit: Unit) -> tuple[Unit, ...]:
    signer = Unit(site.settings.profile.signer)
    found = []
    try:
        if signer is not unit and locked_out(site, REGEN, signer.value):
            found.append(signer)
        if unit is not Unit.TVS and cut_off_without(site):
            found.append(Unit.TVS)
    except CucmshError:  # then nobody can tell, and each of them is asked about itself
        return ()
    return tuple(found)
