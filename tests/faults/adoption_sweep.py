"""`cucmsh adopt`, killed at each of the calls that change something.

    python -m tests.faults.adoption_sweep

From the answer to its last question on. After each kill the TFTP directory is as it
was, byte for byte; another run finishes, and phones that held the list take the next.
"""

from __future__ import annotations

import shutil

from tests.faults import judge
from tests.faults.cluster import CUCMSH, Result
from tests.faults.command_sweep import CommandSweep, take_all
from tests.faults.kill_sweep import Command, Traced, under_tracer
from tests.rigs.longer_check import exit_with
from tests.services import holder
from tests.services.adoption.elsewhere import Elsewhere, credential

ADOPT = Command("", "Adopt this (yes/no)? ", "yes\n")
NOTICE = "An adoption was begun"


class AdoptionSweep(CommandSweep):
    """A publisher that has never composed, with the list of another tool in place."""

    name = "adopt"

    def prepare(self) -> None:
        cluster = self.cluster
        self._there = Elsewhere(cluster.folder / "elsewhere")
        # Valid on the day of the test, too: an expired one is asked about.
        self._there.signer = credential("old.example", days=36500)
        self.held = self._there.serve().read_bytes()
        shutil.copy(self._there.key_file(), self._there.folder / "key.pem")
        state = cluster.home / "state"
        shutil.rmtree(state / "served")
        (state / "published.toml").unlink()
        (cluster.tftp / "ITLFile.tlv").write_bytes(self.held)
        (cluster.tftp / "CTLFile.tlv").touch()
        self._before = self._served()

    def traced(self, number: int, *, after: bool = False) -> Traced:
        words = [*CUCMSH, "--config", str(self.cluster.config), *self._words()]
        return under_tracer(words, ADOPT, number, after=after)

    def look(self, ended: Result) -> None:
        cluster = self.cluster
        assert self._served() == self._before, "something else is served"
        judge.assert_locks_are_free(cluster.home)
        judge.assert_no_canary(cluster, ended)
        is_begun = (cluster.home / "state" / "adoption.toml").exists()
        assert (NOTICE in self.login()) == is_begun
        again = self.run(*self._words(), "--yes")
        assert again.status == 0, again.transcript
        assert self._served() == self._before, "the rerun serves something else"
        assert NOTICE not in self.login()
        assert not [*cluster.home.rglob(".cucmsh-*.tmp")], "a temporary file is left"
        done = cluster.hook("tftp-start")
        assert done.status == 0, done.transcript
        new = (cluster.tftp / "ITLFile.tlv").read_bytes()
        assert new != self.held
        assert holder.takes(self.held, new), "phones are lost"

    def _served(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes()
            for path in self.cluster.tftp.iterdir()
            if not path.name.startswith(".")
        }

    def _words(self) -> tuple[str, ...]:
        folder = self._there.folder
        key = str(folder / "key.pem")
        return ("adopt", "--adopt-list", str(folder), "--adopt-key", key)


def main() -> int:
    return take_all(AdoptionSweep)


if __name__ == "__main__":
    exit_with(main)
