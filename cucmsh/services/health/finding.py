"""What a look at a set-up finds: one thing, and how bad it is."""

from __future__ import annotations

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
