"""The settings of one session: prompt, paging, progress; and its commands.

Commands see them through the `CommandSession` protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.shell.command import Command
from cucmsh.shell.grammar import Grammar

PROMPT = "admin:"  # no blank after it (docs/clients.md P1)
_PERSON_SECONDS = 1.0
_PROGRAM_SECONDS = 10.0  # docs/clients.md T3: they wait 5 to 30 for an answer


class SessionSettings:
    """What is turned on in one session.

    Attributes:
        pagination: see `CommandSession`.
        counts_commands: see there.
        command_count: how many commands have run.
        has_prompt: it is no single command.
        is_person: what only a person presses was pressed.
        may_end: when nobody types; otherwise it waits for ever.
    """

    def __init__(self, load_grammar: Callable[[], Grammar]) -> None:
        self._load_grammar = load_grammar
        self._grammar: Grammar | None = None
        self.pagination: bool | None = None
        self.counts_commands = False
        self.command_count = 0
        self.has_prompt = False
        self.is_person = False
        self.may_end = True

    @property
    def grammar(self) -> Grammar:
        """All commands, loaded when first asked for.

        Raises:
            CucmshError: they cannot be loaded.
        """
        if self._grammar is None:
            self._grammar = self._load_grammar()
        return self._grammar

    @property
    def is_paged(self) -> bool:
        """Whether long output stops: for people, and for those who asked for it."""
        return self.is_person if self.pagination is None else self.pagination

    @property
    def prompt(self) -> str:
        return f"({self.command_count}) {PROMPT}" if self.counts_commands else PROMPT

    def progress_delay_of(self, command: Command) -> float | None:
        """After how many seconds a command that still runs says so; None: never.

        A program is told only of changes, which may take longer than it waits.
        """
        if self.is_person:
            return _PERSON_SECONDS
        return _PROGRAM_SECONDS if command.changes and self.has_prompt else None
