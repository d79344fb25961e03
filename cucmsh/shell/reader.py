"""Reads lines, answers and secrets, for programs and people alike.

Sends no escape byte and redraws nothing; a secret is neither echoed nor remembered.
Each character is echoed once, when it is read at a prompt, not when it arrives: what is
typed ahead appears behind the prompt that reads it (docs/clients.md E1 to E7). Off a
terminal there is no echo, and one newline after each line read, so that output starts
on a line of its own.

The first key that only a person presses ends a line as a `HandOver`: from there on the
editor may read prompts. Answers and secrets are always read here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from cucmsh.errors import CancelledError, UsageError
from cucmsh.secret import Secret
from cucmsh.shell.answers import refused_answer
from cucmsh.shell.dialog import CONTROL_C, CONTROL_D, EndOfInput
from cucmsh.shell.keyboard import ENTER, Keyboard
from cucmsh.shell.line import ERASE_KEYS, KILL_KEY, LONGEST_LINE, TypedLine
from cucmsh.shell.pasted import ends_block
from cucmsh.shell.screen import Screen
from cucmsh.shell.terminal import Size, Terminal

_CTRL_C, _CTRL_D, _ESCAPE = "\x03", "\x04", "\x1b"
_CANCEL = {_CTRL_C: CONTROL_C, _CTRL_D: CONTROL_D}
# Tab, ESC (arrows, Home, Alt), Ctrl-A B E F K L N P R T W Y: a person edits.
_PERSONAL = frozenset("\t\x1b\x01\x02\x05\x06\x0b\x0c\x0e\x10\x12\x14\x17\x19")


class HandOver(NamedTuple):
    """A person is at the keyboard: what is on the line, and the keys not yet read."""

    typed: str
    pending: str


class Reader:
    """Reads from `fd` and echoes on `screen`; `clock` gives monotonic seconds."""

    def __init__(self, fd: int, screen: Screen, clock: Callable[[], float]) -> None:
        self.fd = fd
        self.keyboard = Keyboard(fd, clock)
        self._screen = screen
        self._terminal = Terminal(fd)
        self._echo = ""

    @property
    def is_terminal(self) -> bool:
        return self._terminal.is_terminal

    def held(self) -> AbstractContextManager[None]:
        """Hold the terminal, with its echo off, for the block."""
        return self._terminal.held()

    def interruptible(self) -> AbstractContextManager[None]:
        """Let Ctrl-C interrupt the block, unless a question is being asked in it."""
        return self._terminal.interrupts(wanted=True)

    def size(self) -> Size:
        return self._terminal.size()

    def prompt(self, text: str) -> None:
        """Write a prompt; `read_line` follows."""
        self.keyboard.settle()
        self._screen.prompt(text)

    def read_line(self, is_help_request: Callable[[str], bool]) -> str | HandOver:
        """Read a command.

        Raises:
            CancelledError: Ctrl-C.
            EndOfInput: Ctrl-D on an empty line, or the end of the input.
        """
        if not self.is_terminal:
            return self._read_plain()
        line = TypedLine()
        while (key := self._key()) != ENTER:
            if key == _CTRL_C:  # shown, or the next prompt looks like this one
                self._echo += "^C"
                self._end_line()
                raise CancelledError(CONTROL_C)
            if key == _CTRL_D:
                if not line.text:
                    self._end_line()
                    raise EndOfInput
            elif key in _PERSONAL or (key == "?" and is_help_request(line.text)):
                return self._hand_over(line, key)
            else:
                self._echo += line.press(key)
        self._end_line()
        return line.text

    def skip_block(self, line: str) -> None:
        """Read over the rest of a PEM block that begins with `line`; nothing shows.

        Raises:
            CancelledError: Ctrl-C.
            EndOfInput: there will be no more.
        """
        before = ""
        while not ends_block(line, before):
            before, line = line, ""
            while (key := self.keyboard.key()) != ENTER:
                if key == _CTRL_C:
                    raise CancelledError(CONTROL_C)
                line = (line + key)[:LONGEST_LINE]

    def ask(self, question: str) -> str:
        """Ask for a line; blanks at its ends are dropped.

        Raises:
            CancelledError: Ctrl-C or Ctrl-D, or in a change nobody reads the question;
                EndOfInput: nobody is left to answer.
            UsageError: the answer is too long to be one.
        """
        return self._ask(question, None).strip()

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        """Ask for a line and show at most a mask for each of its characters.

        Raises:
            CancelledError, EndOfInput, UsageError: as for `ask`.
        """
        return Secret(self._ask(question, mask))

    def ask_key(self, question: str, keys: str, again: str) -> str:
        """Ask for one of the lower-case `keys`; Enter after it is optional.

        Raises:
            CancelledError, EndOfInput: as for `ask`.
            UsageError: another key, where nobody can be asked again.
        """
        with self._terminal.held(), self._terminal.interrupts(wanted=False):
            self._put(question)
            while (key := self._answer_key()) not in set(keys):
                # "maybe" is no: what came with an unreadable answer goes with it
                self.ask_again(question, again.strip().removesuffix(":"))
                self._put(again)
            return key

    def ask_again(self, question: str, reason: str) -> None:
        """Get ready for an answer in place of one that was refused; see `Dialog`.

        Raises:
            UsageError: the input is no terminal, so no person sees the question.
        """
        if not self.is_terminal:
            raise refused_answer(question, reason)
        self.keyboard.drop_waiting(until=_CTRL_C)

    def wait_for_key(self) -> str:
        """Return one key, not echoed: for a pager.

        Raises:
            EndOfInput: there will be no more.
        """
        with self._terminal.interrupts(wanted=False):
            return self.keyboard.key()

    def _ask(self, question: str, mask: str | None) -> str:
        with self._terminal.held(), self._terminal.interrupts(wanted=False):
            self._put(question)
            if not self.is_terminal:
                return _not_too_long(self._read_plain())
            line = TypedLine(mask)
            while (key := self._key()) != ENTER:
                if self._is_answer_key(key):
                    self._echo += line.press(key)
            self._end_line()
            return _not_too_long(line.text)

    def _is_answer_key(self, key: str) -> bool:
        """Tell whether a key goes into an answer; the others do not even show."""
        if key in _CANCEL:
            self._end_line()
            raise CancelledError(_CANCEL[key])
        if key == _ESCAPE:
            self.keyboard.skip_sequence()
        return key in ERASE_KEYS or key == KILL_KEY or key.isprintable()

    def _answer_key(self) -> str:
        if not self.is_terminal:
            return self._read_plain().strip().lower()
        while (key := self._key()) != ENTER:
            if self._is_answer_key(key) and key.isprintable():
                break
        if key == ENTER:
            self._end_line()
            return ""
        self._echo += TypedLine().press(key)
        self._end_line()
        self.keyboard.expect_enter()
        return key.lower()

    def _put(self, question: str) -> None:
        self.keyboard.settle()
        self._screen.question(question)
        if self._screen.is_stalled:
            raise CancelledError("Nobody reads the questions; nothing was changed.")

    def _key(self) -> str:
        if not self.keyboard.is_ready:
            self._flush_echo()
        return self.keyboard.key()

    def _end_line(self) -> None:
        echo, self._echo = self._echo, ""
        self._screen.send_soon(f"{echo}\n")

    def _flush_echo(self) -> None:
        echo, self._echo = self._echo, ""
        self._screen.send(echo)

    def _hand_over(self, line: TypedLine, key: str) -> HandOver:
        self._flush_echo()
        if key == _ESCAPE:
            self.keyboard.linger()
        return HandOver(line.text, key + self.keyboard.take_waiting())

    def _read_plain(self) -> str:
        chars: list[str] = []
        try:
            while (key := self.keyboard.key()) != ENTER:
                if len(chars) <= LONGEST_LINE:
                    chars.append(key)
        except EndOfInput:
            if not chars:  # otherwise a last line without its newline
                raise
        finally:
            self._screen.send("\n")
        return "".join(chars)


def _not_too_long(answer: str) -> str:
    if len(answer) > LONGEST_LINE:
        raise UsageError(f"The answer is longer than {LONGEST_LINE} characters.")
    return answer
