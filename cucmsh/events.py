"""What happens on a node and somebody may want to know, and who takes it.

An event is a value; a sink writes, sends or counts it. Whoever has something to tell
hands the event to the node's ``Sinks`` and knows none of them; which there are, says
``services.records.sinks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError

Value = str | int | float | tuple[str, ...]


class Severity(IntEnum):
    """How bad it is, by the numbers of syslog (RFC 5424 section 6.2.1)."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7


class Event(NamedTuple):
    """One thing that happened.

    Attributes:
        facility: which part of the program tells it, such as ``audit``.
        name: what happened, such as ``login``.
        severity: how bad it is.
        node: the name of the node on which it happened.
        time: when, UTC.
        parameters: what else is known, in the order in which it is told. No secret.
        action: what an administrator should do; empty if nothing.
        text: what happened in words, of an alarm; else empty.
    """

    facility: str
    name: str
    severity: Severity
    node: str
    time: datetime
    parameters: Mapping[str, Value]
    action: str = ""
    text: str = ""


class Sink(Protocol):
    """Takes events to one place."""

    def takes(self, event: Event) -> bool:
        """Whether it wants this one."""

    def take(self, event: Event) -> None:
        """Write it, send it or count it.

        Raises:
            CucmshError: it could not be kept, and a change that it announces must not
                be made. A sink without which work goes on raises nothing.
        """


class Sinks:
    """All the sinks of a node."""

    def __init__(self, sinks: Iterable[Sink]) -> None:
        self._sinks = tuple(sinks)

    def send(self, event: Event) -> None:
        """Give the event to each sink that wants it.

        Raises:
            CucmshError: what the first sink that failed says; the others have it.
        """
        failed: CucmshError | None = None
        for sink in self._sinks:
            try:
                if sink.takes(event):
                    sink.take(event)
            except CucmshError as problem:
                failed = failed or problem
        if failed is not None:
            raise failed
