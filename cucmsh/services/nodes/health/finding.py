"""What a look at a set-up finds: one thing, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One thing that was looked at; ``advice`` says what to do, unless all is well."""

    level: Level
    what: str
    advice: str = ""


def exit_status(findings: Iterable[Finding]) -> int:
    """0 all is well, 1 warnings, 2 something fails."""
    levels = {finding.level for finding in findings}
    return 2 if Level.FAIL in levels else int(Level.WARN in levels)
