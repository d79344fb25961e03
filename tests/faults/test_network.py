"""F4, F5, F6, F10 and F11: what networks and hosts do in the middle of a reset."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults import judge
from tests.faults.cluster import (
    ANSWERS,
    CUCMSH,
    RESET,
    Cluster,
    Replica,
    Result,
    Running,
)
from tests.faults.conftest import Through
from tests.faults.namespace import Namespace
from tests.rigs.draws import draw
from tests.rigs.proxy import TO_NODE, TO_SHELL, Fault
from tests.rigs.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

CUTS = 1  # each direction; the kill sweep takes every call
TEMPORARY = ".cucmsh-*"


def assert_alone_pending(cluster: Cluster, result: Result, *bad: Replica) -> None:
    """These nodes kept their list and were called pending; the others have the new."""
    served = judge.check(cluster, cluster.old, result)
    judge.check_words(result, served, cluster.old)
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {node.name for node in bad}, result.said
    disk = judge.lists_on_disk(cluster)
    for name, raw in disk.items():
        kept = name in {node.name for node in bad}
        assert (raw == cluster.old) == kept, name


def assert_rerun_converges(cluster: Cluster, answers: str = ANSWERS) -> None:
    """One more reset ends well, everywhere, and nothing is left behind (I5)."""
    result = cluster.call(answers=answers)
    assert result.status == 0, result.transcript
    served = judge.check(cluster, cluster.old, result)
    judge.check_words(result, served, cluster.old)
    assert not litter(cluster)


def litter(cluster: Cluster) -> list[str]:
    """Temporary files that are left on any node."""
    folders = [cluster.home, cluster.tftp, *(node.tftp for node in cluster.nodes)]
    return [str(path) for top in folders for path in top.rglob(TEMPORARY)]


@pytest.mark.parametrize("toward", [TO_NODE, TO_SHELL])
def test_f04_a_connection_cut_at_byte_k_leaves_the_node_whole_and_pending(
    cluster: Cluster, through: Through, seed: int, toward: str
) -> None:
    node = cluster.members[1]
    proxy = through(node, Fault())
    assert cluster.call().status == 0
    total, dice = proxy.passed[toward], random.Random(seed)
    assert total > 1000
    for cut in [*draw(dice, range(total), CUTS), total - 1]:
        cluster.restore()
        cluster.configure(cluster.nodes[:2])
        proxy = through(node, Fault(toward=toward, cut=cut, reset=bool(cut % 2)))
        result = cluster.call()
        served = judge.check(cluster, cluster.old, result)
        judge.check_words(result, served, cluster.old)
        where = f"cut at {cut} of {total} {toward}, CUCMSH_SEED={seed}"
        assert result.status == 3 or served[node.name] != cluster.old, where
        proxy.fault = Fault()
        assert_rerun_converges(cluster)


def test_f04_a_connection_that_is_cut_once_is_tried_once_more(
    cluster: Cluster, through: Through
) -> None:
    through(cluster.members[0], Fault(toward=TO_SHELL, cut=2500, times=1))
    result = cluster.call()
    assert result.status == 0, result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)


def test_f04_a_flipped_byte_is_noticed(cluster: Cluster, through: Through) -> None:
    proxy = through(cluster.members[0], Fault(corrupt=4000))
    result = cluster.call()
    assert result.status in (0, 3), result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)
    proxy.fault = Fault()
    assert_rerun_converges(cluster)


def test_f05_silent_slow_and_resetting_nodes_cost_a_bounded_time_and_nobody_else(
    four: Cluster, through: Through
) -> None:
    silent, slow, stalls, good = four.members
    through(silent, Fault(silence=0, toward=TO_SHELL))
    through(slow, Fault(rate=1, toward=TO_SHELL))
    through(stalls, Fault(silence=4500))
    started = time.monotonic()
    result = four.call()
    assert time.monotonic() - started < 90
    assert_alone_pending(four, result, silent, slow, stalls)
    assert good.list_file.read_bytes() != four.old
    four.ports = {}
    four.configure()
    assert_rerun_converges(four)


def test_f06_frozen_servers_cost_a_bounded_time_and_nobody_else(four: Cluster) -> None:
    sshd, sftp, tftp, good = four.members
    sshd.sshd.freeze()
    sftp.sshd.sftp_runs("/bin/sh -c 'kill -STOP $$'; exec")
    os.kill(tftp.service.pid, signal.SIGSTOP)
    tftp.service.fault = lambda _verb: (0, "")  # its manager believes that it restarted
    started = time.monotonic()
    try:
        result = four.call()
    finally:
        os.kill(tftp.service.pid, signal.SIGCONT)
        sshd.sshd.thaw()
        sftp.sshd.kill_sessions()
        sftp.sshd.sftp_runs("")
        tftp.service.fault = None
    assert time.monotonic() - started < 120
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {sshd.name, sftp.name, tftp.name}
    served = judge.check(four, four.old, result)
    assert served[good.name] != four.old
    assert sshd.list_file.read_bytes() == sftp.list_file.read_bytes() == four.old
    assert_rerun_converges(four)


def await_staged(running: Running, node: Replica) -> None:
    """Return while the new list lies beside the old one on that node."""
    until(
        lambda: list(node.tftp.glob(TEMPORARY)) or running.process.poll() is not None,
        "nothing was staged",
    )
    assert running.process.poll() is None, "it never stood there staged"


def test_f06_a_shell_that_was_stopped_looks_again_before_it_replaces_a_list(
    cluster: Cluster, through: Through
) -> None:
    first, second = cluster.members
    through(first, Fault(delay=0.05))
    other = another_list(cluster)
    running = cluster.spawn()
    await_staged(running, first)
    running.process.send_signal(signal.SIGSTOP)
    cluster.give(second, other)
    running.process.send_signal(signal.SIGCONT)
    result = running.end()
    assert second.list_file.read_bytes() == other, result.transcript
    assert judge.pending_in(result) == {second.name}, result.transcript
    served = judge.check(cluster, {cluster.old, other}, result)
    assert served[first.name] not in (cluster.old, other)
    assert_rerun_converges(cluster)


def another_list(cluster: Cluster) -> bytes:
    """A later list of the same publisher; the cluster is as it was before."""
    cluster.service.stop()
    done = cluster.hook("tftp-start")
    assert done.status == 0, done.transcript
    made = (cluster.tftp / "ITLFile.tlv").read_bytes()
    members = cluster.members
    cluster.restore()
    cluster.configure(members)
    assert made != cluster.old
    return made


def test_f10_a_node_that_is_down_is_pending_and_the_rerun_brings_it_the_same_list(
    cluster: Cluster,
) -> None:
    down, up = cluster.members
    down.sshd.stop()
    result = cluster.call()
    assert_alone_pending(cluster, result, down)
    first = up.list_file.read_bytes()
    down.sshd.start()
    up.service.requests.clear()
    assert_rerun_converges(cluster)
    assert down.list_file.read_bytes() == first
    assert "restart" not in up.service.requests  # it had the list already


def test_f10_a_node_that_dies_after_it_was_staged_is_pending(
    cluster: Cluster, through: Through
) -> None:
    dying, slow = cluster.members
    through(slow, Fault(delay=0.1))
    running = cluster.spawn()
    await_staged(running, dying)
    dying.sshd.stop()
    result = running.end()
    served = judge.check(cluster, cluster.old, result)
    judge.check_words(result, served, cluster.old)
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {dying.name}
    dying.sshd.start()
    assert_rerun_converges(cluster)


def test_f10_a_node_that_comes_back_during_the_commit_ends_as_it_is_told(
    cluster: Cluster, through: Through
) -> None:
    down, slow = cluster.members
    down.sshd.stop()
    through(slow, Fault(delay=0.1))
    running = cluster.spawn()
    await_staged(running, slow)
    down.sshd.start()
    result = running.end()
    served = judge.check(cluster, cluster.old, result)
    judge.check_words(result, served, cluster.old)
    told = down.name in judge.pending_in(result)
    assert told == (served[down.name] == cluster.old)
    assert_rerun_converges(cluster)


def test_f11_whatever_the_name_leads_to_the_pinned_host_key_decides(
    cluster: Cluster,
) -> None:
    named, other = cluster.members
    text = cluster.config.read_text()
    address = f'host = "127.0.0.1", port = {named.sshd.port}'
    assert address in text
    for port, word in ((other.sshd.port, "host key"), (named.sshd.port, "")):
        cluster.config.write_text(
            text.replace(address, f'host = "node.rig.example", port = {port}')
        )
        with Namespace() as inside:
            inside.hosts("127.0.0.1 localhost node.rig.example\n")
            words = [*CUCMSH, "--config", str(cluster.config), "-c"]
            words = inside.words([*words, RESET])
            result = cluster.start_words(words, ANSWERS).end()
        served = judge.check(cluster, cluster.old, result)
        if word:
            assert judge.pending_in(result) == {named.name}, result.transcript
            assert word in result.said.lower(), result.said
            assert served[named.name] == cluster.old
        else:
            assert result.status == 0, result.transcript


def test_f11_a_name_that_nobody_knows_makes_the_node_pending(cluster: Cluster) -> None:
    named = cluster.members[0]
    text = cluster.config.read_text()
    wanted = f'host = "127.0.0.1", port = {named.sshd.port}'
    cluster.config.write_text(
        text.replace(wanted, f'host = "nobody.invalid", port = {named.sshd.port}')
    )
    assert_alone_pending(cluster, cluster.call(), named)
