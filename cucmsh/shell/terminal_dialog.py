"""The dialog of a session: `screen` says, `reader` asks.

Decides nothing; a command sees this object and no other part of the shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from cucmsh.shapes import TYPE_CHECKING
from cucmsh.shell.dialog import CONTROL_C, SessionSwitches
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.secret import Secret
from cucmsh.shell.signals import deferred_interrupts

if TYPE_CHECKING:
    from cucmsh.shell.json_result import JsonResult


class TerminalDialog:
    """What a command may do to the terminal; see the `Dialog` protocol."""

    def __init__(
        self, screen: Screen, reader: Reader, session: SessionSwitches, *, helpful: bool
    ) -> None:
        self._screen = screen
        self._reader = reader
        self.session = session
        self.helpful = helpful
        self.json: JsonResult | None = None

    def say(self, text: str = "") -> None:
        self._screen.say(text)

    def write(self, text: str) -> None:
        self._screen.write(text)

    def result(
        self,
        lines: Callable[[], Iterable[str]],
        document: Callable[[], Mapping[str, object]],
    ) -> None:
        if self.json is not None:
            self.json.take(document())
            return
        for line in lines():
            self._screen.say(line)

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
