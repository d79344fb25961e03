"""The hook of the Certificate Monitor, which a timer runs."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.terminal import warn
from cucmsh.errors import CucmshError
from cucmsh.services.certificates.monitor import monitor_round
from cucmsh.services.nodes.compare_passwords import compare_passwords
from cucmsh.services.records.send_alarms import send_alarms
from cucmsh.views.monitor import round_lines


def _monitor(call: Call) -> tuple[str, int]:
    said = round_lines(monitor_round(call.site))
    try:
        compare_passwords(call.site)
    except CucmshError as error:
        warn(error.message)
    if call.site.settings.own_alarms:
        # One mail a round: those of this one are all there.
        for problem in send_alarms(call.site, at_once=True).problems:
            warn(problem)
    return "\n".join(said), 0


RUNS = {
    "monitor": Run(_monitor, monitor_round),
}
