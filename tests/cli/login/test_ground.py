"""Which folders doctor looks at for files that others could change."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import cast

import pytest

from cucmsh.config.settings import Settings
from cucmsh.ownership import WeakPoint
from cucmsh.services.nodes.health import logins


@pytest.mark.thorough
def test_without_an_environment_the_machine_s_files_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The prefix is /usr then: nobody is told to run chown -R on it."""
    looked_at: list[str] = []

    def weak_points(
        _settings: Settings, _programs: object, _homes: object, folders: Iterable[str]
    ) -> Iterator[WeakPoint]:
        looked_at.extend(folders)
        for number in range(logins.SHOWN + 1):
            yield WeakPoint(f"/{number}", "is open", ("true",))

    monkeypatch.setattr(logins, "weak_points", weak_points)
    settings = cast("Settings", None)
    for base, expected in ((sys.prefix, []), ("/elsewhere", [sys.prefix])):
        monkeypatch.setattr(sys, "base_prefix", base)
        looked_at.clear()
        advice = [finding.advice for finding in logins.examine_ground(settings)]
        assert looked_at == expected
        assert (f"As root: chown -R root: {sys.prefix}" in advice) is bool(expected)
