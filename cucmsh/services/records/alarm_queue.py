"""Alarms that wait to be sent: state/alarms/PLACE, a file each, in the order of time.

A file is one line of JSON, written at once: without its end it is not whole yet, or a
full disk cut it off. Who has taken it to its place removes it. So nobody loses one who
is killed, and one comes twice if the kill was between the two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count
from typing import NamedTuple

from cucmsh.errors import CucmshError, StoreError
from cucmsh.events import Event, Severity
from cucmsh.layout import ALARMS_WAITING
from cucmsh.storage.local import LocalStore

MOST_WAITING = 1000  # of one place
STALE_SECONDS = 60  # a file that is not whole after so long never will be
NAMES = count()


class Waiting(NamedTuple):
    """An alarm that waits.

    Attributes:
        file: in which it waits.
        event: what happened.
        lines: the same as a CiscoLog.
        pid: of the process that told it.
    """

    file: str
    event: Event
    lines: tuple[str, ...]
    pid: int


def folder_of(place: str) -> str:
    """The folder in which alarms wait for that place."""
    return f"{ALARMS_WAITING}/{place}"


def enqueue(home: LocalStore, place: str, event: Event, lines: tuple[str, ...]) -> None:
    """Keep an alarm until somebody has sent it.

    Raises:
        StoreError: it cannot be written, or there are too many.
    """
    folder = folder_of(place)
    if len(home.names(folder)) >= MOST_WAITING:
        raise StoreError(
            f"{MOST_WAITING} alarms wait for it already, so this one was dropped",
            "See `cucmsh doctor`: it says why they are not sent.",
        )
    document = document_of(event) | {"lines": lines, "pid": os.getpid()}
    when = int(event.time.timestamp() * 1_000_000)
    name = f"{when:020}-{os.getpid()}-{next(NAMES):06}"
    home.append(f"{folder}/{name}", json.dumps(document))


def document_of(event: Event) -> dict[str, object]:
    """The event as JSON has it: what a hook gets, too."""
    return {
        **event._asdict(),
        "severity": int(event.severity),
        "time": event.time.isoformat(timespec="milliseconds"),
    }


def waiting(home: LocalStore, place: str) -> Iterator[Waiting]:
    """Those that wait for a place, the oldest first. Removes what never was whole."""
    folder = folder_of(place)
    for name in home.names(folder):
        file = f"{folder}/{name}"
        with suppress(CucmshError):  # somebody sent it just now
            try:
                yield _read(file, home.read(file))
            except (ValueError, KeyError, TypeError):
                if home.clock() - home.modified(file) > STALE_SECONDS:
                    home.remove(file)


def has_waiting(home: LocalStore, place: str) -> bool:
    """Whether something waits for that place."""
    return bool(home.names(folder_of(place)))


def _read(file: str, raw: bytes) -> Waiting:
    if not raw.endswith(b"\n"):
        raise ValueError
    found = json.loads(raw)
    lines, pid = tuple(map(str, found.pop("lines"))), int(found.pop("pid"))
    found["severity"] = Severity(found["severity"])
    found["time"] = datetime.fromisoformat(found["time"])
    return Waiting(file, Event(**found), lines, pid)
