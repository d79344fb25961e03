"""`set password user security`, killed at each of the calls that change something.

    python -m tests.faults.password_sweep

From the answer to its first question on. After each kill the key file opens with the
password that this node holds, by what reads it here; a reset with the local key works;
another run, or the next login, finishes, and then the key file on the disk opens with
the new password and not with the old one.

Then the same command with a wrong password, which counts towards the lock of the
account: killed anywhere, one that was refused is counted, nothing has changed, and no
more wrong ones are judged than the lock allows.
"""

from __future__ import annotations

import json
import shutil

from cryptography.hazmat.primitives.serialization import pkcs12

from cucmsh.layout import LOGIN_FAILURES, SECURITY_PASSWORD
from cucmsh.services.accounts.lockout import DEFAULT_COUNT
from tests.faults import judge
from tests.faults.cluster import SECURITY, Result
from tests.faults.command_sweep import CommandSweep, take_all
from tests.faults.kill_sweep import Command, Traced, traced
from tests.rigs.longer_check import exit_with

NEW = "canary-next-81c2f6d0e9"
LINE = "set password user security"
CHANGE = Command(
    LINE, "Please enter the old password: ", f"{SECURITY}\n{NEW}\n{NEW}\ny\n"
)
GUESS = Command(LINE, "Please enter the old password: ", f"a wrong one\n{NEW}\n{NEW}\n")
REFUSAL = "That is not the cluster security password"


class PasswordSweep(CommandSweep):
    """A publisher with an earlier recovery key."""

    name = "password"

    def prepare(self) -> None:
        security = self.cluster.home / "security"
        self._folder, self._secrets = security / "ITLRecovery", security / "secrets"
        present = self._folder / "ITLRecovery.p12"
        shutil.copy2(present, self._folder / "ITLRecovery.p12.1")

    def traced(self, number: int, *, after: bool = False) -> Traced:
        return traced(self.cluster, number, after=after, command=CHANGE)

    def look(self, ended: Result) -> None:
        cluster = self.cluster
        judge.assert_locks_are_free(cluster.home)
        if self.point.number % 2:  # in the state that the kill left
            reset = cluster.call()
            assert reset.status == 0, reset.transcript
        else:
            assert "not finished" not in self.login()
        again = cluster.call(LINE, CHANGE.answers)
        if again.status != 0:  # the kill came after the decision
            assert REFUSAL in again.transcript, again.transcript
            self.login()
        assert not [*cluster.home.rglob(".cucmsh-*.tmp")], "a temporary file is left"
        assert sorted(path.name for path in self._secrets.rglob("*")) == [
            *("ccm", "next", "security")
        ]
        assert not (cluster.home / "state" / "rekeying.toml").exists()
        assert (self._secrets / "security").read_text() == NEW
        key_files = [*self._folder.glob("*.p12*")]
        assert len(key_files) == 2
        for path in key_files:
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


class GuessSweep(CommandSweep):
    """A wrong password, which is counted before it is judged."""

    name = "guess"
    status = 1

    def prepare(self) -> None:
        self._password = self.cluster.home / SECURITY_PASSWORD

    def traced(self, number: int, *, after: bool = False) -> Traced:
        return traced(self.cluster, number, after=after, command=GUESS)

    def look(self, ended: Result) -> None:
        cluster = self.cluster
        judge.assert_locks_are_free(cluster.home)
        assert self._password.read_text() == SECURITY
        counted = self._counted()
        was_refused = REFUSAL in ended.transcript
        assert counted <= 1
        assert counted == 1 or not was_refused, "a guess that was judged is forgotten"
        for _ in range(DEFAULT_COUNT - counted):
            again = cluster.call(LINE, GUESS.answers)
            assert (again.status, REFUSAL in again.transcript) == (1, True)
        locked = cluster.call(LINE, CHANGE.answers)  # with the right password
        assert (locked.status, REFUSAL in locked.transcript) == (1, True)
        assert self._password.read_text() == SECURITY
        judge.assert_no_canary(cluster, ended, locked)

    def _counted(self) -> int:
        path = self.cluster.home / LOGIN_FAILURES
        if not path.exists():
            return 0
        return sum(each["count"] for each in json.loads(path.read_text()).values())


def opens(raw: bytes, password: str) -> bool:
    try:
        pkcs12.load_pkcs12(raw, password.encode())
    except ValueError:
        return False
    return True


def main() -> int:
    return max(take_all(PasswordSweep), take_all(GuessSweep))


if __name__ == "__main__":
    exit_with(main)
