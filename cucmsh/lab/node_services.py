"""Services of the lab's nodes, told from the prompt of one of them: use-cases.

A real node starts and stops its own services only. Here the nodes share a machine, and
a lesson needs TVS away everywhere at once.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from cucmsh.errors import RefusedError, ServiceError, UsageError
from cucmsh.lab.control import ask
from cucmsh.layout import LAB_CONTROL, LAB_FILE
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import LocalStore


class Told(NamedTuple):
    """A node whose service was told to do something.

    Attributes:
        name: of the node.
        is_running: whether the service runs now.
    """

    name: str
    is_running: bool


@use_case("lab tvs", changes=True)
def tell_tvs(site: Site, verb: str, node: str = "") -> list[Told]:
    """Start or stop TVS of every node, or of one.

    Args:
        site: a node of the lab.
        verb: ``start`` or ``stop``.
        node: its name, also one that it got since the lab was made; every node's
            without one.

    Raises:
        UsageError: there is no such node.
        ServiceError: a node does not do it; those before it did.
    """
    homes = node_homes(site)
    found = site.settings.cluster.find(node)
    names = (node, *found.aliases) if found else (node,)
    wanted = [name for name in homes if not node or name in names]
    if not wanted:
        raise UsageError(f"there is no node {node!r}", f"There are {', '.join(homes)}.")
    told = []
    for name in wanted:
        control = os.path.join(homes[name], LAB_CONTROL)
        problem = ask(control, "tvs", verb)
        if problem:
            raise ServiceError(f"TVS of {name}: {problem}")
        told.append(Told(name, not ask(control, "tvs", "status")))
    return told


def node_homes(site: Site) -> dict[str, str]:
    """The home of each node of the lab, by its name, the publisher first."""
    described = description_of(site)
    nodes = [described["publisher"], *described["subscribers"]]
    return {str(node["name"]): str(node["home"]) for node in nodes}


def description_of(site: Site) -> dict[str, Any]:
    """What the lab said of itself when it started, passwords included.

    Raises:
        RefusedError: the node belongs to no lab.
    """
    store = LocalStore(str(lab_of(site)))
    described: dict[str, Any] = json.loads(store.read(LAB_FILE))
    return described


def lab_of(site: Site) -> Path:
    """The directory of the lab that a node belongs to.

    Raises:
        RefusedError: it belongs to none.
    """
    if not site.settings.lab:
        raise RefusedError(
            f"{site.node.name} is no node of a lab",
            "`cucmsh lab` starts one, with phones: `cucmsh lab --phones 4`.",
        )
    return Path(site.settings.lab)
