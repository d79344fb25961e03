"""`set release 12.5` and its hand-over, killed at each call that changes something.

    python -m tests.faults.release_sweep

From the typed yes on, on the publisher: it writes configurations, makes and signs the
subscriber's list, hands it over, restarts. After each kill every node serves one whole
list that the holders of the first one take, and so does each start then; a second run
finishes, or has nothing to do.
"""

from __future__ import annotations

from cucmsh.config.settings import read_settings
from cucmsh.layout import GIVEN_LIST
from tests.faults import judge
from tests.faults.cluster import Result
from tests.faults.command_sweep import CommandSweep, take_all
from tests.faults.kill_sweep import Command, Traced, traced
from tests.faults.second_verifier import read
from tests.rigs.longer_check import exit_with
from tests.services.holder import takes

WAS, NEW = "10.0", "12.5"
LINE = f"set release {NEW}"
QUESTION = "Do you want to continue (yes/no)? "
CHANGE = Command(LINE, QUESTION, "yes\n")
DONE = f"the release of this cluster is {NEW} already"


class ReleaseSweep(CommandSweep):
    """A publisher and a subscriber of release 10.0, each with a list of its own."""

    name = "release"
    has_subscriber = True

    def prepare(self) -> None:
        assert self.cluster.subscriber
        self.lists = [self.cluster.tftp / "ITLFile.tlv"]
        self.lists.append(self.cluster.subscriber.list_file)
        self.first = [path.read_bytes() for path in self.lists]
        self.configs = [self.cluster.config, self.cluster.subscriber.config]
        self.given = self.cluster.subscriber.home / GIVEN_LIST

    def traced(self, number: int, *, after: bool = False) -> Traced:
        return traced(self.cluster, number, after=after, command=CHANGE)

    def look(self, ended: Result) -> None:
        del ended
        cluster = self.cluster
        judge.assert_locks_are_free(cluster.home)
        self.assert_whole()
        for config in self.configs:
            assert read_settings(str(config)).release in (WAS, NEW)
        if self.point.number % 2:  # somebody restarts what was not, or reboots
            for service in cluster.manager.services.values():
                service.answer("restart")
            self.assert_whole()
        again = cluster.call(LINE, CHANGE.answers)
        if again.status != 0:  # the kill came behind the last step
            assert DONE in again.transcript, again.transcript
        signers = self.assert_whole()
        assert all(each.startswith("CN=ITLRECOVERY_") for each in signers), signers
        for config in self.configs:
            assert read_settings(str(config)).release == NEW
        left = [*cluster.home.rglob(".cucmsh-*.tmp")]
        assert not left, f"temporary files are left: {left}"
        assert "release" not in self.login()

    def assert_whole(self) -> list[str]:
        """Both lists, and the given one, verify; holders take them. Who signed each."""
        found = []
        for path, first in zip(self.lists, self.first, strict=True):
            raw = path.read_bytes()
            assert takes(first, raw), f"{path} locks its holders out"
            found.append(_signer(raw))
        if self.given.exists():
            raw = self.given.read_bytes()
            assert takes(self.first[1], raw), "what was given locks holders out"
            _signer(raw)
        return found


def _signer(raw: bytes) -> str:
    """Subject of who signed it, as another reader of the format verifies it."""
    return read(raw).signed_by.subject


def main() -> int:
    """Every point; 1 if something did not hold."""
    return take_all(ReleaseSweep)


if __name__ == "__main__":
    exit_with(main)
