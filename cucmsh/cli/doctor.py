"""``cucmsh doctor``: the lines of a look at the set-up, and its status."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cucmsh.app import open_site
from cucmsh.config.settings import read_settings
from cucmsh.services.nodes.account import ROOT, become_owner, owner_of
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Finding, exit_status
from cucmsh.services.nodes.health.keyless import KeylessSite
from cucmsh.services.nodes.health.logins import examine_ground, examine_logins
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult
from cucmsh.views.documents import doctor_document
from cucmsh.views.findings import finding_lines


def doctor(configuration: str, accounts: Sequence[str]) -> tuple[list[str], int]:
    """What is found, and the status: 0 all is well, 1 warnings, 2 something fails."""
    _, findings = _examined(configuration, accounts)
    return finding_lines(findings), exit_status(findings)


def doctor_json(configuration: str, accounts: Sequence[str], to: JsonResult) -> int:
    """The same as one document; gives the status."""
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
    opens no key and logs in nowhere.
    """
    site = open_site(read_settings(configuration))
    findings = [*examine_logins(site.doors.runner(), accounts)]
    if os.geteuid() == ROOT and owner_of(site.settings.home) == ROOT:
        site = KeylessSite(site)
    else:
        become_owner(site.settings)
    findings += [*examine_ground(site.settings), *examine(site)]
    return site, findings
