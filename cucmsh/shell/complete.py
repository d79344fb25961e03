"""What may come next on a line: for Tab, and for `?`.

Runs no command. Candidates come from the command's own functions, which may read the
context; one that fails offers nothing, and raises nothing. Nor does a command whose
module cannot be imported.

docs/cli.md#editing: Tab completes a unique prefix, a `*`
marks words with more below them, `?` after a command prints its syntax.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cucmsh.errors import CucmshError, PackError
from cucmsh.shell.command import Command, Parameter, phrases
from cucmsh.shell.grammar import Grammar, Menu, Place, is_in_quotes, quoted, words_of
from cucmsh.shell.parameter_types import problem_with

_FAILURES = (  # of a pack's function for candidates
    CucmshError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


class Completion(NamedTuple):
    """One word that fits: it replaces the word under the cursor."""

    text: str
    is_menu: bool
    help: str


def complete(grammar: Grammar, context: Any, line: str) -> list[Completion]:
    """Return what fits at the end of the line: words sorted, values as offered."""
    before, typed = _split(line)
    place = grammar.find(before)
    found = [] if place.values else _words_below(place.menu, typed)
    return found + _values(grammar, context, place, typed)


def explain(
    grammar: Grammar, context: Any, line: str, width: int | None = None
) -> list[str]:
    """Return the lines that `?` prints after this text; none when nothing fits.

    `width` is that of `listing`.
    """
    before, typed = _split(line)
    place = grammar.find(before)
    if typed and not place.values and typed in place.menu.words:
        return explain(
            grammar, context, f"{line} ", width
        )  # after a whole word: what follows
    found = complete(grammar, context, line)
    words = [] if place.values else _words_below(place.menu, typed)
    lines = listing(words, width)
    command = _command_at(place.menu)
    if command is not None and not (typed and words):
        lines += _syntax(command)
        lines += listing(found[len(words) :], width)
    return lines


def hint(grammar: Grammar, line: str) -> str:
    """Return which values a command still needs after this text; mostly nothing."""
    before, typed = _split(line)
    place = grammar.find(before)
    command = None if typed else _command_at(place.menu)
    if command is None:
        return ""
    left = command.parameters[len(place.values) :]
    return " ".join(_shown(parameter) for parameter in left)


def shared_beginning(completions: list[Completion]) -> str:
    """Return what all of them begin with: as far as Tab can go by itself."""
    texts = [each.text for each in completions]
    first, last = min(texts, default=""), max(texts, default="")
    length = 0
    while length < len(first) and first[length] == last[length]:
        length += 1
    return first[:length]


def listing(completions: list[Completion], width: int | None = None) -> list[str]:
    """Return one line each: the word, a `*` if more comes below it, its help.

    Indented by six as on the original, whose lists have the words alone. Help that
    would go past `width` columns is cut.
    """
    names = [f"{each.text}{'*' if each.is_menu else ''}" for each in completions]
    longest = max(map(len, names), default=0)
    return [
        _cut(f"      {name:{longest}}    {each.help}".rstrip(), len(name) + 10, width)
        for name, each in zip(names, completions, strict=True)
    ]


def _cut(text: str, least: int, width: int | None) -> str:
    if width is None or len(text) < width:
        return text
    whole_words = text[: max(width - 4, 0)].rpartition(" ")[0].rstrip()
    return f"{whole_words}..." if len(whole_words) > least else text[:least].rstrip()


def _split(line: str) -> tuple[list[str], str]:
    words = words_of(line)
    if not words or (line.endswith(" ") and not is_in_quotes(line)):
        return words, ""
    return words[:-1], words[-1]


def word_at_end(line: str) -> str:
    """What a completion replaces: the word under the cursor, its quote included."""
    return _split(line)[1]


def _words_below(menu: Menu, typed: str) -> list[Completion]:
    return [
        Completion(word, bool(below.words), _help_for(below))
        for word, below in sorted(menu.words.items())
        if word.startswith(typed)
    ]


def _help_for(menu: Menu) -> str:
    if menu.declared is None:
        return ", ".join(sorted(menu.words))
    command = _command_at(menu)
    return "" if command is None else command.summary


def _command_at(menu: Menu) -> Command | None:
    """What ends here; None as well if it cannot be imported: typing it says why."""
    try:
        return menu.command
    except PackError:
        return None


def _values(
    grammar: Grammar, context: Any, place: Place, typed: str
) -> list[Completion]:
    command, values = _command_at(place.menu), place.values
    if command is None:
        return []
    parameter = _parameter_at(command, len(values))
    offer = command.candidates.get(parameter.name) if parameter else None
    if parameter is None or offer is None:
        return []
    given = (
        values[command.parameters.index(parameter) :] if parameter.takes_rest else ()
    )
    if offer is phrases:
        place = grammar.find(given)
        return [] if place.values else _words_below(place.menu, typed)
    is_quoted = typed.startswith('"')
    try:
        offered = [
            _as_typed(value, parameter, is_quoted=is_quoted)
            for value in offer(context)
            if _can_be_typed(value, parameter)
        ]
    except _FAILURES:
        return []
    # A value of several words goes on where the blank before the cursor left it.
    before = "".join(f"{word} " for word in given)
    going_on = [value for value in offered if value.startswith(before + typed)]
    if given and not going_on and set(given) <= set(offered):  # whole values: one more
        before = ""
        going_on = [
            value for value in offered if value.startswith(typed) and value not in given
        ]
    return [
        Completion(value[len(before) :], is_menu=False, help="") for value in going_on
    ]


def _can_be_typed(value: str, parameter: Parameter) -> bool:
    """Tell whether the grammar would take it (see there: blanks, dashes)."""
    if parameter.takes_rest:
        return value.isprintable() and not value.startswith("-")
    return not problem_with(parameter.kind, value)


def _as_typed(value: str, parameter: Parameter, *, is_quoted: bool) -> str:
    """The value in quotes where it needs them, or where they were begun."""
    if parameter.takes_rest:
        return value
    needs_quotes = is_quoted or " " in value or value.startswith('"')
    return quoted(value) if needs_quotes else value


def _parameter_at(command: Command, position: int) -> Parameter | None:
    parameters = command.parameters
    if position < len(parameters):
        return parameters[position]
    if parameters and parameters[-1].takes_rest:
        return parameters[-1]
    return None


def _syntax(command: Command) -> list[str]:
    words = ["|".join(step) for step in command.words]
    shown = map(_shown, command.parameters)
    width = max((len(p.name) for p in command.parameters), default=0)
    lines = ["Syntax:", " ".join((*words, *shown))]
    for parameter in command.parameters:
        need = "mandatory" if parameter.is_mandatory else "optional "
        text = command.options.get(parameter.name, "")
        lines.append(f"{parameter.name:{width}}   {need}   {text}".rstrip())
    return lines


def _shown(parameter: Parameter) -> str:
    return parameter.name if parameter.is_mandatory else f"[{parameter.name}]"
