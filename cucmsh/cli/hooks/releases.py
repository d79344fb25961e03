"""The hooks by which a publisher gives the cluster another release."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.hooks.install import received
from cucmsh.services.releases.restart import restart_tftp
from cucmsh.services.releases.trial import read_release, try_release


def _release(call: Call) -> tuple[str, int]:
    return read_release(call.site), 0


def _try_release(call: Call) -> tuple[str, int]:
    return try_release(call.site, call.given.release, received(call)), 0


def _restart_tftp(call: Call) -> tuple[str, int]:
    outcome = restart_tftp(call.site)
    return f"{outcome.state.value}\n{outcome.reason}".rstrip("\n"), 0


RUNS = {
    "release": Run(_release, read_release),
    "try-release": Run(_try_release, try_release),
    "restart-tftp": Run(_restart_tftp, restart_tftp),
}
