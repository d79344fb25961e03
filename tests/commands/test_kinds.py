"""T11: every parameter of the built-in pack says what its value may be."""

import ast
from pathlib import Path

import pytest

from cucmsh.shell.command import Declared
from cucmsh.shell.packs import load_pack

PROJECT = Path(__file__).parents[2]


def declarations() -> dict[str, set[str]]:
    """The kinds that each phrase declares, read from the sources."""
    found = {}
    for path in sorted(PROJECT.glob("commands/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "command":
                (phrase,) = (ast.literal_eval(argument) for argument in node.args)
                declared = [k.value for k in node.keywords if k.arg == "kinds"]
                keys = [
                    key for d in declared if isinstance(d, ast.Dict) for key in d.keys
                ]
                found[phrase] = {ast.literal_eval(key) for key in keys if key}
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("each", load_pack("commands"), ids=lambda each: each.phrase)
def test_every_parameter_of_the_built_in_pack_declares_its_kind(each: Declared) -> None:
    names = {parameter.name for parameter in each.loaded().parameters}
    assert declarations()[each.phrase] == names
