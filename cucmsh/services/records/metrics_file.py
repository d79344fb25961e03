"""Counts of alarms for Prometheus: a file for node_exporter's textfile collector.

The file is its own memory, since each command is a process of its own: it is read,
counted up and replaced at once under a lock on its folder. It is not synced to disk: a
machine that crashes may lose the last counts, as counters may. prometheus-client
counts in one process and would need the same around it (docs/decisions/029).
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress

from cucmsh.errors import StoreError
from cucmsh.events import Event
from cucmsh.layout import SERVED_MODE
from cucmsh.storage.lock import take

LOCK_SECONDS = 1.0  # each holds it for a tenth of a millisecond
RETRY_SECONDS = 0.002
MOST_BYTES = 1 << 20
TOTAL = "cucmsh_alarms_total"
LAST = "cucmsh_alarm_last_timestamp_seconds"
HEADS = {
    TOTAL: ("counter", "Alarms told since this file was made."),
    LAST: ("gauge", "When such an alarm was told last, Unix time."),
}
SAMPLE = re.compile(r"(\w+)\{([^}]*)\} (\S+)")


def count_up(path: str, event: Event) -> None:
    """Count an alarm in that file; it is made if it is not there.

    Raises:
        StoreError: it cannot be written, or somebody else has held it for too long.
    """
    try:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not take(folder, LOCK_SECONDS, RETRY_SECONDS):
                raise StoreError(f"{path}: somebody else is writing it")
            _replace(path, _counted(_read(path), event))
        finally:
            os.close(folder)
    except OSError as problem:
        raise StoreError(
            f"{path}: {problem.strerror}", "See file in [alarms.metrics]."
        ) from problem


def _counted(samples: dict[tuple[str, str], float], event: Event) -> str:
    labels = (
        f'node="{event.node}",application="{event.facility}",'
        f'alarm="{event.name}",severity="{event.severity:d}"'
    )
    samples[TOTAL, labels] = samples.get((TOTAL, labels), 0) + 1
    samples[LAST, labels] = round(event.time.timestamp(), 3)
    lines = []
    for name, (kind, text) in HEADS.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [
            f"{name}{{{at}}} {value:.3f}".removesuffix(".000")
            for (of, at), value in sorted(samples.items())
            if of == name
        ]
    return "\n".join([*lines, ""])


def _read(path: str) -> dict[tuple[str, str], float]:
    """What was counted; nothing of a file that is not there, or not ours."""
    samples: dict[tuple[str, str], float] = {}
    with suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        for line in file.read(MOST_BYTES).splitlines():
            found = SAMPLE.fullmatch(line)
            if found and found[1] in HEADS:
                with suppress(ValueError):  # no number: it is counted from nought
                    samples[found[1], found[2]] = float(found[3])
    return samples


def _replace(path: str, text: str) -> None:
    """Put a whole file in place: a reader sees the one or the other."""
    temporary = f"{path}.{os.getpid()}"  # its name does not end in .prom
    with suppress(FileNotFoundError):  # of a command that was killed, or a trap
        os.unlink(temporary)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, SERVED_MODE)
    try:
        raw = text.encode()
        if os.write(descriptor, raw) != len(raw):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
        os.fchmod(descriptor, SERVED_MODE)
        os.rename(temporary, path)
    except BaseException:  # Ctrl-C, too: nothing half may stay
        with suppress(OSError):  # what went wrong first is told
            os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
