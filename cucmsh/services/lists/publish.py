"""Signing the phones' files for a command, and what is said and kept of it."""

from __future__ import annotations

from cucmsh.errors import CucmshError, HalfDoneError
from cucmsh.exhaustion import told
from cucmsh.services.lists.phone_files import Choice
from cucmsh.services.lists.replicas import push
from cucmsh.services.lists.sign import SignReport, sign_files
from cucmsh.services.outcome import Report
from cucmsh.services.records.pending import remember_unsigned
from cucmsh.services.site import Site


def sign_chosen(site: Site, choice: Choice) -> SignReport:
    """For a command: sign these files, and remember whether any is left unsigned.

    Raises:
        RefusedError: see ``sign_files``; nothing was changed.
    """
    report = sign_files(site, choice)
    if choice.is_all:
        remember_unsigned(site, problem_of(report))
    return report


def bring_signed(site: Site, report: SignReport) -> Report:
    """Bring the replicas what was signed, as ``push`` does.

    Raises:
        HalfDoneError: that broke off, and the files are signed all the same.
        CucmshError: the same, and nothing was signed.
    """
    try:
        with told():
            return push(site)
    except CucmshError as problem:
        if not report.signed:
            raise
        raise HalfDoneError(_SIGNED.format(problem.message), problem.advice) from (
            problem
        )
    except Exception as problem:
        if not report.signed:
            raise
        raise HalfDoneError(_SIGNED.format(type(problem).__name__), _AGAIN) from problem


_SIGNED = "The files are signed, and bringing them to the replicas broke off: {}"
_AGAIN = "Run it again: it brings what is left."


def exit_status(report: SignReport, replicas: Report) -> int:
    """0 all done, 3 some, 1 none (docs/decisions/003)."""
    return report.exit_status or (3 if replicas.problems else 0)


def problem_of(report: SignReport) -> str:
    """Why not all files are signed; empty if they are."""
    if not report.failed:
        return ""
    name, why = report.failed[0]
    count = len(report.failed)
    return f"{count} of them failed, such as {name}: {why}"
