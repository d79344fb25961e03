"""A dialog whose answers are written down beforehand: for tests of commands.

Opens no terminal and forgives nothing: another question than the expected one, a
question too many and an answer left over are all failures that say what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from cucmsh.errors import CucmshError
from cucmsh.secret import Secret
from cucmsh.shell.answers import refused_answer
from cucmsh.shell.dialog import CONTROL_C, CommandSession, SafePoint
from cucmsh.shell.grammar import Grammar

Answer = str | BaseException | type[BaseException]


class ScriptedSession:
    """SessionSettings without a session."""

    def __init__(self, grammar: Grammar | None = None) -> None:
        self.pagination: bool | None = None
        self.counts_commands = False
        self.command_count = 1
        self.grammar = Grammar(()) if grammar is None else grammar

    @property
    def is_person(self) -> bool:
        return False

    @property
    def is_paged(self) -> bool:
        return bool(self.pagination)


class ScriptedDialog:
    """Answers from a list of pairs: a part of the expected question, and the answer.

    An answer that is an exception, or the class of one, is raised instead. Everything
    said and asked is in `text` (and, by line, in `lines`), answers are not::

        with ScriptedDialog([("(yes|no)", "no")]) as dialog:
            set_cert_regen(dialog, site, "TVS")
        assert "Regenerating" not in dialog.text

    A refused answer is asked for again, as of a person, unless `is_person` is false.
    With `wants_json` a result is kept in `json` instead of being said.

    Raises:
        AssertionError: the questions differ from the expected ones, or at the end of
            the `with` block (or in `finish`) an answer is left over.
    """

    def __init__(
        self,
        answers: Iterable[tuple[str, Answer]] = (),
        *,
        helpful: bool = True,
        wants_json: bool = False,
        is_person: bool = True,
        session: CommandSession | None = None,
    ) -> None:
        self.helpful = helpful
        self.session: CommandSession = session or ScriptedSession()
        self.text = ""
        self.json: Mapping[str, object] | None = None
        self._wants_json = wants_json
        self._is_person = is_person
        self.questions: list[str] = []
        self._answers = deque(answers)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def say(self, text: str = "") -> None:
        self.text += f"{text}\n"

    def write(self, text: str) -> None:
        self.text += text

    def result(
        self,
        lines: Callable[[], Iterable[str]],
        document: Callable[[], Mapping[str, object]],
    ) -> None:
        if self._wants_json:
            self.json = document()
        else:
            for line in lines():
                self.say(line)

    @property
    def columns(self) -> int:
        return 80

    def view(
        self, text: str, document: Callable[[], Mapping[str, object]] | None = None
    ) -> None:
        if self._wants_json and document is not None:
            self.json = document()
        else:
            self.text += text

    def ask(self, question: str) -> str:
        return self._next(question).strip()

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        answer = self._next(question)
        self.text = f"{self.text[:-1]}{mask * len(answer)}\n"
        return Secret(answer)

    def ask_key(self, question: str, keys: str, again: str) -> str:
        key = self._next(question).lower()
        while len(key) != 1 or key not in keys:
            if not self._is_person:
                raise refused_answer(question, again.strip().removesuffix(":"))
            key = self._next(again).lower()
        return key

    def ask_again(self, question: str, reason: str) -> None:
        if not self._is_person:
            raise refused_answer(question, reason)
        if self.helpful:
            self.say(reason)

    def uninterrupted(self) -> AbstractContextManager[SafePoint]:
        return nullcontext(lambda: None)

    def following(self) -> AbstractContextManager[Callable[[float], bool]]:
        return nullcontext(lambda _: False)

    def working(self, _what: Callable[[], str]) -> AbstractContextManager[None]:
        return nullcontext()

    def finish(self) -> None:
        """Fail if there is an answer that nobody asked for."""
        if self._answers:
            left = [expected for expected, _ in self._answers]
            raise AssertionError(f"never asked: {left}; the dialog was:\n{self.text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()

    def _next(self, question: str) -> str:
        self.text += f"{question}\n"
        self.questions.append(question)
        if not self._answers:
            raise AssertionError(f"no answer left; the dialog was:\n{self.text}")
        expected, answer = self._answers.popleft()
        if expected not in question:
            raise AssertionError(
                f"asked {question!r} instead of {expected!r}; "
                f"the dialog was:\n{self.text}"
            )
        if isinstance(answer, str):
            return answer
        raise _made(answer)


def _made(answer: BaseException | type[BaseException]) -> BaseException:
    if isinstance(answer, BaseException):
        return answer
    return answer(CONTROL_C) if issubclass(answer, CucmshError) else answer()
