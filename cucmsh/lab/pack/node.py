"""Nodes of the lab: stopped, paused, delayed, cut off, started; failures by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from cucmsh.lab.pack.asking import ask
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME, NUMBER


def _conditions() -> ModuleType:
    """Nodes and failures by name; imported when one is completed."""
    return import_module("cucmsh.lab.conditions")


def members(site: Site) -> list[str]:
    """The nodes, and the backup server, for completion."""
    names = [node.name for node in site.settings.cluster.members]
    return [*names, _conditions().BACKUP]


def failures(_: Site) -> list[str]:
    """The failures, for completion."""
    return [failure.name for failure in _conditions().FAILURES]


@command("lab node list", has_json=True)
def lab_node_list(dialog: Dialog, site: Site) -> None:
    """Show how each node of the lab is, and its backup server.

    Example:
    lab node list
    """
    _show(dialog, ask(site, "list"))


@command(
    "lab node stop|start|pause|partition <node>",
    candidates={"node": members},
    kinds={"node": NAME},
    has_json=True,
)
def lab_node(dialog: Dialog, site: Site, verb: str, node: str) -> None:
    """Stop, pause or cut off a node of the lab; or let it run as usual again.

    stop: all its servers end, as when the machine is off
    start: whatever was done to it ends; one that was stopped composes anew
    pause: its ports accept, and nobody answers
    partition: other nodes do not reach it, nor it them; its own prompt lives
    node: one that `lab node list` names; `backup` is the SFTP server

    Example:
    lab node stop test10sub
    lab node start test10sub
    """
    _show_one(dialog, ask(site, verb, node=node))


@command(
    "lab node delay <node> <milliseconds>",
    candidates={"node": members},
    kinds={"node": NAME, "milliseconds": NUMBER},
    has_json=True,
)
def lab_node_delay(dialog: Dialog, site: Site, node: str, milliseconds: str) -> None:
    """Let a node of the lab answer late: each log-in and each TFTP request.

    node: one that `lab node list` names
    milliseconds: up to 60000; 0 ends it

    Example:
    lab node delay test10sub 3000
    """
    asked = ask(site, "delay", node=node, milliseconds=int(milliseconds))
    _show_one(dialog, asked)


@command("lab fail list", has_json=True)
def lab_fail_list(dialog: Dialog, site: Site) -> None:
    """List the failures that can be asked for, and those that are.

    Example:
    lab fail list
    """
    found = ask(site, "fail")
    width = max(len(each["name"]) for each in found["failures"])

    def lines() -> Iterator[str]:
        for each in found["failures"]:
            yield f"{each['name'].ljust(width)}  {each['what']}"
        yield from _asked_for(found["nodes"])

    dialog.result(lines, lambda: found)


@command("lab fail none", has_json=True)
def lab_fail_none(dialog: Dialog, site: Site) -> None:
    """End all failures of the lab.

    Example:
    lab fail none
    """
    found = ask(site, "fail", name="none")
    dialog.result(lambda: _asked_for(found["nodes"]), lambda: found)


@command(
    "lab fail <name> [node]",
    candidates={"name": failures, "node": members},
    kinds={"name": NAME, "node": NAME},
    has_json=True,
)
def lab_fail(dialog: Dialog, site: Site, name: str, node: str = "") -> None:
    """Let something fail in the lab, until `lab fail none`.

    name: one that `lab fail list` names
    node: only there; without it wherever that can be

    Example:
    lab fail tftp-silent test10sub
    lab fail none
    """
    found = ask(site, "fail", name=name, node=node)
    dialog.result(lambda: _asked_for(found["nodes"]), lambda: found)


def _asked_for(nodes: Sequence[dict[str, Any]]) -> list[str]:
    failing = [each for each in nodes if each["failures"]]
    if not failing:
        return ["Nothing is made to fail.", *_left_stopped(nodes)]
    return [f"{each['name']}: {', '.join(each['failures'])}" for each in failing]


def _left_stopped(nodes: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{each['name']}: {line}" for each in nodes for line in _stopped_services(each)
    ]


def _stopped_services(node: dict[str, Any]) -> Iterator[str]:
    """What does not run on a node that does, and how it is started from here."""
    name = node["name"]
    if "tftp" in node["stopped"]:
        yield (
            f"Cisco Tftp is stopped; `lab node stop {name}` and then "
            f"`lab node start {name}` start it"
        )
    if "tvs" in node["stopped"]:
        yield f"TVS is stopped; `lab tvs start {name}` starts it"


def _show(dialog: Dialog, found: dict[str, Any]) -> None:
    dialog.result(lambda: [_line(each) for each in found["nodes"]], lambda: found)


def _show_one(dialog: Dialog, found: dict[str, Any]) -> None:
    dialog.result(lambda: [_line(found)], lambda: {"nodes": [found]})


def _line(node: dict[str, Any]) -> str:
    parts = [node["state"]]
    if node["delay_ms"]:
        parts.append(f"each answer {node['delay_ms']} ms late")
    if node["partitioned"]:
        parts.append("cut off from the other nodes")
    parts += _stopped_services(node)
    parts += (f"fails: {name}" for name in node["failures"])
    return f"{node['name']}: {', '.join(parts)}"
