"""``cucmsh doctor``: the lines of a look at the set-up, and its status."""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.app import open_site
from cucmsh.cluster.settings import read_settings
from cucmsh.services.health.doctor import examine
from cucmsh.services.health.finding import Level
from cucmsh.services.health.logins import become_owner, examine_ground, examine_logins
from cucmsh.views.findings import finding_lines


def doctor(configuration: str, accounts: Sequence[str]) -> tuple[list[str], int]:
    """What is found, and the status: 1 if something fails.

    Root looks at what only root may, and then goes on as the owner of the home: the
    configuration that says what to run may be that account's.
    """
    site = open_site(read_settings(configuration))
    findings = [*examine_logins(site.doors.runner(), accounts)]
    become_owner(site.settings.home)
    findings += [*examine_ground(site.settings), *examine(site)]
    has_failed = any(finding.level is Level.FAIL for finding in findings)
    return finding_lines(findings), int(has_failed)
