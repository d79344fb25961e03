"""What a command may do to the person or program that called it: say and ask.

`terminal_dialog` does so in a session, `scripted` with prepared answers in a test.

How a question ends when it is not answered:

    Ctrl-C, Ctrl-D      CancelledError: the command ends, the session lives
    end of the input    EndOfInput, which is one too: nobody is left to ask
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from cucmsh.errors import CancelledError
from cucmsh.secret import Secret
from cucmsh.shell.grammar import Grammar

CONTROL_C = "Control-C pressed"  # docs/cli.md#leaving
CONTROL_D = "Control-D pressed"


class EndOfInput(CancelledError):  # noqa: N818  # an ending, as in EOF
    """The input is over, at a question or at the prompt."""

    def __init__(self, message: str = "The input ended before the answer.") -> None:
        super().__init__(message)


class EndSession(Exception):  # noqa: N818  # what `quit` raises is no error
    """The session is to end with this exit status."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


SafePoint = Callable[[], None]  # raises CancelledError if Ctrl-C was pressed


class CommandSession(Protocol):
    """What commands may know and change of the session they run in.

    Attributes:
        pagination: whether long output stops at each page; None: for people only.
        counts_commands: whether the prompt says how many commands have run.
    """

    pagination: bool | None
    counts_commands: bool

    @property
    def is_person(self) -> bool:
        """Whether what only a person presses was pressed."""

    @property
    def is_paged(self) -> bool:
        """Whether long output stops at the end of a page."""

    @property
    def command_count(self) -> int:
        """How many commands have run in this session, the present one included."""

    @property
    def grammar(self) -> Grammar: ...


class Dialog(Protocol):
    """The terminal, as far as a command is concerned."""

    @property
    def helpful(self) -> bool:
        """False when only what the original says may be said."""

    @property
    def session(self) -> CommandSession: ...

    def say(self, text: str = "") -> None:
        """Print a line, or several with newlines between."""

    def write(self, text: str) -> None:
        """Print without a newline: dots of progress."""

    def result(
        self,
        lines: Callable[[], Iterable[str]],
        document: Callable[[], Mapping[str, object]],
    ) -> None:
        """Give what the command is for: as lines, or as JSON if that was asked for.

        Only the form that is wanted is made, each line said as soon as it is. A command
        that calls this is declared with `has_json`; what it says besides is not part of
        the document.
        """

    @property
    def columns(self) -> int:
        """How wide lines of ours may be: a person's terminal, 80 for a program."""

    def view(
        self, text: str, document: Callable[[], Mapping[str, object]] | None = None
    ) -> None:
        """Show a text in pages that can be turned back; whole where nobody turns them.

        The pager of `file view`, which is not the one of long output. Off a terminal
        there are no keys. With a `document` it is a `result`, too.
        """

    def ask(self, question: str) -> str:
        """Ask for a line; blanks at its ends are dropped."""

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        """Ask for a line that is not echoed, or echoed as one `mask` a character."""

    def ask_key(self, question: str, keys: str, again: str) -> str:
        """Ask for one of the lower-case `keys`, with or without Enter after it.

        `again` is printed, and is the next question, after any other key.

        Raises:
            UsageError: another key, where nobody can be asked again.
        """

    def ask_again(self, question: str, reason: str) -> None:
        """Say why the last answer was refused; the caller then asks once more.

        What was typed ahead is forgotten: it answers questions that do not come now,
        and a password would become a user name.

        Args:
            question: what was asked.
            reason: why its answer cannot be used. It never repeats the answer, which
                may be a password that went to the wrong question.

        Raises:
            UsageError: the answers do not come from a terminal, so that the next one
                belongs to another question.
        """

    def uninterrupted(self) -> AbstractContextManager[SafePoint]:
        """Let Ctrl-C wait for the next safe point; that it was pressed is said at once.

        For steps that must not stop half-way (docs/security.md T9). Such a point
        is every call of what the block is given; a block that calls it no more is
        finished first. No pager stops its output: nobody's key is waited for in the
        middle of a change.
        """

    def following(self) -> AbstractContextManager[Callable[[float], bool]]:
        """Go on until Ctrl-C, which ends the command; no pager stops what is said.

        The block gets a function that waits for so many seconds. It is false when
        nobody is there any more: the line was lost, or the session is to end.
        """

    def working(self, what: Callable[[], str]) -> AbstractContextManager[None]:
        """Say `what` is under way if the block takes more than a second, a line each.

        `what` is asked from another thread, each time anew, and must not fail. A person
        is told; a program only of changes that take ten seconds.
        """
