"""Somebody who adopts: answers as the test says, and remembers what was asked."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from cucmsh.errors import CancelledError, WrongPasswordError
from cucmsh.secret import Secret
from cucmsh.services.adoption.plan import AdoptionPlan
from cucmsh.services.adoption.sources import FoundList


class Person:
    """See ``AdoptDialog``.

    Args:
        passwords: in the order in which they are typed.
        sha1s: of the lists that are believed.
        sasts: the subjects of further SAST that are taken.
        agrees: to the plan.
    """

    is_told_all = False

    def __init__(
        self,
        *,
        passwords: tuple[str, ...] = (),
        sha1s: tuple[str, ...] = (),
        sasts: tuple[str, ...] = (),
        agrees: bool = True,
    ) -> None:
        self._passwords = [*passwords]
        self._sha1s, self._sasts, self._agrees = sha1s, sasts, agrees
        self.asked: list[str] = []
        self.plan: AdoptionPlan | None = None

    def password(self, path: str, *, is_first: bool) -> Secret:
        self.asked.append(f"password of {path}, first {is_first}")
        if not self._passwords:
            raise WrongPasswordError(path)
        return Secret(self._passwords.pop(0))

    def trusts(self, found: FoundList) -> bool:
        self.asked.append(f"sha1 of {found.place}")
        return found.sha1 in self._sha1s

    def takes_sast(self, found: FoundList, name: str, sha256: str) -> bool:
        assert len(sha256) == 64
        self.asked.append(f"sast {name} of {found.place}")
        return name in self._sasts

    def agree(self, plan: AdoptionPlan) -> None:
        self.plan = plan
        if not self._agrees:
            raise CancelledError("no")

    def changing(self) -> AbstractContextManager[object]:
        return nullcontext()
