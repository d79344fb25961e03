"""systemd-journald in a mount namespace of its own, with a ``/run`` of its own.

The machine's journal, if there is one, is neither needed nor touched. Needs root.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rigs.waiting import until

JOURNALD = "/lib/systemd/systemd-journald"
# The folder of the socket is one of ours outside, so that others can send to it.
INSIDE = """
mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal &&
mount --bind "$0" /run/systemd/journal && mount --bind "$1" /run/log/journal &&
exec /lib/systemd/systemd-journald
"""


class Journald:
    """One journal.

    Attributes:
        socket: the one that stands at ``/dev/log`` elsewhere.
    """

    def __init__(self, sockets: Path, journal: Path) -> None:
        self.socket = sockets / "dev-log"
        self._journal = journal

    def entries(self) -> list[dict[str, Any]]:
        """What is in the journal, as ``journalctl -o json`` gives it."""
        words = ["journalctl", "-o", "json", "--no-pager", "-D", str(self._journal)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_for(self, text: str) -> list[dict[str, Any]]:
        """Until an entry has that text; the entries of cucmsh so far."""
        ours: list[dict[str, Any]] = []

        def is_there() -> bool:
            ours[:] = [e for e in self.entries() if "UC_" in str(e.get("MESSAGE", ""))]
            return any(text in str(entry["MESSAGE"]) for entry in ours)

        until(is_there, f"journald never wrote {text}")
        return ours


@contextmanager
def journald(folder: Path) -> Iterator[Journald]:
    """A daemon of its own, for the body."""
    sockets, journal = folder / "sockets", folder / "journal"
    for each in (sockets, journal):
        each.mkdir(parents=True)
    words = ["unshare", "--mount", "/bin/sh", "-c", INSIDE, str(sockets), str(journal)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    made = Journald(sockets, journal)
    try:
        until(made.socket.exists, "journald does not listen")
        yield made
    finally:
        process.terminate()
        process.wait()
