"""Reads lines from a person, with completion, help and history, by prompt_toolkit.

Reads no secret and no answer (the reader does), starts no program, writes no file.
Imported when a person comes (`editor_import`): the first prompt does not wait for it.

Tab and `?` are bound here, not left to prompt_toolkit's completion: lists are printed
by our own screen, between two prompts, so that the terminal's echo stays off and keys
typed meanwhile keep their place. The keys that bring earlier lines back are ours too:
prompt_toolkit loads its history after the first key, and that key is often Up. A pasted
line break within a line stays in it, and the grammar refuses it (docs/security.md T2);
those behind it are dropped.
"""

from __future__ import annotations

import io
import os
import termios
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from cucmsh.errors import CancelledError
from cucmsh.shell.complete import (
    complete,
    explain,
    hint,
    listing,
    shared_beginning,
    word_at_end,
)
from cucmsh.shell.dialog import CONTROL_C, EndOfInput
from cucmsh.shell.editor_display import VisibleText, drawn_as
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen

if TYPE_CHECKING:
    from asyncio import TimerHandle

# Suspend, quit, quoted insert, and the prefix of macros and editors (T4); and mouse
# reports, for which prompt_toolkit takes a pasted colour (ESC [ 31 m) and then breaks.
_DEAD_KEYS = (
    *("c-z", "c-\\", "c-q", "c-x"),
    *("<vt100-mouse-event>", "<windows-mouse-event>", "<cursor-position-response>"),
)


class _ScreenFile(io.TextIOBase):
    """The screen, as prompt_toolkit wants a file to be.

    Its escape bytes are ASCII and go through; whatever else cannot be shown does not.
    """

    encoding = "utf-8"

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def write(self, text: str, /) -> int:
        self._screen.send(drawn_as(text))
        return len(text)

    def fileno(self) -> int:
        return self._screen.fd


class PersonEditor:
    """A `LineEditor` for the rest of a session.

    `lines` are the lines typed so far; the session goes on adding to them.
    """

    def __init__(
        self,
        grammar: Grammar,
        context: Any,
        screen: Screen,
        reader: Reader,
        lines: list[str],
    ) -> None:
        self._grammar = grammar
        self._context = context
        self._screen = screen
        self._shown: list[str] = []
        self._document = Document()
        self._lines = lines
        self._recalled = 0  # index into the lines; one past the end is the draft
        self._draft = ""
        self._deadline: TimerHandle | None = None
        self._input = Vt100Input(os.fdopen(reader.fd, encoding="utf-8", closefd=False))
        history = InMemoryHistory()
        for line in lines:
            history.append_string(line)

        self._reader = reader

        def size() -> Size:
            return Size(*reader.size())

        self._prompt: PromptSession[str] = PromptSession(
            history=history,
            key_bindings=self._key_bindings(),
            input_processors=[VisibleText()],
            input=self._input,
            output=Vt100_Output(
                cast(TextIO, _ScreenFile(screen)),
                size,
                default_color_depth=ColorDepth.DEPTH_1_BIT,
                enable_bell=False,
                enable_cpr=False,
            ),
            complete_while_typing=False,
            mouse_support=False,
            enable_suspend=False,
            enable_open_in_editor=False,
            enable_system_prompt=False,
            rprompt=self._hint,
        )
        self._prompt.app.key_processor.after_key_press += lambda _: self._wait_anew()
        screen.send("\r")  # its first prompt goes over the one that stands there

    def read_line(self, prompt: str, typed: str, pending: str) -> tuple[str, str]:
        """Go on with a line; see `LineEditor`."""
        self._prompt.message = prompt
        self._document = Document(typed)
        self._recalled = len(self._lines)
        self._store(pending)
        self._screen.end_line()
        while True:
            self._shown = []
            line = self._read_once()
            if not self._shown:
                break
            self._show_all()
        unread = "".join(press.data for press in get_typeahead(self._input))
        return line, unread

    def end(self) -> None:
        """End the input, from a signal handler."""
        loop = self._prompt.app.loop
        if loop is not None:
            loop.call_soon_threadsafe(self._give_up)

    def _read_once(self) -> str:
        # A search that was left by another way than its own keys keeps the focus, and
        # with it Enter and Ctrl-C.
        self._prompt.layout.focus(self._prompt.default_buffer)
        try:
            return self._prompt.prompt(
                default=self._document,
                pre_run=self._wait_anew,
                set_exception_handler=False,
            )
        except (EOFError, OSError, termios.error):  # Ctrl-D, or the line is gone
            raise EndOfInput from None
        except KeyboardInterrupt:
            raise CancelledError(CONTROL_C) from None
        finally:  # it leaves the line before its last escapes, which hide that
            self._screen.is_at_line_start = True

    def _wait_anew(self) -> None:
        """Count the idle time from now."""
        if self._deadline is not None:
            self._deadline.cancel()
        seconds, loop = self._reader.keyboard.idle_seconds, self._prompt.app.loop
        if seconds is not None and loop is not None:
            self._deadline = loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._reader.keyboard.expire()
        self._give_up()

    def _show_all(self) -> None:
        """Print a list, a page at a time; Ctrl-C or `q` leaves it for the line."""
        self._screen.question("")  # a page begins here
        try:
            self._screen.say("\n".join(self._shown))
        except CancelledError:
            self._screen.end_line()

    def _hint(self) -> str:
        """What is still to be typed, at the right: only for a command's values."""
        if self._prompt.app.is_done:
            return ""
        return hint(self._grammar, self._before())

    def _give_up(self) -> None:
        if self._prompt.app.is_running:
            self._prompt.app.exit(exception=EOFError)

    def _store(self, pending: str) -> None:
        presses: list[KeyPress] = []
        parser = Vt100Parser(presses.append)
        parser.feed(pending)
        parser.flush()
        store_typeahead(self._input, presses)

    def _key_bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        on_line = has_focus(DEFAULT_BUFFER)  # and not in a search
        bindings.add("tab", filter=on_line)(self._tab)
        asks_help = Condition(lambda: self._grammar.is_help_request(self._before()))
        bindings.add("?", filter=on_line & asks_help)(self._question_mark)
        for key, step in (("up", -1), ("c-p", -1), ("down", 1), ("c-n", 1)):
            bindings.add(key, filter=on_line)(partial(self._recall, step))
        bindings.add("<bracketed-paste>", filter=on_line)(_paste)
        for key in _DEAD_KEYS:
            bindings.add(key, eager=True)(_nothing)
        return bindings

    def _before(self) -> str:
        return self._prompt.default_buffer.document.text_before_cursor

    def _tab(self, event: KeyPressEvent) -> None:
        line = self._before()
        found = complete(self._grammar, self._context, line)
        typed = word_at_end(line)
        common = shared_beginning(found)
        addition = common[len(typed) :] + (" " if len(found) == 1 else "")
        event.current_buffer.insert_text(addition)
        if len(found) == 1 and typed == common and typed:  # a whole word: what follows
            found = complete(self._grammar, self._context, self._before())
            self._show(event, listing(found, self._reader.size().columns))
        elif not addition:
            self._show(event, listing(found, self._reader.size().columns))

    def _recall(self, step: int, event: KeyPressEvent) -> None:
        wanted = self._recalled + step
        if not 0 <= wanted <= len(self._lines):
            return
        if self._recalled == len(self._lines):
            self._draft = event.current_buffer.text
        self._recalled = wanted
        lines = [*self._lines, self._draft]
        event.current_buffer.document = Document(lines[wanted])

    def _question_mark(self, event: KeyPressEvent) -> None:
        line, columns = self._before(), self._reader.size().columns
        self._show(event, explain(self._grammar, self._context, line, columns))

    def _show(self, event: KeyPressEvent, lines: list[str]) -> None:
        """Leave the prompt to print something; `read_line` comes back to it."""
        if lines and not event.app.is_done:
            self._shown = lines
            self._document = event.current_buffer.document
            event.app.exit(result="")


def _paste(event: KeyPressEvent) -> None:
    """Put in what was pasted, less the line ends behind it.

    A line is copied with its end more often than without. It does not run before Enter,
    and a line break within it is refused as ever.
    """
    text = event.data.replace("\r\n", "\n").replace("\r", "\n")
    event.current_buffer.insert_text(text.rstrip("\n"))


def _nothing(event: KeyPressEvent) -> None:
    """Do nothing, on purpose."""
