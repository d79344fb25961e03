"""A typed line becomes a call, or one error with the original's words.

Runs no command and knows no context. Words are split at blanks only: no quotes, no
abbreviations, nothing that a second interpreter could read differently.

Invariant (threats-and-faults.md T1, T2, T11, T14): whatever the line, `parse` gives a
`Call` or raises `UsageError`, in linear time; a line with a character that cannot be
shown is refused whole; a value is of its parameter's kind. No message repeats the line:
a client must never find the prompt in it (clients.md P4).
"""

from __future__ import annotations

from collections.abc import Iterable

from cucmsh.errors import CommandClashError, UsageError
from cucmsh.shapes import NamedTuple
from cucmsh.shell.command import Command, Parameter
from cucmsh.shell.limits import FAILED, LONGEST_LINE


class Call(NamedTuple):
    """A command and the words it is called with."""

    command: Command
    arguments: tuple[str, ...]


class Menu:
    """A place between words: what may follow, and the command that ends here."""

    def __init__(self) -> None:
        self.words: dict[str, Menu] = {}
        self.command: Command | None = None


class Place(NamedTuple):
    """How far a row of words leads.

    `values` are the words that no menu holds; `chosen` those that a phrase offered as
    alternatives and hands to the function.
    """

    menu: Menu
    walked: tuple[str, ...]
    chosen: tuple[str, ...]
    values: tuple[str, ...]


class Pack(NamedTuple):
    """Where commands came from; or, with a `problem`, why they did not."""

    name: str
    path: str
    commands: tuple[Command, ...]
    problem: str = ""


class Grammar:
    """All commands of a session, and the packs that were looked into for them.

    Raises:
        CommandClashError: two commands share a phrase; both are named.
    """

    def __init__(self, commands: Iterable[Command], packs: Iterable[Pack] = ()) -> None:
        self.commands = tuple(commands)
        self.packs = tuple(packs)
        self.top = Menu()
        for each in self.commands:
            self._add(each)

    def parse(self, line: str) -> Call:
        """Read one line.

        Raises:
            UsageError: its message holds every line that the original would print.
        """
        if len(line) > LONGEST_LINE:
            raise _refused(f"The command is longer than {LONGEST_LINE} characters.")
        if not line.isprintable():
            raise _refused("The command holds characters that cannot be shown.")
        place = self.find(words_of(line))
        command = place.menu.command
        if command is None:
            raise _no_command(place)
        return Call(command, (*place.chosen, *_values_for(command, place.values)))

    def find(self, words: Iterable[str]) -> Place:
        """Follow the menus as far as the words lead."""
        menu, rest = self.top, list(words)
        taken = 0
        for word in rest:
            if word not in menu.words:
                break
            menu = menu.words[word]
            taken += 1
        walked = tuple(rest[:taken])
        return Place(menu, walked, _chosen(menu, walked), tuple(rest[taken:]))

    def is_help_request(self, line: str) -> bool:
        """Tell whether a `?` typed after this text asks for help.

        It does where a word may start and within a word of a menu; inside a value it
        is a character like any other.
        """
        if not line or line.endswith(" "):
            return True
        *before, last = words_of(line)
        place = self.find(before)
        return not place.values and any(w.startswith(last) for w in place.menu.words)

    def _add(self, command: Command) -> None:
        menus = [self.top]
        for step in command.words:
            menus = [
                menu.words.setdefault(word, Menu()) for menu in menus for word in step
            ]
        for menu in menus:
            if menu.command is not None:
                raise CommandClashError(
                    f"Two commands share the phrase '{command.phrase}': "
                    f"{menu.command.place} and {command.place}",
                    "Rename one of them, or load only one of their packs.",
                )
            menu.command = command


def words_of(line: str) -> list[str]:
    """Split at blanks, and at nothing else."""
    return [word for word in line.split(" ") if word]


def _chosen(menu: Menu, walked: tuple[str, ...]) -> tuple[str, ...]:
    if menu.command is None:
        return ()
    steps = zip(menu.command.words, walked, strict=True)
    return tuple(word for step, word in steps if len(step) > 1)


def _values_for(command: Command, values: tuple[str, ...]) -> tuple[str, ...]:
    parameters = command.parameters
    if parameters and parameters[-1].takes_rest and len(values) >= len(parameters):
        last = len(parameters) - 1
        values = (*values[:last], " ".join(values[last:]))
    mandatory = sum(parameter.is_mandatory for parameter in parameters)
    if not mandatory <= len(values) <= len(parameters):
        raise _wrong_count(mandatory, len(parameters) - mandatory)
    for parameter, value in zip(parameters, values, strict=False):
        for word in words_of(value):
            _check(parameter, word)
    return values


def _check(parameter: Parameter, word: str) -> None:
    if word.startswith("-"):
        raise _refused(f"The parameter {parameter.name} must not begin with a dash.")
    if not parameter.kind.fits(word):
        raise _refused(f"The parameter {parameter.name} must be {parameter.kind.what}.")


def _no_command(place: Place) -> UsageError:
    if place.values or not place.walked:
        # clients.md D6; the order of the two lines is uncertain in cucm-cli.md 1
        return UsageError(f"{FAILED}\nNo valid command entered")
    following = ", ".join(sorted(place.menu.words))
    return _refused(
        f"The command is incomplete. After '{place.walked[-1]}' may come {following}."
    )


def _wrong_count(mandatory: int, optional: int) -> UsageError:
    return _refused(
        f"Expected {mandatory} mandatory and up to {optional} "
        "non-mandatory parameter(s)"
    )


def _refused(reason: str) -> UsageError:
    return UsageError(f"{reason}\n{FAILED}")
