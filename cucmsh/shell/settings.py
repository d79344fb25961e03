"""How a session behaves: its commands, its prompt, when it pages, when it is patient.

Reads and writes nothing. It is what commands see of their session: see the
`SessionSwitches` protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.shell.command import Command
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.limits import PROMPT

_PERSON_SECONDS = 1.0
_PROGRAM_SECONDS = 10.0  # docs/clients.md T3: they wait 5 to 30 for an answer


class SessionSettings:
    """What is turned on in one session.

    Attributes:
        pagination: see `SessionSwitches`.
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
        """Return how long nothing may be said, in seconds; None: as long as it takes.

        A program gets what it asked for and nothing else, unless a change is so slow
        that it would give up.
        """
        if self.is_person:
            return _PERSON_SECONDS
        return _PROGRAM_SECONDS if command.changes and self.has_prompt else None
