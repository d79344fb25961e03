"""Questions of ``init`` and ``node``, and secrets from a descriptor. Keeps none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from cucmsh.errors import CancelledError, RefusedError, UsageError
from cucmsh.secret import Secret
from cucmsh.shell.answers import ATTEMPTS, is_yes
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen

MOST_BYTES = 4096  # of all secrets together


class Asking(Protocol):
    """A dialog without a session."""

    @property
    def helpful(self) -> bool: ...

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_secret(self, question: str, mask: str = "") -> Secret: ...

    def ask_again(self, question: str, reason: str) -> None: ...


class TerminalAsking:
    """The dialog on a terminal, or on whatever stands in for one."""

    helpful = True

    @property
    def is_unread(self) -> bool:
        """Whether something that was said reached nobody."""
        return self._screen.is_gone

    def __init__(self, screen: Screen, reader: Reader) -> None:
        self._screen = screen
        self._reader = reader

    def say(self, text: str = "") -> None:
        self._screen.say(text)

    def ask(self, question: str) -> str:
        return self._reader.ask(question)

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        return self._reader.ask_secret(question, mask)

    def ask_again(self, question: str, reason: str) -> None:
        self._reader.ask_again(question, reason)
        self._screen.say(reason)


def ask_twice(
    asking: Asking, what: str, require: Callable[[str], None] | None = None
) -> Secret:
    """A new password, typed twice.

    Args:
        asking: the dialog.
        what: the question.
        require: raises RefusedError for a password that will not do.

    Raises:
        UsageError: three times two that differ, or that will not do; or once, where
            nobody can be asked again.
    """
    question = f"{what} :"
    for _ in range(ATTEMPTS):
        first = asking.ask_secret(question)
        if not first:
            asking.ask_again(question, "An empty password protects nothing.")
            continue
        try:
            if require:
                require(first.reveal())
        except RefusedError as refusal:
            asking.ask_again(question, f"{refusal.message}\n{refusal.advice}")
            continue
        if first == asking.ask_secret(f"{what} (again) :"):
            return first
        asking.ask_again(question, "The two differ.")
    raise UsageError("No password was agreed on; nothing was made.")


def require_yes(asking: Asking, question: str, otherwise: str) -> None:
    """Go on only after the whole word ``yes``."""
    if not is_yes(asking, question):
        raise CancelledError(otherwise)


def read_secrets(descriptor: int, name: str, count: int) -> list[Secret]:
    """The first lines of an open descriptor: a pipe or a file of mode 0600.

    Raises:
        UsageError: it is not open, or holds fewer lines, or empty ones.
    """
    raw = b""
    try:
        while len(raw) <= MOST_BYTES and (piece := os.read(descriptor, MOST_BYTES)):
            raw += piece
    except OSError as problem:
        raise UsageError(
            f"{name} {descriptor} cannot be read: {problem.strerror}",
            f"Open it in the call: ... {name} 3 3< FILE",
        ) from problem
    lines = raw.decode("utf-8", "surrogateescape").split("\n")[:count]
    if len(lines) < count or not all(lines) or len(raw) > MOST_BYTES:
        raise UsageError(f"{name}: {count} line(s) are needed, a password each")
    return [Secret(line) for line in lines]
