"""Logs that are being written, into the inventory, until somebody ends it.

How far each was read is noted once its claims are on disk. A log that is rotated is
read to its end first (``log_file``).
"""

from __future__ import annotations

import hashlib
import json
import os
import select
from collections.abc import Sequence
from typing import Protocol

from cucmsh.errors import CucmshError, MissingFileError, StoreError
from cucmsh.layout import IMPORTED
from cucmsh.phones.log_claims import LogClaims
from cucmsh.phones.log_time import LogClock
from cucmsh.services.phones.imports import (
    STANDARD_INPUT,
    Imported,
    ImportedLog,
    Served,
    read_input,
    whose_logs,
)
from cucmsh.services.phones.keeper import Keeper
from cucmsh.services.phones.log_file import LogFile, Position
from cucmsh.services.phones.log_lines import WholeLines
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LOOK_SECONDS = 1.0  # between two looks at a log
SAVE_SECONDS = 5.0  # between two notes of how far it was read, while there is more
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


class LongDialog(Protocol):
    """Is told what happens in what runs until it is ended."""

    def say(self, line: str) -> None:
        """Something that a person should know."""

    def is_over(self, seconds: float) -> bool:
        """Wait for so long; whether somebody ends it."""


@use_case("phones import --follow")
def follow_logs(
    site: Site, names: Sequence[str], dialog: LongDialog, node: str = ""
) -> Imported:
    """Read logs as they are written, until somebody ends it.

    While the inventory cannot be written nothing is read on, so that nothing is lost.

    Args:
        site: this node.
        names: paths; ``-`` for standard input, which may end by itself.
        dialog: is told what happens.
        node: whose logs they are; this one's without it.

    Raises:
        UsageError: there is no such node.
        StoreError: a log is not there, or cannot be read.
    """
    node = whose_logs(site, node)
    with Keeper(site) as keeper:
        logs = [_Followed(site, name, node, keeper, dialog) for name in names]
        _follow(site, logs, keeper, dialog)
        return Imported(tuple(log.imported() for log in logs), keeper.recorded)


class _Followed:
    """One log that is followed."""

    def __init__(
        self, site: Site, name: str, node: str, keeper: Keeper, dialog: LongDialog
    ) -> None:
        self.name = name
        self._site, self._keeper, self._dialog = site, keeper, dialog
        self._served = Served(site, node)
        self._clock = LogClock(site.clock.now())
        self._reader = LogClaims(
            self._clock, node, self._served.digest, arrival=self._now
        )
        self._note = f"{IMPORTED}/{_digest(f'{node} {os.path.abspath(name)}')}"
        self._saved: Position | None = None
        self._lines = WholeLines()
        self.is_ended = False
        self._log: LogFile | None = None
        if name != STANDARD_INPUT:
            self._saved = _read_position(site, self._note)
            self._log = LogFile(name, self._saved)
            self._tell()

    def _now(self) -> int:
        return int(self._site.clock.now().timestamp())

    def imported(self) -> ImportedLog:
        overlong = (self._lines if self._log is None else self._log).overlong
        return ImportedLog(self.name, self._reader.counts, overlong)

    def look(self) -> bool:
        """Take what is new; whether there was something."""
        self._clock.renewed(self._site.clock.now())
        found = self._read_input() if self._log is None else self._read_log(self._log)
        if found is None:
            # A second of the log is over when a later one has come, or by the clock.
            self._keeper.take(self._reader.settle(self._now()))
            return False
        self._served.renew()
        self._keeper.take(self._reader.read(*found))
        return True

    def _read_log(self, log: LogFile) -> tuple[bytes, int] | None:
        found = log.read()
        if found is not None or not log.has_moved():
            return found
        found = log.read()  # written while the other one was made
        if found is not None:
            return found
        self._keeper.take(self._reader.read(*log.rest()))
        self._keeper.take(self._reader.turn_over())
        try:
            log.move()
        except MissingFileError:
            return None
        self._tell()
        return log.read()

    def _read_input(self) -> tuple[bytes, int] | None:
        if self.is_ended or not select.select([0], [], [], 0)[0]:
            return None
        piece = read_input()
        if not piece:
            self.is_ended = True
            rest = self._reader.read(self._lines.rest())
            self._keeper.take([*rest, *self._reader.finish()])
            return None
        return self._lines.take(piece), 0

    def _tell(self) -> None:
        if self._log is not None:
            for note in self._log.notes:
                self._dialog.say(f"{note}.")
            self._log.notes.clear()

    def save(self) -> None:
        """Note how far it is recorded. Only while nothing waits.

        Raises:
            StoreError: it cannot be noted.
        """
        if self._log is None:
            return
        position = self._log.position(self._reader.safe_offset)
        if position != self._saved:
            self._site.home.write(self._note, json.dumps(position).encode())
            self._saved = position

    def close(self) -> None:
        if self._log is not None:
            self._log.close()


def _follow(
    site: Site, logs: Sequence[_Followed], keeper: Keeper, dialog: LongDialog
) -> None:
    failures, saved = 0, site.clock.now()
    try:
        while True:
            is_busy = not keeper.waiting and _look_at_all(logs)
            failures = write(keeper, dialog, failures)
            is_due = abs((site.clock.now() - saved).total_seconds()) >= SAVE_SECONDS
            if not failures and (is_due or not is_busy):
                _save(logs, dialog)
                saved = site.clock.now()
            if not failures and all(log.is_ended for log in logs):
                return
            if dialog.is_over(pause_after(failures, is_busy=is_busy)):
                break
        if not write(keeper, dialog, failures):
            _save(logs, dialog)
    finally:
        for log in logs:
            log.close()


def _look_at_all(logs: Sequence[_Followed]) -> bool:
    """Whether one of them had something new."""
    news = [log.look() for log in logs]
    return any(news)


def pause_after(failures: int, *, is_busy: bool = False) -> float:
    """How long to wait after so many failures in a row, in seconds."""
    if failures:
        return RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]
    return 0.0 if is_busy else LOOK_SECONDS


def write(keeper: Keeper, dialog: LongDialog, failures: int) -> int:
    """Write what waits; how often in a row that failed, which is said once."""
    try:
        keeper.write()
        keeper.forget_old()
    except CucmshError as problem:
        if not failures:
            dialog.say(f"{problem.message}. {problem.advice}".strip())
            dialog.say("Nothing is lost: it is tried again until it works.")
        return failures + 1
    if failures:
        dialog.say("The inventory can be written again.")
    return 0


def _save(logs: Sequence[_Followed], dialog: LongDialog) -> None:
    for log in logs:
        try:
            log.save()
        except StoreError as problem:  # the same lines are read again, once
            dialog.say(f"how far {log.name} was read is not noted: {problem.message}.")


def _read_position(site: Site, note: str) -> Position | None:
    try:
        said = json.loads(site.home.read(note))
        device, inode, offset, seen, tail = said
        bytes.fromhex(tail)
        position = Position(int(device), int(inode), int(offset), int(seen), str(tail))
    except (StoreError, ValueError, TypeError, RecursionError):
        return None  # the log is read again: it says nothing new
    return position if 0 <= position.offset <= position.seen else None


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]
