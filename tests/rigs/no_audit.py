"""Keeps no record of what a session does: for tests and toys of the shell."""

from __future__ import annotations

from cucmsh.shell.audit import Attempt


class NoAudit:
    def submitted(self, attempt: Attempt) -> None:
        """Note nothing."""

    def begins(self, attempt: Attempt) -> None:
        """Let it run."""

    def unread(self, lines: tuple[str, ...]) -> None:
        """Forget it."""

    def ended(self, attempt: Attempt) -> None:
        """Forget it."""
