"""``cucmsh adopt``: takes over phones that hold lists of another tool or of a CUCM."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from cucmsh.app import admit, open_own_site
from cucmsh.cli.adopt_options import AdoptDialog, add_adoption, asked_for
from cucmsh.cli.options import Parser, descriptor
from cucmsh.cli.terminal import (
    Prompter,
    TerminalPrompter,
    read_secrets,
    terminal_prompter,
)
from cucmsh.secret import Secret
from cucmsh.services.adoption.apply import adopt, preview
from cucmsh.services.adoption.keys import read_key_file
from cucmsh.services.adoption.material import Request
from cucmsh.services.backends import Backends
from cucmsh.services.caller import WayIn
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen, in_a_change
from cucmsh.storage.folders import require_own
from cucmsh.views.adoption import adopted_lines, adoption_document, adoption_lines

LOCKS_OUT = 1  # exit status of --dry-run: phones would refuse a list
PARTLY = 3
TRYING = "Reading what was handed over, and trying it out in memory ..."


def adopt_parser() -> Parser:
    """What ``adopt`` takes."""
    parser = Parser(
        "[--config FILE] adopt",
        "Take over phones that hold lists of another tool or of a CUCM: the lists of "
        "this node are signed with a key that they know, until they know this node. "
        "Shows a plan first: which list each of them takes, and why. Serves nothing "
        "new; the next start of Cisco Tftp does.",
        "Exit status: 0 done, 1 refused, 2 wrong use, 3 partly done; with --dry-run 0 "
        "if no phone would be locked out, else 1.",
    )
    add_adoption(parser, is_needed=True)
    parser.flag(
        "--yes",
        help="agree to the plan unasked; what could make phones believe somebody else "
        "is asked all the same",
    )
    parser.option(
        "--secrets-fd",
        metavar="N",
        type=descriptor,
        help="read the passwords from this open descriptor, a line for each protected "
        "key file in the order of the options, --adopt-capf last, and ask nothing",
    )
    parser.flag("--dry-run", help="show the plan and change nothing")
    parser.flag("--json", help="with --dry-run: the plan as one document")
    return parser


def run(configuration: str, argv: Sequence[str]) -> int:
    """Adopt, or show the plan; returns the exit status.

    Raises:
        UsageError: wrong options or values.
        CucmshError: see ``services.adoption.apply.adopt``; with ``--json`` it is in the
            document.
    """
    given = read(argv)
    if given.json:
        return report(Screen(1), lambda to: _as_document(configuration, given, to))
    with terminal_prompter() as prompter, ExitStack() as noting:
        if not given.dry_run:
            noting.enter_context(in_a_change())

        def open_noting() -> Site:
            site, audit = admit(
                open_own_site(configuration), WayIn.NODE, os.environ, Screen(2)
            )
            is_change = not given.dry_run
            noting.enter_context(audit.noting(["adopt", *argv], is_change=is_change))
            return site

        status = run_on(given, prompter, open_noting)
        unread = 1 if given.dry_run else PARTLY
        return status or (unread if prompter.is_unread else 0)


def read(argv: Sequence[str]) -> argparse.Namespace:
    """The values in ``argv``; ``request`` is what is to be adopted.

    Raises:
        HelpAskedError: the help was asked for.
        UsageError: wrong options or values.
    """
    parser = adopt_parser()
    given = parser.read(argv)
    if given.json and not given.dry_run:
        parser.error("--json shows the plan: give --dry-run, too")
    given.request = asked_for(given)
    return given


def run_on(
    given: argparse.Namespace, prompter: Prompter, open_site: Callable[[], Site]
) -> int:
    """Do what ``read`` gave; returns the exit status.

    Raises:
        CucmshError: see ``adopt``.
    """
    site = open_site()
    require_own(site.settings.home)
    dialog = dialog_of(given, site.backends, prompter)
    prompter.say(TRYING)
    if given.dry_run:
        plan = preview(site, given.request, dialog)
        prompter.say("\n".join(adoption_lines(plan)))
        return LOCKS_OUT if plan.is_locking_out else 0
    adopted = adopt(site, given.request, dialog)
    verb = ("cucmsh", "--config", site.settings.path)
    prompter.say("\n".join(adopted_lines(adopted, site.settings, verb)))
    return 0 if all(outcome.is_done for outcome in adopted.outcomes) else PARTLY


def dialog_of(
    given: argparse.Namespace, backends: Backends, prompter: Prompter
) -> AdoptDialog:
    """Who answers: the descriptor that was named, or whoever is at the terminal.

    Raises:
        UsageError: the descriptor has too few lines.
    """
    passwords = None
    if given.secrets_fd is not None:
        count = protected(backends, given.request)
        passwords = iter(_lines(given.secrets_fd, count))
    return AdoptDialog(prompter, passwords, is_agreed=given.yes)


def protected(backends: Backends, request: Request) -> int:
    """How many of the key files have a password.

    Raises:
        StoreError, KeyFileError: one cannot be read.
    """
    paths = [*request.keys, *([request.capf] if request.capf else [])]
    return sum(read_key_file(backends, path).needs_password for path in paths)


def _lines(fd: int, count: int) -> Iterator[Secret]:
    return iter(read_secrets(fd, "--secrets-fd", count, 0) if count else [])


def _as_document(configuration: str, given: argparse.Namespace, to: JsonResult) -> int:
    """``adopt --dry-run --json``: the plan; what is asked goes to standard error."""
    to.name("adopt")
    screen = Screen(2)
    prompter = TerminalPrompter(screen, Reader(0, screen, time.monotonic))
    own = open_own_site(configuration)
    site, audit = admit(own, WayIn.NODE, os.environ, screen)
    with audit.noting(["adopt", "--dry-run", "--json"], is_change=False):
        require_own(site.settings.home)
        dialog = dialog_of(given, site.backends, prompter)
        plan = preview(site, given.request, dialog)
    to.take(adoption_document(plan))
    status = LOCKS_OUT if plan.is_locking_out else 0
    to.send(status)
    return status
