"""The words behind a ``file`` command; each may be cut, as the original lets it be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cucmsh import services
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED

TFTP, ACTIVELOG = "tftp", "activelog"
RELTIME, ABSTIME, MATCH = "reltime", "abstime", "match"
# Options of the original that are not here, and what to do instead.
LEFT_OUT = {
    "compress": "files are sent as they are",
    "hex": "text files are shown; `file get` sends others",
}


class Chosen(NamedTuple):
    """What was typed.

    Attributes:
        flags: options without a value, whole.
        span: when files were written, by ``reltime`` or ``abstime``; None for any time.
        match: the expression behind ``match``; empty without one.
    """

    flags: set[str]
    span: services.Span | None = None
    match: str = ""


def options_of(text: str, known: Sequence[str], verb: str) -> set[str]:
    """The options that were typed, whole.

    Raises:
        UsageError: one is unknown, or is cut so short that it may be two.
    """
    return {option_of(word, known, verb) for word in text.split()}


def chosen_of(site: Site, text: str, known: Sequence[str], verb: str) -> Chosen:
    """The options, some of which have values behind them.

    Raises:
        UsageError: as ``options_of``; or a value is missing, or none of its kind.
    """
    chosen, words = Chosen(set()), text.split()
    while words:
        option = option_of(words.pop(0), known, verb)
        if option == MATCH:
            (expression,) = _values(words, 1, f"{MATCH} EXPRESSION")
            chosen = chosen._replace(match=expression)
        elif option == RELTIME:
            unit, number = _values(words, 2, f"{RELTIME} days 3")
            unit = option_of(unit, [*services.TIME_UNITS], RELTIME)
            span = services.read_reltime(unit, number, site.clock.now())
            chosen = chosen._replace(span=span)
        elif option == ABSTIME:
            form = f"{ABSTIME} {services.TIME_FORM} {services.TIME_FORM}"
            since, until = _values(words, 2, form)
            chosen = chosen._replace(span=services.read_abstime(since, until))
        else:
            chosen.flags.add(option)
    return chosen


def option_of(word: str, known: Sequence[str], verb: str) -> str:
    """The one option that begins so.

    Raises:
        UsageError: as ``options_of``.
    """
    found = [option for option in known if option.startswith(word.lower())]
    if len(found) == 1 or word.lower() in found:
        return word.lower() if word.lower() in found else found[0]
    if word.lower() in LEFT_OUT:
        why = LEFT_OUT[word.lower()]
        raise UsageError(f"{word} is no option here: {why}\n{FAILED}")
    raise UsageError(
        f"Incorrect optional parameter entered for {verb}\n{FAILED}",
        f"Options: {', '.join(known)}",
    )


def _values(words: list[str], number: int, form: str) -> list[str]:
    """The next words, which are taken out.

    Raises:
        UsageError: there are not so many.
    """
    if len(words) < number:
        raise UsageError(f"It is written {form}\n{FAILED}")
    taken = words[:number]
    del words[:number]
    return taken
