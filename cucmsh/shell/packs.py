"""Where commands come from: a package that says `PACK`, one module after the other.

Registers nothing, keeps no list: a new command is one function in one file. Refuses a
package without the marker, and one that does not lie where it is expected, before a
line of it runs (design.md decision 22).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from types import ModuleType

from cucmsh.errors import CommandClashError
from cucmsh.shell.command import Command, find_command
from cucmsh.shell.grammar import Grammar, Pack


def load_packs(
    built_in: str,
    beside: str | os.PathLike[str],
    others: Iterable[str],
    warn: Callable[[str], None],
) -> Grammar:
    """Return all commands; each pack that is broken costs one warning.

    Raises:
        CommandClashError: the built-in pack is broken, or two commands share a phrase.
    """
    packs = [find_pack(built_in, beside), *map(find_pack, others)]
    for pack in packs:
        if pack.problem:
            warn(f"{pack.problem} Its commands are missing; see `show packs`.")
    return Grammar((each for pack in packs for each in pack.commands), packs)


def find_pack(name: str, beside: str | os.PathLike[str] | None = None) -> Pack:
    """Load a pack as `load_pack` does; one that is broken has a problem, and no more.

    `beside` is for the built-in one, without which there is no shell: its problem is
    raised.
    """
    try:
        commands = tuple(load_pack(name, beside))
    except CommandClashError as error:
        if beside is not None:
            raise
        return Pack(name, _path_of(sys.modules.get(name)), (), error.message)
    return Pack(name, _path_of(sys.modules[name]), commands)


def load_pack(name: str, beside: str | os.PathLike[str] | None = None) -> list[Command]:
    """Return the commands of a pack: modules in sorted order, functions as written.

    A command that a module merely imported from another one is not taken twice.

    Args:
        name: the package's import name.
        beside: the directory in which the package must lie; None trusts `sys.path`.

    Raises:
        CommandClashError: no such package, one without the marker, a stranger's, one
            that cannot be imported, or two commands with one phrase.
    """
    if beside is not None:
        _require_place(name, os.fspath(beside))
    package = _import(name, name)
    if not (hasattr(package, "PACK") and hasattr(package, "__path__")):
        raise CommandClashError(
            f"The package '{name}' ({_path_of(package)}) is not a command pack.",
            "A pack's __init__.py sets PACK; see the built-in pack for how.",
        )
    found: list[Command] = []
    for module in _module_names(package):
        found.extend(_commands_of(_import(f"{name}.{module}", name)))
    Grammar(found)  # raises when two share a phrase
    return found


def _module_names(package: ModuleType) -> list[str]:
    """The pack's modules, sorted; pkgutil would import inspect to list them."""
    names: set[str] = set()
    for folder in package.__path__:
        for entry in os.listdir(folder):
            stem, dot, ending = entry.partition(".")
            if dot and ending == "py" and stem != "__init__":
                names.add(stem)
    return sorted(names)


def _commands_of(module: ModuleType) -> list[Command]:
    members = [
        member
        for member in vars(module).values()
        if getattr(member, "__module__", None) == module.__name__
    ]
    return [found for member in members if (found := find_command(member)) is not None]


def _require_place(name: str, directory: str) -> None:
    top = name.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        return  # the import that follows says so
    wanted = os.path.join(os.path.realpath(directory), top)
    origin = os.path.realpath(spec.origin) if spec.origin else ""
    if origin != os.path.join(wanted, "__init__.py"):
        shown = spec.origin or ", ".join(spec.submodule_search_locations or ("",))
        raise CommandClashError(
            f"The command pack '{name}' would come from {shown}, not from {wanted}.",
            "Remove the stranger from the path, or start with python -I.",
        )


def _import(module: str, pack: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CommandClashError(
            f"The command pack '{pack}' cannot be imported: {error}",
            "Check the name in the configuration and what the pack needs.",
        ) from error


def _path_of(package: ModuleType | None) -> str:
    if package is None:
        return "nowhere"
    file = getattr(package, "__file__", None)
    if isinstance(file, str):
        return os.path.dirname(file)
    return ", ".join(getattr(package, "__path__", ("built in",)))
