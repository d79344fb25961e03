"""``cucmsh init --sshd``: prints what root runs for logins by SSH. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.cli.options import (
    SERVICE_OPTIONS,
    Options,
    Surroundings,
    default_service,
)
from cucmsh.errors import UsageError
from cucmsh.layout import DEFAULT_HOME, DEFAULT_TFTP_DIRECTORY
from cucmsh.views.sshd import Logins, script

DEFAULT_ACCOUNT = "cucmsh"
DEFAULT_ADMINISTRATOR = "admin"
LONGEST_NAME = 32  # as useradd(8) has it
NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
OPTIONS = ("--user", "--account", "--home", "--tftp-directory", *SERVICE_OPTIONS)
VERBS = ("start", "stop", "restart")
USAGE = """\
usage: cucmsh [--config FILE] init --sshd [OPTION VALUE]...
Prints a script for root's sh: the accounts, the programs, what sshd and sudo are told.
  --user NAME            whose login is the admin: prompt; admin
  --account NAME         the node's account, whose rights it gets; cucmsh
  --home DIR, --tftp-directory DIR, --service KIND:UNIT or words:
                         as for `cucmsh init publisher`"""


def sshd(words: Sequence[str], around: Surroundings) -> str:
    """The script.

    Args:
        words: the options.
        around: the configuration, and the interpreter for the programs.

    Raises:
        UsageError: a name that no account has, one name for both, or other words.
    """
    options = Options(words, OPTIONS, "cucmsh init --sshd --help")
    if options.words:
        raise UsageError("init --sshd takes options only", options.advice)
    administrator = _account(options, "--user", DEFAULT_ADMINISTRATOR)
    account = _account(options, "--account", DEFAULT_ACCOUNT)
    if administrator == account:
        raise UsageError(
            f"--user and --account are both {account!r}: the other nodes come in by "
            "the node's account, which the admin: prompt would keep them from",
            "Choose another --user.",
        )
    return script(
        Logins(
            administrator=administrator,
            account=account,
            home=options.path("--home", DEFAULT_HOME),
            tftp_directory=options.path("--tftp-directory", DEFAULT_TFTP_DIRECTORY),
            configuration="" if around.is_default else around.configuration,
            python=around.program[0],
            may=_permitted(options),
        )
    )


def _account(options: Options, option: str, default: str) -> str:
    name = options.get(option, default)
    is_name = name and len(name) <= LONGEST_NAME and NAME_LETTERS.issuperset(name)
    if not is_name or not name[0].isalpha():
        raise UsageError(f"{option} {name!r} is no name of an account", options.advice)
    return name


def _permitted(options: Options) -> list[list[str]]:
    """What follows ``sudo -n`` in the words that change the service."""
    service = options.service() or default_service(DEFAULT_ACCOUNT)
    if isinstance(service, str):  # by polkit, or by root: nothing to be permitted
        return []
    words = [service[verb] for verb in VERBS if verb in service]
    return [argv[2:] for argv in words if argv[:2] == ["sudo", "-n"]]
