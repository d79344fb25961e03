"""`utils disaster_recovery restore`, killed at each call that changes something.

    python -m tests.faults.restore_sweep

Onto a publisher that was made anew, from the answer to its first question on. What the
next command of that node sees is the node as it was, or the node with all of the set,
byte for byte; another run finishes, and phones of the lost node take the next list.
"""

from __future__ import annotations

import re

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import LIST_FILE, Result
from tests.faults.command_sweep import CommandSweep, take_all
from tests.faults.kill_sweep import Command, Traced, traced
from tests.rigs.longer_check import exit_with
from tests.services import holder

UTILS = "utils disaster_recovery"
PHONES = 3
# Logs and jobs tell what happened. What a kill leaves of fetching and staging counts
# for nothing until the note decides, and is taken away by the next restore.
LEFT = ("state/restore-kept", "state/rekeying.toml", "security/secrets/next/0")
NO_STATE = re.compile(
    r"/(log|state/(backup-jobs|recovery|restore-kept|rekeying\.toml|[a-z-]+\.lock)"
    r"|security/secrets/next)(/|$)|/\.cucmsh-"
)

State = dict[str, tuple[int, bytes]]


class RestoreSweep(CommandSweep):
    """A publisher that was lost and made anew, and the set of it on a real sshd."""

    name = "restore"

    def __init__(self) -> None:
        super().__init__()
        self._after = self._state()
        assert self._after != self._before

    def prepare(self) -> None:
        cluster = self.cluster
        self._backup = Backup(cluster.folder / "backup")
        for number in range(PHONES):
            (cluster.tftp / f"SEP{number}.cnf.xml").write_text(f"<{number}/>")
        self.held = (cluster.tftp / LIST_FILE).read_bytes()
        self._add_device()
        self._call(f"{UTILS} backup network UCM weekly")
        (manifest,) = self._backup.files.glob("*.xml")
        cluster.lose_publisher()
        (cluster.tftp / "SEP0.cnf.xml").write_text("<another/>")
        self._add_device()
        line = f"{UTILS} restore network pub {manifest.name[:19]} weekly"
        question = "Valid features for server pub are UCM:UCM."
        self._command = Command(line, question, "UCM\nyes\n")
        self._before = self._state()

    def traced(self, number: int, *, after: bool = False) -> Traced:
        return traced(self.cluster, number, after=after, command=self._command)

    def look(self, ended: Result) -> None:
        cluster = self.cluster
        judge.assert_locks_are_free(cluster.home)
        if self.point.number % 2:  # whatever comes next, by whichever way
            looked = cluster.call("show network cluster", "")
            assert looked.status == 0, looked.transcript
        else:
            looked = cluster.hook("service-status")
        assert_one_of(self._state(), self._before, self._after)
        again = cluster.call(self._command.line, self._command.answers)
        assert again.status == 0, again.transcript
        assert_one_of(self._state(), self._after)
        for folder in (cluster.home, cluster.tftp):
            assert not [*folder.rglob(".cucmsh-*")], "a temporary file is left"
        assert not [name for name in LEFT if (cluster.home / name).exists()]
        judge.assert_no_canary(cluster, ended, looked, again)
        done = cluster.hook("tftp-start")
        assert done.status == 0, done.transcript
        new = (cluster.tftp / LIST_FILE).read_bytes()
        assert holder.takes(self.held, new), "phones are lost"

    def close(self) -> None:
        self._backup.close()
        super().close()

    def _state(self) -> State:
        """Every file that counts, with its mode."""
        root = self.cluster.config.parent
        found = {f"/{path.relative_to(root)}": path for path in root.rglob("*")}
        return {
            name: (path.stat().st_mode, _without_times(name, path.read_bytes()))
            for name, path in found.items()
            if path.is_file() and not NO_STATE.search(name)
        }

    def _add_device(self) -> None:
        server = self._backup.server("password")
        line = f"{UTILS} device add network weekly {self._backup.files} "
        line += f"{server.host}:{server.port} {self._backup.account.name}"
        self._call(line, f"{SFTP_PASSWORD}\nyes\n")

    def _call(self, line: str, answers: str = "") -> None:
        done = self.cluster.call(line, answers)
        assert done.status == 0, done.transcript


def _without_times(name: str, raw: bytes) -> bytes:
    """An entry of the history has when it was written, in the line before the list."""
    return raw.partition(b"\n")[2] if "/state/served/" in name else raw


def assert_one_of(found: State, *whole: State) -> None:
    """It is one of these, whole; else which files each is not."""
    differing = [
        sorted({name for name, _ in found.items() ^ each.items()}) for each in whole
    ]
    assert [] in differing, f"a mix: {differing}"


def main() -> int:
    return take_all(RestoreSweep)


if __name__ == "__main__":
    exit_with(main)
