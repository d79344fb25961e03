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
entry      how the caller came: a value of ``services.caller.WayIn``
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

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.events import Event, Severity, Sinks, Value
from cucmsh.services.caller import WayIn
from cucmsh.services.records.sinks import AUDIT

MOST_VALUES = 32


class Tried(Protocol):
    """A line that was submitted, as ``cucmsh.shell.audit`` describes it."""

    line: str
    words: tuple[str, ...]
    values: tuple[str, ...]
    status: int
    outcome: str


class AuditLog:
    """Records what one caller does on one node.

    Args:
        sinks: of the node.
        node: its name.
        now: the time, UTC.
        ticks: monotonic seconds.
        who: the caller, see ``cucmsh.shell.origin``; asked for once.
        warn: is told, once, that a line could not be kept.
    """

    def __init__(  # noqa: PLR0913 - collaborators, joined once by the app
        self,
        sinks: Sinks,
        node: str,
        now: Callable[[], datetime],
        ticks: Callable[[], float],
        *,
        who: Callable[[], Mapping[str, str]],
        warn: Callable[[str], None],
    ) -> None:
        self._sinks = sinks
        self._node = node
        self._now = now
        self._ticks = ticks
        self._find_out = who
        self._who: Mapping[str, str] = {}
        self._warn = warn
        self._has_complained = False
        self._since: dict[int, float] = {}
        self._is_open = False  # what runs now gets a record at its end
        self._has_begun = False  # and its beginning is recorded already

    def submitted(self, attempt: Tried) -> None:
        """Note the time; see ``cucmsh.shell.audit``."""
        self._since[id(attempt)] = self._ticks()
        self._is_open, self._has_begun = True, False

    def begins(self, attempt: Tried) -> None:
        """Record that it is about to run, or refuse to let it run."""
        self._require("begin", self._about(attempt))
        self._has_begun = True

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
        """Record how it ended; raises nothing, since it has been done."""
        seconds = self._ticks() - self._since.pop(id(attempt), self._ticks())
        about = self._about(attempt)
        about.update(status=attempt.status, outcome=attempt.outcome)
        self._is_open = self._has_begun = False
        self.note("command", {**about, "seconds": round(seconds, 3)})

    def note(self, event: str, about: Mapping[str, Value]) -> None:
        """Record an event; say so, once, if that cannot be done."""
        try:
            self._append(event, about)
        except CucmshError as problem:
            if not self._has_complained:
                self._warn(f"This is not recorded: {problem.message}")
            self._has_complained = True

    def noting(
        self, words: Sequence[str], *, is_change: bool = False
    ) -> AbstractContextManager[None]:
        """Record what the body does, at its end: for callers without a session.

        Raises:
            RefusedError: it is a change whose beginning cannot be recorded.
        """
        return self._recorded({"values": tuple(words)}, begins=is_change)

    @contextmanager
    def keeping(
        self, name: str, values: Sequence[str], *, is_change: bool
    ) -> Iterator[None]:
        """See ``cucmsh.services.caller.Record``.

        What a service manager or another node runs is recorded at its end only: a log
        that cannot be written keeps no TFTP service from starting (docs/decisions/034).
        What it only looks at is not recorded at all: other nodes ask often.
        """
        is_hook = self._caller()["entry"] == WayIn.HOOK
        if is_hook and not is_change:
            yield
            return
        about: dict[str, Value] = {"words": name, "values": tuple(values)}
        begins = is_change and not is_hook
        if not self._is_open:
            with self._recorded(about, begins=begins):
                yield
            return
        if begins and not self._has_begun:
            self._require("begin", about)
            self._has_begun = True
        yield

    @contextmanager
    def _recorded(self, about: Mapping[str, Value], *, begins: bool) -> Iterator[None]:
        if begins:
            self._require("begin", about)
        self._is_open, self._has_begun = True, begins
        outcome, since = "broken off", self._ticks()
        try:
            yield
            outcome = "done"
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self._is_open = self._has_begun = False
            seconds = round(self._ticks() - since, 3)
            ended: dict[str, Value] = {"outcome": outcome, "seconds": seconds}
            self.note("command", {**about, **ended})

    def _about(self, attempt: Tried) -> dict[str, Value]:
        found: dict[str, Value] = {
            "words": " ".join(attempt.words),
            "values": attempt.values[:MOST_VALUES],
            "characters": len(attempt.line),
        }
        if self._caller()["entry"] != WayIn.PROMPT:
            found["line"] = attempt.line
        return found

    def _caller(self) -> Mapping[str, str]:
        self._who = self._who or self._find_out()
        return self._who

    def _append(self, event: str, about: Mapping[str, Value]) -> None:
        parameters = {**self._caller(), **about}
        self._sinks.send(
            Event(
                AUDIT,
                event,
                Severity.INFORMATIONAL,
                self._node,
                self._now(),
                parameters,
            )
        )
