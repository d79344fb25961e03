"""A process that is gone at one of its steps: nothing is done or cleaned up then."""

from __future__ import annotations

import pytest

from cucmsh.storage.local import LocalStore


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Ends the n-th step that changes a file: before it, or when it is done."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, *, after: bool) -> None:
        self.seen, self._number, self._after = 0, number, after
        for name in ("stage", "commit", "remove"):
            patch.setattr(LocalStore, name, self._killing(getattr(LocalStore, name)))

    def _killing(self, real: object) -> object:
        def step(store: LocalStore, *values: object) -> object:
            self.seen += 1
            if self.seen == self._number and not self._after:
                raise Killed
            done = real(store, *values)  # type: ignore[operator]
            if self.seen == self._number:
                raise Killed
            return done

        return step
