"""The least version of TLS that this node's TVS speaks: shown, and set.

It is for the port of TVS alone. No phone is known that speaks TLS 1.3 there; 79xx and
894x speak 1.0 at most (docs/formats.md#tvs).
"""

from __future__ import annotations

from cucmsh.config.model import TVS
from cucmsh.config.tvs import TlsMinimum, TvsSettings
from cucmsh.errors import ServiceError
from cucmsh.services.nodes.configure import edit
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import with_present_settings
from cucmsh.services.usecase import use_case


class PresentSettings:
    """``[tvs]`` as the configuration has it now, each time it is called.

    Args:
        site: this node.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self) -> TvsSettings:
        self._site = with_present_settings(self._site)
        return self._site.settings.tvs


@use_case("show tls min-version")
def tls_minimum(site: Site) -> TlsMinimum:
    """What the configuration says.

    Raises:
        ServiceError: this node has no TVS.
    """
    require_tvs(site)
    return PresentSettings(site)().tls_minimum


@use_case("set tls min-version", changes=True)
def set_tls_minimum(site: Site, version: str) -> None:
    """Write it to the configuration; TVS takes it at its next handshake.

    The session goes on with the configuration as it is now.

    Raises:
        ServiceError: this node has no TVS.
        ConfigurationError: there is no such version, or the file cannot be edited;
            it is as it was.
        StoreError: it could not be read or written; the same.
    """
    from cucmsh.config.editing import with_value  # noqa: PLC0415 - tomlkit

    require_tvs(site)
    with site.cluster_lock("set tls min-version"):
        site.follow(
            edit(
                site,
                lambda text, path: with_value(
                    text, path, "tvs", "tls_minimum", version
                ),
            )
        )


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
