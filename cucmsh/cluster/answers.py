"""What we answer in keyboard-interactive: the password, once. Decides nothing else.

A server may ask many things in many rounds (threats-and-faults.md section 1(c)); only
the first question that does not echo gets the password, all others an empty answer.
"""

from __future__ import annotations


class PasswordAnswers:
    """Answers the rounds of one login."""

    def __init__(self, password: str) -> None:
        self._password: str | None = password

    def __call__(
        self, _title: str, _instructions: str, questions: list[tuple[str, bool]]
    ) -> list[str]:
        return [self._answer(echoes=echo) for _, echo in questions]

    def _answer(self, *, echoes: bool) -> str:
        if echoes or self._password is None:
            return ""
        password, self._password = self._password, None
        return password
