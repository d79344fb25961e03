"""The options of every verb, read by argparse: ``--name=X`` and ``--name X`` alike.

A parser here prints nothing and ends nothing: help is a text, and a wrong word an error
of ours (exit status 2). An option is given at most once.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from cucmsh.config.entries import systemd_words
from cucmsh.config.model import TftpAddress
from cucmsh.errors import UsageError
from cucmsh.hosts import split_host
from cucmsh.layout import DEFAULT_HOME, DEFAULT_TFTP_DIRECTORY

WIDTH = 88  # columns of the help, wherever it is shown
COMMANDS = {
    "restart": "instead of --service: an argv that restarts it, run without a shell",
    "status": "one that ends with 0 if it runs; needed with --restart",
    "start": "one that starts it",
    "stop": "one that stops it",
}
UNIT_LETTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@:"
)
DEFAULT_UNIT = "tftpd-hpa"
TFTP_PORT = 69

ServiceCommands = str | dict[str, list[str]]


class Invocation(NamedTuple):
    """How cucmsh was started.

    Attributes:
        configuration: the path of the configuration, absolute.
        is_default: whether that is where it is looked for anyway.
        program: the argv that runs cucmsh with it.
        account: the name of the account that runs it.
    """

    configuration: str
    is_default: bool
    program: Sequence[str]
    account: str


class HelpAskedError(Exception):
    """``--help`` is among the words; ``text`` is the help."""

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
        words: what is typed before its options, after ``cucmsh``; empty for the
            program itself.
        description: what it does.
        epilog: what else is to be said.
    """

    def __init__(self, words: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"cucmsh {words}".rstrip(),
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

    def flag(self, *names: str, **how: Any) -> None:
        """Add an option without a value."""
        self.add_argument(*names, action="store_true", **how)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The values in ``words``.

        Raises:
            HelpAskedError: the help was asked for; no other word need be right.
            UsageError: unknown, missing, repeated or unusable words.
        """
        if asks_for_help(words):
            raise HelpAskedError(self.format_help().rstrip())
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse finds wrong as an error of ours."""
        call = self.prog.replace("[--config FILE] ", "")
        verb = call.removeprefix("cucmsh").strip()
        what = f"{verb}: {message}" if verb else message
        raise UsageError(what, f"See `{call} --help`.")


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether ``--help`` or ``-h`` stands among the words, before any ``--``."""
    before = words[: words.index("--")] if "--" in words else words
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


def path(value: str) -> str:
    """An absolute path."""
    return os.path.abspath(text(value))


def host(value: str) -> tuple[str, int]:
    """``HOST[:PORT]`` of an SSH server."""
    try:
        return split_host(value)
    except UsageError as problem:
        raise argparse.ArgumentTypeError(f"{value!r}: {problem.message}") from problem


def tftp(value: str) -> TftpAddress:
    """``HOST[:PORT]`` of a TFTP service."""
    try:
        return TftpAddress(*split_host(value, TFTP_PORT))
    except UsageError as problem:
        raise argparse.ArgumentTypeError(f"{value!r}: {problem.message}") from problem


def descriptor(value: str) -> int:
    """The number of an open file descriptor."""
    if not value.isascii() or not value.isdecimal():
        raise argparse.ArgumentTypeError(f"{value!r} is no file descriptor")
    return int(value)


def command(value: str) -> list[str]:
    """An argv, split as a shell would split it and run without one."""
    try:
        return shlex.split(text(value))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(
            f"cannot be split into words: {problem}"
        ) from problem


def unit(value: str) -> ServiceCommands:
    """``systemd:UNIT`` or ``sudo:UNIT``."""
    kind, _, name = value.removesuffix(".service").partition(":")
    is_unit = name and name[0] != "-" and UNIT_LETTERS.issuperset(name)
    if kind not in ("systemd", "sudo") or not is_unit:
        raise argparse.ArgumentTypeError(
            f"{value!r} is neither systemd:UNIT nor sudo:UNIT"
        )
    return systemd_words(name, by_sudo=kind == "sudo")


def add_folders(parser: Parser) -> None:
    """``--home`` and ``--tftp-directory``, where a node that ``init`` makes lives."""
    parser.option(
        "--home",
        metavar="DIR",
        type=path,
        default=DEFAULT_HOME,
        help="keys and state of the node (default: %(default)s)",
    )
    parser.option(
        "--tftp-directory",
        metavar="DIR",
        type=path,
        default=DEFAULT_TFTP_DIRECTORY,
        help="what the TFTP service serves (default: %(default)s)",
    )


def add_service(parser: Parser) -> None:
    """Add what says how the TFTP service is controlled; ``service`` reads it."""
    parser.option(
        "--service",
        metavar="KIND:UNIT",
        type=unit,
        help="how the TFTP service is controlled: systemd:UNIT, or sudo:UNIT for an "
        f"account that needs sudo (default: {DEFAULT_UNIT})",
    )
    for name, what in COMMANDS.items():
        parser.option(f"--{name}", metavar="WORDS", type=command, help=what)


def service(parser: Parser, given: argparse.Namespace) -> ServiceCommands | None:
    """How the TFTP service is controlled; None where nothing was said.

    Raises:
        UsageError: both a unit and commands, or ``--restart`` without ``--status``.
    """
    commands = {name: argv for name in COMMANDS if (argv := getattr(given, name))}
    if not commands:
        found: ServiceCommands | None = given.service
        return found
    if given.service:
        parser.error("give --service or --restart and --status")
    if not {"restart", "status"} <= commands.keys():
        parser.error("--restart and --status go together")
    return commands


def default_service(user: str) -> ServiceCommands:
    """tftpd-hpa, as its Debian unit; only root may restart it without sudo."""
    return systemd_words(DEFAULT_UNIT, by_sudo=user != "root")
