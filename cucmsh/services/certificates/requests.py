"""Signing requests of this node: made, listed, shown.

The key of a request lies beside the pair that is in use, 0600, and takes its place when
the authority's certificate comes (``imports``). A new request replaces an earlier one,
as in the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import request_file
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.own import require_unit
from cucmsh.services.nodes.make import common_name
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

if TYPE_CHECKING:  # its library comes late, by the backends
    from cucmsh.pki.requests import SigningRequest

SUFFIX = ".csr"


def require_signed_by_others(unit: Unit) -> None:
    """Refuse a unit whose certificate is always self-signed.

    Raises:
        RefusedError: it is ITLRecovery.
    """
    if unit is Unit.ITL_RECOVERY:
        raise RefusedError(
            "The ITLRecovery certificate is always self-signed",
            "`set cert regen ITLRecovery` makes a new one.",
        )


@use_case("set csr gen", changes=True)
def generate_request(site: Site, unit: Unit) -> SigningRequest:
    """Make a key and a request for a certificate of that unit.

    The key and certificate in use stay as they are.

    Raises:
        RefusedError: ITLRecovery, which is always self-signed.
        CertificateError: the name cannot be written into a request.
    """
    require_signed_by_others(unit)
    keys = site.backends.keys()
    raw = keys.make_request(
        unit,
        common_name(site, unit),
        site.settings.cluster.subject,
        site.settings.cluster.full_name(site.node),
    )
    with site.node_lock(f"set csr gen {unit}"):
        site.home.write(request_file(unit), raw)
    return keys.read_request(raw)


@use_case("show csr list")
def open_requests(site: Site) -> list[Unit]:
    """The units that have a request."""
    return [unit for unit in Keystore(site).units if has_request(site, unit)]


def has_request(site: Site, unit: Unit) -> bool:
    """Whether a key of that unit waits for its certificate."""
    folder, _, name = request_file(unit).rpartition("/")
    return name in site.home.names(folder)


def read_request(site: Site, unit: Unit) -> bytes:
    """The key and its request, PEM.

    Raises:
        MissingFileError: there is none; says what makes one.
    """
    try:
        return site.home.read(request_file(unit))
    except MissingFileError:
        raise MissingFileError(
            f"there is no Certificate Sign Request for {unit}",
            f"`set csr gen {unit}` makes one.",
        ) from None


def request_names(site: Site) -> list[str]:
    """The requests as they are typed; for completion."""
    return [
        f"{unit}/{unit}{SUFFIX}"
        for unit in Keystore(site).units
        if has_request(site, unit)
    ]


@use_case("show csr own")
def own_request(site: Site, name: str) -> SigningRequest:
    """One request, without its key.

    Args:
        site: this node.
        name: of its unit, such as ``tomcat``, or ``tomcat/tomcat.csr``.

    Raises:
        UsageError: there is no such unit.
        MissingFileError: it has no request.
        CertificateError: that cannot be read.
    """
    first, slash, file = name.partition("/")
    is_file = slash and file == f"{first}{SUFFIX}"
    unit = require_unit(site, first if is_file else name)
    return site.backends.keys().read_request(read_request(site, unit))
