"""`cucmsh adopt`, killed at each of the calls that change something.

    python -m tests.faults.adoption_sweep

From the answer to its last question on. After each kill the TFTP directory is as it
was, byte for byte; another run finishes, and phones that held the list take the next.
"""

from __future__ import annotations

import shutil
import subprocess

from tests.faults import judge
from tests.faults.cluster import CUCMSH, ENVIRONMENT, SECONDS, Cluster, Result
from tests.faults.kill_sweep import Command, Point, Traced, under_tracer
from tests.rigs.longer_check import exit_with
from tests.services import holder
from tests.services.adoption.elsewhere import Elsewhere, credential

ADOPT = Command("", "Adopt this (yes/no)? ", "yes\n")
NOTICE = "An adoption was begun"


class AdoptionSweep:
    """A publisher that has never composed, with the list of another tool in place.

    Attributes:
        calls: the names of the calls that an undisturbed adoption makes.
        missed: kills that came too late: the command had ended.
    """

    def __init__(self) -> None:
        self.cluster = cluster = Cluster(0)
        self.missed = 0
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
        cluster.before = cluster.snapshot()
        for _ in range(2):  # the first one makes what is made once
            cluster.restore()
            ended, self.calls = self._traced(0)
            assert ended.status == 0, ended.transcript

    def points(self) -> list[Point]:
        """All of them, in the order of the calls."""
        return [
            Point("adopt", number, after)
            for number in range(1, len(self.calls) + 1)
            for after in (False, True)
        ]

    def take(self, point: Point) -> str:
        """Kill there, look, run it again, look; gives what did not hold, or nothing."""
        try:
            self._take(point)
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            return f"{point}: {problem}"
        return ""

    def close(self) -> None:
        self.cluster.close()

    def _take(self, point: Point) -> None:
        cluster = self.cluster
        cluster.restore()
        before = self._served()
        ended, _ = self._traced(point.number, after=point.after)
        self.missed += ended.status >= 0
        assert self._served() == before, "something else is served"
        judge.assert_locks_are_free(cluster.home)
        judge.assert_no_canary(cluster, ended)
        is_begun = (cluster.home / "state" / "adoption.toml").exists()
        assert (NOTICE in self._login()) == is_begun
        again = self._run("--yes")
        assert again.status == 0, again.transcript
        assert self._served() == before, "the rerun serves something else"
        assert NOTICE not in self._login()
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

    def _login(self) -> str:
        words = [*CUCMSH, "--config", str(self.cluster.config)]
        done = subprocess.run(
            words,
            input="quit\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=ENVIRONMENT,
        )
        return done.stdout

    def _words(self, *more: str) -> list[str]:
        words = [*CUCMSH, "--config", str(self.cluster.config), "adopt"]
        folder = self._there.folder
        words += ["--adopt-list", str(folder)]
        return [*words, "--adopt-key", str(folder / "key.pem"), *more]

    def _run(self, *more: str) -> Result:
        done = subprocess.run(
            self._words(*more),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=ENVIRONMENT,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _traced(self, number: int, *, after: bool = False) -> Traced:
        return under_tracer(self._words(), ADOPT, number, after=after)


def main() -> int:
    sweep = AdoptionSweep()
    try:
        points = sweep.points()
        print(f"{len(points)} points", flush=True)
        broken = [fault for point in points if (fault := sweep.take(point))]
    finally:
        sweep.close()
    print("\n".join(broken))
    print(
        f"{len(points)} kills ({sweep.missed} came after the end), {len(broken)} did "
        "not hold"
    )
    return int(bool(broken))


if __name__ == "__main__":
    exit_with(main)
