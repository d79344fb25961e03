"""Answers as values, and the question that takes a whole word. Knows no command."""

from __future__ import annotations

from cucmsh.errors import CancelledError, UsageError
from cucmsh.shapes import Protocol

ATTEMPTS = 3  # a rejected value asks the same question again, so often (clients.md D3)


class Asker(Protocol):
    """As much of a dialog as a question needs."""

    @property
    def helpful(self) -> bool: ...

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...


def is_yes(dialog: Asker, question: str) -> bool:
    """Whether the whole word ``yes`` was typed; only ``no`` is a no.

    Raises:
        CancelledError: three times something else.
    """
    for _ in range(ATTEMPTS):
        answer = dialog.ask(question)
        if answer in ("yes", "no"):
            return answer == "yes"
        if dialog.helpful:
            dialog.say("Please type yes or no.")
    raise CancelledError("The answer was neither yes nor no; nothing was changed.")


def split_host(text: str, default_port: int = 22) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[v6]:port`` (design decision 5).

    Raises:
        UsageError: anything else.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(f"{text!r} is no host", "Write [address]:port.")
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    return _host(host), read_port(port)


def _host(host: str) -> str:
    letters = host.replace(".", "").replace("-", "").replace(":", "").replace("_", "")
    if not letters.isalnum() or not host.isascii() or host.startswith("-"):
        raise UsageError(f"{host!r} is no host name or address")
    return host


def read_port(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or not 0 < int(text) < 1 << 16:
        raise UsageError(f"{text!r} is no port", "A port is a number from 1 to 65535.")
    return int(text)
