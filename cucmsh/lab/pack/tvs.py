"""TVS of the lab's nodes: there, or away."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def _services() -> ModuleType:
    """The use-cases; the prompt imports them when one is typed."""
    return import_module("cucmsh.lab.node_services")


def node_names(site: Site) -> list[str]:
    """The nodes, for completion."""
    return list(_services().node_homes(site))


@command(
    "lab tvs stop|start [node]",
    of=lambda: _services().tell_tvs,
    has_json=True,
    candidates={"node": node_names},
    kinds={"node": NAME},
)
def lab_tvs(dialog: Dialog, site: Site, verb: str, node: str = "") -> None:
    """Stop or start TVS of every node of the lab, or of one.

    Phones that do not know a signer ask TVS; without it they refuse what it signed.

    stop: phones find nobody to ask
    start: it answers again
    node: the name of one node

    Example:
    lab tvs stop
    """
    told = _services().tell_tvs(site, verb, node)
    dialog.result(
        lambda: [
            f"TVS of {each.name}[{'STARTED' if each.is_running else 'STOPPED'}]"
            for each in told
        ],
        lambda: {
            "nodes": [
                {
                    "name": each.name,
                    "state": "started" if each.is_running else "stopped",
                }
                for each in told
            ]
        },
    )
