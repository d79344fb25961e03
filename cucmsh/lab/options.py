"""What ``cucmsh lab`` was asked for. Makes nothing, opens nothing."""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.errors import UsageError

MOST_SUBSCRIBERS = 16  # each is a process with servers of its own
HELP = (
    "usage: cucmsh lab [--subscribers N] [--dir DIR] [--serve]; "
    f"N is 1 to {MOST_SUBSCRIBERS}"
)


class Options(NamedTuple):
    """See the program's usage.

    Attributes:
        subscribers: how many.
        directory: kept after the end; empty for a temporary one.
        serve: no shell, one line of JSON.
        leash: a file descriptor whose end of file ends the lab; -1 without one.
    """

    subscribers: int = 1
    directory: str = ""
    serve: bool = False
    leash: int = -1


def read_options(words: list[str]) -> Options:
    """The options in ``words``.

    Raises:
        UsageError: unknown words, or a number of subscribers that cannot be.
    """
    options = Options()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--serve":
            options = options._replace(serve=True)
        elif word in ("--subscribers", "--dir", "--leash") and rest:
            options = _with_value(options, word, rest.pop(0))
        elif word in ("--help", "-h"):
            raise UsageError(HELP)
        else:
            raise UsageError(f"cucmsh lab does not understand {word!r}", HELP)
    return options


def _with_value(options: Options, word: str, value: str) -> Options:
    if word == "--dir":
        if not value or not value.isprintable():
            raise UsageError("--dir needs the name of a directory", HELP)
        return options._replace(directory=value)
    number = int(value) if value.isascii() and value.isdecimal() else -1
    if word == "--leash":
        return options._replace(leash=number)
    if not 1 <= number <= MOST_SUBSCRIBERS:
        raise UsageError(f"{value!r} is no number of subscribers", HELP)
    return options._replace(subscribers=number)
