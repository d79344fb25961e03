"""How a node is called now, told to the other members, and learned from one of them.

A publisher sends each subscriber the whole cluster, as ``node add`` does. A subscriber
tells its publisher, by a hook of its own, and the publisher tells the others. Who was
not told is open work (``records.waiting``), noted before anybody is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.config.settings import Settings
from cucmsh.errors import RefusedError
from cucmsh.names import check_domain, check_host_name
from cucmsh.services.backends import Link
from cucmsh.services.lists.member_hooks import INPUT, hook_on
from cucmsh.services.lists.noted_nodes import on_each
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.join import cluster_document
from cucmsh.services.nodes.node_id import is_id, known_ids, learn, own_id
from cucmsh.services.nodes.sealed import sealed, unsealed
from cucmsh.services.outcome import NodeOutcome
from cucmsh.services.records.waiting import add_waiting, read_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class Names(NamedTuple):
    """What a node says of its names.

    Attributes:
        id: its own; empty where it told none.
        name: the present one.
        aliases: the earlier ones.
        domain: of its host name; may be empty.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    domain: str


def others_to_tell(site: Site) -> tuple[Node, ...]:
    """Whom this node itself tells: a subscriber its publisher, that one everybody."""
    cluster = site.settings.cluster
    if not site.node.is_publisher:
        return (cluster.publisher,)
    return tuple(node for node in cluster.members if node.name != site.node.name)


def tell_names(site: Site) -> list[NodeOutcome]:
    """Tell those that were not told; the caller holds the cluster's lock.

    Returns:
        One outcome for each of them.

    Raises:
        StoreError: who was told cannot be noted.
    """
    untold = read_waiting(site, Work.NAMES)
    nodes = [node for node in others_to_tell(site) if node.name in untold]
    if not nodes:
        return []
    if site.node.is_publisher:
        hook, document = "join", cluster_document(site, site.settings.cluster.nodes)
    else:
        hook, document = "renamed", _own_names(site)
    argv = (hook, INPUT, hashlib.sha256(document).hexdigest())

    def tell(link: Link, node: Node) -> None:
        hook_on(link, node, *argv, given=document)

    return on_each(site, Work.NAMES, nodes, tell, lambda node: _no_way(site, node))


def tell_untold(site: Site) -> list[NodeOutcome]:
    """``tell_names`` under the cluster's lock, if somebody was not told.

    Raises:
        BusyError: another command holds that lock.
        StoreError: who was told cannot be noted.
    """
    if not read_waiting(site, Work.NAMES):
        return []
    with site.cluster_lock("telling the members how nodes are called"):
        return tell_names(site)


def _no_way(site: Site, node: Node) -> str:
    name = site.node.aliases[-1] if site.node.aliases else site.node.name
    if site.node.is_publisher:
        return f"no way leads there from {site.node.name}"
    return (
        f"no way leads there from {site.node.name}; `cucmsh node add {name}` on "
        f"{node.name} has it ask"
    )


def _own_names(site: Site) -> bytes:
    node = site.node
    payload = {
        "id": own_id(site),
        "name": node.name,
        "aliases": node.aliases,
        "domain": site.settings.cluster.domain_of(node),
    }
    return sealed(site, json.dumps(payload))


@use_case("hook renamed", changes=True)
def learn_names(site: Site, raw: bytes) -> list[NodeOutcome]:
    """Another member says how it is called now; a publisher tells the others.

    Returns:
        What became of those others; one that was not told is open work.

    Raises:
        RefusedError: it is not sealed with this cluster's security password, or no
            other member of this cluster sent it.
        ConfigurationError: another node has that name.
        BusyError: another change of the cluster is under way here.
    """
    names = _read(site, raw)
    with site.cluster_lock("hook renamed"):
        known = known_ids(site)
        said = (names.name, *names.aliases)
        by_id = [at for at, ids in known.items() if names.id in ids]
        node = site.settings.cluster.find(by_id[0]) if by_id else None
        if node is None:
            node = next(filter(None, map(site.settings.cluster.find, said)), None)
        if node is None or not node.is_member or node.name == site.node.name:
            raise RefusedError(f"{names.name} is no other member of this cluster")
        if not site.node.is_publisher:
            site.follow(take_names(site, node, names))
            return []
        others = [at.name for at in others_to_tell(site) if at.name != node.name]
        add_waiting(site, Work.NAMES, others)
        site.follow(take_names(site, node, names))
        return tell_names(site)


def take_names(site: Site, node: Node, names: Names) -> Settings:
    """Write that a member is called so into this node's configuration.

    Args:
        site: this node.
        node: the member, as it is known here.
        names: how it is called.

    Returns:
        The configuration then.

    Raises:
        ConfigurationError: two nodes would have that name; nothing was changed.
        StoreError: it cannot be written.
    """
    from cucmsh.config.editing import with_names  # noqa: PLC0415 - tomlkit

    entry: dict[str, object] = {"name": names.name}
    if names.aliases:
        entry["aliases"] = list(names.aliases)
    if names.domain != site.settings.cluster.domain:
        entry["domain"] = names.domain
    settings = edit(site, lambda text, path: with_names(text, path, node.name, entry))
    if names.id:
        learn(site.with_settings(settings), names.name, names.id)
    return settings


def _read(site: Site, raw: bytes) -> Names:
    try:
        said = json.loads(unsealed(site, raw))
        aliases = _texts(said["aliases"])
        node_id = said["id"] if is_id(said["id"]) else ""
        names = Names(node_id, str(said["name"]), aliases, str(said["domain"]))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RefusedError("what arrived says no name of a node") from problem
    for name in (names.name, *names.aliases):
        check_host_name(name)
    check_domain(names.domain)
    return names


def _texts(said: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, said))
