"""``lab tvs``: TVS of all nodes, or of one, through the nodes' control sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, ServiceError, UsageError
from cucmsh.lab.service import ControlSocket
from cucmsh.layout import LAB_CONTROL, LAB_FILE
from cucmsh.services.site import Site
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.packs import load_pack
from cucmsh.shell.scripted import ScriptedDialog, ScriptedSession
from tests.commands.calls import with_renamed_subscriber
from tests.services.made_cluster import made_cluster

pytestmark = pytest.mark.loopback

GRAMMAR = Grammar(load_pack("cucmsh.lab.pack"))
NODES = ("test10pub", "test10sub")


class Service:
    def __init__(self) -> None:
        self.is_running = True
        self.is_stuck = False

    def start(self) -> None:
        self.is_running = True

    def stop(self) -> None:
        if self.is_stuck:
            raise ServiceError("it hangs")
        self.is_running = False

    def serve(self) -> None:
        self.start()

    def status(self) -> str:
        return "" if self.is_running else "not running"


class Nodes:
    """Sockets as those of nodes, in a directory as a lab's."""

    def __init__(self, root: Path) -> None:
        self.services = {name: Service() for name in NODES}
        self.sockets = []
        described = []
        for name, service in self.services.items():
            home = root / f"{name}-home"
            control = home / LAB_CONTROL
            control.parent.mkdir(parents=True)
            self.sockets.append(ControlSocket(control, {"tvs": service}))
            described.append({"name": name, "home": str(home)})
        publisher, *subscribers = described
        (root / LAB_FILE).write_text(
            json.dumps({"publisher": publisher, "subscribers": subscribers})
        )

    def running(self) -> list[bool]:
        return [service.is_running for service in self.services.values()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = made_cluster(tmp_path).site
    return made.with_settings(made.settings._replace(lab=str(tmp_path)))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    for each in made.sockets:
        each.close()


def typed(site: Site, line: str, *, wants_json: bool = False) -> ScriptedDialog:
    dialog = ScriptedDialog(wants_json=wants_json, session=ScriptedSession(GRAMMAR))
    parsed = GRAMMAR.parse(line)
    with dialog:
        assert not parsed.command.function(dialog, site, *parsed.arguments)
    return dialog


def test_every_node_is_told_unless_one_is_named(site: Site, nodes: Nodes) -> None:
    assert typed(site, "lab tvs stop").text == (
        "TVS of test10pub[STOPPED]\nTVS of test10sub[STOPPED]\n"
    )
    assert nodes.running() == [False, False]
    dialog = typed(site, "lab tvs start test10sub", wants_json=True)
    assert dialog.json == {"nodes": [{"name": "test10sub", "state": "started"}]}
    assert nodes.running() == [False, True]


def test_a_node_that_was_renamed_since_is_told_by_either_name(
    site: Site, nodes: Nodes
) -> None:
    """The lab goes on calling it by its first name."""
    renamed = with_renamed_subscriber(site, "newsub")
    assert typed(renamed, "lab tvs stop newsub").text == "TVS of test10sub[STOPPED]\n"
    assert nodes.running() == [True, False]
    typed(renamed, "lab tvs start test10sub")
    assert nodes.running() == [True, True]


def test_a_node_that_is_not_there_or_does_not_obey(site: Site, nodes: Nodes) -> None:
    with pytest.raises(UsageError, match="no node 'other'") as raised:
        typed(site, "lab tvs stop other")
    assert raised.value.advice == "There are test10pub, test10sub."
    nodes.services["test10sub"].is_stuck = True
    with pytest.raises(ServiceError, match="TVS of test10sub: it hangs"):
        typed(site, "lab tvs stop")
    assert nodes.running() == [False, True]


def test_names_of_nodes_are_offered(site: Site, nodes: Nodes) -> None:
    offered = GRAMMAR.parse("lab tvs stop").command.candidates["node"]
    assert tuple(offered(site)) == NODES
    assert nodes.running() == [True, True]


def test_elsewhere_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no node of a lab"):
        typed(made_cluster(tmp_path).site, "lab tvs stop")


def test_every_command_has_help() -> None:
    for entry in GRAMMAR.commands:
        assert entry.summary.endswith(".")
        assert entry.examples
        assert set(entry.options) >= {each.name for each in entry.parameters}
