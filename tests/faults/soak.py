"""Many administrators for a while, some of them killed; a small model explains it all.

    python -m tests.faults.soak                            16 sessions, five minutes
    python -m tests.faults.soak --sessions 4 --seconds 60 [--seed N]

Each session runs one command after the other: reset, regeneration, ``file get``, ``show
itl``. Somebody is killed every other second. A witness looks at the publisher's files
all the time. Then the history is held against ``model``, and one more reset must bring
every node to the same list. Exits 1 if the model cannot explain what happened.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import ANSWERS, LIST_FILE, RESET, Cluster
from tests.faults.model import Deed, Seen, complaints
from tests.rigs.longer_check import exit_with
from tests.rigs.sshd import end

KEY_FILE = "ITLRecovery.p12"
LOOK_SECONDS = 0.01
KILL_SECONDS = 2.0
LONGER_SECONDS = 120.0  # at most, until one reset was done
COMMANDS = {
    "reset": (RESET, 4),
    "regen": ("set cert regen CallManager", 2),
    "get": (f"file get tftp {KEY_FILE}", 2),
    "show": ("show itl", 3),
}


class Witness:
    """Writes down every version of the publisher's files, and when it saw it first."""

    def __init__(self, cluster: Cluster) -> None:
        security = cluster.home / "security"
        self._paths = {
            "list": cluster.tftp / LIST_FILE,
            "key": security / "ITLRecovery" / KEY_FILE,
            "certificate": security / "CallManager" / "private.pem",
        }
        self.seen: list[Seen] = []
        self._last: dict[str, bytes] = {}
        self._ended = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for what, path in self._paths.items():
            before = time.monotonic()
            raw = path.read_bytes()
            if raw != self._last.get(what):
                self._last[what] = raw
                self.seen.append(Seen(what, before, raw))


class Soak:
    """The sessions, the killer and what they did."""

    def __init__(self, cluster: Cluster, backup: Backup, seed: int) -> None:
        self.cluster = cluster
        self.backup = backup
        self.deeds: list[Deed] = []
        self._seed = seed
        self._running: dict[int, int] = {}  # session: process
        self._guard = threading.Lock()
        self._end = self._last_end = 0.0

    def run(self, sessions: int, seconds: float) -> list[str]:
        """What the model cannot explain; nothing if all is well."""
        self._end = time.monotonic() + seconds
        self._last_end = self._end + LONGER_SECONDS
        witness = Witness(self.cluster)
        threads = [
            threading.Thread(target=self._session, args=(number,))
            for number in range(sessions)
        ]
        threads.append(threading.Thread(target=self._kill_somebody))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        witness.end()
        found = complaints(self.deeds, witness.seen)
        last = self.cluster.call()
        try:
            assert last.status == 0, last.transcript
            served = judge.check(self.cluster, set(), last)
            assert len(set(served.values())) == 1
        except AssertionError as problem:
            found.append(f"after the soak: {problem}")
        return found

    def _goes_on(self) -> bool:
        """Until the time is over and a reset was done: a slow machine may take more."""
        now = time.monotonic()
        is_done = any(deed.what == "reset" and not deed.status for deed in self.deeds)
        return now < self._end or (not is_done and now < self._last_end)

    def told(self) -> str:
        """How many commands of each kind ended how."""
        counted = Counter((deed.what, deed.ended_how) for deed in self.deeds)
        parts = [f"{what} {how}: {n}" for (what, how), n in sorted(counted.items())]
        return f"{len(self.deeds)} commands; {', '.join(parts)}"

    def _session(self, number: int) -> None:
        dice = random.Random(self._seed + number)
        folder = self.backup.files / f"session{number}"
        folder.mkdir(exist_ok=True)
        self.backup.account.owns(folder)
        names = list(COMMANDS)
        weights = [COMMANDS[name][1] for name in names]
        while self._goes_on():
            what = dice.choices(names, weights)[0]
            self._do(number, what, folder)

    def _do(self, number: int, what: str, folder: Path) -> None:
        target = folder / KEY_FILE
        target.unlink(missing_ok=True)
        begun = time.monotonic()
        running = self.cluster.start_words(
            self.cluster.words(COMMANDS[what][0]), self._answers(what, folder)
        )
        with self._guard:
            self._running[number] = running.process.pid
        result = running.end()
        with self._guard:
            del self._running[number]
        sent = b""
        with suppress(FileNotFoundError):
            sent = target.read_bytes()
        deed = Deed(what, begun, time.monotonic(), result.status, result.said, sent)
        self.deeds.append(deed)

    def _answers(self, what: str, folder: Path) -> str:
        if what == "reset":
            return ANSWERS
        if what == "regen":
            return "yes\n"
        if what == "show":
            return ""
        server = self.backup.server("password")
        lines = ["y", server.host, str(server.port), self.backup.account.name]
        return "\n".join([*lines, SFTP_PASSWORD, str(folder), "yes", ""])

    def _kill_somebody(self) -> None:
        dice = random.Random(~self._seed)
        pause = threading.Event()
        while self._goes_on():
            pause.wait(KILL_SECONDS * dice.random())
            with self._guard:
                if self._running:
                    victim = dice.choice(list(self._running.values()))
                    end(victim)


def run(
    cluster: Cluster, backup: Backup, sessions: int, seconds: float, seed: int
) -> tuple[list[str], str]:
    """Soak; gives what cannot be explained, and a line about what was done."""
    backup.server("password")
    soak = Soak(cluster, backup, seed)
    return soak.run(sessions, seconds), soak.told()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    cluster = Cluster(options.nodes)
    try:
        backup = Backup(cluster.folder / "backup")
        try:
            found, told = run(
                cluster, backup, options.sessions, options.seconds, options.seed
            )
        finally:
            backup.close()
    finally:
        cluster.close()
    for line in found:
        print(line)
    print(f"seed {options.seed}: {told}; {len(found)} unexplained")
    return int(bool(found))


if __name__ == "__main__":
    exit_with(main)
