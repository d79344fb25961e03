"""Whether our key can run more on the other members than their hooks."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError
from cucmsh.services.nodes.confine import opens_a_shell
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.identity import public_line
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side


def examine_members(site: Site) -> Iterator[Finding]:
    """A finding for each other member that lets us in.

    One that does not is reported by ``node_status``.
    """
    members = [
        node
        for node in site.settings.cluster.members
        if node.name != site.node.name and node.ssh is not None
    ]

    def look(node: Node) -> bool | None:
        try:
            with site.link_to(node) as link:
                return opens_a_shell(link)
        except CucmshError:
            return None

    for node, is_open in zip(members, side_by_side(look, members), strict=True):
        if is_open:
            yield Finding(
                Level.FAIL,
                f"our key opens a shell on {node.name}: who has it reads its keys",
                _mend(site, node),
            )
        elif is_open is False:
            what = f"our key runs hooks on {node.name}, and no more"
            yield Finding(Level.OK, what)


def _mend(site: Site, node: Node) -> str:
    if site.node.is_publisher:
        return f"Run `cucmsh node add {node.name}`."
    line = public_line(site, node.program)
    return f"Replace the line with this key in authorized_keys there by: {line}"
