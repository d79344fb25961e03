"""What others wrote (a server's texts, names of files), as a message may show it.

Quoted, escaped and cut, so that nobody can write to a terminal or end a line with it.
"""

from __future__ import annotations

SHOWN = 80  # characters of a text


def shown(text: str) -> str:
    """Another's text as a message may show it: quoted, escaped, not long."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def shown_names(names: list[str]) -> str:
    """Names of login methods; one that is no plain name is shown escaped."""
    texts = [
        name if name.isascii() and name.isprintable() else shown(name)
        for name in names
        if name
    ]
    return ", ".join(texts)[: 4 * SHOWN] or "nothing"
