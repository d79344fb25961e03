"""A line of progress while a lab starts: for a person, who waits seconds for it.

It is plain text that grows, on standard error, if that is a terminal: no redraw, no
escape byte (docs/decisions/001), and nothing where a program reads.
"""

from __future__ import annotations

import os

from cucmsh.shell.screen import Screen

_STDERR = 2


class Progress:
    """One line; nothing off a terminal.

    Args:
        title: its first words.
        fd: where it goes.
    """

    def __init__(self, title: str, fd: int = _STDERR) -> None:
        self._screen = Screen(fd) if os.isatty(fd) else None
        self._begin = title
        self._is_open = False

    def step(self, word: str) -> None:
        """What is begun now."""
        if self._screen is not None:
            lead = ", " if self._is_open else f"{self._begin}: "
            self._screen.write(f"{lead}{word}")
            self._is_open = True

    def end(self) -> None:
        """The line is over, whether or not the lab has started."""
        if self._screen is not None and self._is_open:
            self._screen.say()
        self._is_open = False
