"""Where commands come from: a package that says `PACK`, one module after the other.

There is no registry: a new command is one function in one file. A pack may say what its
modules hold (`COMMANDS`); then each is imported when one of its commands is typed, and
what it does not name is not found. A package without the marker is refused, and so is
one in an unsafe place (`pack_place`), before any of its code runs (docs/decisions/022,
docs/security.md T6).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType

from cucmsh.errors import CommandClashError, PackError
from cucmsh.shell.command import Command, Declared, find_command, read_words
from cucmsh.shell.grammar import Grammar, Pack
from cucmsh.shell.pack_place import require_beside, require_trusted


class LateCommand:
    """A command whose module is imported when somebody types it, or asks what it does.

    Raises:
        ValueError: the phrase cannot be read.
    """

    def __init__(self, pack: str, module: str, phrase: str) -> None:
        self.phrase = phrase
        self.words = read_words(phrase)
        self.place = f"{pack}.{module}"
        self._pack = pack
        self._loaded: Command | None = None

    def loaded(self) -> Command:
        """The command.

        Raises:
            PackError: its module cannot be imported, or does not hold it.
        """
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> Command:
        for each in _commands_of(_import(self.place, self._pack)):
            if each.phrase == self.phrase:
                return each
        raise PackError(
            f"The command pack '{self._pack}' names '{self.phrase}' in {self.place}, "
            "which does not hold it.",
            "Correct COMMANDS in the pack's __init__.py.",
        )


def load_packs(
    built_in: str,
    beside: str | os.PathLike[str],
    names: Iterable[str],
    on_broken: Callable[[PackError], None],
) -> list[Pack]:
    """Return the built-in pack and all the others; a broken one has a problem instead.

    Args:
        built_in: its import name.
        beside: the directory in which it must lie; whoever may not write to what is
            there may not write to a pack either.
        names: of the others.
        on_broken: is told of each of those that has no commands now.

    Raises:
        CommandClashError: two commands of the built-in pack share a phrase.
        PackError: the built-in pack cannot be loaded.
    """
    found = [_pack(built_in, load_pack(built_in, beside=beside))]
    for name in names:
        try:
            found.append(_extra_pack(name, os.path.join(beside, built_in)))
        except PackError as error:
            on_broken(error)
            found.append(Pack(name, "", (), error.message))
    return found


def _extra_pack(name: str, ours: str) -> Pack:
    """Look at a pack, then load it; whatever it holds becomes a `PackError`."""
    try:
        require_trusted(name, ours)
        return _pack(name, load_pack(name))
    except PackError:
        raise
    except CommandClashError as error:
        raise PackError(
            f"The command pack '{name}' is not loaded: {error.message}", error.advice
        ) from error
    except OSError as error:  # something odd among its files
        raise PackError(
            f"The command pack '{name}' cannot be looked at: {error}",
            "Check what lies in its folder.",
        ) from error
    except BaseException as error:  # other people's code may raise anything
        raise PackError(
            f"The command pack '{name}' broke off with {type(error).__name__}",
            "Tell its makers; log/errors says where it happened.",
        ) from error


def _pack(name: str, commands: list[Declared]) -> Pack:
    return Pack(name, os.path.dirname(_path_of(sys.modules[name])), tuple(commands))


def load_pack(
    name: str, beside: str | os.PathLike[str] | None = None
) -> list[Declared]:
    """Return the commands of a pack: modules in sorted order, functions as written.

    A command that a module merely imported from another one is not taken twice. Of a
    pack that says what its modules hold, none is imported yet.

    Args:
        name: the package's import name.
        beside: the directory in which the package must lie; None trusts `sys.path`.

    Raises:
        PackError: no such package, one without the marker, one that does not lie
            `beside`, or one that cannot be imported.
        CommandClashError: two commands with one phrase.
    """
    if beside is not None:
        require_beside(name, os.fspath(beside))
    package = _import(name, name)
    if not (hasattr(package, "PACK") and hasattr(package, "__path__")):
        raise PackError(
            f"The package '{name}' ({_path_of(package)}) is not a command pack.",
            "A pack's __init__.py sets PACK; see the built-in pack for how.",
        )
    table = getattr(package, "COMMANDS", None)
    found = _all_of(package, name) if table is None else _named(table, name)
    Grammar(found)  # raises when two share a phrase
    return found


def _all_of(package: ModuleType, name: str) -> list[Declared]:
    found: list[Declared] = []
    for module in _module_names(package):
        found.extend(_commands_of(_import(f"{name}.{module}", name)))
    return found


def _named(table: Mapping[str, Iterable[str]], name: str) -> list[Declared]:
    return [
        LateCommand(name, module, phrase)
        for module, phrases in table.items()
        for phrase in phrases
    ]


def _module_names(package: ModuleType) -> list[str]:
    """The pack's modules, sorted; pkgutil would import inspect to list them."""
    names: set[str] = set()
    for folder in package.__path__:
        for entry in os.listdir(folder):
            stem, dot, ending = entry.partition(".")
            if dot and ending == "py" and stem.isidentifier() and stem != "__init__":
                names.add(stem)
    return sorted(names)


def _commands_of(module: ModuleType) -> list[Command]:
    found = [
        find_command(member)
        for member in vars(module).values()
        if isinstance(member, FunctionType) and member.__module__ == module.__name__
    ]
    return [each for each in found if each is not None]


def _import(module: str, pack: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, SyntaxError) as error:
        raise PackError(
            f"The command pack '{pack}' cannot be imported: {error}",
            "Check the name in the configuration and what the pack needs.",
        ) from error
    # Other people's code: whatever it raises, be it a KeyboardInterrupt or a class of
    # its own, costs its own commands and no others.
    except BaseException as error:
        raise PackError(
            f"The command pack '{pack}' broke off with {type(error).__name__} while "
            f"'{module}' was imported",
            "Tell its makers; log/errors says where it happened.",
        ) from error


def _path_of(package: ModuleType) -> str:
    file = getattr(package, "__file__", None)
    return str(file or ", ".join(getattr(package, "__path__", ("built in",))))
