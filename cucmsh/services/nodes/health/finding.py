"""A finding of a check, and how serious it is: what all checks give, and views show."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        level: how serious it is.
        what: a sentence, without a full stop.
        advice: what to do; empty if all is well.
    """

    level: Level
    what: str
    advice: str = ""


def checked(is_good: bool, what: str, advice: str = "") -> Finding:
    """A finding: well, or failed; ``advice`` is for the failed one."""
    if is_good:
        return Finding(Level.OK, what)
    return Finding(Level.FAIL, what, advice)


def has_failed(findings: Iterable[Finding]) -> bool:
    """Whether one of them failed."""
    return any(finding.level is Level.FAIL for finding in findings)


def exit_status(findings: Iterable[Finding]) -> int:
    """0 if there are no warnings and failures, 1 for warnings, 2 for failures."""
    levels = {finding.level for finding in findings}
    return 2 if Level.FAIL in levels else int(Level.WARN in levels)
