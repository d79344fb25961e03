"""A typed line becomes a call, or one error with the original's words.

Runs no command and knows no context. Words are split at blanks, and there are no
abbreviations. A value that holds blanks stands between double quotes; a double quote
within them is written twice, and every other character stands for itself. A value
whose first character is no double quote is taken as it is typed. No other program
reads a line: what a shell would do with its characters does not matter here.

Invariant (docs/security.md T1, T2, T11, T14): whatever the line, `parse` gives a
`Call` or raises `UsageError`, in linear time; a line with a character that cannot be
shown is refused whole; a value is of its parameter's kind. No message repeats the line:
a client must never find the prompt in it (docs/clients.md P4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cucmsh.errors import CommandClashError, UsageError
from cucmsh.shell.command import FAILED, Command, Declared, Parameter
from cucmsh.shell.line import LONGEST_LINE
from cucmsh.shell.parameter_types import TEXT, problem_with

PAGE = "page"  # the original's option for a pause at each page


class Call(NamedTuple):
    """A command and the words it is called with."""

    command: Command
    arguments: tuple[str, ...]

    @property
    def wants_pages(self) -> bool:
        """Whether it has the option ``page``, a parameter of that name, and got it."""
        chosen = sum(len(step) > 1 for step in self.command.words)
        values = self.arguments[chosen:]
        named = (parameter.name for parameter in self.command.parameters)
        return (PAGE, PAGE) in zip(named, values, strict=False)


class Menu:
    """A place between words: what may follow, and the command that ends here."""

    def __init__(self) -> None:
        self.words: dict[str, Menu] = {}
        self.declared: Declared | None = None

    @property
    def command(self) -> Command | None:
        """The command that ends here; it is imported now, if it was not yet.

        Raises:
            PackError: that failed.
        """
        return None if self.declared is None else self.declared.loaded()


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
    commands: tuple[Declared, ...]
    problem: str = ""


class Grammar:
    """All commands of a session, and the packs that were looked into for them.

    Raises:
        CommandClashError: two commands share a phrase; both are named.
    """

    def __init__(
        self, declared: Iterable[Declared], packs: Iterable[Pack] = ()
    ) -> None:
        self.declared = tuple(declared)
        self.packs = tuple(packs)
        self.top = Menu()
        for each in self.declared:
            self._add(each)

    @property
    def commands(self) -> Iterator[Command]:
        """All of them; each is imported when it is its turn.

        Raises:
            PackError: that failed.
        """
        return (each.loaded() for each in self.declared)

    def parse(self, line: str) -> Call:
        """Read one line.

        Raises:
            UsageError: its message holds every line that the original would print.
            PackError: the command's module cannot be imported.
        """
        if len(line) > LONGEST_LINE:
            raise _refused(f"The command is longer than {LONGEST_LINE} characters.")
        if not line.isprintable():
            raise _refused("The command holds characters that cannot be shown.")
        words = words_of(line)
        place = self.find(words)
        command = place.menu.command
        if command is None:
            raise _no_command(place, self.lower_case_hint(words))
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

    def lower_case_hint(self, words: Iterable[str]) -> str:
        """What to type where a word of a command stands in another case; else empty.

        Values keep theirs. It repeats words of menus only, never what was typed.
        """
        menu, rest, meant = self.top, list(words), []
        is_other = False
        for word in rest:
            if word not in menu.words and word.lower() not in menu.words:
                break
            is_other |= word not in menu.words
            meant.append(word if word in menu.words else word.lower())
            menu = menu.words[meant[-1]]
        if not is_other:
            return ""
        return f"Commands are lower case; did you mean `{' '.join(meant)}`?"

    def is_help_request(self, line: str) -> bool:
        """Tell whether a `?` typed after this text asks for help.

        It does where a word may start and within a word of a menu; inside a value it
        is a character like any other.
        """
        if not line or (line.endswith(" ") and not is_in_quotes(line)):
            return True
        *before, last = words_of(line)
        place = self.find(before)
        return not place.values and any(w.startswith(last) for w in place.menu.words)

    def _add(self, declared: Declared) -> None:
        menus = [self.top]
        for step in declared.words:
            menus = [
                menu.words.setdefault(word, Menu()) for menu in menus for word in step
            ]
        for menu in menus:
            if menu.declared is not None:
                raise CommandClashError(
                    f"Two commands share the phrase '{declared.phrase}': "
                    f"{menu.declared.place} and {declared.place}",
                    "Rename one of them, or load only one of their packs.",
                )
            menu.declared = declared


def words_of(line: str) -> list[str]:
    """Split at blanks that stand in no quotes; the words keep their quotes.

    A quote that is not closed reaches to the end of the line.
    """
    if '"' not in line:
        return [word for word in line.split(" ") if word]
    words = []
    start, length = 0, len(line)
    while start < length:
        if line[start] == " ":
            start += 1
            continue
        end = _end_of_quotes(line, start) if line[start] == '"' else start
        end = line.find(" ", end)
        end = length if end < 0 else end
        words.append(line[start:end])
        start = end
    return words


def _end_of_quotes(line: str, start: int) -> int:
    """Where a quoted word ends that begins here: after its last quote."""
    at = line.find('"', start + 1)
    while at >= 0 and line.startswith('""', at):
        at = line.find('"', at + 2)
    return len(line) if at < 0 else at + 1


def is_in_quotes(line: str) -> bool:
    """Tell whether what is typed next belongs to a quoted word."""
    words = words_of(line)
    return bool(words) and _without_quotes(words[-1]) is None


def _without_quotes(word: str) -> str | None:
    """The value that a word stands for; None if its quotes are not closed."""
    if not word.startswith('"'):
        return word
    inner = word[1:-1]
    if len(word) == 1 or word[-1] != '"' or '"' in inner.replace('""', ""):
        return None
    return inner.replace('""', '"')


def quoted(value: str) -> str:
    """How a value with blanks is typed."""
    return '"' + value.replace('"', '""') + '"'


def _chosen(menu: Menu, walked: tuple[str, ...]) -> tuple[str, ...]:
    if menu.declared is None:
        return ()
    steps = zip(menu.declared.words, walked, strict=True)
    return tuple(word for step, word in steps if len(step) > 1)


def _values_for(command: Command, values: tuple[str, ...]) -> tuple[str, ...]:
    parameters = command.parameters
    takes_rest = bool(parameters) and parameters[-1].takes_rest
    mandatory = sum(parameter.is_mandatory for parameter in parameters)
    is_too_many = len(values) > len(parameters) and not takes_rest
    if len(values) < mandatory or is_too_many:
        raise _wrong_count(mandatory, len(parameters) - mandatory)
    last = len(parameters) - 1
    found = [
        _checked(parameters[min(place, last)], word)
        for place, word in enumerate(values)
    ]
    if len(found) > len(parameters):
        found[last:] = [" ".join(found[last:])]
    return tuple(found)


def _checked(parameter: Parameter, word: str) -> str:
    value = _without_quotes(word)
    if value is None:
        raise _refused(
            f"The quotes around the parameter {parameter.name} are not closed: "
            'write "like this", and a quote within it twice.'
        )
    problem = problem_with(parameter.kind, value)
    if not problem and parameter.takes_rest and parameter.kind is not TEXT:
        problem = "must not hold a blank" if " " in value else ""
    if problem:
        raise _refused(f"The parameter {parameter.name} {problem}.")
    return value


def _no_command(place: Place, hint: str) -> UsageError:
    if place.values or not place.walked:
        # docs/clients.md D6; the order of the two lines is uncertain in
        # docs/cli.md#errors
        return UsageError(f"{FAILED}\nNo valid command entered", hint)
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
