"""What lies on the other TFTP nodes, taken into the publisher's history in time.

A replica serves lists of this publisher, a member may serve one that a reset brought.
Their phones hold those lists whatever this node remembers, so the nodes are asked
before anything is composed: all of them when there is no history, after an upgrade and
after a restore; the replicas at the first start of each boot, for a machine may have
been set back to an earlier snapshot. Later every push looks at what the replica has.

A restore is noticed by a small file beside the history: its inode number and the time
of its last change are remembered, and files that were copied back have others.

Asks over TFTP, all nodes at once, and a replica whose TFTP service does not answer over
SSH. The TFTP service of this node is down meanwhile, so nobody is waited for longer
than ``ALL_BEFORE_START_SECONDS``; who was silent is remembered, told by `cucmsh
doctor`, and asked again at the next start.
"""

from __future__ import annotations

import os
from contextlib import suppress

from cucmsh import __version__
from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, StoreError
from cucmsh.layout import ASKED, PLACE
from cucmsh.services.lists.served_lists import lists_on, other_tftp_nodes
from cucmsh.services.nodes.node_id import renamed, with_ids
from cucmsh.services.records.history import History
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site


def ask_other_nodes(site: Site) -> None:
    """Ask the nodes that are due, and note their lists. Raises no ``CucmshError``.

    A subscriber asks nobody: no other node serves lists of its making, and it has no
    key that the phones of another one know.
    """
    if not site.node.is_publisher:
        return
    nodes = _due(site)
    if nodes is None:
        return
    found, silent = lists_on(site, nodes)
    with suppress(CucmshError), site.node_lock("a service start"):
        history = History(site)
        for name, raw in found.items():
            history.note_elsewhere(name, raw)
        _remember_asked(site, silent)


def silent_nodes(site: Site) -> list[str]:
    """Names of the nodes that did not answer when they were asked last."""
    found = recall(site.home, ASKED)
    silent, now = found.get("silent"), renamed(site, found.get("ids"))
    names = {node.name for node in site.settings.cluster.nodes}
    listed = silent if isinstance(silent, list) else []
    asked = [now.get(name, name) for name in map(str, listed)]
    return [name for name in asked if name in names]


def _due(site: Site) -> list[Node] | None:
    """The nodes to ask now; None if that was done. See the module."""
    others = other_tftp_nodes(site)
    try:
        asked, silent = recall(site.home, ASKED), silent_nodes(site)
    except StoreError:  # who was asked is not known
        return others
    if (
        asked.get("version") != __version__
        or asked.get("place") != _place(site)
        or not History(site).entries
    ):
        return others
    is_booted = asked.get("boot") != site.clock.boot()[0]
    due = [n for n in others if n.name in silent or (is_booted and not n.is_member)]
    return due if due or is_booted else None


def _place(site: Site) -> str:
    """Text that changes when the files of this node are copied back; see the module."""
    try:
        found = os.lstat(os.path.join(site.settings.home, PLACE))
    except OSError:
        return ""
    return f"{found.st_ino} {found.st_ctime_ns}"


def _remember_asked(site: Site, silent: dict[str, str]) -> None:
    if not _place(site):
        site.home.write(PLACE, b"Do not edit: tells a restore.\n")
    facts: dict[str, object] = {
        "version": __version__,
        "boot": site.clock.boot()[0],
        "place": _place(site),
        "silent": sorted(silent),
        "ids": with_ids(site, sorted(silent)),
    }
    remember(site.home, ASKED, facts)
