"""What ``cucmsh lab`` was asked for. Makes nothing, opens nothing."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from cucmsh.cli.command_line import Parser, filled

MOST_SUBSCRIBERS = 16  # each is a process with servers of its own


class Options(NamedTuple):
    """See ``lab_parser``.

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


def lab_parser() -> Parser:
    parser = Parser(
        "lab",
        "Build a cluster on 127.0.0.1 and open the admin: prompt of its publisher. "
        "Everything stops with the shell.",
    )
    parser.add_argument(
        "--subscribers",
        metavar="N",
        type=_subscribers,
        default=1,
        help=f"how many, 1 to {MOST_SUBSCRIBERS}; 1",
    )
    parser.add_argument(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=filled,
        help="kept after the end; a temporary one otherwise",
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="no shell: print one line of JSON (addresses, passwords), and run until "
        "SIGTERM or SIGINT",
    )
    parser.add_argument("--leash", type=int, default=-1, help=argparse.SUPPRESS)
    return parser


def read_options(words: list[str]) -> Options:
    """The options in ``words``.

    Raises:
        UsageError: unknown words, or a number of subscribers that cannot be.
    """
    found = lab_parser().parse_args(words)
    return Options(found.subscribers, found.directory or "", found.serve, found.leash)


def _subscribers(value: str) -> int:
    number = int(value) if value.isascii() and value.isdecimal() else -1
    if not 1 <= number <= MOST_SUBSCRIBERS:
        raise argparse.ArgumentTypeError(f"{value!r} is no number of subscribers")
    return number
