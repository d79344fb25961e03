"""The words behind a ``file`` command; each may be cut, as the original lets it be."""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.errors import UsageError
from cucmsh.shell.command import FAILED

TFTP, ACTIVELOG = "tftp", "activelog"


def options_of(text: str, known: Sequence[str], verb: str) -> set[str]:
    """The options that were typed, whole.

    Raises:
        UsageError: one is unknown, or is cut so short that it may be two.
    """
    return {option_of(word, known, verb) for word in text.split()}


def option_of(word: str, known: Sequence[str], verb: str) -> str:
    """The one option that begins so.

    Raises:
        UsageError: as ``options_of``.
    """
    found = [option for option in known if option.startswith(word.lower())]
    if len(found) == 1 or word.lower() in found:
        return word.lower() if word.lower() in found else found[0]
    raise UsageError(
        f"Incorrect optional parameter entered for {verb}\n{FAILED}",
        f"Options: {', '.join(known)}",
    )
