"""The hook that systemd runs when TVS has ended."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.services.tvs.ended import tvs_ended


def _tvs_ended(call: Call) -> tuple[str, int]:
    given = call.given
    is_told = tvs_ended(call.site, given.result, given.code, given.status)
    return "told" if is_told else "", 0


RUNS = {
    "tvs-ended": Run(_tvs_ended, tvs_ended),
}
