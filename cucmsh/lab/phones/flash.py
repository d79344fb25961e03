"""A lab phone's flash: one folder, which outlives its phone.

Its lists under the names that phones give them, the configuration that it runs, and
what it remembers besides. Each file is written beside itself and renamed, so that a
killed lab leaves the old one or the new one. Not synced: what a power cut takes from a
phone of a lab it fetches again, and a thousand phones would wait for the disk in turns.

What lies there may have been changed by hand. A list that is none counts as not there,
as does a state that cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cucmsh.errors import PhoneFileError, StoreError, TrustListError
from cucmsh.layout import FLASH_CONFIGURATION, FLASH_STATE
from cucmsh.phones.configuration import MAX_SIZE, Configuration, read_configuration
from cucmsh.phones.facts import Alarm, StatusLine
from cucmsh.phones.families import ListKind
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList

MOST_ALARMS = 30
MOST_BOOTS = 30  # of the history


LATEST = 4102444800  # the year 2100: no clock of a phone is set beyond it
_DAMAGED = (
    *(ValueError, OverflowError, TypeError, KeyError, AttributeError),
    RecursionError,
)


class Boot(NamedTuple):
    """One start: when, by the phone's own clock, and what made it start."""

    at: int
    why: str


class Memory(NamedTuple):
    """What a phone remembers besides its lists and its configuration.

    Attributes:
        is_plugged: whether it had power.
        clock_offset: by how many seconds its clock is ahead of the lab's.
        servers: who gave it a list, by the list's name in flash.
        status: its status messages, the oldest first.
        alarms: what it has said of its lists, the oldest first.
        untold: those of them that no call manager has accepted yet.
        boots: the oldest first.
    """

    is_plugged: bool = True
    clock_offset: int = 0
    servers: Mapping[str, str] = {}
    status: tuple[StatusLine, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    untold: tuple[Alarm, ...] = ()
    boots: tuple[Boot, ...] = ()


class Flash:
    """The flash of one phone.

    Args:
        folder: its own; made if it is not there.

    Raises:
        StoreError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(f"{folder}: {problem.strerror}") from problem

    def list_of(self, kind: ListKind) -> TrustList | None:
        """The list of that kind; None without one."""
        return _decoded(self._read(kind))

    def configuration(self) -> Configuration:
        """What the phone runs; an empty one if it runs none."""
        try:
            return read_configuration(self._read(FLASH_CONFIGURATION))
        except PhoneFileError:
            return Configuration()

    def memory(self) -> Memory:
        """What it remembers; that of a new phone if nothing can be read."""
        with suppress(*_DAMAGED):
            return _memory(json.loads(self._read(FLASH_STATE)))
        return Memory()

    def keep_list(self, kind: ListKind, raw: bytes) -> None:
        self._write(kind, raw)

    def keep_configuration(self, raw: bytes) -> None:
        """Keep the plain configuration, unless it is the one that is there."""
        if raw != self._read(FLASH_CONFIGURATION):
            self._write(FLASH_CONFIGURATION, raw)

    def keep_memory(self, memory: Memory) -> None:
        self._write(FLASH_STATE, json.dumps(memory._asdict()).encode())

    def erase_lists(self) -> None:
        for kind in ListKind:
            with suppress(FileNotFoundError):
                self._folder.joinpath(kind).unlink()

    def _read(self, name: str) -> bytes:
        """The file; empty if it cannot be read, or is larger than any phone takes."""
        with suppress(OSError), self._folder.joinpath(name).open("rb") as stream:
            raw = stream.read(MAX_SIZE + 1)
            return raw if len(raw) <= MAX_SIZE else b""
        return b""

    def _write(self, name: str, raw: bytes) -> None:
        path = self._folder / name  # in a folder that is its owner's alone
        half = path.with_name(f"{path.name}.new")
        try:
            half.write_bytes(raw)
            half.replace(path)
        except OSError as problem:
            raise StoreError(f"{path}: {problem.strerror}") from problem


@lru_cache(maxsize=128)
def _decoded(raw: bytes) -> TrustList | None:
    """Kept, since a thousand phones hold the same few lists."""
    try:
        return decode(raw)
    except TrustListError:
        return None


def _memory(kept: dict[str, Any]) -> Memory:
    return Memory(
        is_plugged=bool(kept["is_plugged"]),
        clock_offset=_seconds(kept["clock_offset"], -LATEST),
        servers={str(name): str(host) for name, host in kept["servers"].items()},
        status=tuple(
            StatusLine(_seconds(at), str(text)) for at, text in kept["status"]
        ),
        alarms=_alarms(kept["alarms"]),
        untold=_alarms(kept.get("untold", ())),
        boots=tuple(Boot(_seconds(at), str(why)) for at, why in kept["boots"]),
    )


def _alarms(kept: Iterable[Sequence[Any]]) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(_seconds(at), int(status), *(str(each) for each in said[:4]))
        for at, status, *said in kept
    )


def _seconds(value: Any, least: int = 0) -> int:
    seconds = int(value)
    if not least <= seconds <= LATEST:
        raise ValueError(seconds)
    return seconds
