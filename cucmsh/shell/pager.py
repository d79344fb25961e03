"""A page at a time, in the original's bytes, for those who asked for it.

Starts no program and has three keys, and Ctrl-C, which ends the command; any other is
ignored (docs/security.md T3). The session puts it before the screen for a person,
or after pagination was turned on; a program that did not ask never meets it
(docs/clients.md G1, G2).
"""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.errors import CancelledError
from cucmsh.shell.dialog import CONTROL_C, EndOfInput
from cucmsh.shell.line import columns
from cucmsh.shell.screen import CLEAR_LINE
from cucmsh.shell.terminal import Size

_CTRL_C = "\x03"
_TAB_STOPS = 8
_PAUSE_COLUMNS = 64
PAUSE = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"


class ScreenPager:
    """Counts rows and waits for a key when the page is full.

    Args:
        send: writes text as it is.
        wait_for_key: one raw key; Enter is LF.
        size: the terminal's size, asked anew for each page.
    """

    def __init__(
        self,
        send: Callable[[str], None],
        wait_for_key: Callable[[], str],
        size: Callable[[], Size],
    ) -> None:
        self._send = send
        self._wait_for_key = wait_for_key
        self._size = size
        self._has_quit = False
        self._rows_left = 0
        self.restart()

    def restart(self) -> None:
        """Begin a new page: a question was asked, and somebody is reading."""
        self._has_quit = False
        self._rows_left = self._page()

    def show(self, text: str) -> None:
        """Write the text, with pauses; after `q` write nothing until a restart.

        Raises:
            CancelledError: Ctrl-C.
        """
        page = ""
        for line in text.splitlines(keepends=True):
            rows = self._rows_of(line)
            if self._rows_left < rows and not self._has_quit:
                self._send(page)
                page = ""
                self._pause()
            if self._has_quit:
                return
            page += line
            self._rows_left -= rows
        self._send(page)

    def _pause(self) -> None:
        self._send(PAUSE)
        try:
            key = self._wait_for_key()
            while key not in {" ", "\n", "q", _CTRL_C}:
                key = self._wait_for_key()
        except EndOfInput:
            key = "q"
        finally:
            self._send(CLEAR_LINE)
        if key == _CTRL_C:
            raise CancelledError(CONTROL_C)
        self._has_quit = key == "q"
        self._rows_left = self._page() if key == " " else 1

    def _page(self) -> int:
        size = self._size()  # anew: the terminal may have another one by now
        return max(size.rows - -(-_PAUSE_COLUMNS // size.columns), 1)

    def _rows_of(self, line: str) -> int:
        if not line.endswith("\n"):
            return 0  # the row counts when it is finished
        shown = line.rstrip("\n").expandtabs(_TAB_STOPS)
        return max(-(-sum(map(columns, shown)) // self._size().columns), 1)
