"""The hook that sends alarms, which whoever tells one starts."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.terminal import warn
from cucmsh.services.records.send_alarms import send_alarms


def _alarms(call: Call) -> tuple[str, int]:
    done = send_alarms(call.site)
    for problem in done.problems:
        warn(problem)
    said = f"{done.sent} sent" if done.sent else ""
    return said, 3 if done.problems else 0


RUNS = {
    "alarms": Run(_alarms, send_alarms),
}
