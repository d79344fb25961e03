"""Makes a node's first keys and certificates. Asks nothing, starts nothing.

Making the first certificates starts no hold timer (docs/decisions/015).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cucmsh.errors import CertificateError, KeyFileError, MissingFileError
from cucmsh.layout import pair_file
from cucmsh.pki.model import Certificate, Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.site import Site

if TYPE_CHECKING:  # its library comes late, by the backends
    from cucmsh.pki.credential import Credential


def common_name(site: Site, unit: Unit) -> str:
    """The CN that a certificate of that unit gets on this node now."""
    return unit.profile.common_name.format(
        host=site.settings.cluster.full_name(site.node), digits=os.urandom(4).hex()
    )


def new_credential(site: Site, unit: Unit) -> Credential:
    """A new key and certificate for that unit of this node; writes nothing."""
    return site.backends.keys().make_credential(
        unit,
        common_name(site, unit),
        site.settings.cluster.subject,
        site.clock.now(),
        days=site.settings.profile.days_of(unit),
    )


def is_whole(site: Site) -> bool:
    """Whether all keys were made: CallManager's is made last."""
    try:
        site.home.read(pair_file(Unit.CALL_MANAGER))
    except MissingFileError:
        return False
    return True


def make_node(site: Site, security: Secret, ccm: Secret | None) -> bool:
    """Keys, certificates and secrets of a new node; an existing one stays as it is.

    What an interrupted call has made is kept, so calling it again finishes.

    Args:
        site: the node; its folder may be empty.
        security: the cluster security password.
        ccm: the CCM Administrator password; only a publisher is asked for it.

    Returns:
        Whether anything was made.
    """
    if is_whole(site):
        return False
    keystore = Keystore(site)
    ClusterPasswords(site).set_secrets(security, ccm)
    # CallManager comes last: its key says that the node is whole.
    for unit in sorted(keystore.units, key=lambda unit: unit is Unit.CALL_MANAGER):
        if _is_finished(keystore, site, unit):
            continue
        credential = new_credential(site, unit)
        if unit is Unit.ITL_RECOVERY and site.node.is_publisher:
            raw = keystore.make_recovery_file(credential)
            keystore.install_recovery(raw, credential.certificate)
        else:
            keystore.install(unit, credential)
    return True


def _is_finished(keystore: Keystore, site: Site, unit: Unit) -> bool:
    """Whether an interrupted call made the key; what is derived is written anew."""
    try:
        if unit is Unit.ITL_RECOVERY and site.node.is_publisher:
            certificate = keystore.recovery().certificate
            keystore.install_recovery(keystore.recovery_file(), certificate)
        else:
            keystore.install(unit, keystore.credential(unit))
    except (MissingFileError, CertificateError, KeyFileError):
        return False
    return True


def public_certificates(
    site: Site, recovery: Certificate | None = None, *, with_tomcat: bool = False
) -> dict[Unit, bytes]:
    """The certificates of this node that the other members need, as PEM.

    TVS and CallManager always: lists name the one, and TVS of the others vouches for
    the other. CAPF of a node with that service; the publisher's ITLRecovery.

    Args:
        site: this node.
        recovery: the publisher's ITLRecovery certificate, if it is known already: its
            file takes a third of a second to open.
        with_tomcat: tomcat's too. No list names it; TVS of the others vouches for it
            once it was regenerated or imported.
    """
    keystore, keys = Keystore(site), site.backends.keys()
    units: tuple[Unit, ...] = (Unit.TVS, Unit.CALL_MANAGER)
    if with_tomcat:
        units = (*units, Unit.TOMCAT)
    certificates = {unit: keystore.certificate(unit) for unit in units}
    if Unit.CAPF in keystore.units:
        certificates[Unit.CAPF] = keystore.certificate(Unit.CAPF)
    if site.node.is_publisher:
        recovery = recovery or keystore.recovery().certificate
        certificates[Unit.ITL_RECOVERY] = recovery
    return {unit: keys.to_pem(known) for unit, known in certificates.items()}
