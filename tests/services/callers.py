"""Who calls use-cases in tests, and a record that is kept in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cucmsh.services.caller import Caller, WayIn
from cucmsh.services.site import Site


class Notes:
    """A ``Record`` in memory: names and values, as they ended."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, ...]] = []

    @contextmanager
    def keeping(
        self, name: str, values: Sequence[str], *, is_change: bool
    ) -> Iterator[None]:
        assert isinstance(is_change, bool)
        try:
            yield
        finally:
            self.kept.append((name, *values))


def called(site: Site, caller: Caller | None = None) -> Site:
    """The site for a caller who may do everything, or for another one."""
    return site.called_by(caller or Caller(WayIn.PROMPT, "admin"), Notes())
