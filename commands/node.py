"""The node and its cluster."""

from __future__ import annotations

from collections.abc import Callable

from cucmsh import services
from cucmsh.build import version_line
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


@command("show version active")
def show_version_active(dialog: Dialog, site: Site) -> None:
    """Show the release whose commands these are, and the version of cucmsh.

    Example:
    show version active
    """
    dialog.say(f"Active Master Version: {site.settings.profile.version}")
    dialog.say("Active Version Installed Software Options:")
    dialog.say("No Installed Software Options Found.")
    if dialog.helpful:
        dialog.say(version_line())


def nodes(site: Site) -> list[str]:
    """The nodes of the cluster, for completion."""
    return [node.name for node in site.settings.cluster.nodes]


@command(
    "show network cluster [node]", candidates={"node": nodes}, kinds={"node": NAME}
)
def show_network_cluster(dialog: Dialog, site: Site, name: str = "") -> int:
    """Show the nodes of the cluster; each other node is logged in to, as a check.

    node: only this node

    Example:
    show network cluster
    """
    cluster = site.settings.cluster
    if name and name not in nodes(site):
        raise UsageError(
            f"{name!r} is no node of this cluster",
            f"Type one of: {', '.join(nodes(site))}",
        )
    wanted = {node.name: node for node in cluster.nodes if name in ("", node.name)}
    status = 0

    def show(name: str, reach: Callable[[], str]) -> None:
        nonlocal status
        node = wanted[name]
        address = node.ssh.host if node.ssh else node.tftp.host
        kind = "DBPub" if node.is_publisher else "DBSub"
        row = (
            f"{address} {cluster.full_name(node)} {node.name} "
            f"{node.role.capitalize()} callmanager {kind}"
        )
        with dialog.working(lambda: f"Waiting for {name}..."):
            problem = reach()
        dialog.say(f"{row} not authenticated" if problem else f"{row} authenticated")
        if problem:
            status = 3
            if dialog.helpful:
                dialog.say(f"  {problem}")

    services.reach_each(site, list(wanted.values()), show)
    dialog.say()
    dialog.say("Server Table (processnode) Entries")
    dialog.say("-" * 34)
    for each in wanted:
        dialog.say(each)
    return status
