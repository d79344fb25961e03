"""What a pack says of its modules is what they hold."""

from __future__ import annotations

import importlib
import pkgutil
from types import FunctionType

import pytest

from cucmsh.shell.command import find_command


@pytest.mark.parametrize("pack", ["commands", "cucmsh.lab.pack"])
def test_the_table_of_a_pack_names_every_command(pack: str) -> None:
    package = importlib.import_module(pack)
    held: dict[str, list[str]] = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{pack}.{found.name}")
        for member in vars(module).values():
            is_own = getattr(member, "__module__", "") == module.__name__
            if isinstance(member, FunctionType) and is_own:
                entry = find_command(member)
                if entry is not None:
                    held.setdefault(found.name, []).append(entry.phrase)
    table = {module: list(phrases) for module, phrases in package.COMMANDS.items()}
    assert table == held
