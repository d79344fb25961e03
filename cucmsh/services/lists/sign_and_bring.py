"""`utils tftp sign`: signs the phones' files and brings them to the replicas."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError, HalfDoneError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.quoting import shown
from cucmsh.services.lists.phone_files import Choice
from cucmsh.services.lists.sign_files import SignReport, sign_files
from cucmsh.services.lists.update_replicas import push, replicas_of
from cucmsh.services.outcome import Report
from cucmsh.services.records.start_notes import note_unsigned
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class SignDialog(Protocol):
    """What signing tells whoever asked for it, on the way."""

    def signing(self, choice: Choice) -> AbstractContextManager[None]:
        """These files are looked at and signed, in the body."""

    def signed(self, report: SignReport) -> None:
        """What became of them, before the replicas are brought anything."""

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """These replicas are brought what was signed, in the body."""


class SilentSigning:
    """A ``SignDialog`` for scripts, which read the report."""

    def signing(self, _: Choice) -> AbstractContextManager[None]:
        return nullcontext()

    def signed(self, _: SignReport) -> None:
        """It is in what ``sign_and_bring`` returns."""

    def bringing(self, _: Sequence[str]) -> AbstractContextManager[None]:
        return nullcontext()


class SignedAndBrought(NamedTuple):
    """What became of the files, and of the replicas."""

    report: SignReport
    replicas: Report

    @property
    def exit_status(self) -> int:
        """0 all done, 3 some, 1 none (docs/decisions/003)."""
        return self.report.exit_status or (3 if self.replicas.problems else 0)


@use_case("utils tftp sign", changes=True)
def sign_and_bring(site: Site, choice: Choice, dialog: SignDialog) -> SignedAndBrought:
    """Sign these files, and bring the replicas what was signed.

    Raises:
        RefusedError: see ``sign_files``; nothing was changed.
        HalfDoneError, CucmshError: see ``bring_signed``.
    """
    with dialog.signing(choice):
        report = sign_chosen(site, choice)
    dialog.signed(report)
    with dialog.bringing([node.name for node in replicas_of(site)]):
        return SignedAndBrought(report, bring_signed(site, report))


def sign_chosen(site: Site, choice: Choice) -> SignReport:
    """Sign these files; if they are all, note whether any is left unsigned.

    Raises:
        RefusedError: see ``sign_files``; nothing was changed.
    """
    report = sign_files(site, choice)
    if choice.is_all:
        note_unsigned(site, problem_of(report))
    return report


def bring_signed(site: Site, report: SignReport) -> Report:
    """Bring the replicas what was signed, by a push.

    Raises:
        HalfDoneError: that broke off, and the files are signed all the same.
        CucmshError: the same, and nothing was signed.
    """
    try:
        with exhaustion_as_error():
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


def problem_of(report: SignReport) -> str:
    """Why not all files are signed; empty if they are."""
    if not report.failed:
        return ""
    name, why = report.failed[0]
    if not name.isprintable():  # such as bytes that are no UTF-8
        name = shown(name)
    count = len(report.failed)
    return f"{count} of them failed, such as {name}: {why}"
