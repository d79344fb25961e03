"""The hook of the Certificate Monitor, which a timer runs."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.services.certificates.monitor import monitor_round
from cucmsh.views.monitor import round_lines


def _monitor(call: Call) -> tuple[str, int]:
    return "\n".join(round_lines(monitor_round(call.site))), 0


RUNS = {
    "monitor": Run(_monitor, monitor_round),
}
