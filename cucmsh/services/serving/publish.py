"""What follows a compose: the phones' files are signed, then the replicas get all.

Keeps no TFTP service from starting: whatever goes wrong is remembered for the next
login. TFTP is down meanwhile, so both have deadlines; together they stay below the 60
seconds that ``tftp.restart`` waits. With nothing new to sign and a dead replica TFTP is
back within 20 seconds (invariant I10 allows 30).
"""

from __future__ import annotations

from cucmsh.errors import CucmshError
from cucmsh.services.compose import Composed, sha256_of
from cucmsh.services.pending import remember_unsigned
from cucmsh.services.serving.phone_files import Choice, choose
from cucmsh.services.serving.replicas import NOBODY, START_SECONDS, Replicas, push
from cucmsh.services.serving.sign import SignReport, sign_files
from cucmsh.services.site import Site
from cucmsh.services.state import keep_mark

SIGN_SECONDS = 25.0  # measured: ten thousand files with a new key take 10 to 20


def sign_chosen(site: Site, choice: Choice) -> SignReport:
    """For a command: sign these files, and remember whether any is left unsigned.

    Raises:
        RefusedError: see ``sign_files``; nothing was changed.
    """
    report = sign_files(site, choice)
    if choice.is_all:
        remember_unsigned(site, _problem(report))
    return report


def exit_status(report: SignReport, replicas: Replicas) -> int:
    """0 all done, 3 some, 1 none (design decision 3)."""
    return report.exit_status or (3 if replicas.problems else 0)


def after_start(site: Site, composed: Composed) -> list[str]:
    """For a TFTP start, when its list is in place; gives what is worth a log line."""
    lines = []
    try:
        report = sign_files(site, choose(site), seconds=SIGN_SECONDS)
        problem = _problem(report)
        if report.signed:
            lines.append(f"files signed: {len(report.signed)}")
    except CucmshError as refusal:
        problem = refusal.message
    replicas = NOBODY
    try:
        remember_unsigned(site, problem)
        is_reset = keep_mark(site.home) == sha256_of(composed.raw)
        replicas = push(site, seconds=START_SECONDS, is_reset=is_reset)
    except CucmshError as failure:
        lines.append(failure.message)
    if problem:
        lines.append(f"not all files are signed: {problem}")
    lines += [f"{name}: pending: {why}" for name, why in replicas.problems.items()]
    return lines


def _problem(report: SignReport) -> str:
    if not report.failed:
        return ""
    name, why = report.failed[0]
    count = len(report.failed)
    return f"{count} of them failed, such as {name}: {why}"
