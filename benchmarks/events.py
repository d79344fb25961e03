"""An alarm through all places of this machine, beside a bare open, write, fsync, close.

    python -m benchmarks.events [FOLDER]

The places: CiscoSyslog, a syslog socket, the counts for Prometheus, and the queue of a
hook. FOLDER is on the disk that is meant (the system's folder for temporary files): in
memory a sync costs nothing. Exits 1 if the goal is missed.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter

from cucmsh.alarms import ITL_RECOVERY_CERT_BACKUP, NO_RECOVERY_BACKUP
from cucmsh.config.settings import parse_settings
from cucmsh.events import Event
from cucmsh.services.records.alarm_places import put_everywhere
from cucmsh.services.records.alarm_queue import folder_of, waiting
from cucmsh.storage.local import LocalStore

ROUNDS, EVENTS = 15, 40
GOAL = 2.0
CONFIGURATION = """\
[node]
name = "pub"
home = "{folder}/home"

[cluster]
domain = "example.org"

[[cluster.nodes]]
name = "pub"
role = "publisher"
services = []

[alarms.syslog]
socket = "{folder}/log"

[alarms.metrics]
file = "{folder}/cucmsh.prom"
{more}
"""
HOOK = '[alarms.hook]\ncommand = ["/bin/true"]'


def bare(path: Path, raw: bytes) -> float:
    """Seconds for each of ``EVENTS`` lines."""
    since = perf_counter()
    for _ in range(EVENTS):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, raw)
        os.fsync(descriptor)
        os.close(descriptor)
    return (perf_counter() - since) / EVENTS


def main() -> int:
    """Measure; 1 if the goal is missed."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as at:
        ratios = {name: measured(Path(at) / name, more) for name, more in CASES.items()}
    for name, (ours, theirs) in ratios.items():
        print(
            f"{name}: {ours * 1e6:.0f} us an alarm, {theirs * 1e6:.0f} us a bare "
            f"write, ratio {ours / theirs:.2f} (goal {GOAL})"
        )
    return int(any(ours / theirs > GOAL for ours, theirs in ratios.values()))


CASES = {"log, socket and counts": "", "the same and a hook's queue": HOOK}


def measured(folder: Path, more: str) -> tuple[float, float]:
    """Median seconds of an alarm, and of a bare write, in alternating rounds."""
    folder.mkdir()
    text = CONFIGURATION.format(folder=folder, more=more)
    settings = parse_settings(text.encode(), str(folder / "cucmsh.toml"))
    home = LocalStore(settings.home)
    alarm = ITL_RECOVERY_CERT_BACKUP
    about = {"Message": NO_RECOVERY_BACKUP, "AppID": alarm.app_id, "NodeID": "pub"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(folder / "log"))
        Thread(target=read_all, args=(daemon,), daemon=True).start()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            since = perf_counter()
            for _ in range(EVENTS):
                event = Event(
                    *(alarm.application, alarm.name, alarm.severity, "pub"),
                    datetime.now(UTC),
                    about,
                    text=alarm.text,
                )
                put_everywhere(settings, home, event)
            ours.append((perf_counter() - since) / EVENTS)
            line = (folder / "home/log/syslog/CiscoSyslog").read_bytes()
            raw = line[: line.index(b"\n") + 1]
            theirs.append(bare(folder / "bare", raw))
            if more:  # as a sender does, who is not measured
                assert sum(1 for _ in waiting(home, "hook")) == EVENTS
                for name in home.names(folder_of("hook")):
                    (folder / "home" / folder_of("hook") / name).unlink()
        return median(ours), median(theirs)


def read_all(daemon: socket.socket) -> None:
    """As a daemon does."""
    try:
        while daemon.recv(4096):
            pass
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
