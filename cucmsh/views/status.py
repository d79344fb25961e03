"""``show status`` and ``show cert hold`` (docs/cli.md#status). Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import ceil

from cucmsh.services.certificates.hold import Hold
from cucmsh.services.nodes.machine import Memory, Processor
from cucmsh.services.nodes.system_status import SystemStatus
from cucmsh.views.documents import Document
from cucmsh.views.times_and_sizes import iso_time

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def status_lines(node: str, seen: SystemStatus) -> Iterator[str]:
    """The original's order; a line whose value is not known is left out."""
    there = time.localtime(seen.now.timestamp())
    letters = time.strftime("%Z", there)
    zone = f"{letters} ({seen.zone})" if seen.zone else letters
    yield ""
    for name, value in (
        ("Host Name", node),
        ("Date", time.strftime("%a %b %d, %Y %H:%M:%S", there)),
        ("Time Zone", zone),
        ("Locale", seen.locale),
        ("Product Ver", seen.product),
        ("Unified OS Version", seen.system),
    ):
        if value:
            yield f"{name:<19}: {value}"
    yield ""
    yield "Uptime:"
    yield _uptime(seen, there)
    if seen.processor:
        yield ""
        yield from _processor(seen.processor)
    if seen.memory:
        yield ""
        yield from _memory(seen.memory)
    if seen.disks:
        yield ""
        yield f"{'':24}Total            Free            Used"
    for name, _, disk in seen.disks:
        label = f"Disk/{name}"
        yield (
            f"{label:<14}{disk.total:>14}K {disk.free:>14}K {disk.used:>14}K "
            f"({disk.percent}%)"
        )


def status_document(node: str, seen: SystemStatus) -> Document:
    """The same for programs; what is not known is null."""
    memory = seen.memory
    return {
        "node": node,
        "date": iso_time(seen.now),
        "time_zone": seen.zone or None,
        "locale": seen.locale,
        "product_version": seen.product,
        "os_version": seen.system or None,
        "uptime_seconds": int(seen.uptime_seconds),
        "users": seen.users,
        "load": list(seen.load or ()),
        "cpu": seen.processor
        and {name: round(of, 2) for name, of in seen.processor._asdict().items()},
        "memory": memory and {**memory._asdict(), "used": memory.used},
        "disks": [
            {"name": name, "path": path, **disk._asdict(), "percent": disk.percent}
            for name, path, disk in seen.disks
        ],
    }


def hold_lines(node: str, hold: Hold | None) -> list[str]:
    """Whether regenerations wait, for how long, and what ends that."""
    if hold is None:
        return [f"No hold time runs on {node}."]
    minutes, seconds = divmod(ceil(hold.remaining_seconds), 60)
    return [
        f"{hold.unit} certificate was modified in the last 5 minutes.",
        f"Remaining hold time: {minutes} min {seconds:02d} s.",
        f"Until then {node} regenerates no certificate; other nodes are not held.",
        "Only time ends it: no restart of a service and no setting of the clock.",
    ]


def hold_document(node: str, hold: Hold | None) -> Document:
    """The same for programs; null where no hold runs."""
    return {
        "node": node,
        "unit": hold and hold.unit,
        "remaining_seconds": hold and ceil(hold.remaining_seconds),
    }


def _uptime(seen: SystemStatus, there: time.struct_time) -> str:
    """As `uptime` prints it."""
    days, rest = divmod(int(seen.uptime_seconds), _DAY)
    hours, minutes = rest // _HOUR, rest % _HOUR // _MINUTE
    parts = []
    if days:
        parts.append(f"{days} day{'s' if days > 1 else ''}")
    parts.append(f"{hours:2d}:{minutes:02d}" if hours else f"{minutes} min")
    if seen.users is not None:
        parts.append(f" {seen.users} user{'s' if seen.users > 1 else ''}")
    if seen.load:
        parts.append(" load average: " + ", ".join(f"{of:.2f}" for of in seen.load))
    return f" {time.strftime('%H:%M:%S', there)} up {', '.join(parts)}"


def _processor(seen: Processor) -> Iterator[str]:
    idle, system, user, iowait, irq, soft = (f"{of:05.2f}%" for of in seen)
    yield f"CPU Idle:{idle:>9}  System:{system:>9}    User:{user:>9}"
    yield f"  IOWAIT:{iowait:>9}     IRQ:{irq:>9}    Soft:{soft:>9}"


def _memory(seen: Memory) -> Iterator[str]:
    for label, size in (
        ("Memory Total", seen.total),
        ("Free", seen.free),
        ("Used", seen.used),
        ("Cached", seen.cached),
        ("Shared", seen.shared),
        ("Buffers", seen.buffers),
    ):
        yield f"{label:>12}:{size:>15}K"
