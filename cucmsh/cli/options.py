"""The options of every verb, read by argparse: ``--name=X`` and ``--name X`` alike.

A parser prints nothing and does not exit: a request for help is raised with its text,
and what argparse finds wrong as a UsageError (exit status 2). An option may be given
once, but for those that say otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from cucmsh.errors import UsageError

WIDTH = 88  # columns of the help, wherever it is shown


class HelpAskedError(Exception):
    """``--help`` was given; ``text`` is the help."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class _Once(argparse.Action):
    """Stores a value, and refuses a second one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given = namespace.__dict__.setdefault("_given", set())
        if self.dest in given:
            parser.error(f"{option_string} is there twice")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """What one verb takes.

    Args:
        verb: what is typed before its options, after ``cucmsh``; empty for the
            program itself.
        description: what it does.
        epilog: what else is to be said.
    """

    def __init__(self, verb: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"cucmsh {verb}".rstrip(),
            description=description,
            epilog=epilog,
            add_help=False,
            allow_abbrev=False,
            formatter_class=_formatter,
        )
        self.add_argument(
            "-h", "--help", action="store_true", help="show this and do nothing"
        )

    def option(self, *names: str, **how: Any) -> None:
        """Add an option with a value; see ``ArgumentParser.add_argument``."""
        self.add_argument(*names, action=_Once, **how)

    def several(self, *names: str, **how: Any) -> None:
        """Add an option with a value that may be given several times: a list."""
        self.add_argument(*names, action="append", default=[], **how)

    def flag(self, *names: str, **how: Any) -> None:
        """Add an option without a value."""
        self.add_argument(*names, action="store_true", **how)

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """The values in ``argv``.

        Raises:
            HelpAskedError: the help was asked for; the rest of argv is not checked.
            UsageError: an option or value is unknown, missing, repeated or unusable.
        """
        if asks_for_help(argv):
            raise HelpAskedError(self.format_help().rstrip())
        return self.parse_args(argv)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse finds wrong as an error of ours."""
        call = self.prog.replace("[--config FILE] ", "")
        verb = call.removeprefix("cucmsh").strip()
        what = f"{verb}: {message}" if verb else message
        raise UsageError(what, f"See `{call} --help`.")


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether ``--help`` or ``-h`` is in argv, before any ``--``."""
    before = argv[: argv.index("--")] if "--" in argv else argv
    return not {"--help", "-h"}.isdisjoint(before)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, max_help_position=26, width=WIDTH)


# Types of values. What they raise is shown with the option's name in front.


def text_or_nothing(value: str) -> str:
    """A value that can be printed; it may be empty."""
    if not value.isprintable():
        raise argparse.ArgumentTypeError("it holds characters that cannot be printed")
    return value


def text(value: str) -> str:
    """A value that is there and can be printed."""
    if not value:
        raise argparse.ArgumentTypeError("a value is needed")
    return text_or_nothing(value)


def file_name(value: str) -> str:
    """A path as it was typed, and not empty."""
    if not value:
        raise argparse.ArgumentTypeError("the name of a file is needed")
    return value


def descriptor(value: str) -> int:
    """The number of an open file descriptor."""
    if not value.isascii() or not value.isdecimal():
        raise argparse.ArgumentTypeError(f"{value!r} is no file descriptor")
    return int(value)
