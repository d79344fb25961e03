"""Answers to keyboard-interactive: the password, once.

A server may ask many things in many rounds (docs/security.md#servers-that-ask); only
the first question that does not echo gets the password, all others an empty answer.
"""

from __future__ import annotations

from cucmsh.secret import Secret


class PasswordAnswers:
    """Answers the rounds of one login.

    Args:
        password: sent at most once.
        only_by_name: send it only to a question that says "password". For a server
            that has it already, where another question is for a second factor.

    Attributes:
        is_sent: whether a question got the password.
        unanswered: the first question that got nothing; the server's own text.
    """

    def __init__(self, password: Secret, *, only_by_name: bool = False) -> None:
        self._password = password
        self._only_by_name = only_by_name
        self.is_sent = False
        self.unanswered = ""

    def __call__(
        self, _title: str, _instructions: str, questions: list[tuple[str, bool]]
    ) -> list[str]:
        return [self._answer(text, echoes=echo) for text, echo in questions]

    def _answer(self, question: str, *, echoes: bool) -> str:
        is_asked_for = not self._only_by_name or "password" in question.lower()
        if echoes or self.is_sent or not is_asked_for:
            self.unanswered = self.unanswered or question.strip() or "nothing"
            return ""
        self.is_sent = True
        return self._password.reveal()
