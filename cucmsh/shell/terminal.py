"""The kernel's terminal settings: changed for a session, restored after it.

Writes and flushes nothing: what is typed ahead is never lost. Where the descriptor is
no terminal, everything here does nothing.

While it is held: the kernel echoes nothing (so there is no moment at which a password
could be, docs/security.md T25), hands over every byte as it comes, makes no LF of
CR, stops for no Ctrl-S, and still makes CR LF of LF on the way out. Ctrl-C is a byte
while somebody reads and a signal, which flushes nothing, while a command runs. Ctrl-Z
and Ctrl-backslash are bytes always (T4).
"""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

_LARGEST = 1000  # rows or columns; the client sends any number it likes (T5)
_IFLAG, _OFLAG, _LFLAG, _CC = 0, 1, 3, 6
_INPUT_OFF = (
    termios.ICRNL
    | termios.INLCR
    | termios.IGNCR
    | termios.ISTRIP
    | termios.IXON
    | termios.IXOFF
)
_LOCAL_OFF = (
    termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG
)


class Size(NamedTuple):
    """Rows and columns, each between 1 and 1000."""

    rows: int
    columns: int


class Terminal:
    """The settings of one file descriptor, open for reading."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_terminal = os.isatty(fd)
        self._saved: list[Any] | None = None
        self._interrupts = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take the terminal, and restore it however the block ends; may be nested."""
        if not self.is_terminal or self._saved is not None:
            yield
            return
        self._saved = termios.tcgetattr(self.fd)
        try:
            self._apply(_own_settings(self._saved))
            yield
        finally:
            saved, self._saved, self._interrupts = self._saved, None, False
            self._apply(saved)

    @contextmanager
    def interrupts(self, wanted: bool) -> Iterator[None]:
        """Let Ctrl-C be a signal (True) or a byte (False) for the block."""
        before = self._interrupts
        self._set_interrupts(wanted)
        try:
            yield
        finally:
            self._set_interrupts(before)

    def size(self) -> Size:
        """Return the size, 24 by 80 where the terminal does not say (E6)."""
        try:
            columns, rows = os.get_terminal_size(self.fd)
        except OSError:
            columns, rows = 0, 0
        return Size(min(rows or 24, _LARGEST), min(columns or 80, _LARGEST))

    def _set_interrupts(self, wanted: bool) -> None:
        if self._saved is None or wanted == self._interrupts:
            return
        self._interrupts = wanted
        settings = _own_settings(self._saved)
        if wanted:
            settings[_LFLAG] |= termios.ISIG | termios.NOFLSH
        self._apply(settings)

    def _apply(self, settings: list[Any]) -> None:
        with suppress(termios.error):  # the line is gone, and its settings with it
            termios.tcsetattr(self.fd, termios.TCSANOW, settings)


def _own_settings(saved: list[Any]) -> list[Any]:
    settings = [*saved[:_CC], list(saved[_CC])]
    settings[_IFLAG] &= ~_INPUT_OFF
    settings[_OFLAG] |= termios.OPOST | termios.ONLCR
    settings[_LFLAG] &= ~_LOCAL_OFF
    keys = settings[_CC]
    keys[termios.VMIN], keys[termios.VTIME] = 1, 0
    keys[termios.VINTR] = b"\x03"
    keys[termios.VQUIT] = keys[termios.VSUSP] = b"\x00"  # _POSIX_VDISABLE on Linux
    return settings
