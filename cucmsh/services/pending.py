"""What signing and pushing files left open, for the next login. Decides nothing.

A login reads it, so nothing heavy is imported.
"""

from __future__ import annotations

from cucmsh.services.site import Site
from cucmsh.services.state import forget, recall, remember
from cucmsh.shapes import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLICAS = "replicas"
SIGNING = "signing"


def remember_replicas(site: Site, problems: Mapping[str, str]) -> None:
    """Keep which replicas do not serve what this node serves, and why; or none."""
    _keep(site, REPLICAS, [f"{name} ({why})" for name, why in problems.items()])


def forget_replica(site: Site, name: str) -> None:
    """A replica that is no node any more is not waited for."""
    since, what = _open(site, REPLICAS)
    left = [entry for entry in what if not entry.startswith(f"{name} (")]
    if left and left != what:
        remember(site.home, REPLICAS, {"open": left, "at": since})
    elif not left:
        _keep(site, REPLICAS, [])


def remember_unsigned(site: Site, problem: str) -> None:
    """Keep why files of this node could not be signed at a start; empty: all were."""
    _keep(site, SIGNING, [problem] if problem else [])


def pending_replicas(site: Site) -> list[str]:
    """A line for the login if a replica serves something else; none if all is well."""
    since, what = _open(site, REPLICAS)
    if not what:
        return []
    line = (
        f"Not every replica serves what this publisher does, since {since}: "
        f"{', '.join(what)}. Run `utils tftp sign` when they answer."
    )
    return [line]


def unsigned_files(site: Site) -> list[str]:
    """A line for the login if files could not be signed at the last start."""
    since, what = _open(site, SIGNING)
    if not what:
        return []
    return [
        f"Files of phones were not signed at {since}: {what[0]}. Run `utils tftp sign`."
    ]


def _keep(site: Site, name: str, what: list[str]) -> None:
    if not what:
        if recall(site.home, name):
            forget(site.home, name)
        return
    now = site.clock.now().isoformat(timespec="seconds")
    remember(site.home, name, {"open": what, "at": now})


def _open(site: Site, name: str) -> tuple[str, list[str]]:
    found = recall(site.home, name)
    what = found.get("open")
    return str(found.get("at")), (
        [str(entry) for entry in what] if isinstance(what, list) else []
    )
