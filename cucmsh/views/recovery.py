"""Backup devices, sets, schedules, and how backups went: as lines and as JSON. Pure.

Where the original's text is known, it is that (docs/cli.md#disaster-recovery).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cucmsh.services.recovery.devices import Device
from cucmsh.services.recovery.jobs import Job, Result
from cucmsh.services.recovery.plans import Schedule
from cucmsh.services.recovery.sets import FoundSet
from cucmsh.views.documents import Document

NETWORK = "NETWORK"
NO_HISTORY = "drfCliMsg:  No history data is available"
HEADER = (
    "Tar Filename: Backup Device: Completed On: Result: Backup Type: "
    "Features Backed Up:"
)


def device_lines(devices: Sequence[Device]) -> Iterator[str]:
    """A row each: name, type, place."""
    for each in devices:
        yield f"{each.name:<27}{NETWORK:<22}{each.place}"


def job_lines(job: Job, *, is_running: bool) -> Iterator[str]:
    """The last backup or restore, and its components."""
    status = str(job.result)
    if job.result is Result.IN_PROGRESS and not is_running:
        status = "ERROR: it was killed; run it again"
    elif job.reason:
        status = f"{status}: {job.reason}"
    yield f"Status: {status}"
    yield f"Tar Filename: {job.label}.tar"
    yield f"Storage Location: {job.place}"
    yield f"Operation: {str(job.kind).upper()} ({job.operation})"
    yield f"Percentage Complete: {job.percent}%"
    for part in job.parts:
        yield (
            f"{job.features:<10}{part.server:<20}{part.component:<12}"
            f"{part.status:<10}{_time(part.date)}"
        )


def history_lines(jobs: Sequence[Job]) -> Iterator[str]:
    """A row each under the original's header; or that there is none."""
    if not jobs:
        yield NO_HISTORY
        return
    yield HEADER
    for job in jobs:
        ended = _time(job.ended) if job.ended else "-"
        yield (
            f"{job.label}.tar {NETWORK}  {ended}   {job.result}  "
            f"{job.operation:<16}{job.features}"
        )


def set_lines(sets: Sequence[FoundSet]) -> Iterator[str]:
    """The sets of a device, a row each; what is not whole says why."""
    for each in sets:
        yield f"{each.label}.tar  {each.host}" + (
            f"  not whole: {each.problem}" if each.problem else ""
        )


def backup_lines(job: Job, removed: Sequence[str]) -> Iterator[str]:
    """How a backup ended."""
    for part in job.parts:
        if part.status != Result.SUCCESS:
            yield f"{part.server}, {part.component}: {part.status}"
    yield f"{job.label}.tar on {job.device}, read back and compared: {job.result}"
    for label in removed:
        yield f"Removed there, since it is older: {label}.tar"


def schedule_lines(schedules: Sequence[Schedule]) -> Iterator[str]:
    """The original's table."""
    yield "schedule name\tdevice name\tSchedule Status"
    yield "-" * 41
    for each in schedules:
        state = "enabled" if each.is_enabled else "disabled"
        yield f"{each.name}\t{each.device}\t{state}"


def prepared_lines(*, helpful: bool) -> Iterator[str]:
    """What follows ``prepare restore pub_from_sub``."""
    yield "The next subscriber that is added brings back what it knows."
    if helpful:
        yield "Now, as the node's account: cucmsh node add SUBSCRIBER ..."
        yield "Then: utils itl reset remotekey, with the saved ITLRecovery.p12"


def device_document(device: Device) -> Document:
    """A backup device, without its password."""
    return {
        "name": device.name,
        "host": device.server.host,
        "port": device.server.port,
        "user": device.server.user,
        "path": device.directory,
        "kept": device.number,
    }


def schedule_document(schedule: Schedule) -> Document:
    """One schedule."""
    return {
        "name": schedule.name,
        "device": schedule.device,
        "features": schedule.features.split(","),
        "first": _iso(schedule.first),
        "repeat": str(schedule.repeat),
        "is_enabled": schedule.is_enabled,
    }


def job_document(job: Job) -> Document:
    """One backup or restore."""
    return {
        "kind": str(job.kind),
        "tar": f"{job.label}.tar",
        "device": job.device,
        "place": job.place,
        "operation": job.operation,
        "features": job.features.split(","),
        "begun": _iso(job.begun),
        "ended": _iso(job.ended) if job.ended else None,
        "result": str(job.result),
        "percent": job.percent,
        "reason": job.reason or None,
        "components": [
            {
                "node": part.server,
                "component": part.component,
                "status": part.status,
                "time": _iso(part.date),
            }
            for part in job.parts
        ],
    }


def set_document(found: FoundSet) -> Document:
    """One set on a device."""
    manifest = found.manifest
    return {
        "tar": f"{found.label}.tar",
        "host": found.host,
        "problem": found.problem or None,
        "release": manifest and manifest.release,
        "bytes": manifest and sum(file.size for file in manifest.files),
    }


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%a %b %e %H:%M:%S UTC %Y")


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
