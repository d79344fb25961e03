"""Programs on a terminal of their own, driven as any client would drive them.

``open_terminal`` gives pexpect's child, set up as every test wants it; ``Terminal``
puts words for the commonest things on top, and ``Prompt`` knows the `admin:` prompt.
Nothing sleeps: everything awaits text or an end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pexpect

PROMPT = "\r\nadmin:"  # the line break before it makes it no part of a text
SECONDS = 30  # for one answer; only a failure waits so long
SIZE = (24, 80)
ENVIRONMENT = {"TERM": "vt100", "PATH": os.defpath}


def open_terminal(
    words: Sequence[str],
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    size: tuple[int, int] = SIZE,
    seconds: float = SECONDS,
    folder: str | None = None,
) -> pexpect.spawn[str]:
    """Start a program; text goes in and comes out, what is no UTF-8 as U+FFFD.

    Args:
        words: its argv.
        environment: all of it.
        size: rows and columns.
        seconds: what an ``expect`` waits for at most.
        folder: its working directory; ours without.
    """
    child: pexpect.spawn[str] = pexpect.spawn(
        words[0],
        list(words[1:]),
        env=dict(environment),
        dimensions=size,
        timeout=seconds,
        cwd=folder,
        encoding="utf-8",
        codec_errors="replace",
    )
    child.delaybeforesend = None
    return child


def open_raw_terminal(
    words: Sequence[str],
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    size: tuple[int, int] = SIZE,
    seconds: float = SECONDS,
) -> pexpect.spawn[bytes]:
    """The same in bytes, for what is said about each of them."""
    child: pexpect.spawn[bytes] = pexpect.spawn(
        words[0],
        list(words[1:]),
        env=dict(environment),
        dimensions=size,
        timeout=seconds,
    )
    child.delaybeforesend = None
    return child


def ends(child: pexpect.spawn[str]) -> tuple[int, str]:
    """Await the end: the exit status (-1 for a signal), and what was shown last."""
    child.expect(pexpect.EOF)
    child.close()
    status = child.exitstatus if child.exitstatus is not None else -1
    return int(status), str(child.before).replace("\r\n", "\n")


def hang_up(child: Any) -> None:
    """Close the line and wait for the process, which nobody kills.

    pexpect's own ``close`` does, after 0.1 seconds. The child is pexpect's, of which
    nobody has told the types of what it is made of.
    """
    child.ptyproc.fileobj.close()  # and its number, which others use next
    child.ptyproc.closed = child.closed = True
    child.ptyproc.fd = child.child_fd = -1
    child.wait()


class Terminal:
    """A program on a terminal.

    Attributes:
        child: pexpect's.
        seen: everything that was awaited so far, with what came before it.
    """

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self.child = child
        self.seen = ""

    def await_text(self, text: str) -> str:
        """Wait for the text; return what came before it.

        Raises:
            AssertionError: it does not come; with what came instead.
        """
        try:
            self.child.expect_exact(text)
        except (pexpect.TIMEOUT, pexpect.EOF) as problem:
            rest = self.child.before
            raise AssertionError(f"no {text!r} in {rest!r}") from problem
        before = str(self.child.before)
        self.seen += before + text
        return before.replace("\r\n", "\n")

    def send(self, text: str) -> None:
        self.child.send(text)

    def answer(self, question: str, text: str) -> str:
        """Await the question and send a line; return what came before the question."""
        before = self.await_text(question)
        self.send(f"{text}\r")
        return before

    def await_end(self) -> int:
        """The exit status; -1 for a signal."""
        return ends(self.child)[0]


class Prompt(Terminal):
    """A session at `admin:`."""

    def await_prompt(self) -> str:
        return self.await_text(PROMPT)

    def call(self, line: str) -> str:
        """Send a command; return its output without the echo."""
        self.send(f"{line}\r")
        echo, _, output = self.await_prompt().partition("\n")
        assert echo == line
        return output

    def quit(self) -> int:
        """The exit status of the session."""
        self.send("quit\r")
        return self.await_end()
