"""``cucmsh hook``: what systemd, scripts and other nodes run. Asks nobody anything.

``tftp-start``, ``update-replicas`` and ``sign`` are for the service manager and for
scripts of this machine. The others are run by other nodes through SSH: their parameters
and answers are a protocol between versions of cucmsh. ``HOOKS`` is the one table.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from cucmsh.app import admit, find_configuration, open_own_site
from cucmsh.cli.login.serve_node import serve_node
from cucmsh.cli.options import HelpAskedError, Parser, asks_for_help
from cucmsh.cli.terminal import show, warn
from cucmsh.errors import CucmshError, RefusedError, StoreError, UsageError
from cucmsh.services.caller import WayIn
from cucmsh.services.lists.install import (
    discard_staged,
    install_certificate,
    install_list,
    stage,
    take_staged,
)
from cucmsh.services.lists.locate_nodes import service_status
from cucmsh.services.lists.member_hooks import INPUT
from cucmsh.services.lists.phone_files import named
from cucmsh.services.lists.sign_and_bring import SilentSigning, sign_and_bring
from cucmsh.services.lists.tftp_start import keep, start
from cucmsh.services.lists.update_replicas import update_replicas
from cucmsh.services.nodes.identity import leave
from cucmsh.services.nodes.join import describe, join, read_clock
from cucmsh.services.site import Site
from cucmsh.services.usecase import UseCase
from cucmsh.shell.screen import Screen
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.views.signing import (
    brought_lines,
    pending_lines,
    replica_lines,
    signing_lines,
)

SERVE_NODE = "serve-node"
READ = 1  # exit status of a hook that only looks, if its answer could not be read
DONE = 3  # of one that changed something

Noting = Callable[[Sequence[str]], AbstractContextManager[None]]


class Call(NamedTuple):
    """One call of a hook.

    Attributes:
        site: this node, for its caller.
        given: its parameters, by their names in lower case.
        read_input: gives its standard input; called by the hooks that take it.
        noting: records what its body does, for a hook that records itself.
        account_home: of the account that sshd let in; empty if it was not sshd.
    """

    site: Site
    given: argparse.Namespace
    read_input: Callable[[], bytes]
    noting: Noting
    account_home: str

    def received(self) -> bytes:
        """What another node sent: staged before as NAME, or on standard input.

        Raises:
            RefusedError: its SHA-256 is not the one that was named.
        """
        if self.given.name != INPUT:
            return take_staged(self.site, self.given.name, self.given.sha256)
        raw = self.read_input()
        if hashlib.sha256(raw).hexdigest() != self.given.sha256:
            raise RefusedError("what arrived is not what was to be sent")
        return raw


class Hook(NamedTuple):
    """One hook.

    Attributes:
        run: does it; gives what it prints, and the exit status.
        of: the use-case that it calls.
        help: what it does.
        parameters: ``NAME``, ``NAME...`` (one or more), ``[word]`` (may be left out)
            or ``one|other``.
        remote: another node's key may run it.
        records_itself: its ``run`` says what is recorded.
    """

    run: Callable[[Call], tuple[str, int]]
    of: UseCase[Any, Any]
    help: str
    parameters: Sequence[str] = ()
    remote: bool = True
    records_itself: bool = False

    @property
    def changes(self) -> bool:
        """Whether it changes something, and so is written to the audit log."""
        return self.of.access.changes


def _tftp_start(call: Call) -> tuple[str, int]:
    try:
        with call.noting(["tftp-start"]):
            started = start(call.site)
    except CucmshError as problem:
        started = keep(call.site, problem)
    for line in started.problems:
        warn(line)
    return "\n".join(started.done), started.status


def _update_replicas(call: Call) -> tuple[str, int]:
    replicas = update_replicas(call.site)
    for line in pending_lines(replicas):
        warn(line)
    return "\n".join(brought_lines(replicas)), 3 if replicas.problems else 0


def _sign(call: Call) -> tuple[str, int]:
    done = sign_and_bring(call.site, named(call.site, call.given.file), SilentSigning())
    lines = [*signing_lines(done.report), *replica_lines(done.replicas)]
    return "\n".join(lines), done.exit_status


def _service_status(call: Call) -> tuple[str, int]:
    return service_status(call.site), 0


def _clock(call: Call) -> tuple[str, int]:
    return f"{read_clock(call.site)}", 0


def _describe(call: Call) -> tuple[str, int]:
    return describe(call.site), 0


def _stage(call: Call) -> tuple[str, int]:
    stage(call.site, call.given.name, call.given.sha256, call.read_input())
    return "staged", 0


def _discard(call: Call) -> tuple[str, int]:
    discard_staged(call.site, call.given.name)
    return "discarded", 0


def _install_list(call: Call) -> tuple[str, int]:
    given = call.given
    outcome = install_list(
        call.site,
        take_staged(call.site, given.name, given.sha256),
        given.seen,
        was_active=given.state == "active",
        is_agreed=given.agreed is not None,
    )
    return f"{outcome.state.value}\n{outcome.reason}".rstrip("\n"), 0


def _install_certificate(call: Call) -> tuple[str, int]:
    install_certificate(call.site, call.received(), call.given.node, call.given.unit)
    return "installed", 0


def _join(call: Call) -> tuple[str, int]:
    join(call.site, call.received())
    return "joined", 0


def _leave(call: Call) -> tuple[str, int]:
    if not call.account_home:  # only sshd tells whose home the key's line is in
        raise UsageError("leave is for the key of another node")
    if not call.given.key.startswith("AAAA"):
        raise UsageError("leave takes a public key (base64)")
    leave(call.site, LocalStore(call.account_home), call.given.key)
    return "left", 0


HOOKS = {
    "tftp-start": Hook(
        _tftp_start,
        start,
        "before the TFTP service starts: compose the list and sign the phones' files; "
        "ends with 3 if an earlier list is served instead, 1 if none is",
        remote=False,
        records_itself=True,  # why a start failed, which it then survives
    ),
    "update-replicas": Hook(
        _update_replicas,
        update_replicas,
        "after it, on a publisher: bring the replicas the list",
        remote=False,
    ),
    "sign": Hook(
        _sign,
        sign_and_bring,
        "sign phones' files; for the script that writes them",
        ["FILE..."],
        remote=False,
    ),
    "service-status": Hook(
        _service_status,
        service_status,
        "`active` or `inactive`, and the SHA-256 of the list in the TFTP directory, "
        "or `-`",
    ),
    "clock": Hook(_clock, read_clock, "the time here, Unix time in seconds"),
    "describe": Hook(_describe, describe, "this node, for `cucmsh node add`"),
    "stage": Hook(
        _stage,
        stage,
        "keep what comes on standard input, for a hook that takes NAME",
        ["NAME", "SHA256"],
    ),
    "discard": Hook(_discard, discard_staged, "take a staged file away", ["NAME"]),
    "install-list": Hook(
        _install_list,
        install_list,
        "put a staged list of a reset in place of the list with the SHA-256 SEEN, or "
        "`-`, on a node whose TFTP service was active or inactive; `agreed`: a person "
        "knows that phones may refuse it",
        ["NAME", "SHA256", "SEEN", "active|inactive", "[agreed]"],
    ),
    "install-certificate": Hook(
        _install_certificate,
        install_certificate,
        "install a certificate of another member; NAME is a staged file, or `-` for "
        "standard input",
        ["NAME", "SHA256", "NODE", "UNIT"],
    ),
    "join": Hook(
        _join,
        join,
        "take over the cluster as its publisher has it; NAME as above",
        ["NAME", "SHA256"],
    ),
    "leave": Hook(
        _leave,
        leave,
        "take the line with that key out of the account's authorized_keys",
        ["KEY"],
    ),
}
REMOTE = frozenset(name for name, hook in HOOKS.items() if hook.remote)
CHOICES = {"active|inactive": "state"}


def hook_parser() -> Parser:
    """What ``hook`` takes; each hook has a parser of its own, ``parser_of``."""
    names = ", ".join([*HOOKS, SERVE_NODE])
    parser = Parser(
        "[--config FILE] hook",
        "What services, scripts and other nodes run: `tftp-start`, `update-replicas` "
        "and `sign FILE...` on this machine, the others through SSH.",
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
    return show(said, status, DONE if HOOKS[argv[0]].changes else READ)


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
    hook = HOOKS[argv[0]]
    is_noted = hook.changes and not hook.records_itself
    with noting(argv) if is_noted else nullcontext():
        given = parser_of(argv[0]).parse_args(argv[1:])
        return hook.run(Call(site, given, read_input, noting, account_home))


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
