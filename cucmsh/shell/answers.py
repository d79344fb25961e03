"""Answers as values, and the question that takes a whole word. Knows no command."""

from __future__ import annotations

from cucmsh.errors import CancelledError, UsageError
from cucmsh.shapes import Protocol

ATTEMPTS = 3  # a rejected value asks the same question again, so often (clients.md D3)


_NO_HOST = "A host is a name or an address."
_HOW_TO_WRITE = "Write NAME, NAME:PORT, ADDRESS or [ADDRESS]:PORT."


class Asker(Protocol):
    """As much of a dialog as a question needs."""

    @property
    def helpful(self) -> bool: ...

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_again(self, question: str, reason: str) -> None: ...


def is_yes(dialog: Asker, question: str) -> bool:
    """Whether the whole word ``yes`` was typed; only ``no`` is a no.

    Raises:
        CancelledError: three times something else, or once where nobody can be asked
            again.
    """
    for _ in range(ATTEMPTS):
        answer = dialog.ask(question)
        if answer in ("yes", "no"):
            return answer == "yes"
        try:
            dialog.ask_again(question, "Please type yes or no.")
        except UsageError as refused:
            raise CancelledError(refused.message, refused.advice) from refused
    raise CancelledError("The answer was neither yes nor no; nothing was changed.")


def refused_answer(question: str, reason: str) -> UsageError:
    """What ends a command whose answers come from no person, at the first bad one."""
    return UsageError(
        f"The answer to '{question.strip()}' was refused: {reason}",
        "Answers that do not come from a terminal are read once, a line each; "
        "those that follow a refused one are not read.",
    )


def split_host(text: str, default_port: int = 22) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[v6]:port`` (design decision 5).

    Raises:
        UsageError: anything else; it does not repeat the text.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(_NO_HOST, _HOW_TO_WRITE)
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    return _host(host), read_port(port)


def _host(host: str) -> str:
    letters = host.replace(".", "").replace("-", "").replace(":", "").replace("_", "")
    if not letters.isalnum() or not host.isascii() or host.startswith("-"):
        raise UsageError(_NO_HOST, _HOW_TO_WRITE)
    return host


def read_port(text: str) -> int:
    """The number of a TCP or UDP port.

    Raises:
        UsageError: it is none. The text is not repeated: a password may stand there.
    """
    if not text.isdecimal() or not text.isascii() or not 0 < int(text) < 1 << 16:
        raise UsageError("A port is a number from 1 to 65535.")
    return int(text)
