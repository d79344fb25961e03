"""The hooks around a start of TFTP, and the one for scripts that write phone files."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.terminal import warn
from cucmsh.errors import CucmshError
from cucmsh.services.lists.phone_files import named
from cucmsh.services.lists.sign_and_bring import SilentSigning, sign_and_bring
from cucmsh.services.lists.tftp_start import keep, start
from cucmsh.services.lists.update_replicas import update_replicas
from cucmsh.views.signing import (
    brought_lines,
    pending_lines,
    replica_lines,
    signing_lines,
)


def _tftp_start(call: Call) -> tuple[str, int]:
    try:
        with call.noting(["tftp-start"]):
            started = start(call.site)
    except CucmshError as problem:
        started = keep(call.site, problem)
    for line in started.problems:
        warn(line)
    return "\n".join(started.done), started.status


def _update_replicas(call: Call) -> tuple[str, int]:
    replicas = update_replicas(call.site)
    for line in pending_lines(replicas):
        warn(line)
    return "\n".join(brought_lines(replicas)), 3 if replicas.problems else 0


def _sign(call: Call) -> tuple[str, int]:
    done = sign_and_bring(call.site, named(call.site, call.given.file), SilentSigning())
    lines = [*signing_lines(done.report), *replica_lines(done.replicas)]
    return "\n".join(lines), done.exit_status


RUNS = {
    "tftp-start": Run(_tftp_start, start),
    "update-replicas": Run(_update_replicas, update_replicas),
    "sign": Run(_sign, sign_and_bring),
}
