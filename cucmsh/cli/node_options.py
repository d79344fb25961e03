"""Options that say where a node is and how it is controlled: ``init``, ``node add``.

Their values, too: hosts, paths, argv lists and units of systemd.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from cucmsh.cli.options import Parser, text
from cucmsh.config.entries import systemd_words
from cucmsh.config.model import TftpAddress
from cucmsh.errors import UsageError
from cucmsh.hosts import split_host
from cucmsh.layout import DEFAULT_HOME, DEFAULT_TFTP_DIRECTORY

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


def add_tvs_unit(parser: Parser) -> None:
    """``--tvs-unit``: how `utils service` starts and stops TVS."""
    parser.option(
        "--tvs-unit",
        metavar="KIND:UNIT",
        type=unit,
        help="how TVS is controlled, as in --service: the unit that is printed at the "
        "end is cucmsh-tvs (default: not by `utils service`)",
    )


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
