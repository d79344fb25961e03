"""What the verbs print and ask on the terminal, and secrets from a descriptor.

Verbs run without a session of the shell: their questions come from here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from cucmsh.errors import (
    CancelledError,
    CucmshError,
    HalfDoneError,
    RefusedError,
    UsageError,
)
from cucmsh.secret import Secret
from cucmsh.shell.answers import ATTEMPTS, is_yes
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.signals import deferred_interrupts, hang_ups

MOST_BYTES = 4096  # of all secrets together
WAITING = "Control-C pressed: a change is under way, and is finished first."


class Prompter(Protocol):
    """What a verb needs to say and ask; see ``TerminalPrompter``."""

    @property
    def helpful(self) -> bool: ...

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_secret(self, question: str, mask: str = "") -> Secret: ...

    def ask_again(self, question: str, reason: str) -> None: ...


class TerminalPrompter:
    """Asks on standard input, which may be a terminal or a pipe.

    Args:
        screen: where text and questions go.
        reader: where answers come from.
    """

    helpful = True

    @property
    def is_unread(self) -> bool:
        """Whether the output is closed: what was said reached nobody."""
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


@contextmanager
def terminal_prompter() -> Iterator[TerminalPrompter]:
    """Ask on this process's terminal; a question ends when it hangs up."""
    screen = Screen(1)
    reader = Reader(0, screen, time.monotonic)
    with hang_ups(reader.keyboard.end):
        yield TerminalPrompter(screen, reader)


def show(text: str, status: int = 0, unread: int = 1) -> int:
    """Print a text.

    Args:
        text: what a verb has to say; nothing is printed if it is empty.
        status: the exit status of the verb.
        unread: the status in place of 0 where the output is closed: nobody learned
            of the success.

    Returns:
        The exit status.
    """
    screen = Screen(1)
    if text:
        screen.say(text)
    return status or (unread if screen.is_gone else 0)


def warn(line: str) -> None:
    """Print a line on standard error; in systemd's journal it is an error."""
    error = "<3>" if _is_journal(2) else ""  # see SyslogLevelPrefix= in systemd.exec(5)
    Screen(2).say(f"{error}{line}")


def _is_journal(fd: int) -> bool:
    """Whether it is the journal's stream: JOURNAL_STREAM, see systemd.exec(5).

    A child of a service has the variable too, whatever its descriptors are.
    """
    stream = os.fstat(fd)
    return os.environ.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


def ask_twice(
    prompter: Prompter, what: str, require: Callable[[Secret], None] | None = None
) -> Secret:
    """A new password, typed twice.

    Args:
        prompter: asks.
        what: the question.
        require: raises RefusedError for a password that will not do.

    Raises:
        UsageError: three times two that differ, or that will not do; or once, where
            nobody can be asked again.
    """
    question = f"{what} :"
    for _ in range(ATTEMPTS):
        first = prompter.ask_secret(question)
        if not first:
            prompter.ask_again(question, "An empty password protects nothing.")
            continue
        try:
            if require:
                require(first)
        except RefusedError as refusal:
            prompter.ask_again(question, f"{refusal.message}\n{refusal.advice}")
            continue
        if first == prompter.ask_secret(f"{what} (again) :"):
            return first
        prompter.ask_again(question, "The two differ.")
    raise UsageError("No password was agreed on; nothing was made.")


def require_yes(prompter: Prompter, question: str, otherwise: str) -> None:
    """Ask, and go on only after the whole word ``yes``.

    Raises:
        CancelledError: another answer; its message is ``otherwise``.
    """
    if not is_yes(prompter, question):
        raise CancelledError(otherwise)


@contextmanager
def changing(prompter: Prompter, advice: str) -> Iterator[None]:
    """Defer Ctrl-C to the end of the body, and report an unexpected exception.

    Args:
        prompter: says that Ctrl-C has to wait.
        advice: what to do where the change broke off.

    Raises:
        HalfDoneError: in place of an exception that is no CucmshError: the change may
            be made in part.
    """
    with deferred_interrupts(lambda: prompter.say(WAITING)):
        try:
            yield
        except CucmshError:
            raise
        except Exception as problem:
            raise HalfDoneError(
                f"It broke off: {type(problem).__name__}. Something may be changed",
                advice,
            ) from problem


def read_secrets(
    descriptor: int, name: str, count: int, empty_from: int | None = None
) -> list[Secret]:
    """The first lines of an open descriptor: a pipe or a file of mode 0600.

    Args:
        descriptor: its number.
        name: of the option, for errors.
        count: of the lines that are needed.
        empty_from: which of them, counted from 0, may be empty, and all behind it:
            key files with an empty password are about. None: no line may be.

    Raises:
        UsageError: it is not open, or holds fewer lines, or empty ones.
    """
    needed = count if empty_from is None else empty_from
    raw = b""
    try:
        while len(raw) <= MOST_BYTES and (piece := os.read(descriptor, MOST_BYTES)):
            raw += piece
    except OSError as problem:
        raise UsageError(
            f"{name} {descriptor} cannot be read: {problem.strerror}",
            f"Open it in the call: ... {name} 3 3< FILE",
        ) from problem
    text = raw.decode("utf-8", "surrogateescape").removesuffix("\n")
    lines = text.split("\n")[:count] if raw else []
    if len(lines) < count or not all(lines[:needed]) or len(raw) > MOST_BYTES:
        raise UsageError(f"{name}: {count} line(s) are needed, a password each")
    return [Secret(line) for line in lines]
