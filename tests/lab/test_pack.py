"""The commands that only a lab has: each has JSON, help and an example."""

from __future__ import annotations

import pytest

from cucmsh.shell.grammar import Grammar
from cucmsh.shell.packs import load_pack

COMMANDS = [each.loaded() for each in load_pack("cucmsh.lab.pack")]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: str(entry.phrase))
def test_command_has_json_and_explains_itself(entry: object) -> None:
    (found,) = (each for each in COMMANDS if each is entry)
    assert found.has_json, found.phrase
    assert found.phrase.startswith("lab ")
    assert found.summary.endswith(".")
    for line in found.examples:  # one may go on with a command that every node has
        assert Grammar([*load_pack("commands"), *COMMANDS]).parse(line)
    assert found.examples


def test_its_phrases_are_none_of_the_nodes_own() -> None:
    Grammar([*load_pack("commands"), *COMMANDS])
