"""``cucmsh hook``: what systemd, scripts and other nodes run. Asks nobody anything.

``tftp-start``, ``update-replicas``, ``sign`` and ``monitor`` are for the service
manager and for scripts of this machine. The others are run by other nodes through SSH:
their parameters and answers are a protocol between versions of cucmsh. ``HOOKS`` is the
one table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import NamedTuple

from cucmsh.app import admit, find_configuration, open_own_site
from cucmsh.cli.hooks import Call, Noting, Run
from cucmsh.cli.login.serve_node import serve_node
from cucmsh.cli.options import HelpAskedError, Parser, asks_for_help
from cucmsh.cli.terminal import show
from cucmsh.errors import StoreError, UsageError
from cucmsh.services.caller import WayIn
from cucmsh.services.site import Site
from cucmsh.shell.screen import Screen
from cucmsh.storage.store import MAX_FILE_SIZE

SERVE_NODE = "serve-node"
READ = 1  # exit status of a hook that only looks, if its answer could not be read
DONE = 3  # of one that changed something


class Hook(NamedTuple):
    """One hook.

    Attributes:
        module: of ``cucmsh.cli.hooks``, whose ``RUNS`` says what runs it.
        help: what it does.
        parameters: ``NAME``, ``NAME...`` (one or more), ``[word]`` (may be left out)
            or ``one|other``.
        remote: another node's key may run it.
        records_itself: what runs it says what is recorded.
    """

    module: str
    help: str
    parameters: Sequence[str] = ()
    remote: bool = True
    records_itself: bool = False


HOOKS = {
    "tftp-start": Hook(
        "tftp",
        "before the TFTP service starts: compose the list and sign the phones' files; "
        "ends with 3 if an earlier list is served instead, 1 if none is",
        remote=False,
        records_itself=True,  # why a start failed, which it then survives
    ),
    "update-replicas": Hook(
        "tftp",
        "after it, on a publisher: bring the replicas the list",
        remote=False,
    ),
    "sign": Hook(
        "tftp",
        "sign phones' files; for the script that writes them",
        ["FILE..."],
        remote=False,
    ),
    "monitor": Hook(
        "monitor",
        "a round of the Certificate Monitor: alarms for certificates that expire, and "
        "for a recovery key that was not saved",
        remote=False,
    ),
    "alarms": Hook(
        "alarms",
        "send the alarms that wait: to the syslog server, by mail, to the hook; ends "
        "with 3 if some cannot be sent",
        remote=False,
    ),
    "backup": Hook(
        "recovery",
        "make the backups that are due; by a timer each five minutes",
        remote=False,
    ),
    "tvs-ended": Hook(
        "tvs",
        "after TVS has ended, in systemd's words: SERVICE_RESULT, EXIT_CODE and "
        "EXIT_STATUS; tells the alarm that it failed",
        ["RESULT", "CODE", "STATUS"],
        remote=False,
    ),
    "service-status": Hook(
        "status",
        "`active` or `inactive`, and the SHA-256 of the list in the TFTP directory, "
        "or `-`",
    ),
    "clock": Hook("membership", "the time here, Unix time in seconds"),
    "describe": Hook("membership", "this node, for `cucmsh node add`"),
    "tell-cluster": Hook(
        "recovery",
        "the cluster as this node knows it, for a backup and for a publisher that was "
        "lost",
    ),
    "stage": Hook(
        "install",
        "keep what comes on standard input, for a hook that takes NAME",
        ["NAME", "SHA256"],
    ),
    "discard": Hook("install", "take a staged file away", ["NAME"]),
    "install-list": Hook(
        "install",
        "put a staged list of a reset in place of the list with the SHA-256 SEEN, or "
        "`-`, on a node whose TFTP service was active or inactive; `agreed`: a person "
        "knows that phones may refuse it",
        ["NAME", "SHA256", "SEEN", "active|inactive", "[agreed]"],
    ),
    "install-certificate": Hook(
        "install",
        "install a certificate of another member; NAME is a staged file, or `-` for "
        "standard input",
        ["NAME", "SHA256", "NODE", "UNIT"],
    ),
    "wanted-list": Hook(
        "lists",
        "on a subscriber: how late the list must be that it can be given, and which "
        "keys its phones know, as JSON",
    ),
    "give-list": Hook(
        "lists",
        "on a subscriber: keep the list that the publisher signed, for the next start "
        "of TFTP; NAME as above",
        ["NAME", "SHA256"],
    ),
    "release": Hook("releases", "the release of this node: who signs its list"),
    "try-release": Hook(
        "releases",
        "what the next start of TFTP would serve under RELEASE, and what phones may "
        "hold, as JSON; NAME as above: the list that would be given, or nothing",
        ["RELEASE", "NAME", "SHA256"],
    ),
    "restart-tftp": Hook(
        "releases",
        "restart TFTP, if it runs, after the release was changed, and read back what "
        "it serves",
    ),
    "bring-lists": Hook(
        "lists",
        "on a publisher: make, sign and hand over the lists of the subscribers",
    ),
    "join": Hook(
        "membership",
        "take over the cluster as its publisher has it; NAME as above",
        ["NAME", "SHA256"],
    ),
    "pass-certificates": Hook(
        "install",
        "on a publisher: bring the certificates of the subscriber NODE, as they were "
        "brought here, to the other subscribers",
        ["NODE"],
    ),
    "renamed": Hook(
        "membership",
        "take over how another member is called now, and tell the others; NAME as "
        "above",
        ["NAME", "SHA256"],
    ),
    "same-password": Hook(
        "membership",
        "whether another member has this node's security password, which is not sent; "
        "NAME as above",
        ["NAME", "SHA256"],
    ),
    "leave": Hook(
        "membership",
        "take the line with that key out of the account's authorized_keys",
        ["KEY"],
    ),
}
REMOTE = frozenset(name for name, hook in HOOKS.items() if hook.remote)
CHOICES = {"active|inactive": "state"}


def run_of(name: str) -> Run:
    """What runs one of ``HOOKS``; imports it."""
    runs = import_module(f"cucmsh.cli.hooks.{HOOKS[name].module}").RUNS
    found: Run = runs[name]
    return found


def hook_parser() -> Parser:
    """What ``hook`` takes; each hook has a parser of its own, ``parser_of``."""
    names = ", ".join([*HOOKS, SERVE_NODE])
    parser = Parser(
        "[--config FILE] hook",
        "What services, scripts and other nodes run: `tftp-start`, `update-replicas`, "
        "`sign FILE...` and `monitor` on this machine, the others through SSH.",
        "Each has a --help: cucmsh hook NAME --help",
    )
    parser.add_argument("hook", metavar="NAME", help=names)
    parser.add_argument("parameters", metavar="WORD", nargs="*", help="what it takes")
    return parser


def parser_of(name: str) -> Parser:
    """What one of ``HOOKS`` takes."""
    hook = HOOKS[name]
    what = hook.help[:1].upper() + hook.help[1:]
    parser = Parser(f"[--config FILE] hook {name}", f"{what}.")
    for each in hook.parameters:
        if each in CHOICES:
            parser.add_argument(CHOICES[each], choices=each.split("|"))
        elif each.startswith("["):
            parser.add_argument(each.strip("[]"), nargs="?", choices=[each.strip("[]")])
        else:
            metavar = each.removesuffix("...")
            nargs = "+" if metavar != each else None
            parser.add_argument(metavar.lower(), metavar=metavar, nargs=nargs)
    return parser


def run(named_configuration: str, argv: Sequence[str]) -> int:
    """Run one hook; prints what it says, and returns the exit status.

    Args:
        named_configuration: the path that ``--config`` named; may be empty.
        argv: the hook and its parameters.

    Raises:
        UsageError: there is no such hook, or it takes other parameters.
    """
    if argv and argv[0] in HOOKS:
        if asks_for_help(argv):
            raise HelpAskedError(parser_of(argv[0]).format_help().rstrip())
    elif list(argv) != [SERVE_NODE]:
        hook_parser().read(argv)
        raise _unknown(argv)
    if argv[0] == SERVE_NODE:  # the forced command of another node's key
        # A client's environment names no configuration.
        said, status = serve_node(named_configuration, REMOTE, run_at)
        return show(said, status, DONE)
    said, status = run_at(find_configuration(named_configuration, os.environ), argv)
    return show(said, status, DONE if run_of(argv[0]).changes else READ)


def run_at(
    configuration: str, argv: Sequence[str], account_home: str = ""
) -> tuple[str, int]:
    """Run one hook of the node of that configuration: what it says, its status.

    Args:
        configuration: path of the node's.
        argv: the hook and its parameters.
        account_home: see ``Call``.
    """
    site = open_own_site(configuration)
    site, audit = admit(site, WayIn.HOOK, os.environ, Screen(2))
    return answer(site, argv, _read_input, audit.noting, account_home)


def answer(
    site: Site,
    argv: Sequence[str],
    read_input: Callable[[], bytes] = bytes,
    noting: Noting = lambda _: nullcontext(),
    account_home: str = "",
) -> tuple[str, int]:
    """What one hook prints, without its line end, and its exit status.

    Args:
        site: this node, for its caller: the use-case of the hook asks who that is.
        argv: the hook and its parameters.
        read_input: gives its standard input.
        noting: records that argv and what its body does.
        account_home: see ``Call``.

    Raises:
        UsageError: there is no such hook, or it takes other parameters.
    """
    if not argv or argv[0] not in HOOKS:
        raise _unknown(argv)
    run = run_of(argv[0])
    is_noted = run.changes and not HOOKS[argv[0]].records_itself
    with noting(argv) if is_noted else nullcontext():
        given = parser_of(argv[0]).parse_args(argv[1:])
        return run.answer(Call(site, given, read_input, noting, account_home))


def _unknown(argv: Sequence[str]) -> UsageError:
    return UsageError(
        f"there is no hook {' '.join(argv)!r}",
        f"Hooks: {', '.join([*HOOKS, SERVE_NODE])}",
    )


def _read_input() -> bytes:
    """Standard input to its end; no more of it than a file may have, and a byte.

    Raises:
        StoreError: it cannot be read.
    """
    raw = b""
    try:
        while len(raw) <= MAX_FILE_SIZE and (block := os.read(0, MAX_FILE_SIZE)):
            raw += block
    except OSError as problem:
        raise StoreError(f"standard input: {problem.strerror}") from problem
    return raw
