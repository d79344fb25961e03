"""``cucmsh tvs``: this node's Trust Verification Service, as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.config.model import TvsAddress
from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.services.tvs.tls_minimum import PresentSettings, require_tvs
from cucmsh.services.usecase import use_case


@use_case("cucmsh tvs")
def serve(site: Site, log: Callable[[str], None]) -> None:
    """Answer phones until SIGTERM or SIGINT.

    Args:
        site: this node. What it trusts, its TVS certificate and the least version of
            TLS are read again when they change; limits and address are those of now.
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
    present = PresentSettings(site)
    server = site.backends.tvs_server(address, pair, present, lookup, log)
    server.serve(settings.workers)
