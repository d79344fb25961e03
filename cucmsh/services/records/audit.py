"""The record of commands: HOME/log/audit, one line of JSON each, only ever appended to.

Every line is ASCII and holds its own quotes, line ends and escape bytes as JSON
escapes, so that no content can look like another line (docs/security.md T13).
Each is one write, and each opens the file: who rotates it renames it. An empty line
means nothing. Holds no answer to a question, so no secret.

=========  ==========================================================================
key        value, a text but for ``status``, ``characters``, ``seconds`` (numbers) and
           ``values``, ``said`` (lists)
=========  ==========================================================================
at         UTC, ISO 8601
event      ``login``, ``begin`` (a changing command is about to run), ``command`` (a
           line was dealt with), ``unread`` (what a change said, as nobody took its
           output), ``logout``
entry      ``prompt``, ``command`` (``-c``), ``exec`` (SSH), ``hook`` or ``node``
pid uid    of the process; and if known ``user``, ``login_uid``, ``sudo``, ``ssh``,
           ``tty``
words      of the line, as far as commands know them
values     the parameters
characters of the line
line       the line itself, if nobody typed it at a prompt
status     exit status
outcome    ``done``, or the name of the error
seconds    from submission to end
said       the last 200 lines that a change said
=========  ==========================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.layout import AUDIT_FILE
from cucmsh.storage.local import LocalStore

MOST_CHARACTERS = 1024  # of one text
MOST_VALUES = 32

Value = str | int | float | tuple[str, ...]


class Tried(Protocol):
    """A line that was submitted, as ``cucmsh.shell.audit`` describes it."""

    line: str
    words: tuple[str, ...]
    values: tuple[str, ...]
    status: int
    outcome: str


class AuditLog:
    """Appends to the record of one node.

    Args:
        home: the node's store.
        stamp: the time, as it is written.
        ticks: monotonic seconds.
        who: the caller, see ``cucmsh.shell.origin``; asked for once.
        complain: is told, once, that a line could not be kept.
    """

    def __init__(
        self,
        home: LocalStore,
        stamp: Callable[[], str],
        ticks: Callable[[], float],
        who: Callable[[], Mapping[str, str]],
        complain: Callable[[str], None],
    ) -> None:
        self._home = home
        self._stamp = stamp
        self._ticks = ticks
        self._find_out = who
        self._who: Mapping[str, str] = {}
        self._complain = complain
        self._has_complained = False
        self._since: dict[int, float] = {}

    def submitted(self, attempt: Tried) -> None:
        """Note the time; see ``cucmsh.shell.audit``."""
        self._since[id(attempt)] = self._ticks()

    def begins(self, attempt: Tried) -> None:
        """Record that it is about to run, or keep it from running."""
        self._require("begin", self._about(attempt))

    def _require(self, event: str, about: Mapping[str, Value]) -> None:
        try:
            self._append(event, about)
        except CucmshError as problem:
            raise RefusedError(
                f"It cannot be recorded, so it was not run: {problem.message}",
                problem.advice,
            ) from problem

    def unread(self, lines: tuple[str, ...]) -> None:
        """Record what a change said: its caller was gone, or did not read."""
        self.note("unread", {"said": lines})

    def ended(self, attempt: Tried) -> None:
        """Record what became of it; what is done is done, so this refuses nothing."""
        seconds = self._ticks() - self._since.pop(id(attempt), self._ticks())
        about = self._about(attempt)
        about.update(status=attempt.status, outcome=attempt.outcome)
        self.note("command", {**about, "seconds": round(seconds, 3)})

    def note(self, event: str, about: Mapping[str, Value]) -> None:
        """Record an event; complain if that cannot be done."""
        try:
            self._append(event, about)
        except CucmshError as problem:
            if not self._has_complained:
                self._complain(f"This is not recorded: {problem.message}")
            self._has_complained = True

    @contextmanager
    def noting(
        self, words: Sequence[str], *, is_change: bool = False
    ) -> Iterator[None]:
        """Record what the body does, at its end: for what no session runs.

        Raises:
            RefusedError: it is a change whose beginning cannot be recorded.
        """
        if is_change:
            self._require("begin", {"values": tuple(words)})
        outcome, since = "broken off", self._ticks()
        try:
            yield
            outcome = "done"
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = round(self._ticks() - since, 3)
            ended: dict[str, Value] = {"outcome": outcome, "seconds": seconds}
            self.note("command", {"values": tuple(words), **ended})

    def _about(self, attempt: Tried) -> dict[str, Value]:
        found: dict[str, Value] = {
            "words": " ".join(attempt.words),
            "values": attempt.values[:MOST_VALUES],
            "characters": len(attempt.line),
        }
        if self._caller()["entry"] != "prompt":
            found["line"] = attempt.line
        return found

    def _caller(self) -> Mapping[str, str]:
        self._who = self._who or self._find_out()
        return self._who

    def _append(self, event: str, about: Mapping[str, Value]) -> None:
        moment = {"at": self._stamp(), "event": event}
        record = {**moment, **self._caller(), **about}
        line = json.dumps({name: _bounded(value) for name, value in record.items()})
        # json leaves DEL as it is, and the log's own escape for it is not JSON.
        self._home.append(AUDIT_FILE, line.replace("\x7f", "\\u007f"))


def _bounded(value: Value) -> Value:
    """The value with each of its texts cut to ``MOST_CHARACTERS``."""
    if isinstance(value, str):
        return value[:MOST_CHARACTERS]
    if isinstance(value, tuple):
        return tuple(each[:MOST_CHARACTERS] for each in value)
    return value
