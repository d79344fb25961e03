"""The hooks of disaster recovery."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.services.recovery.jobs import Result
from cucmsh.services.recovery.member import tell_cluster
from cucmsh.services.recovery.schedule import run_due

PARTLY = 3


def tell(call: Call) -> tuple[str, int]:
    """The cluster, as this node knows it."""
    return tell_cluster(call.site), 0


def back_up(call: Call) -> tuple[str, int]:
    """Each schedule that was due, a line; 1 if a backup failed, 3 if one is partial."""
    ran = run_due(call.site)
    lines = [
        ": ".join(filter(None, (each.name, each.result, each.reason))) for each in ran
    ]
    results = {each.result for each in ran}
    if Result.ERROR in results:
        return "\n".join(lines), 1
    return "\n".join(lines), PARTLY if Result.PARTIAL in results else 0


RUNS = {"tell-cluster": Run(tell, tell_cluster), "backup": Run(back_up, run_due)}
