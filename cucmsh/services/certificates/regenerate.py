"""``set cert regen``: a new key and certificate for one unit of this node.

Refuses while the hold timer runs (docs/story.md case 5). Restarts nothing: lists change
when TFTP starts next.
"""

from __future__ import annotations

from math import ceil

from cucmsh.alarms import TOMCAT_CERT_REGENERATED, TVS_CERTIFICATE_REGENERATED
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.hold import find_hold, start_hold
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import TRUST_RELEASE
from cucmsh.services.lists.member_hooks import deliver_certificates
from cucmsh.services.lists.member_lists import lists_follow
from cucmsh.services.nodes.make import new_credential, public_certificates
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.phones.after_change import note_change
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.state import read_published
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

TOLD = {Unit.TVS: TVS_CERTIFICATE_REGENERATED, Unit.TOMCAT: TOMCAT_CERT_REGENERATED}


def require_no_hold(site: Site, unit: Unit) -> None:
    """Refuse in the original's words (its spelling, too) while the timer runs."""
    hold = find_hold(site)
    if hold is None:
        return
    minutes, seconds = divmod(ceil(hold.remaining_seconds), 60)
    raise RefusedError(
        f"{hold.unit} certificate was modified in the last 5 minutes. Please re-try "
        f"regnerating {unit} certificate at a later time",
        f"Remaining hold time: {minutes} min {seconds:02d} s.",
    )


def state_of_trust(site: Site) -> str:
    """The remark about the served list, with ``keep_trust``; empty without one."""
    published = read_published(site.home) if site.settings.keep_trust else None
    return published.remark if published else ""


def what_follows(site: Site, unit: Unit) -> str:
    """Which key signs after this regeneration; empty where nothing special follows."""
    profile = site.settings.profile
    is_recovery = unit is Unit.ITL_RECOVERY and site.node.is_publisher
    is_signer = unit == profile.signer or is_recovery
    if not site.settings.keep_trust or not is_signer:
        return ""
    return (
        f"Phones that hold an earlier ITL do not know the new {unit} key. Lists are "
        "signed with a key that all of them know, after every start of Cisco Tftp, "
        f"until `{TRUST_RELEASE}` ends it."
    )


@use_case("set cert regen", changes=True)
def regenerate(site: Site, unit: Unit) -> list[NodeOutcome]:
    """Make a new pair, and bring the certificate to members that need to know it.

    Lists of theirs name it, or their TVS is asked about it. A member that cannot be
    reached is open work (``records.open_work``).

    The timer starts before the new pair is in place: whatever happens in between, no
    second certificate changes too soon after the first.

    Returns:
        One outcome for each member the certificate was brought to; none for units
        that no other node needs to know.
    """
    what = f"set cert regen {unit}"
    with site.cluster_lock(what):
        require_no_hold(site, unit)
        keystore = Keystore(site)
        credential = new_credential(site, unit)
        is_recovery = unit is Unit.ITL_RECOVERY and site.node.is_publisher
        key_file = keystore.make_recovery_file(credential) if is_recovery else b""
        with site.node_lock(what):  # a start composes with what lies there
            start_hold(site, unit)
            if is_recovery:
                keystore.install_recovery(key_file, credential.certificate)
            else:
                keystore.install(unit, credential)
            note_change(site, unit)
        if alarm := TOLD.get(unit):
            tell(site, alarm)
        return bring_to_members(site, unit)


def bring_to_members(site: Site, unit: Unit) -> list[NodeOutcome]:
    """Bring a certificate of that unit, which is in place, to who needs to know it.

    Called under the cluster's lock. Whatever fails is an outcome: the certificate is
    in place all the same.
    """
    try:
        with exhaustion_as_error():
            public = public_certificates(site, with_tomcat=unit is Unit.TOMCAT)
            if unit not in public:
                return []
            # All of them, not only this one: an earlier delivery may have failed.
            brought = deliver_certificates(site, public)
    except CucmshError as problem:
        members = [node.name for node in site.settings.cluster.members]
        members.remove(site.node.name)
        why = problem.message
        return [NodeOutcome(name, State.PENDING, why) for name in members]
    lists_follow(site)
    return brought
