"""``cucmsh export``: hands the keys and lists of this node to the next tool."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from cucmsh.app import admit, open_own_site
from cucmsh.cli.options import Parser, descriptor, file_name
from cucmsh.cli.terminal import (
    Prompter,
    changing,
    read_secrets,
    require_yes,
    terminal_prompter,
)
from cucmsh.errors import RefusedError
from cucmsh.layout import EXPORTED_README
from cucmsh.secret import Secret
from cucmsh.services.adoption.export import export
from cucmsh.services.adoption.export_plan import ExportPlan
from cucmsh.services.caller import WayIn
from cucmsh.services.site import Site
from cucmsh.shell.answers import ATTEMPTS
from cucmsh.shell.screen import Screen, in_a_change
from cucmsh.storage.folders import require_own
from cucmsh.views.export import plan_lines, readme_text

QUESTION = "Write them to {folder} (yes/no)? "
PASSWORD = "Enter the cluster security password :"  # noqa: S105 - a question
NOTHING = "Nothing was written."
BROKE_OFF = "If {folder} is still there, remove it: there may be keys in it."


def export_parser() -> Parser:
    """What ``export`` takes."""
    parser = Parser(
        "[--config FILE] export",
        "Write what another tool needs to go on with this node's phones: the keys that "
        "sign, as PEM; the lists as they are served, and those that phones may hold; "
        "the signed files; the certificates of all records; and a README.txt that says "
        "which key must sign. Nothing on this node is changed.",
        "Keys are written after a typed `yes`, or with --yes, and the cluster security "
        "password. "
        "Exit status: 0 done, 1 refused, 2 wrong use, 3 partly done.",
    )
    parser.add_argument(
        "folder", metavar="DIR", type=file_name, help="a folder that is new or empty"
    )
    parser.flag("--lists-only", help="no private key, and no question")
    parser.flag("--yes", help="ask no question but for the password")
    parser.option(
        "--secrets-fd",
        metavar="N",
        type=descriptor,
        help="read the cluster security password from the first line of this open "
        "descriptor",
    )
    return parser


def run(configuration: str, argv: Sequence[str]) -> int:
    """Export; returns the exit status.

    Raises:
        UsageError: wrong options.
        CucmshError: see ``services.adoption.export.export``.
    """
    given = export_parser().read(argv)
    with terminal_prompter() as prompter, ExitStack() as noting:
        noting.enter_context(in_a_change())
        site = open_own_site(configuration)
        site, audit = admit(site, WayIn.NODE, os.environ, Screen(2))
        noting.enter_context(audit.noting(["export", *argv], is_change=True))
        status = export_to(given, prompter, site)
        return status or (3 if prompter.is_unread else 0)


def export_to(given: argparse.Namespace, prompter: Prompter, site: Site) -> int:
    """Do what the parser read; returns the exit status: 3 if something is left out."""
    require_own(site.settings.home)
    folder = os.path.abspath(given.folder)
    dialog = _Dialog(given, prompter, folder)
    done = export(site, folder, dialog, lists_only=given.lists_only)
    late = [entry for entry in done.left_out if entry not in dialog.shown]
    for name, why in late:
        prompter.say(f"Left out: {name}: {why}")
    prompter.say(f"{folder} is written. Begin with {folder}/{EXPORTED_README}.")
    return 3 if done.left_out else 0


class _Dialog:
    """See ``ExportDialog``; asks on the terminal what the options did not answer."""

    def __init__(
        self, given: argparse.Namespace, prompter: Prompter, folder: str
    ) -> None:
        self._given = given
        self._prompter = prompter
        self._folder = folder
        self.shown: tuple[tuple[str, str], ...] = ()

    def agree(self, plan: ExportPlan) -> None:
        self.shown = plan.left_out
        self._prompter.say("\n".join(plan_lines(plan)))
        if plan.lists_only or self._given.yes:
            return
        question = QUESTION.format(folder=self._folder)
        require_yes(self._prompter, question, NOTHING)

    def security_password(self, check: Callable[[Secret], None]) -> Secret:
        if self._given.secrets_fd is not None:
            (password,) = read_secrets(self._given.secrets_fd, "--secrets-fd", 1)
            return password
        for _ in range(ATTEMPTS - 1):
            password = self._prompter.ask_secret(PASSWORD)
            try:
                check(password)
            except RefusedError as refusal:
                self._prompter.ask_again(PASSWORD, f"{refusal.message}.")
            else:
                return password
        return self._prompter.ask_secret(PASSWORD)

    def readme(self, plan: ExportPlan) -> str:
        return readme_text(plan)

    def writing(self) -> AbstractContextManager[object]:
        return changing(self._prompter, BROKE_OFF.format(folder=self._folder))
