"""Whether alarms of this node go where they are to go."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.errors import CucmshError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site


def examine_alarms(site: Site) -> Iterator[Finding]:
    """What keeps an alarm from the places of ``[alarms]``; sends none."""
    try:
        site.home.require_room_in(CISCO_SYSLOG)
    except CucmshError as problem:
        what = f"alarms are not logged: {problem.message}"
        yield Finding(Level.FAIL, what, problem.advice)
    else:
        yield Finding(Level.OK, "alarms are logged")
