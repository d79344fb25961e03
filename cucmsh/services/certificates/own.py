"""The certificates of this node, own and trusted, to be shown.

No private key is read out.
"""

from __future__ import annotations

from cucmsh.errors import UsageError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.trust_store import (
    TRUST,
    TRUSTS,
    TrustedOne,
    TrustedShown,
    all_trusted,
    find_trusted,
    require_trust,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


def own_units(site: Site) -> list[str]:
    """The names of this node's units; for completion."""
    return [unit.value for unit in Keystore(site).units]


def require_unit(site: Site, text: str) -> Unit:
    """The unit of that exact name on this node.

    Raises:
        UsageError: there is none; the message names those there are.
    """
    units = Keystore(site).units
    for unit in units:
        if text == unit.value:
            return unit
    raise UsageError(
        f"{text!r} is no certificate unit of {site.node.name}",
        f"Type one of: {', '.join(units)}",
    )


@use_case("show cert list own")
def own_certificates(site: Site) -> list[tuple[str, Certificate]]:
    """Each unit of this node and its certificate.

    Raises:
        MissingFileError: a unit has none.
        CertificateError: one cannot be read.
    """
    keystore = Keystore(site)
    return [(unit.value, keystore.certificate(unit)) for unit in keystore.units]


@use_case("show cert own")
def own_certificate(site: Site, name: str) -> tuple[Certificate, bytes]:
    """One certificate of this node, and its PEM form.

    Args:
        site: this node.
        name: of its unit, such as ``TVS``, or ``TVS/TVS.pem``.

    Raises:
        UsageError: there is no such unit.
        MissingFileError: it has no certificate.
        CertificateError: that cannot be read.
    """
    first, slash, file = name.partition("/")
    unit = require_unit(site, first if slash and file == f"{first}.pem" else name)
    certificate = Keystore(site).certificate(unit)
    return certificate, site.backends.keys().to_pem(certificate)


def trusts() -> list[str]:
    """The trusts as they are typed: a unit's own name; for completion."""
    return [trust.removesuffix(TRUST) for trust in TRUSTS]


def trusted_names(site: Site, *, is_imported: bool = False) -> list[str]:
    """The trusted certificates as they are typed; for completion.

    Args:
        site: this node.
        is_imported: only those that can be deleted, by their file names.
    """
    found = all_trusted(site).entries
    if is_imported:
        return sorted({each.name for each in found if each.file})
    return [f"{each.trust}/{each.name}" for each in found]


@use_case("show cert list trust")
def trusted_certificates(site: Site) -> TrustedShown:
    """Those of other members, and the imported ones.

    What cannot be read is told, and hides nothing else.
    """
    return all_trusted(site)


@use_case("show cert trust")
def trusted_certificate(site: Site, name: str) -> tuple[TrustedOne, bytes]:
    """One trusted certificate, and its PEM form.

    Args:
        site: this node.
        name: such as ``CallManager-trust/ca.pem``.

    Raises:
        UsageError: it names no trust, or no file in it.
        MissingFileError: there is no such certificate.
    """
    trust, slash, file = name.partition("/")
    if not slash:
        raise UsageError(
            f"{name!r} names no certificate in a trust", "See `show cert list trust`."
        )
    found = find_trusted(site, require_trust(trust), file)
    return found, site.backends.keys().to_pem(found.certificate)
