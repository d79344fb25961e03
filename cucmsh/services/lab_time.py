"""The time of a lab's node, which the lab may set; and whether its hold timer runs.

Only for settings with ``[lab]`` (``cucmsh.config.lab``), which stand in no production
configuration. What was set lies in a file beside the configuration, and is read each
time anew: sessions that run obey it at once.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import NamedTuple

from cucmsh.config.settings import Settings
from cucmsh.errors import CucmshError
from cucmsh.layout import LAB_TIME
from cucmsh.services.backends import Clock
from cucmsh.storage.local import LocalStore

MOST_SECONDS = 100 * 366 * 86400  # the certificates and lists hold 32 bits of time


class LabTime(NamedTuple):
    """What was set on one node.

    Attributes:
        passed: seconds that have gone by beside the real ones: both clocks know.
        wrong: seconds by which its wall clock is ahead besides; less than 0: behind.
            The boot clock does not know.
        has_hold: whether its hold timer runs.
    """

    passed: float = 0.0
    wrong: float = 0.0
    has_hold: bool = True


def read_time(settings: Settings) -> LabTime:
    """What was set on the node of those settings; nothing if that cannot be read."""
    if not settings.lab:
        return LabTime()
    try:
        kept = json.loads(_store(settings).read(LAB_TIME))
        found = LabTime(
            float(kept["passed"]), float(kept["wrong"]), bool(kept["has_hold"])
        )
    except (CucmshError, ValueError, KeyError, TypeError):
        return LabTime()
    seconds = (abs(found.passed), abs(found.wrong))
    return found if max(seconds) <= MOST_SECONDS else LabTime()


def write_time(settings: Settings, time: LabTime) -> None:
    """Set it."""
    raw = json.dumps(time._asdict()).encode()
    _store(settings).write(LAB_TIME, raw + b"\n")


class LabClock:
    """A ``Clock`` beside the real one.

    Args:
        real: the system's.
        settings: of the lab's node.
    """

    def __init__(self, real: Clock, settings: Settings) -> None:
        self._real = real
        self._settings = settings

    def now(self) -> datetime:
        time = read_time(self._settings)
        return self._real.now() + timedelta(seconds=time.passed + time.wrong)

    def boot(self) -> tuple[str, float]:
        boot, uptime = self._real.boot()
        return boot, uptime + read_time(self._settings).passed


def _store(settings: Settings) -> LocalStore:
    return LocalStore(os.path.dirname(os.path.abspath(settings.path)))
