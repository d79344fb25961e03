"""What `help` says, in the original's layout, wrapped at words.

But for one thing: examples have no prompt before them. Programs take any line that
begins with one for a prompt (docs/cli.md#editing, docs/clients.md P4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cucmsh.shell.command import EXAMPLE, Command
from cucmsh.shell.line import columns as columns_of

_GAP = 2
_DEEPER = 4  # the second line of a name that is longer than a line
_NAMES_PERCENT = 45  # of a line, at most; the rest is for what is said of them


def help_lines(
    named: Command | None, found: Sequence[Command], columns: int
) -> Iterator[str]:
    """The command that was named, then the others, a line each.

    Args:
        named: is explained; None where no whole command was named.
        found: all that begin with what was named, itself included.
        columns: how wide a line may be. A word that is longer stays whole.
    """
    if named is not None:
        yield from _explained(named, columns)
    others = [entry for entry in found if entry is not named]
    rows = [(entry.phrase, entry.summary) for entry in others]
    yield from _table(rows, " " * _GAP, columns)


def wrapped(text: str, columns: int, indent: str = "", first: str = "") -> list[str]:
    """The words of a text in lines of so many columns.

    Args:
        text: its own line ends count as blanks.
        columns: a longer word stays whole on a line of its own.
        indent: stands before each line but the first.
        first: stands before the first one.
    """
    lines, line, is_empty = [], first, True
    for word in text.split():
        piece = word if is_empty else f" {word}"
        if not is_empty and _width(line) + _width(piece) > columns:
            lines.append(line)
            line, piece = indent, word
        line += piece
        is_empty = False
    return [*lines, line.rstrip()]


def _explained(entry: Command, columns: int) -> Iterator[str]:
    plain = [" ".join(choices) for choices in entry.words if len(choices) == 1]
    yield f"{' '.join(plain)} help:"
    yield from wrapped(entry.summary, columns)
    for paragraph in filter(None, entry.description.split("\n\n")):
        yield ""
        yield from wrapped(paragraph, columns)
    if options := entry.options:
        yield "\noptions are:"
        yield from _table(list(options.items()), " - ", columns)
    if entry.examples:
        yield f"\n{EXAMPLE}"
        yield from entry.examples


def _table(rows: Sequence[tuple[str, str]], gap: str, columns: int) -> Iterator[str]:
    """Names and their texts side by side; the text below a name that is too long."""
    most = columns * _NAMES_PERCENT // 100
    widths = [len(name) for name, _ in rows if len(name) <= most]
    width = max(widths, default=_GAP)
    indent = " " * (width + len(gap))
    for name, text in rows:
        first = f"{name.ljust(width)}{gap}"
        if len(name) > width:
            yield from wrapped(name, columns, " " * _DEEPER)
            first = indent
        yield from wrapped(text, columns, indent, first)


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(columns_of, text))
