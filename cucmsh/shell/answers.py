"""The question that takes yes or no as a whole word, and how answers are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from cucmsh.errors import CancelledError, UsageError, WrongPasswordError
from cucmsh.secret import Secret

# A rejected value asks the same question again, so often (docs/clients.md D3)
ATTEMPTS = 3
KEY_FILE_QUESTION = "Enter security password of the key file :"

_Opened = TypeVar("_Opened")


class Asker(Protocol):
    """As much of a dialog as a question needs."""

    @property
    def helpful(self) -> bool: ...

    def say(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_again(self, question: str, reason: str) -> None: ...


class SecretAsker(Asker, Protocol):
    """One that asks for passwords, too."""

    def ask_secret(self, question: str, mask: str = "") -> Secret: ...


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


def open_by_own_password(
    dialog: SecretAsker,
    refusal: WrongPasswordError,
    open_with: Callable[[Secret], _Opened],
    question: str = KEY_FILE_QUESTION,
) -> _Opened:
    """Open a key file of another cluster: three tries of a person.

    The original knows no such question.

    Args:
        dialog: where it is asked.
        refusal: what was said of the cluster's own password.
        open_with: opens it; raises ``WrongPasswordError`` for another password.
        question: how it is asked for.

    Raises:
        WrongPasswordError: none opened it, or nobody may be asked.
    """
    if not dialog.helpful:
        raise refusal
    dialog.say(f"\nNote: {refusal.message}.")
    for number in range(ATTEMPTS):
        try:
            return open_with(dialog.ask_secret(question))
        except WrongPasswordError as wrong:
            refusal = wrong
        if number < ATTEMPTS - 1:
            try:
                dialog.ask_again(question, f"{refusal.message}.")
            except UsageError as no_person:
                raise refusal from no_person
    raise refusal


def refused_answer(question: str, reason: str) -> UsageError:
    """What ends a command whose answers come from no person, at the first bad one."""
    return UsageError(
        f"The answer to '{question.strip()}' was refused: {reason}",
        "Answers that do not come from a terminal are read once, a line each; "
        "those that follow a refused one are not read.",
    )
