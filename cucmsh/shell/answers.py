"""The question that takes yes or no as a whole word, and how answers are refused."""

from __future__ import annotations

from typing import Protocol

from cucmsh.errors import CancelledError, UsageError

# A rejected value asks the same question again, so often (docs/clients.md D3)
ATTEMPTS = 3


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
