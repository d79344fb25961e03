"""Whose lists of resets this node takes: the keys of the publisher's that sign them."""

from __future__ import annotations

from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.site import Site


def reset_signers(site: Site) -> frozenset[bytes]:
    """Their certificates (DER), as far as they were brought here.

    Raises:
        CertificateError, StoreError: one cannot be read.
    """
    publisher, keystore = site.settings.cluster.publisher, Keystore(site)
    units = site.settings.profile.reset_signers
    found = (keystore.trusted(publisher, Unit(unit)) for unit in units)
    return frozenset(each.der for each in found if each is not None)
