"""Writes to the terminal: every byte that a person or program sees goes through here.

Adds no escape bytes and wraps nothing: text goes out as it is, its newlines as LF
(the kernel makes CR LF of them on a terminal), in one write a call (docs/clients.md P3,
E4).

Invariant (docs/security.md T10): whatever a certificate, a file name or a host
says, `say` and `write` send only characters that can be shown, LF and TAB. The others,
bidirectional and zero-width ones among them, become visible escapes.

When the other end is closed, output is dropped, so that the command can finish;
`is_gone` tells the session to end. An end that is open and does not read (a paused
terminal, a pipe to a program that hangs) is waited for: without a limit, but within
`in_a_change` for ten seconds in all.
"""

from __future__ import annotations

import os
import select
import time
from _thread import RLock
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from cucmsh.shell.signals import call_later, call_no_more

CLEAR_LINE = "\r\x1b[K"  # how the original takes its pager's line back (G2)
_SOON = 0.2  # seconds
_CHANGE = 10.0  # seconds
_NO_ROOM = 0.01  # seconds, where there is room, and not for one character
_ALLOWED = frozenset("\n\t")


class Pager(Protocol):
    """Something that stops the text now and then."""

    def show(self, text: str) -> None: ...

    def restart(self) -> None: ...


class _TimeLeft:
    """How many seconds a change may still wait for its output to be read."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds


_limits: list[_TimeLeft] = []  # of the change that runs, if there is one
_one_writes = RLock()  # a change's progress is told by a thread, or from a signal


@contextmanager
def in_a_change(seconds: float = _CHANGE) -> Iterator[None]:
    """Bound how long all writes of the block together wait for their reader.

    It holds for all screens of this process: a change holds locks that others wait for.
    After so many seconds output is dropped, and the screen `is_stalled`.
    """
    _limits.append(_TimeLeft(seconds))
    try:
        yield
    finally:
        _limits.pop()


class Screen:
    """Where a session writes. `fd` is a file descriptor, open for writing.

    Attributes:
        is_gone: output is dropped from now on: the other end is closed, or stalled.
        is_stalled: the other end is open and did not read in time; see `in_a_change`.
        is_at_line_start: the last thing written was the end of a line.
        pager: stops long output; None: nothing stops it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_gone = False
        self.is_stalled = False
        self.is_at_line_start = True
        self.pager: Pager | None = None
        self._has_prompt = False
        self._held: list[str] = []

    def say(self, text: str = "") -> None:
        """Print a line, or several with newlines between."""
        self.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Print without a newline of our own."""
        if self.pager is None:
            self.send(visible(text))
        else:
            self.pager.show(visible(text))

    def question(self, text: str) -> None:
        """Print what must not be held back by a pager."""
        if self.pager is not None:
            self.pager.restart()
        self.send(visible(text))

    def prompt(self, text: str) -> None:
        """Print a prompt at the start of a line, in one write (P2, P3)."""
        if self._has_prompt:
            self._has_prompt = False
            return
        self.send(text if self.is_at_line_start else f"\n{text}")

    def prompt_ahead(self, text: str) -> None:
        """Print the first prompt before there is a session that could.

        The session's own first prompt is then left out.
        """
        self.prompt(text)
        self._has_prompt = True

    def has_reader(self) -> bool:
        """Whether somebody may still read: the other end was not seen to close.

        For what waits without writing, such as a log that is followed.
        """
        poll = select.poll()
        poll.register(self.fd, 0)
        with suppress(OSError):  # it cannot be asked: nothing was seen to close
            self.is_gone = self.is_gone or bool(poll.poll(0))
        return not self.is_gone

    def end_line(self) -> None:
        """Go to a new line unless we are at the start of one."""
        if not self.is_at_line_start:
            self.send("\n")

    def send_soon(self, text: str) -> None:
        """Write exactly this in one write with what comes next.

        Alone, if nothing comes in 0.2 seconds. So the echo of a command and the first
        of its output arrive together: there are clients that stop reading at the first
        chunk that holds a prompt, and an echo alone may follow one (docs/clients.md
        P3).
        """
        self._held.append(text)
        self.is_at_line_start = text.endswith("\n")
        if not call_later(self.flush, _SOON):
            self.flush()

    def flush(self) -> None:
        """Write what `send_soon` holds back, if anything."""
        self.send("")

    def send(self, text: str) -> None:
        """Write text of our own as it is: echo, prompts, a pager's bytes."""
        if self._held:
            text = self._take_held() + text
        if not text:
            return
        self.is_at_line_start = text.endswith(("\n", "\r", CLEAR_LINE))
        raw = memoryview(text.encode("utf-8", "surrogateescape"))
        try:
            if _limits:
                self._write_in_time(raw, _limits[-1])
                return
            while raw and not self.is_gone:
                raw = raw[self._write(raw) :]
        except OSError:  # EPIPE, EIO: the other side hung up; ENOSPC: a full disk
            self.is_gone = True

    def _take_held(self) -> str:

        held = ""
        while self._held:  # a signal and another thread may be here too
            with suppress(IndexError):
                held += self._held.pop(0)
        with suppress(ValueError):
            call_no_more()
        return held

    def _write_in_time(self, raw: memoryview, limit: _TimeLeft) -> None:

        has_room = False
        with _one_writes:
            while raw and not self.is_gone:
                if taken := self._write_now(raw):
                    raw, has_room = raw[taken:], False
                    continue
                if limit.left <= 0:
                    self.is_gone = self.is_stalled = True
                    return
                began = time.monotonic()
                if has_room:
                    select.select([], [], [], _NO_ROOM)
                    has_room = False
                else:
                    ready = select.select([], [self.fd], [], limit.left)
                    has_room = bool(ready[1])
                limit.left -= time.monotonic() - began

    def _write_now(self, raw: memoryview) -> int:
        """Write as much as is taken without waiting.

        Others share the descriptor's flags (the shell that started us, on the same
        terminal): they are changed for this one call only.
        """
        is_blocking = os.get_blocking(self.fd)
        try:
            if is_blocking:
                os.set_blocking(self.fd, False)
            return os.write(self.fd, raw)
        except BlockingIOError:
            return 0
        finally:
            if is_blocking:
                os.set_blocking(self.fd, True)

    def _write(self, raw: memoryview) -> int:
        try:
            return os.write(self.fd, raw)
        except BlockingIOError:  # somebody who shares the terminal made it so
            select.select([], [self.fd], [])
            return 0


def visible(text: str) -> str:
    """Return the text with every character that cannot be shown written as an escape.

    A byte that was no UTF-8 (a lone surrogate, PEP 383) is shown as that byte.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _ALLOWED else _escape(char)
        for char in text
    )


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
