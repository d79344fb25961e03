"""The dialog of a session: `screen` says, `reader` asks.

Decides nothing; a command sees this object and no other part of the shell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cucmsh.shell.dialog import CONTROL_C, SessionSwitches
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.secret import Secret
from cucmsh.shell.signals import deferred_interrupts


class TerminalDialog:
    """What a command may do to the terminal; see the `Dialog` protocol."""

    def __init__(
        self, screen: Screen, reader: Reader, session: SessionSwitches, *, helpful: bool
    ) -> None:
        self._screen = screen
        self._reader = reader
        self.session = session
        self.helpful = helpful

    def say(self, text: str = "") -> None:
        self._screen.say(text)

    def write(self, text: str) -> None:
        self._screen.write(text)

    def ask(self, question: str) -> str:
        return self._reader.ask(question)

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        return self._reader.ask_secret(question, mask)

    def ask_key(self, question: str, keys: str, again: str) -> str:
        return self._reader.ask_key(question, keys, again)

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        with deferred_interrupts() as pressed:
            yield
        if pressed:
            self.say(f"{CONTROL_C}: the change had begun, and was finished.")
