"""Where a node's events go: a class a place, and the one list of them.

To add one, write a class with ``takes`` and ``take`` (``cucmsh.events.Sink``) here, and
put it into ``sinks_of``, which has the settings that such a class may need. A ``Site``
has its node's sinks: a use-case tells an alarm by ``site.sinks.send(event)``.
"""

from __future__ import annotations

import json

from cucmsh.config.settings import Settings
from cucmsh.events import Event, Sinks, Value
from cucmsh.layout import AUDIT_FILE, ERRORS_FILE
from cucmsh.storage.local import LocalStore

AUDIT, CRASH = "audit", "crash"  # facilities
ALARMS = "UC_"  # how those of alarms begin
MOST_CHARACTERS = 1024  # of one text


def sinks_of(settings: Settings) -> Sinks:
    """The sinks of the node with those settings. Opens and writes nothing."""
    home = LocalStore(settings.home)
    return Sinks((AuditFile(home), CrashFile(home), Alarms(home, settings)))


class AuditFile:
    """HOME/log/audit, a line of JSON an event; ``audit`` says what is in it."""

    def __init__(self, home: LocalStore) -> None:
        self._home = home

    def takes(self, event: Event) -> bool:
        """Whether it is an event of the audit log."""
        return event.facility == AUDIT

    def take(self, event: Event) -> None:
        """See ``Sink.take``: a change that cannot be recorded is not made."""
        at = event.time.isoformat(timespec="milliseconds")
        record = {"at": at, "event": event.name, **event.parameters}
        line = json.dumps({name: _bounded(value) for name, value in record.items()})
        # json leaves DEL as it is, and the log's own escape for it is not JSON.
        self._home.append(AUDIT_FILE, line.replace("\x7f", "\\u007f"))


class CrashFile:
    """HOME/log/errors, a line for each unexpected exception; see ``crash_log``."""

    def __init__(self, home: LocalStore) -> None:
        self._home = home

    def takes(self, event: Event) -> bool:
        """Whether it is an unexpected exception."""
        return event.facility == CRASH

    def take(self, event: Event) -> None:
        """Append its line; see ``Sink.take``."""
        when = event.time.isoformat(timespec="seconds")
        places = event.parameters["places"]
        assert isinstance(places, tuple)  # noqa: S101 - see crash_log
        self._home.append(ERRORS_FILE, f"{when} {event.name} at {' '.join(places)}")


class Alarms:
    """CiscoSyslog, and wherever else alarms go; see ``alarm_places``."""

    def __init__(self, home: LocalStore, settings: Settings) -> None:
        self._home = home
        self._settings = settings

    def takes(self, event: Event) -> bool:
        """Whether it is an alarm."""
        return event.facility.startswith(ALARMS)

    def take(self, event: Event) -> None:
        """Give it to each place; raises nothing, as work goes on without it."""
        # A login tells none, and pays for none.
        from cucmsh.services.records.alarm_places import (  # noqa: PLC0415 - above
            put_everywhere,
        )

        put_everywhere(self._settings, self._home, event)


def _bounded(value: Value) -> Value:
    """The value with each of its texts cut to ``MOST_CHARACTERS``."""
    if isinstance(value, str):
        return value[:MOST_CHARACTERS]
    if isinstance(value, tuple):
        return tuple(each[:MOST_CHARACTERS] for each in value)
    return value
