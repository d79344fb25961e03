"""`set password user security`, killed at each of the calls that change something.

    python -m tests.faults.password_sweep

From the answer to its first question on. After each kill the key file opens with the
password that this node holds, by what reads it here; a reset with the local key works;
another run, or the next login, finishes, and then the key file on the disk opens with
the new password and not with the old one.
"""

from __future__ import annotations

import shutil
import subprocess

from cryptography.hazmat.primitives.serialization import pkcs12

from tests.faults import judge
from tests.faults.cluster import CUCMSH, ENVIRONMENT, SECONDS, SECURITY, Cluster, Result
from tests.faults.kill_sweep import Command, Point, Traced, traced
from tests.rigs.longer_check import exit_with

NEW = "canary-next-81c2f6d0e9"
LINE = "set password user security"
CHANGE = Command(
    LINE, "Please enter the old password: ", f"{SECURITY}\n{NEW}\n{NEW}\ny\n"
)
REFUSAL = "That is not the cluster security password"


class PasswordSweep:
    """A publisher with an earlier recovery key and one that was brought.

    Attributes:
        calls: the names of the calls that an undisturbed change makes.
        missed: kills that came too late: the command had ended.
    """

    def __init__(self) -> None:
        self.cluster = cluster = Cluster(0)
        self.missed = 0
        self._folder = cluster.home / "security" / "ITLRecovery"
        self._secrets = cluster.home / "security" / "secrets"
        present = self._folder / "ITLRecovery.p12"
        shutil.copy2(present, self._folder / "ITLRecovery.p12.1")
        cluster.before = cluster.snapshot()
        for _ in range(2):  # the first one makes what is made once
            cluster.restore()
            ended, self.calls = self._traced(0)
            assert ended.status == 0, ended.transcript

    def points(self) -> list[Point]:
        """All of them, in the order of the calls."""
        return [
            Point("password", number, after)
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
        ended, _ = self._traced(point.number, after=point.after)
        self.missed += ended.status >= 0
        judge.assert_locks_are_free(cluster.home)
        if point.number % 2:  # in the state that the kill left
            reset = cluster.call()
            assert reset.status == 0, reset.transcript
        else:
            assert "not finished" not in self._login()
        again = cluster.call(LINE, CHANGE.answers)
        if again.status != 0:  # the kill came after the decision
            assert REFUSAL in again.transcript, again.transcript
            self._login()
        assert not [*cluster.home.rglob(".cucmsh-*.tmp")], "a temporary file is left"
        assert sorted(path.name for path in self._secrets.rglob("*")) == [
            *("ccm", "next", "security")
        ]
        assert not (cluster.home / "state" / "rekeying.toml").exists()
        assert (self._secrets / "security").read_text() == NEW
        for path in self._folder.glob("*.p12*"):
            assert opens(path.read_bytes(), NEW), path.name
            assert not opens(path.read_bytes(), SECURITY), path.name
        reset = cluster.call()
        assert reset.status == 0, reset.transcript
        judge.assert_no_canary(cluster, ended, again, reset)
        self._assert_new_is_nowhere(ended, again, reset)

    def _assert_new_is_nowhere(self, *results: Result) -> None:
        for path, (_, _, _, raw) in self.cluster.snapshot().items():
            if raw is not None and self._secrets not in path.parents:
                assert NEW.encode() not in raw, f"the password is in {path}"
        for result in results:
            assert NEW not in result.transcript

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

    def _traced(self, number: int, *, after: bool = False) -> Traced:
        return traced(self.cluster, number, after=after, command=CHANGE)


def opens(raw: bytes, password: str) -> bool:
    try:
        pkcs12.load_pkcs12(raw, password.encode())
    except ValueError:
        return False
    return True


def main() -> int:
    sweep = PasswordSweep()
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
