"""``cucmsh init --sshd``: prints what root runs for logins by SSH. Changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cucmsh.cli.node_options import (
    Invocation,
    ServiceCommands,
    add_folders,
    add_service,
    add_tvs_unit,
    default_service,
    service,
)
from cucmsh.cli.options import Parser, text
from cucmsh.views.sshd import Logins, script

DEFAULT_ACCOUNT = "cucmsh"
DEFAULT_ADMINISTRATOR = "admin"
LONGEST_NAME = 32  # as useradd(8) has it
NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
VERBS = ("start", "stop", "restart")


def sshd_parser() -> Parser:
    """What ``init --sshd`` takes."""
    parser = Parser(
        "[--config FILE] init --sshd",
        "Print a script for root's sh: the accounts, the programs, what sshd and sudo "
        "are told. Nothing is changed.",
    )
    parser.option(
        "--user",
        metavar="NAME",
        type=account,
        default=DEFAULT_ADMINISTRATOR,
        help="whose login is the admin: prompt (default: %(default)s)",
    )
    parser.option(
        "--account",
        metavar="NAME",
        type=account,
        default=DEFAULT_ACCOUNT,
        help="the node's account, whose rights it gets (default: %(default)s)",
    )
    add_folders(parser)
    add_service(parser)
    add_tvs_unit(parser)
    return parser


def sshd(argv: Sequence[str], invocation: Invocation) -> str:
    """The script for root's sh, as one text.

    Args:
        argv: the options.
        invocation: the configuration, and the interpreter for the programs.

    Raises:
        UsageError: a name that no account has, one name for both, or other options.
    """
    parser = sshd_parser()
    given = parser.read(argv)
    if given.user == given.account:
        parser.error(
            f"--user and --account are both {given.account!r}: the other nodes come in "
            "by the node's account, which the admin: prompt would keep them from. "
            "Choose another --user"
        )
    controlled = service(parser, given) or default_service(DEFAULT_ACCOUNT)
    return script(
        Logins(
            administrator=given.user,
            account=given.account,
            home=given.home,
            tftp_directory=given.tftp_directory,
            configuration="" if invocation.is_default else invocation.configuration,
            python=invocation.program[0],
            may=[*_permitted(controlled), *_permitted(given.tvs_unit or "")],
        )
    )


def account(value: str) -> str:
    """The name of an account, as useradd(8) takes it."""
    is_name = len(value) <= LONGEST_NAME and NAME_LETTERS.issuperset(value)
    if not is_name or not text(value)[0].isalpha():
        raise argparse.ArgumentTypeError(f"{value!r} is no name of an account")
    return value


def _permitted(commands: ServiceCommands) -> list[list[str]]:
    """What follows ``sudo -n`` in the commands that change the service."""
    if isinstance(commands, str):  # by polkit, or by root: nothing to be permitted
        return []
    each_argv = [commands[verb] for verb in VERBS if verb in commands]
    return [argv[2:] for argv in each_argv if argv[:2] == ["sudo", "-n"]]
