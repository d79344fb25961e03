"""The places to which a node's alarms go; imported with its first alarm.

An alarm holds nobody up. What is of this machine is written or sent at once, without
waiting; what is for another one, and for the hook, waits on disk for ``send_alarms``,
which a process of its own runs. A place that cannot take an alarm is noted in
HOME/log/errors, and ``cucmsh doctor`` looks at each.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, Protocol

from cucmsh.config.alarm_places import SyslogSettings
from cucmsh.config.settings import Settings
from cucmsh.errors import CucmshError, one_line
from cucmsh.events import Event, Severity
from cucmsh.layout import ALARMS_WAITING, CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.records import syslog_form
from cucmsh.services.records.alarm_queue import enqueue
from cucmsh.services.records.ciscolog import Numbers, lines_of, stored
from cucmsh.services.records.metrics_file import count_up
from cucmsh.storage.local import LocalStore
from cucmsh.storage.lock import is_held
from cucmsh.storage.rotation import Rotation

SYSLOG, MAIL, HOOK = "syslog", "mail", "hook"
SENDER = (sys.executable, "-I", "-m", "cucmsh")
# A process takes longer to begin: whoever was started so lately has looked at nothing.
BEGIN_SECONDS = 0.02

# Of this process, by home: a site is made anew whenever its settings change.
_numbers: defaultdict[str, Numbers] = defaultdict(Numbers)
_noted: set[tuple[str, str, str]] = set()
_started: dict[str, float] = {}  # when a sender was, by configuration


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


class LocalSyslog:
    """The syslog daemon of this machine, through its socket."""

    name = SYSLOG

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings

    def put(self, told: Told) -> None:
        from cucmsh.remote.syslog import send_locally  # noqa: PLC0415 - few have one

        event = told.event
        if event.severity > self._settings.level:
            return
        for line in told.lines:
            if self._settings.form == "cisco":
                raw = syslog_form.cisco(event, line)
            else:
                raw = syslog_form.local(event, line, os.getpid())
            send_locally(self._settings.socket, raw)


class Metrics:
    """A file for node_exporter; it counts every alarm."""

    name = "metrics"

    def __init__(self, path: str) -> None:
        self._path = path

    def put(self, told: Told) -> None:
        count_up(self._path, told.event)


class Queue:
    """Where an alarm waits for ``send_alarms``."""

    def __init__(self, home: LocalStore, name: str, level: Severity) -> None:
        self._home = home
        self.name = name
        self.level = level

    def put(self, told: Told) -> None:
        if told.event.severity <= self.level:
            enqueue(self._home, self.name, *told)


def put_everywhere(settings: Settings, home: LocalStore, event: Event) -> None:
    """Give an alarm to each place of the node; raises nothing."""
    host = settings.cluster.full_name(settings.node)
    told = Told(event, lines_of(event, host, _numbers[settings.home]))
    is_to_be_sent = False
    for place in places_of(settings, home):
        try:
            place.put(told)
        except CucmshError as problem:
            what = f"alarm {event.name} did not go to {place.name}"
            note(home, event, what, problem)
        else:
            is_to_be_sent |= isinstance(place, Queue) and event.severity <= place.level
    if is_to_be_sent:
        try:
            _start_sender(settings)
        except CucmshError as problem:
            note(home, event, "alarms are not sent", problem)


def places_of(settings: Settings, home: LocalStore) -> tuple[Place, ...]:
    """The places of that configuration."""
    alarms = settings.alarms
    places: list[Place] = [
        CiscoSyslog(home, Rotation(alarms.log_bytes, alarms.log_files))
    ]
    if alarms.syslog and alarms.syslog.to == "local":
        places.append(LocalSyslog(alarms.syslog))
    if alarms.metrics:
        places.append(Metrics(alarms.metrics.file))
    places += [Queue(home, *each) for each in queues_of(settings)]
    return tuple(places)


def queues_of(settings: Settings) -> list[tuple[str, Severity]]:
    """The names and levels of the places for which alarms wait."""
    alarms = settings.alarms
    found = []
    if alarms.hook:
        found.append((HOOK, alarms.hook.level))
    if alarms.syslog and alarms.syslog.to != "local":
        found.append((SYSLOG, alarms.syslog.level))
    if alarms.mail:
        found.append((MAIL, alarms.mail.level))
    return found


def note(home: LocalStore, event: Event, what: str, problem: CucmshError) -> None:
    """Say in the crash log, once for each reason, what became of an alarm."""
    why = one_line(problem.message)
    if (home.root, what, why) in _noted:
        return
    _noted.add((home.root, what, why))
    when = event.time.isoformat(timespec="seconds")
    with suppress(CucmshError):  # there is no place left to say it
        home.append(ERRORS_FILE, f"{when} {what}: {why}")


def _start_sender(settings: Settings) -> None:
    """Have what waits sent. Who holds the lock looks again after letting it go."""
    if settings.stamp is None:  # no file says what its node is
        return
    if is_held(os.path.join(settings.home, ALARMS_WAITING)):
        return
    from cucmsh.remote.process import leave_running  # noqa: PLC0415 - few have one

    path, now = os.path.abspath(settings.path), monotonic()
    if now - _started.get(path, -1) > BEGIN_SECONDS:
        leave_running([*SENDER, "--config", path, "hook", "alarms"])
        _started[path] = now
