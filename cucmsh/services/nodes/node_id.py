"""Ids of nodes, which survive a change of name: names are shown, ids are kept.

A node makes its own id once, at random, and keeps it in its state. The publisher is
told a member's id when it is enrolled; until then, and for replicas, it derives one
from what it knew of the node first. What is kept about other nodes (journal, pending
replicas, history, trust store) carries their ids beside their names, and is read by
the ids: a node that was renamed in the configuration is still the one that was meant.

Which configured node an id means is decided by the machine (its SSH host key, and its
address among those that share one), then by the name, then by a name that it had
before (``aliases``). So a node whose name was changed is known by its machine or its
alias, and one that was built anew under the same name by its name.

Rows of nodes that a configuration does not have are kept: a session whose configuration
is old must not drop what a newer one learned. A node that comes back is known by them.

Files of earlier versions carry no ids: their names count. Earlier versions that are
installed again read the names, and leave the ids alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import BusyError, StoreError
from cucmsh.layout import NODE, NODES, trusted_folder, trusted_id
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site

BYTES = 16
# By what a node is known again, in this order: parts of machine, address, name.
_MACHINE_AND_ADDRESS, _MACHINE, _NAME = slice(2), slice(1), slice(2, 3)
MOST_EARLIER = 8  # earlier ids of one node that are kept
MOST_ABSENT = 200  # nodes that are kept though this configuration does not have them


class KnownNode(NamedTuple):
    """A node as it was when its id was written.

    Attributes:
        name: in the configuration.
        machine: a digest of its host key; empty where this node has no way onto it.
        address: host and port of its sshd.
        earlier: ids that it had here before it told its own.
    """

    name: str
    machine: str
    address: str
    earlier: tuple[str, ...] = ()


def own_id(site: Site) -> str:
    """This node's id; made at the first question, for homes of earlier versions.

    Raises:
        StoreError: it cannot be read, or kept.
    """
    known = kept_id(site)
    if known:
        return known
    with site.node_lock("the making of this node's id"):
        known = kept_id(site)
        if not known:
            known = os.urandom(BYTES).hex()
            remember(site.home, NODE, {"id": known})
    return known


def kept_id(site: Site) -> str:
    """This node's id as it is kept, or empty: nothing is made."""
    found = recall(site.home, NODE).get("id")
    return str(found) if is_id(found) else ""


def is_id(said: object) -> bool:
    """Whether it is an id: a text of 32 lower-case hexadecimal digits."""
    return (
        isinstance(said, str)
        and len(said) == 2 * BYTES
        and set(said) <= set("0123456789abcdef")
    )


def ids_by_name(site: Site) -> dict[str, str]:
    """The ids of all other nodes, by their present names; new ones are kept.

    Raises:
        BusyError: another process takes long to write them.
        StoreError: it cannot be read, or kept.
    """
    before = _read(site)
    rows = _present(site, before)
    if rows.items() <= before.items():  # nothing is new, and nobody is waited for
        return _by_name(rows)
    with site.ids_lock():
        return _by_name(_keep_present(site))


def _keep_present(site: Site) -> dict[str, KnownNode]:
    """The rows of all other nodes as they are now, kept; the caller holds the lock.

    Rows of nodes that this configuration does not have are kept as they are: another
    process may have read a newer one.
    """
    before = _read(site)
    rows = _present(site, before)
    if rows.items() <= before.items():
        return rows
    absent = [(at, row) for at, row in before.items() if at not in rows]
    _write(site, dict(absent[-MOST_ABSENT:]) | rows)
    for node_id, known in rows.items():
        mark_trusted(site, trusted_folder(known.name), node_id)
    return rows


def _present(site: Site, before: dict[str, KnownNode]) -> dict[str, KnownNode]:
    """What the rows of all other nodes are now, by their ids."""
    found = _matched(site, before)
    rows: dict[str, KnownNode] = {}
    for node in _others(site):
        node_id = found.get(node.name) or _derived(site, node)
        known = before.get(node_id)
        earlier = known.earlier if known else ()
        rows[node_id] = KnownNode(node.name, *_machine(node), earlier)
    return rows


def _by_name(rows: dict[str, KnownNode]) -> dict[str, str]:
    return {row.name: node_id for node_id, row in rows.items()}


def mark_trusted(site: Site, folder: str, node_id: str) -> None:
    """Write the id of the owner into a folder of the trust store, unless it is there.

    The caller holds the lock of the ids.

    Raises:
        StoreError: it cannot be kept.
    """
    names = site.home.names(folder)
    if names and trusted_id(folder) not in [f"{folder}/{name}" for name in names]:
        site.home.write(trusted_id(folder), node_id.encode())


def learn(site: Site, name: str, node_id: str) -> None:
    """Keep the id that a node told; the id derived for it here still means it, too.

    Raises:
        BusyError, StoreError: as for ``ids_by_name``.
    """
    if not is_id(node_id) or node_id == kept_id(site):
        return
    if ids_by_name(site).get(name) in (None, node_id):  # as it nearly always is
        return
    with site.ids_lock():
        present = _by_name(_keep_present(site)).get(name)
        if present in (None, node_id):
            return
        known = _read(site)
        row = known.pop(present)
        earlier = (*row.earlier, present)[-MOST_EARLIER:]
        known[node_id] = row._replace(earlier=earlier)
        _write(site, known)


def known_ids(site: Site) -> dict[str, tuple[str, ...]]:
    """All ids of each other node, by its present name. Writes and raises nothing.

    A node is not in it where nothing is known, or readable: then its name counts.
    """
    try:
        rows = _read(site)
    except StoreError:
        return {}
    found = _matched(site, rows)
    return {name: (at, *rows[at].earlier) for name, at in found.items()}


def with_ids(site: Site, names: Iterable[str]) -> list[str]:
    """The names of nodes for a file, each as ``ID NAME``; this one's id if it has one.

    Empty where the ids cannot be kept: then names count.
    """
    try:
        ids = ids_by_name(site)
        if own := kept_id(site):
            ids[site.node.name] = own
    except (BusyError, StoreError):
        return []
    return [f"{ids[name]} {name}" for name in names if name in ids]


def renamed(site: Site, said: object) -> dict[str, str]:
    """Names in what ``with_ids`` wrote that have changed since, and the new ones."""
    if not isinstance(said, list) or not said:
        return {}
    by_id = {at: name for name, ids in known_ids(site).items() for at in ids}
    with suppress(StoreError):
        by_id[kept_id(site)] = site.node.name
    pairs = [str(entry).partition(" ") for entry in said]
    now = {name: by_id.get(at, name) for at, _, name in pairs}
    return {name: present for name, present in now.items() if name != present}


def _others(site: Site) -> list[Node]:
    return [node for node in site.settings.cluster.nodes if node != site.node]


def _read(site: Site) -> dict[str, KnownNode]:
    """The rows of the file; those of another form are left out."""
    rows = {}
    for node_id, row in recall(site.home, NODES).items():
        if is_id(node_id) and isinstance(row, list) and len(row) >= 3:
            name, machine, address, *earlier = map(str, row)
            rows[node_id] = KnownNode(name, machine, address, tuple(earlier))
    return rows


def _write(site: Site, rows: dict[str, KnownNode]) -> None:
    facts: dict[str, object] = {
        node_id: [known.name, known.machine, known.address, *known.earlier]
        for node_id, known in rows.items()
    }
    remember(site.home, NODES, facts)


def _matched(site: Site, rows: dict[str, KnownNode]) -> dict[str, str]:
    """Which configured node is which row: its id by its name now.

    Machines that share a host key, as copies do, are told apart by their addresses,
    and two nodes of one machine by their names: what is not one to one says nothing.
    """
    nodes, left = {node.name: node for node in _others(site)}, dict(rows)
    found: dict[str, str] = {}
    for parts in (_MACHINE_AND_ADDRESS, _MACHINE, _NAME, _MACHINE):
        here = _unique({n: _parts(at)[parts] for n, at in nodes.items()})
        kept = _unique({n: at[parts] for n, at in _rows(left).items()})
        for key in here.keys() & kept.keys():
            if key[0]:
                found[here[key]] = kept[key]
                del nodes[here[key]], left[kept[key]]
    by_name = _unique({at: (row.name,) for at, row in left.items()})
    for name, node in nodes.items():
        before = [by_name[at,] for at in node.aliases if (at,) in by_name]
        if len(before) == 1:
            found[name] = before[0]
            del by_name[(left[before[0]].name,)]
    return found


def _parts(node: Node) -> tuple[str, ...]:
    return (*_machine(node), node.name)


def _rows(rows: dict[str, KnownNode]) -> dict[str, tuple[str, ...]]:
    return {at: (row.machine, row.address, row.name) for at, row in rows.items()}


def _unique(keys: dict[str, tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The names by their keys, for keys that only one name has."""
    times = Counter(keys.values())
    return {key: name for name, key in keys.items() if times[key] == 1}


def _machine(node: Node) -> tuple[str, str]:
    if node.ssh is None:
        return "", ""
    return _digest(node.ssh.host_key), f"{node.ssh.host} {node.ssh.port}"


def _derived(site: Site, node: Node) -> str:
    """An id for a node that has told none: always the same for the same entry."""
    cluster = site.settings.cluster
    parts = (cluster.full_name(cluster.publisher), node.name, *_machine(node))
    return _digest("\n".join(parts))


def _digest(text: str) -> str:
    """As many hexadecimal digits as an id has."""
    from hashlib import sha256  # noqa: PLC0415 - OpenSSL, which no prompt needs

    return sha256(text.encode()).hexdigest()[: 2 * BYTES]
