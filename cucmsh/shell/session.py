"""Prompt, read, run, prompt again: one session, from first prompt to exit status.

Starts with the plain reader. At the first key that only a person presses, `open_editor`
imports the editor, which reads the prompts from then on. No exception of a command ends
a session or shows a traceback: all are caught here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from cucmsh.errors import (
    BrokenProgramError,
    CancelledError,
    CucmshError,
    HalfDoneError,
    is_import_failure,
)
from cucmsh.shell.audit import Attempt, Audit
from cucmsh.shell.command import FAILED, Command
from cucmsh.shell.dialog import CONTROL_C, EndOfInput, EndSession
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.json_result import JsonResult
from cucmsh.shell.pager import ScreenPager
from cucmsh.shell.pasted import begins_block, refused_block
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen, in_a_change, visible
from cucmsh.shell.settings import SessionSettings
from cucmsh.shell.signals import hang_ups
from cucmsh.shell.terminal_dialog import TerminalDialog

_REMEMBERED = 1000  # lines, for the editor's history
_REPORTED = 200  # lines that a change said last, for the log
# Around what else is to be done first, such as to install anew.
_MAY_HAVE_CHANGED = "It may have changed something by then."
_AGAIN = "Run it again: it finishes what is left."


class LineEditor(Protocol):
    """Reads prompts for a person; see `editor`, which is imported when one comes."""

    def read_line(self, prompt: str, typed: str, pending: str) -> tuple[str, str]:
        """Go on with a line; return it, and the keys that came after its Enter.

        Raises:
            CancelledError: Ctrl-C.
            EndOfInput: Ctrl-D on an empty line, or the end of the input.
        """

    def end(self) -> None:
        """End the input, from a signal handler."""


OpenEditor = Callable[[Grammar, Any, Screen, Reader, list[str]], LineEditor]


class Session:
    """One person or program at one prompt.

    Args:
        load_grammar: gives all commands; called once, when the first prompt already
            stands: a login pays for every import before it.
        context: handed to commands, untouched.
        screen: where to write.
        reader: where to read.
        guard: raises a `CucmshError` to refuse a command before it runs.
        helpful: False when only what the original says may be said.
        open_editor: imports and makes the editor, when a person comes; gets the lines
            typed before.
        on_internal_error: is told what the person is not; must not raise.
        idle_seconds: gives how long a key is waited for; the session ends then.
        audit: keeps the record of what was submitted.
        remarks: warnings from loading the commands; said when the first line was typed,
            for the prompt stands before they are loaded.
    """

    def __init__(  # noqa: PLR0913  # the app joins everything here, once
        self,
        load_grammar: Callable[[], Grammar],
        context: Any,
        screen: Screen,
        reader: Reader,
        *,
        guard: Callable[[Command], None],
        helpful: bool,
        open_editor: OpenEditor,
        on_internal_error: Callable[[BaseException], None],
        audit: Audit,
        remarks: list[str] | None = None,
        idle_seconds: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.settings = SessionSettings(load_grammar)
        self._context = context
        self._screen = screen
        self._reader = reader
        self._guard = guard
        self._helpful = helpful
        self._open_editor = open_editor
        self._on_internal_error = on_internal_error
        self._idle_seconds = idle_seconds
        self._audit = audit
        self._remarks = [] if remarks is None else remarks
        self._dialog = TerminalDialog(screen, reader, self.settings, helpful=helpful)
        self._editor: LineEditor | None = None
        self._lines: list[str] = []
        self._has_changed = False

    def run(self) -> int:
        """Serve the prompt until it is left; return the exit status."""
        with hang_ups(self._end, owns_terminal=True), self._reader.held():
            self.settings.has_prompt = True
            if self.settings.may_end:
                self._reader.keyboard.idle_seconds = self._idle_seconds()
            status = None
            while status is None:
                status = self._turn()
            self._say_if_idle()
            self._screen.flush()
            return status

    def run_line(self, line: str, json: JsonResult | None = None) -> int:
        """Run one command without a prompt; return its exit status.

        Output that could not be written makes a success a failure; one that changed
        something is then partly done, for whoever asked does not know of it. With
        `json` that is what matters; the screen has progress and questions only.
        """
        self._dialog.json = json
        with hang_ups(self._end), self._reader.held():
            self._reader.keyboard.idle_seconds = self._idle_seconds()
            try:
                status = self._execute(line)
            except EndSession as ending:
                status = ending.status
            except EndOfInput as ending:
                status = self._refuse(ending)
            self._say_if_idle()
            if json is not None:
                with self._limited():
                    json.send(status)
                self._record_unread()
        lost = 3 if self._has_changed else 1
        is_lost = (json.out if json else self._screen).is_gone
        return status or (lost if is_lost else 0)

    def _turn(self) -> int | None:
        """Read and run one line; return a status when the session is over."""
        try:
            line = self._without_block(self._next_line())
            self._remember(line)
        except EndOfInput:
            return 0
        except (CancelledError, KeyboardInterrupt):
            return None
        except CucmshError as error:  # a pack that cannot be loaded: nothing to run
            return self._refuse(error)
        try:
            status = self._execute(line) if line.strip(" ") else 0
        except EndSession as ending:
            return ending.status
        except EndOfInput as ending:
            return ending.exit_status
        return status if self._screen.is_gone else None

    def _without_block(self, line: str) -> str:
        """The line; an empty one where a PEM block was pasted, which is refused."""
        if not begins_block(line):
            return line
        self._reader.skip_block(line)
        self._refuse(refused_block(line))
        return ""

    def _next_line(self) -> str:
        typed, pending = "", ""
        if self._editor is None:
            self._reader.prompt(self.settings.prompt)
            line = self._reader.read_line(self.settings.grammar.is_help_request)
            if isinstance(line, str):
                return line
            typed, pending = line
            self._editor = self._open_editor(
                self.settings.grammar,
                self._context,
                self._screen,
                self._reader,
                self._lines,
            )
            self.settings.is_person = True
        else:
            pending = self._keys_before_the_editor()
        self._screen.pager = self._new_pager()  # for what Tab lists
        prompt = self.settings.prompt
        try:
            line, unread = self._editor.read_line(prompt, typed, pending)
        finally:
            self._screen.pager = None
        self._reader.keyboard.give_back(unread)
        return line

    def _say_if_idle(self) -> None:
        keyboard = self._reader.keyboard
        if keyboard.was_idle and keyboard.idle_seconds is not None:
            self._screen.end_line()
            minutes = keyboard.idle_seconds / 60
            self._screen.say(
                f"Nothing was typed for {minutes:g} min: the session ends."
            )

    def _keys_before_the_editor(self) -> str:
        keyboard = self._reader.keyboard
        keyboard.settle()
        if keyboard.has_ended:
            raise EndOfInput
        return keyboard.take_waiting()

    def _remember(self, line: str) -> None:
        if line.strip(" "):
            self._lines.append(line)
        del self._lines[:-_REMEMBERED]

    def _execute(self, line: str) -> int:
        attempt = Attempt(line)
        self._audit.submitted(attempt)
        while self._remarks:
            self._screen.say(self._remarks.pop(0))
        try:
            return self._attempt(attempt)
        finally:
            if self._dialog.json is None:
                self._record_unread()
            self._audit.ended(attempt)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Bound the wait for a slow terminal while a change runs and holds locks."""
        if self._dialog.said is None:
            yield
            return
        with in_a_change():
            yield

    def _record_unread(self) -> None:
        """Write to the audit log what a change said, if its output was not read."""
        json, said = self._dialog.json, self._dialog.said
        is_gone = self._screen.is_gone or (json is not None and json.out.is_gone)
        if said and is_gone:
            self._audit.unread(tuple(map(visible, said)))
            said.clear()

    def _attempt(self, attempt: Attempt) -> int:
        self._dialog.said, self._dialog.has_begun = None, False
        try:
            grammar = self.settings.grammar
            attempt.look(grammar)
            call = grammar.parse(attempt.line)
            if self._dialog.json is not None:
                self._dialog.json.require(call.command, grammar.commands)
            self._guard(call.command)
            self._dialog.said = (
                deque(maxlen=_REPORTED) if call.command.changes else None
            )
            if call.command.changes:
                self._audit.begins(attempt)
            self.settings.command_count += 1
            self._screen.pager = self._new_pager(is_wanted=call.wants_pages)
            delay = self.settings.progress_delay_of(call.command)
            self._dialog.progress_after_seconds = delay
            with self._limited(), self._reader.interruptible():
                status = call.command.function(
                    self._dialog, self._context, *call.arguments
                )
            self._has_changed = call.command.changes and status != 1
        except EndSession as ending:
            attempt.end(ending.status)
            raise
        except EndOfInput as ending:
            attempt.end(ending.exit_status, ending)
            raise
        except CucmshError as error:
            attempt.end(error.exit_status, error)
            return self._refuse(error)
        except KeyboardInterrupt as interrupt:
            attempt.end(CancelledError.exit_status, interrupt)
            return self._refuse(CancelledError(CONTROL_C))
        except Exception as error:  # noqa: BLE001  # the one place, by design
            self._on_internal_error(error)
            broken = self._broken_off(error)
            attempt.end(broken.exit_status, error)
            return self._refuse(broken)
        finally:
            self._screen.pager = None
        attempt.end(status or 0)
        return attempt.status

    def _broken_off(self, error: Exception) -> CucmshError:
        """What a person is told of an error that no command foresaw.

        A module may fail to load in the middle of a change, too: what is heavy and
        rare is imported when it is needed.
        """
        if is_import_failure(error):
            broken: CucmshError = BrokenProgramError(error)
        else:
            kind = type(error).__name__  # its text may hold what nobody should see
            broken = CucmshError(f"The command broke off: {kind}.")
        if not self._dialog.has_begun:
            return broken
        advice = (_MAY_HAVE_CHANGED, broken.advice, _AGAIN)
        return HalfDoneError(broken.message, " ".join(filter(None, advice)))

    def _record_cause(self, error: CucmshError) -> None:
        """Log the unexpected exception behind an error that a command made of it."""
        cause = error.__cause__
        if cause is not None and not isinstance(cause, CucmshError):
            self._on_internal_error(cause)

    def _refuse(self, error: CucmshError) -> int:
        self._screen.pager = None
        if isinstance(error, HalfDoneError):
            self._has_changed = True
            self._record_cause(error)
        if self._dialog.json is not None:
            self._dialog.json.refuse(error)
        lines = [error.message]
        if not isinstance(error, CancelledError):
            if self._helpful and error.advice:
                lines.append(error.advice)
            if FAILED not in error.message:
                lines.append(FAILED)
        with self._limited():
            self._screen.end_line()
            for line in lines:
                self._dialog.say(line)
        return error.exit_status

    def _new_pager(self, *, is_wanted: bool = False) -> ScreenPager | None:
        is_paged = is_wanted or self.settings.is_paged
        if not (is_paged and self._reader.is_terminal):
            return None

        reader = self._reader
        return ScreenPager(self._screen.send, reader.wait_for_key, reader.size)

    def _end(self) -> None:
        if self._editor is not None:
            self._editor.end()
        self._reader.keyboard.end()
