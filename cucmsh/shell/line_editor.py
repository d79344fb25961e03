"""What a session asks of the editor that reads prompts for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from cucmsh.shell.grammar import Grammar
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen


class LineEditor(Protocol):
    """Reads prompts for a person."""

    def read_line(self, prompt: str, typed: str, pending: str) -> tuple[str, str]:
        """Go on with a line; return it, and the keys that came after its Enter.

        Raises:
            CancelledError: Ctrl-C.
            EndOfInput: Ctrl-D on an empty line, or the end of the input.
        """

    def end(self) -> None:
        """End the input, from a signal handler."""


OpenEditor = Callable[["Grammar", Any, "Screen", "Reader", list[str]], LineEditor]
