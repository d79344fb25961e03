"""TOML, read without its library where a few plain forms are all there is.

The library costs a third of the time to the prompt, since it needs ``re`` and
``typing`` (performance.md section 8 row 1). A file of comments, table headers and
one-line values (basic strings without escapes, decimal numbers, booleans, arrays and
inline tables of those) is read here; anything else, and so every error, is the
library's. A test holds that both read the same.
"""

from __future__ import annotations

from cucmsh.shapes import Any

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
DIGITS = frozenset("0123456789")
MAX_DIGITS = 15
BLANK = " \t"


class _NotPlain(Exception):  # noqa: N818 - not an error: the library reads it then
    """Something that only the library understands, or refuses."""


def loads(raw: bytes) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ValueError: it is no TOML (``tomllib.TOMLDecodeError``), or no UTF-8.
    """
    text = raw.decode()
    try:
        return _plain(text)
    except _NotPlain:
        import tomllib  # noqa: PLC0415 - see above

        return tomllib.loads(text)


def _plain(text: str) -> dict[str, Any]:
    top: dict[str, Any] = {}
    table = top
    made: set[str] = set()
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.isprintable() and not line.replace("\t", " ").isprintable():
            raise _NotPlain
        words = line.strip(BLANK)
        if not words or words[0] == "#":
            continue
        if words[0] == "[":
            table = _opened(top, words, made)
            continue
        reader = _Reader(words)
        key, value = reader.pair()
        reader.end()
        if key in table:
            raise _NotPlain
        table[key] = value
    return top


def _opened(top: dict[str, Any], line: str, made: set[str]) -> dict[str, Any]:
    """The table that a header opens: ``[a.b]``, or one more of ``[[a.b]]``."""
    is_entry = line.startswith("[[")
    size = 2 if is_entry else 1
    if not line.endswith("]" * size):
        raise _NotPlain
    name = line[size:-size]
    *parents, last = name.split(".")
    if not all(part and LETTERS.issuperset(part) for part in (*parents, last)):
        raise _NotPlain
    table = top
    for part in parents:
        # Only below a plain table with a header of its own; the rest is rare.
        below = table.get(part)
        if not isinstance(below, dict):
            raise _NotPlain
        table = below
    if parents and ".".join(parents) not in made:
        raise _NotPlain
    opened: dict[str, Any] = {}
    if is_entry:
        if last in table and f"[{name}]" not in made:
            raise _NotPlain
        made.add(f"[{name}]")
        table.setdefault(last, []).append(opened)
    else:
        if last in table:
            raise _NotPlain
        made.add(name)
        table[last] = opened
    return opened


class _Reader:
    """One line, from left to right."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def pair(self) -> tuple[str, Any]:
        start = self._at
        while self._peek() in LETTERS:
            self._at += 1
        key = self._line[start : self._at]
        if not key:
            raise _NotPlain
        self._skip()
        self._take("=")
        self._skip()
        return key, self._value()

    def end(self) -> None:
        self._skip()
        if self._peek() not in ("", "#"):
            raise _NotPlain

    def _peek(self) -> str:
        return self._line[self._at : self._at + 1]

    def _take(self, expected: str) -> None:
        if self._peek() != expected:
            raise _NotPlain
        self._at += 1

    def _skip(self) -> None:
        while self._peek() in (" ", "\t"):
            self._at += 1

    def _value(self) -> Any:
        match self._peek():
            case '"':
                return self._text()
            case "[":
                return self._several("]", self._value)
            case "{":
                pairs = self._several("}", self.pair)
                found = dict(pairs)
                if len(found) != len(pairs):
                    raise _NotPlain
                return found
        return self._word()

    def _text(self) -> str:
        end = self._line.find('"', self._at + 1)
        text = self._line[self._at + 1 : end]
        if end < 0 or "\\" in text or "\t" in text:
            raise _NotPlain
        self._at = end + 1
        if not text and self._peek() == '"':  # a text of several lines
            raise _NotPlain
        return text

    def _several(self, close: str, read: Any) -> list[Any]:
        self._at += 1
        found: list[Any] = []
        self._skip()
        while self._peek() != close:
            if found:
                self._take(",")
                self._skip()
            found.append(read())
            self._skip()
        self._at += 1
        return found

    def _word(self) -> Any:
        start = self._at
        while self._peek() in LETTERS:
            self._at += 1
        word = self._line[start : self._at]
        if word in ("true", "false"):
            return word == "true"
        is_number = word and DIGITS.issuperset(word) and len(word) <= MAX_DIGITS
        if not is_number or (word[0] == "0" and word != "0") or self._peek() == ".":
            raise _NotPlain
        return int(word)
