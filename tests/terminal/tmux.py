"""A real terminal emulator around the toy: what a person sees, not what was sent.

Each has a tmux server of its own, with no configuration, which ends with it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.rigs.waiting import until
from tests.terminal.conftest import PROJECT, SECONDS, TOY


class Screen:
    """Keys in, rows out."""

    def __init__(self, folder: Path, rows: int = 24, columns: int = 80) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        toy = ["env", f"PYTHONPATH={PROJECT}", sys.executable, str(TOY)]
        size = ["-x", str(columns), "-y", str(rows)]
        self._call("new-session", "-d", *size, shlex.join(toy))

    def type(self, text: str) -> None:
        """Send the characters as they are."""
        self._call("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Send keys by tmux's names: Tab, Enter, C-r, Up."""
        self._call("send-keys", *keys)

    def resize(self, rows: int, columns: int) -> None:
        self._call("resize-window", "-x", str(columns), "-y", str(rows))

    def rows(self) -> list[str]:
        """What is on the screen now, without the empty rows at its end."""
        return self._call("capture-pane", "-p").rstrip("\n").split("\n")

    def await_rows(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the screen is as wanted; return it."""
        rows: list[str] = []

        def is_as_wanted() -> bool:
            rows[:] = self.rows()
            return holds(rows)

        try:
            until(is_as_wanted, "", SECONDS)
        except AssertionError:
            raise AssertionError("\n".join(("the screen stays", *rows))) from None
        return rows

    def await_last(self, row: str) -> list[str]:
        """Wait until this is the last row that is not empty."""
        return self.await_rows(lambda rows: rows[-1].rstrip() == row)

    def end(self) -> None:
        self._call("kill-server")

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=True
        )
        return done.stdout
