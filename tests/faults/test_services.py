"""F14: TFTP services that do not restart, hang, are absent, or die again."""

from __future__ import annotations

import threading
import time

import pytest

from tests.faults import judge
from tests.faults.cluster import PUBLISHER, Cluster, Result
from tests.faults.test_network import assert_rerun_converges

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

RESTART_SECONDS = 60  # docs/security.md#rules-of-a-reset, rule 5


def refuse(verb: str) -> tuple[int, str]:
    """Status is fine, everything else fails."""
    return (0, "") if verb == "status" else (1, "Job for tftpd failed.")


def assert_list_is_there_but_pending(
    cluster: Cluster, result: Result, *names: str
) -> None:
    """Exit 3, these nodes pending, the new list in their directories all the same."""
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == set(names), result.said
    disk = judge.lists_on_disk(cluster)
    assert cluster.old not in disk.values()
    assert len(set(disk.values())) == 1


def test_f14_a_node_whose_service_does_not_restart_has_the_list_and_is_pending(
    cluster: Cluster,
) -> None:
    bad = cluster.members[0]
    bad.service.fault = refuse
    result = cluster.call()
    assert_list_is_there_but_pending(cluster, result, bad.name)
    assert "restart" in result.said.lower()
    judge.check(cluster, cluster.old, result)
    bad.service.fault = None
    assert_rerun_converges(cluster)


def test_f14_a_publisher_whose_service_does_not_restart_stops_nobody_else(
    cluster: Cluster,
) -> None:
    cluster.service.fault = refuse
    result = cluster.call()
    assert_list_is_there_but_pending(cluster, result, PUBLISHER)
    judge.check(cluster, cluster.old, result)
    cluster.service.fault = None
    assert_rerun_converges(cluster)


def test_f14_services_that_hang_or_die_again_or_are_not_there_cost_a_bounded_time(
    four: Cluster,
) -> None:
    hangs, dies, absent, good = four.members
    ended = threading.Event()

    def hang(verb: str) -> tuple[int, str]:
        if verb != "status":
            ended.wait()
        return 0, ""

    def die(verb: str) -> tuple[int, str]:
        if verb == "restart":
            dies.service.stop()
        return 0, ""

    hangs.service.fault, dies.service.fault = hang, die
    words = "/bin/sh", str(four.manager.ask), absent.name, "restart"
    text = four.config.read_text()
    configured = f'restart = ["{words[0]}", "{words[1]}", "{words[2]}", "{words[3]}"]'
    assert configured in text
    nowhere = text.replace(configured, 'restart = ["/nowhere/systemctl", "restart"]')
    four.config.write_text(nowhere)
    started = time.monotonic()
    result = four.call()
    ended.set()
    assert time.monotonic() - started < RESTART_SECONDS + 45
    names = [node.name for node in (hangs, dies, absent)]
    assert_list_is_there_but_pending(four, result, *names)
    served = judge.check(four, four.old, result)
    assert served[good.name] != four.old
    hangs.service.fault = dies.service.fault = None
    dies.service.start()
    four.configure()
    assert_rerun_converges(four)


def test_f14_a_service_that_restarts_twice_is_fine(cluster: Cluster) -> None:
    node = cluster.members[0]

    def twice(verb: str) -> tuple[int, str]:
        node.service.fault = None
        node.service.answer(verb)
        answer = node.service.answer(verb)
        node.service.fault = twice
        return answer

    node.service.fault = twice
    result = cluster.call()
    assert result.status == 0, result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)


def test_f14_a_stopped_service_gets_the_list_and_stays_stopped(
    cluster: Cluster,
) -> None:
    stopped = cluster.members[0]
    stopped.service.stop()
    result = cluster.call()
    assert result.status == 0, result.transcript
    assert not stopped.service.is_running
    assert "stopped" in result.said
    assert stopped.list_file.read_bytes() != cluster.old
    assert len(set(judge.lists_on_disk(cluster).values())) == 1


def test_f14_a_node_that_serves_something_else_is_never_called_updated(
    cluster: Cluster,
) -> None:
    liar = cluster.members[0]
    other = liar.folder / "other"
    other.mkdir()
    (other / "ITLFile.tlv").write_bytes(cluster.old)
    (other / "ITLFile.tlv").chmod(0o644)
    liar.service.stop()
    liar.service.directory = other
    liar.service.start()
    result = cluster.call()
    liar.service.stop()
    liar.service.directory = liar.tftp
    liar.service.start()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {liar.name}
    assert_rerun_converges(cluster)
