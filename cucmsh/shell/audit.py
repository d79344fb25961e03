"""What a session tells the audit log of each submitted line. Writes nothing itself.

A line that is no command may be a password that was typed at the wrong place. So an
attempt knows how long the line was, the words of it that commands know, and the values
of a command that it got as far as to name; `line` is for those who know that nobody
typed it at a prompt.
"""

from __future__ import annotations

from typing import Protocol

from cucmsh.shell.grammar import Grammar, words_of
from cucmsh.shell.line import LONGEST_LINE

DONE = "done"


class Attempt:
    """One line that was submitted, and what became of it.

    Attributes:
        line: as it was submitted.
        words: those at its beginning that commands know.
        values: of the command that they name, if there are not too many.
        changes: whether that command changes the cluster.
        status: the exit status.
        outcome: `DONE`, or the name of the error that ended it.
    """

    def __init__(self, line: str) -> None:
        self.line = line
        self.words: tuple[str, ...] = ()
        self.values: tuple[str, ...] = ()
        self.changes = False
        self.status = 1
        self.outcome = "broken off"

    def look(self, grammar: Grammar) -> None:
        """See what commands know of the line; it may be anything."""
        place = grammar.find(words_of(self.line[:LONGEST_LINE]))
        self.words = place.walked
        if (command := place.menu.command) is None:
            return
        self.changes = command.changes
        parameters = command.parameters
        takes_rest = bool(parameters) and parameters[-1].takes_rest
        if takes_rest or len(place.values) <= len(parameters):
            self.values = place.values

    def end(self, status: int, error: BaseException | None = None) -> None:
        self.status = status
        self.outcome = DONE if error is None else type(error).__name__


class Audit(Protocol):
    """The audit log, as a session uses it."""

    def submitted(self, attempt: Attempt) -> None:
        """Note that a line was submitted, and when."""

    def begins(self, attempt: Attempt) -> None:
        """Record that a changing command is about to run.

        Raises:
            CucmshError: it cannot be recorded, so it must not run.
        """

    def unread(self, lines: tuple[str, ...]) -> None:
        """Record what a change said where its output was not read; raises nothing."""

    def ended(self, attempt: Attempt) -> None:
        """Record what became of a line; says so if it cannot, and raises nothing."""
