"""``cucmsh node remove``: takes a node out of the cluster, for whoever asks for it.

Says and asks nothing itself: that is its ``RemoveDialog``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError, UsageError
from cucmsh.services.caller import Privilege
from cucmsh.services.lists.member_hooks import hook_on
from cucmsh.services.lists.member_lists import bring_lists_after
from cucmsh.services.lists.replica_records import let_go
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.confine import opens_a_shell
from cucmsh.services.nodes.enrol import tell_others
from cucmsh.services.nodes.health.finding import Finding, checked
from cucmsh.services.nodes.identity import public_line, revoke
from cucmsh.services.nodes.join import forget_node
from cucmsh.services.records.open_work import drop_node
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class RemoveDialog(Protocol):
    """Who takes a node out: is asked, and told when the change begins."""

    def agree(self, node: Node) -> None:
        """Ask whether this node is to leave.

        Raises:
            CancelledError: it stays; nothing was changed.
        """

    def changing(self, name: str) -> AbstractContextManager[object]:
        """The body must not be interrupted."""


class Removed(NamedTuple):
    """The node that left, and what was found on the way."""

    node: Node
    findings: list[Finding]


@use_case("cucmsh node remove", changes=True, publisher_only=True, level=Privilege.ALL)
def remove_node(site: Site, name: str, dialog: RemoveDialog) -> Removed:
    """Take the node out: our key on it, its entry, its certificates here and there.

    A node that does not answer keeps our key, which is a failed finding.

    Raises:
        RefusedError: it is this node.
        UsageError: there is no such node.
        CancelledError: the dialog does not agree.
        BusyError: another change of the cluster is under way.
        StoreError: the configuration cannot be written; the node is still in it.
    """
    node = _find_removable(site, name)
    dialog.agree(node)
    with dialog.changing(name), site.cluster_lock("cucmsh node remove"):
        return Removed(node, _take_out(site, node))


def _find_removable(site: Site, name: str) -> Node:
    node = site.settings.cluster.find(name)
    if node is None:
        names = ", ".join(node.name for node in site.settings.cluster.nodes)
        raise UsageError(f"there is no node {name!r}", f"The nodes are: {names}")
    if node.name == site.node.name:
        raise RefusedError("the publisher is the cluster; it cannot be taken out")
    return node


def _take_out(site: Site, node: Node) -> list[Finding]:
    from cucmsh.config.editing import without_node  # noqa: PLC0415 - tomlkit

    findings = [_take_key_back(site, node)]
    settings = edit(site, lambda text, path: without_node(text, path, node.name))
    forget_node(site, node)
    drop_node(site, node.name)
    if node.is_member:
        nodes = site.settings.cluster.nodes
        left = tuple(other for other in nodes if other.name != node.name)
        findings += tell_others(site, left, None)
        bring_lists_after(site.with_settings(settings))  # they name the node no more
    return findings


def _take_key_back(site: Site, node: Node) -> Finding:
    try:
        line = public_line(site)
        with site.link_to(node) as link:
            if node.is_member and not opens_a_shell(link):
                hook_on(link, node, "leave", line.split()[2])
                return checked(True, f"our key on {node.name}: taken back")
            home = site.backends.home_on(link)
            if not node.is_member:
                let_go(site, home, node)
            was_there = revoke(home, line)
    except CucmshError as problem:
        text = f"our key stays in authorized_keys on {node.name}: {problem.message}"
        return checked(False, text)
    text = "taken back" if was_there else "not in ~/.ssh/authorized_keys"
    return checked(was_there, f"our key on {node.name}: {text}")
