"""The node and its cluster."""

from __future__ import annotations

from cucmsh import __version__
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog

VERSIONS = {"10.0": "10.0.1.10000-24"}  # of the source document's lab


@command("show version active")
def show_version_active(dialog: Dialog, site: Site) -> None:
    """Show the release whose commands these are, and the version of cucmsh."""
    dialog.say(f"Active Master Version: {VERSIONS[site.settings.release]}")
    dialog.say("Active Version Installed Software Options:")
    dialog.say("No Installed Software Options Found.")
    if dialog.helpful:
        dialog.say(f"cucmsh {__version__}")


@command("show network cluster")
def show_network_cluster(dialog: Dialog, site: Site) -> int:
    """Show the nodes of the cluster; each other node is logged in to, as a check."""
    from cucmsh.services.inventory import reach

    cluster = site.settings.cluster
    status = 0
    for node in cluster.nodes:
        address = node.ssh.host if node.ssh else node.tftp.host
        kind = "DBPub" if node.is_publisher else "DBSub"
        row = (
            f"{address} {cluster.full_name(node)} {node.name} "
            f"{node.role.capitalize()} callmanager {kind}"
        )
        problem = "" if node.name == site.node.name else reach(site, node)
        dialog.say(f"{row} not authenticated" if problem else f"{row} authenticated")
        if problem:
            status = 3
            if dialog.helpful:
                dialog.say(f"  {problem}")
    dialog.say()
    dialog.say("Server Table (processnode) Entries")
    dialog.say("-" * 34)
    for node in cluster.nodes:
        dialog.say(node.name)
    return status
