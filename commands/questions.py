"""Questions that several commands ask. Holds no command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh.errors import CancelledError, UsageError
from cucmsh.shell.dialog import Dialog

if TYPE_CHECKING:
    from cucmsh.cluster.hostkeys import HostKey
    from cucmsh.services.doors import AcceptHostKey

ATTEMPTS = 3  # a rejected value asks the same question again, so often (clients.md D3)


def is_yes(dialog: Dialog, question: str) -> bool:
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


def require_yes(dialog: Dialog, question: str) -> None:
    """Go on only after ``yes``."""
    if not is_yes(dialog, question):
        raise CancelledError("Nothing was changed.")


def ask_value(dialog: Dialog, question: str, default: str = "") -> str:
    """One word that is not empty; the default stands for an empty answer."""
    for _ in range(ATTEMPTS):
        answer = dialog.ask(question) or default
        if answer and " " not in answer and not answer.startswith("-"):
            return answer
        if dialog.helpful:
            dialog.say("A single word is needed here, and it starts with no dash.")
    raise UsageError("No usable answer was given; nothing was transferred.")


def host_key_question(dialog: Dialog, host: str) -> AcceptHostKey:
    """The original's question about a host that was never seen before."""

    def accept(key: HostKey, address: str) -> bool:
        dialog.say(
            f"The authenticity of host '{host} ({address})' can't be established."
        )
        dialog.say(f"{key.short_kind} key fingerprint is {key.md5_fingerprint}.")
        if dialog.helpful:
            dialog.say(f"{key.short_kind} key fingerprint is {key.sha256_fingerprint}.")
        question = "Are you sure you want to continue connecting (yes/no)? "
        return is_yes(dialog, question)

    return accept


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
