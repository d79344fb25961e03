"""``cucmsh doctor``: prints what the checks of a node's set-up find."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cucmsh.app import open_site
from cucmsh.cli.options import Parser
from cucmsh.cli.terminal import show
from cucmsh.config.settings import read_settings
from cucmsh.services.caller import Caller, Unrecorded, WayIn
from cucmsh.services.nodes.account import ROOT, become_owner, owner_of
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Finding, exit_status
from cucmsh.services.nodes.health.keyless import KeylessSite, is_lab_of_root
from cucmsh.services.nodes.health.logins import examine_ground, examine_logins
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.screen import Screen
from cucmsh.views.documents import doctor_document
from cucmsh.views.health import finding_lines


def doctor_parser() -> Parser:
    """What ``doctor`` takes."""
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
    parser.flag("--json", help="one document instead")
    return parser


def run(configuration: str, argv: Sequence[str]) -> int:
    """Print what is found; returns the exit status.

    Raises:
        CucmshError: the node cannot be looked at; ``--json`` shows that, too.
    """
    given = doctor_parser().read(argv)
    if given.json:
        return report(
            Screen(1), lambda to: _as_document(configuration, given.accounts, to)
        )
    _, findings = _examined(configuration, given.accounts)
    return show("\n".join(finding_lines(findings)), exit_status(findings))


def _as_document(configuration: str, accounts: Sequence[str], to: JsonResult) -> int:
    to.name("doctor")
    site, findings = _examined(configuration, accounts)
    to.take(doctor_document(site.node.name, findings))
    status = exit_status(findings)
    to.send(status)
    return status


def _examined(
    configuration: str, accounts: Sequence[str]
) -> tuple[Site, list[Finding]]:
    """Everything, in the order in which it is looked at.

    Root looks at what only root may, and then goes on as the owner of the home: the
    configuration that says what to run may be that account's. In a home of root's it
    opens no key and logs in nowhere, but for a lab that root started.
    """
    site = open_site(read_settings(configuration))
    findings = [*examine_logins(site.backends.runner(), accounts)]
    if os.geteuid() == ROOT and owner_of(site.settings.home) == ROOT:
        if not is_lab_of_root(site.settings):
            site = KeylessSite(site.settings, site.clock, site.backends)
    else:
        become_owner(site.settings)
    # Looking at a node that may be broken writes nothing to its log.
    site = site.called_by(Caller(WayIn.COMMAND), Unrecorded())
    findings += [*examine_ground(site.settings), *examine(site)]
    return site, findings
