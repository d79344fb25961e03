"""The node and its cluster."""

from __future__ import annotations

from collections.abc import Callable

from cucmsh import __version__, services, views
from cucmsh.build import build, version_line
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


@command("show version active", has_json=True)
def show_version_active(dialog: Dialog, site: Site) -> None:
    """Show the release whose commands these are, and the version of cucmsh.

    Example:
    show version active
    """
    release = site.settings.profile.version
    dialog.result(
        lambda: [
            f"Active Master Version: {release}",
            "Active Version Installed Software Options:",
            "No Installed Software Options Found.",
            *([version_line()] if dialog.helpful else []),
        ],
        lambda: {
            "node": site.node.name,
            "release": release,
            "version": __version__,
            "build": build(),
        },
    )


def nodes(site: Site) -> list[str]:
    """The nodes of the cluster, for completion."""
    return [node.name for node in site.settings.cluster.nodes]


@command(
    "show network cluster [node]",
    candidates={"node": nodes},
    kinds={"node": NAME},
    has_json=True,
)
def show_network_cluster(dialog: Dialog, site: Site, name: str = "") -> int:
    """Show the nodes of the cluster; each other node is logged in to, as a check.

    node: only this node

    Example:
    show network cluster
    """
    cluster = site.settings.cluster
    only = cluster.find(name) if name else None
    if name and only is None:
        raise UsageError(
            f"{name!r} is no node of this cluster",
            f"Type one of: {', '.join(nodes(site))}",
        )
    wanted = {node.name: node for node in ([only] if only else cluster.nodes)}
    problems: dict[str, str] = {}

    def show(name: str, reach: Callable[[], str]) -> None:
        node = wanted[name]
        address = node.ssh.host if node.ssh else node.tftp.host
        kind = "DBPub" if node.is_publisher else "DBSub"
        row = (
            f"{address} {cluster.full_name(node)} {node.name} "
            f"{node.role.capitalize()} callmanager {kind}"
        )
        with dialog.working(lambda: f"Waiting for {name}..."):
            problem = problems[name] = reach()
        since = views.login_date(site.clock.now())
        other = "" if node.name == site.node.name else f" using TCP since {since}"
        state = "not authenticated" if problem else f"authenticated{other}"
        dialog.say(f"{row} {state}")
        if problem and dialog.helpful:
            dialog.say(f"  {problem}")

    services.reach_each(site, list(wanted.values()), show)
    dialog.say()
    dialog.say("Server Table (processnode) Entries")
    dialog.say("-" * 34)
    for each in wanted:
        dialog.say(each)
    dialog.result(tuple, lambda: views.cluster_document(site, problems))
    return 3 if any(problems.values()) else 0
