"""``cucmsh tvs``: this node's Trust Verification Service, as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.config.model import TVS, TvsAddress
from cucmsh.errors import ServiceError
from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.services.usecase import use_case


@use_case("cucmsh tvs")
def serve(site: Site, log: Callable[[str], None]) -> None:
    """Answer phones until SIGTERM or SIGINT.

    Args:
        site: this node. What it trusts, and its TVS certificate, are read again when
            they change; limits and address are those of now.
        log: takes one line for each connection that failed or was left unanswered.

    Raises:
        ServiceError: this node has no such service, or its address cannot be had.
        CertificateError: its TVS certificate cannot be served.
    """
    require_tvs(site)
    settings = site.settings.tvs
    address = TvsAddress(settings.listen, site.node.tvs.port)
    pair = f"{site.settings.home}/{pair_file(Unit.TVS)}"
    lookup = TrustedCertificates(site)
    server = site.backends.tvs_server(address, pair, settings, lookup, log)
    server.serve(settings.workers)


def require_tvs(site: Site) -> None:
    """Refuse on a node that has no TVS.

    Raises:
        ServiceError: it has none.
    """
    if not site.node.has_tvs:
        name = site.node.name
        raise ServiceError(
            f"{name} does not run {TVS}",
            f"Add it to the services of {name} in {site.settings.path}; its "
            "certificate then stands in the lists that are composed.",
        )
