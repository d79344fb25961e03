"""Backups and restores that were begun: the present one's state, and the last twenty.

Kept on disk at each step, so that another shell sees how far one is. One that says that
it runs while nobody holds the lock was killed.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import NamedTuple

from cucmsh.errors import BusyError, MissingFileError
from cucmsh.layout import BACKUP_JOBS
from cucmsh.services.site import Site

MOST = 20  # of each kind, as in the original


class Kind(StrEnum):
    """What it does."""

    BACKUP = "backup"
    RESTORE = "restore"


class Result(StrEnum):
    """How it ended; IN_PROGRESS for one that runs or was killed."""

    IN_PROGRESS = "IN PROGRESS"
    SUCCESS = "SUCCESS"
    PARTIAL = "PARTIAL"  # some component is not in it, and the rest is
    ERROR = "ERROR"
    CANCELED = "CANCELED"


class Part(NamedTuple):
    """One component of one server.

    Attributes:
        server: the node.
        component: such as ``TFTP``.
        status: ``SUCCESS``, ``ERROR: why``, or ``ACTIVE``.
        date: Unix time of that.
    """

    server: str
    component: str
    status: str
    date: int


class Job(NamedTuple):
    """A backup or restore.

    Attributes:
        kind: which.
        label: of the set, without ``.tar``.
        device: its name.
        place: server and directory.
        operation: what was typed, or the schedule.
        begun: Unix time.
        ended: Unix time; 0 while it runs.
        result: how it ended.
        features: separated by commas.
        percent: how far it is.
        reason: why it failed.
        parts: its components.
        process: of the operating system.
    """

    kind: Kind
    label: str
    device: str
    place: str
    operation: str
    begun: int
    features: str
    ended: int = 0
    result: Result = Result.IN_PROGRESS
    percent: int = 0
    reason: str = ""
    parts: tuple[Part, ...] = ()

    def with_part(self, part: Part) -> Job:
        """The same with this component's state, in place of its earlier one."""
        at = (part.server, part.component)
        others = [p for p in self.parts if (p.server, p.component) != at]
        return self._replace(parts=(*others, part))


def read_jobs(site: Site, kind: Kind) -> list[Job]:
    """The last ones, the newest last. A damaged file reads as none."""
    try:
        rows = json.loads(site.home.read(BACKUP_JOBS))[kind]
        return [_job(row) for row in rows]
    except (MissingFileError, ValueError, KeyError, TypeError, AttributeError):
        return []


def keep_job(site: Site, job: Job) -> None:
    """Keep its state; the caller holds the recovery lock."""
    site.home.write(BACKUP_JOBS, jobs_with(site, job))


def jobs_with(site: Site, job: Job) -> bytes:
    """The bytes of ``BACKUP_JOBS`` with its state."""
    kept = {}
    for kind in Kind:
        jobs = read_jobs(site, kind)
        if kind is job.kind:
            same = (job.label, job.begun)
            jobs = [each for each in jobs if (each.label, each.begun) != same]
            jobs = [*jobs, job][-MOST:]
        kept[kind] = [each._asdict() for each in jobs]
    return json.dumps(kept).encode()


def is_running(site: Site) -> bool:
    """Whether a backup or restore holds the lock now."""
    try:
        with site.recovery_lock("a look at it"):
            return False
    except BusyError:
        return True


def _job(row: dict[str, object]) -> Job:
    parts = row["parts"]
    if not isinstance(parts, list):
        raise TypeError(parts)
    return Job(
        **{
            **row,  # type: ignore[arg-type]
            "kind": Kind(str(row["kind"])),
            "result": Result(str(row["result"])),
            "parts": tuple(Part(*each) for each in parts),
        }
    )
