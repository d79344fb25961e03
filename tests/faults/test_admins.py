"""F16 and T36: two administrators at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import ANSWERS, PUBLISHER, RESET, Cluster, Running
from tests.faults.conftest import Through
from tests.rigs.proxy import Fault
from tests.rigs.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

SESSIONS = 6
BUSY = "is making a change"


@pytest.fixture
def slow(cluster: Cluster, through: Through) -> Iterator[Running]:
    """A reset that is in the middle of its work."""
    through(cluster.members[0], Fault(delay=0.04))
    running = cluster.spawn()
    until(lambda: "Locating" in running.said, "it does not begin")
    yield running
    result = running.end()
    assert result.status == 0, result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)


def test_f16_the_second_reset_is_told_who_is_first_and_changes_nothing(
    cluster: Cluster, slow: Running
) -> None:
    second = cluster.call()
    assert slow.process.poll() is None  # it had not to wait
    assert second.status == 1, second.transcript
    assert RESET in second.said
    assert BUSY in second.said
    assert str(slow.process.pid) in second.said
    assert not judge.UPDATED.search(second.said)


def test_f16_a_regeneration_during_a_reset_is_refused_and_tells_who_is_first(
    cluster: Cluster, slow: Running
) -> None:
    before = cluster.home.joinpath("security/CallManager/private.pem").read_bytes()
    second = cluster.call("set cert regen CallManager", "yes\n")
    assert second.status == 1, second.transcript
    assert RESET in second.said
    after = cluster.home.joinpath("security/CallManager/private.pem").read_bytes()
    assert after == before


def test_f16_readers_never_wait(cluster: Cluster, slow: Running) -> None:
    shown = cluster.call("show itl", "")
    assert slow.process.poll() is None
    assert shown.status == 0, shown.transcript


def test_f16_file_get_during_a_reset_delivers_one_whole_key_file(
    cluster: Cluster, slow: Running, backup: Backup
) -> None:
    server = backup.server("password")
    answers = ["y", server.host, str(server.port), backup.account.name]
    answers += [SFTP_PASSWORD, str(backup.files), "yes"]
    sent = cluster.call("file get tftp ITLRecovery.p12", "\n".join(answers) + "\n")
    assert sent.status == 0, sent.transcript
    key_files = cluster.home / "security" / "ITLRecovery"
    raw = backup.files.joinpath("ITLRecovery.p12").read_bytes()
    assert raw in [path.read_bytes() for path in key_files.glob(judge.KEY_FILES)]


def test_f16_a_lock_file_that_somebody_removes_still_lets_in_one_only(
    cluster: Cluster, slow: Running
) -> None:
    for path in (cluster.home / "state").glob("*.lock"):
        path.unlink()
    second = cluster.call()
    assert slow.process.poll() is None
    assert second.status == 1, second.transcript
    assert BUSY in second.said


def test_f16_of_many_resets_at_once_each_is_done_or_told_to_wait(
    cluster: Cluster,
) -> None:
    running = [cluster.spawn() for _ in range(SESSIONS)]
    results = [each.end() for each in running]
    done = [result for result in results if result.status == 0]
    assert done
    for result in results:
        assert result.status == 0 or BUSY in result.said, result.transcript
    served = judge.check(cluster, cluster.old, *results)
    assert len(set(served.values())) == 1
    assert cluster.old not in served.values()


def test_i10_tftp_comes_back_when_the_shell_dies_while_it_restarts(
    cluster: Cluster,
) -> None:
    begun: list[str] = []
    service = cluster.service
    service.inside = Slow(begun)
    running = cluster.spawn(RESET, ANSWERS)
    until(lambda: begun, "no restart was asked for")
    running.kill()
    served = judge.check(cluster, cluster.old)
    service.inside = list
    assert served[PUBLISHER] != cluster.old
    assert os.path.exists(f"/proc/{service.pid}")


class Slow:
    """A start that takes a moment, and says that it has begun."""

    def __init__(self, begun: list[str]) -> None:
        self._begun = begun

    def __call__(self, words: list[str]) -> list[str]:
        self._begun.append(Path(words[0]).name)
        return ["/bin/sh", "-c", 'sleep 0.3; exec "$@"', "sh", *words]
