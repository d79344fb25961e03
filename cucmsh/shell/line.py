"""One line while it is typed: what it holds, and the echo of each key. No I/O.

What is echoed is what the line holds: a character that cannot be shown is echoed as an
escape (and refused later, by the grammar). Holds at most one character more than the
longest line, which marks it as too long; what does not fit is not echoed. Echo has no
escape bytes and takes no account of the terminal's width (docs/clients.md E5, E6).
"""

from __future__ import annotations

from cucmsh.shell.screen import visible

LONGEST_LINE = 1024  # characters (docs/security.md T14)
ERASE_KEYS = frozenset("\x7f\x08")
KILL_KEY = "\x15"  # Ctrl-U: some programs send it to be sure of an empty line
_WIDE = (  # two columns: East Asian scripts and pictographs, in blocks
    (0x1100, 0x115F),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F),
    (0xFF00, 0xFF60),
    (0x1F300, 0x1FAFF),
    (0x20000, 0x3FFFD),
)
_COMBINING = (0x0300, 0x036F)


class TypedLine:
    """A line being typed; with a `mask`, each character is echoed as that text."""

    def __init__(self, mask: str | None = None) -> None:
        self._mask = mask
        self._chars: list[str] = []
        self._echoes: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._chars)

    @property
    def is_too_long(self) -> bool:
        return len(self._chars) > LONGEST_LINE

    def press(self, key: str) -> str:
        """Take a key and return its echo."""
        if key in ERASE_KEYS:
            return self._erase()
        if key == KILL_KEY:
            return "".join(self._erase() for _ in tuple(self._chars))
        if self.is_too_long:
            return ""
        echo = visible(key) if self._mask is None else self._mask
        if key == "\t":
            echo = r"\x09"  # a real one has no width that Backspace could undo
        self._chars.append(key)
        self._echoes.append(echo)
        return echo

    def _erase(self) -> str:
        if not self._chars:
            return ""
        self._chars.pop()
        return "\b \b" * sum(map(columns, self._echoes.pop()))


def columns(char: str) -> int:
    """Return how many columns a character takes on a terminal."""
    code = ord(char)
    if code < _COMBINING[0]:
        return 1
    if code <= _COMBINING[1]:
        return 0
    return 2 if any(first <= code <= last for first, last in _WIDE) else 1
