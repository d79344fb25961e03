"""The places to which a node's alarms go; imported with its first alarm.

An alarm holds nobody up: a place that cannot take one is noted in HOME/log/errors, and
``cucmsh doctor`` looks at each.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import NamedTuple, Protocol

from cucmsh.config.settings import Settings
from cucmsh.errors import CucmshError, one_line
from cucmsh.events import Event
from cucmsh.layout import CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.records.ciscolog import Numbers, lines_of, stored
from cucmsh.storage.local import LocalStore
from cucmsh.storage.rotation import Rotation

# Of this process, by home: a site is made anew whenever its settings change.
_numbers: defaultdict[str, Numbers] = defaultdict(Numbers)
_noted: set[tuple[str, str, str]] = set()


class Told(NamedTuple):
    """An alarm on its way to the places.

    Attributes:
        event: what happened.
        lines: the same as a CiscoLog, in as many parts as it needs.
    """

    event: Event
    lines: tuple[str, ...]


class Place(Protocol):
    """Takes alarms; raises ``CucmshError`` if it cannot, and never waits."""

    name: str

    def put(self, told: Told) -> None:
        """Write it, or send it."""


class CiscoSyslog:
    """HOME/log/syslog/CiscoSyslog, a line a part."""

    name = "CiscoSyslog"

    def __init__(self, home: LocalStore, rotation: Rotation) -> None:
        self._home = home
        self._rotation = rotation

    def put(self, told: Told) -> None:
        for line in told.lines:
            whole = stored(told.event, line)
            self._home.append(CISCO_SYSLOG, whole, self._rotation)


def put_everywhere(settings: Settings, home: LocalStore, event: Event) -> None:
    """Give an alarm to each place of the node; raises nothing."""
    host = settings.cluster.full_name(settings.node)
    told = Told(event, lines_of(event, host, _numbers[settings.home]))
    for place in places_of(settings, home):
        try:
            place.put(told)
        except CucmshError as problem:
            _note(settings.home, home, place.name, event, problem)


def places_of(settings: Settings, home: LocalStore) -> tuple[Place, ...]:
    """The places of that configuration."""
    alarms = settings.alarms
    return (CiscoSyslog(home, Rotation(alarms.log_bytes, alarms.log_files)),)


def _note(
    root: str, home: LocalStore, place: str, event: Event, problem: CucmshError
) -> None:
    """Say in the crash log, once for each reason, that an alarm did not go out."""
    why = one_line(problem.message)
    if (root, place, why) in _noted:
        return
    _noted.add((root, place, why))
    when = event.time.isoformat(timespec="seconds")
    with suppress(CucmshError):
        line = f"{when} alarm {event.name} did not go to {place}: {why}"
        home.append(ERRORS_FILE, line)
