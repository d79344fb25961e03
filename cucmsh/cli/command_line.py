"""The options of the verbs by argparse: ``--help``, ``--name=X``, ``--name X``.

Prints nothing and ends nothing: help is a text, and a wrong word an error of ours.
Imported by verbs only: `argparse` would cost each prompt and ``-c`` its import.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from cucmsh.errors import UsageError

WIDTH = 79  # columns of the help, wherever it is shown


class Parser(argparse.ArgumentParser):
    """What one verb takes.

    Args:
        verb: the words after ``cucmsh``.
        description: what it does.
        epilog: what else is to be said.
    """

    def __init__(self, verb: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"cucmsh {verb}",
            description=description,
            epilog=epilog,
            add_help=False,
            allow_abbrev=False,
            formatter_class=_formatter,
        )
        self.add_argument(
            "-h", "--help", action="store_true", help="show this and do nothing"
        )

    def asks_for_help(self, words: Sequence[str]) -> bool:
        """Whether one of the words asks for the help; the others need not be right."""
        before = words[: words.index("--")] if "--" in words else words
        return not {"--help", "-h"}.isdisjoint(before)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse finds wrong as an error of ours."""
        raise UsageError(f"{self.prog}: {message}", f"See `{self.prog} --help`.")


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=WIDTH)


def filled(value: str) -> str:
    """A value that is there and can be printed.

    Raises:
        argparse.ArgumentTypeError: it is not; argparse names the option.
    """
    if not value or not value.isprintable():
        raise argparse.ArgumentTypeError("a value that can be printed is needed")
    return value


def _path(value: str) -> str:
    if not value:
        raise argparse.ArgumentTypeError("the name of a file is needed")
    return value


def verify_parser() -> Parser:
    parser = Parser(
        "verify",
        "Check a list (ITL, CTL) or a signed file by itself, or as a phone that holds "
        "the list HELD would.",
        "Exit status: 0 good, 1 not good or unreadable, 2 wrong use.",
    )
    parser.add_argument("file", metavar="FILE", type=_path)
    parser.add_argument("--against", metavar="HELD", type=_path)
    parser.add_argument(
        "--as",
        dest="asked",
        metavar="NAME",
        type=_path,
        help="the name by which the phone asked for it, if that is another one",
    )
    return parser


def doctor_parser() -> Parser:
    parser = Parser(
        "[--config FILE] doctor",
        "Say what is not well with this node. As root it looks at what sshd lets the "
        "administrators do, too, and at the rest as the owner of the node's home.",
        "Exit status: 0 all is well, 1 warnings, 2 something fails.",
    )
    parser.add_argument(
        "accounts",
        metavar="ACCOUNT",
        nargs="*",
        help="whose logins are looked at, besides those that have our login shell",
    )
    parser.add_argument("--json", action="store_true", help="one document instead")
    return parser
