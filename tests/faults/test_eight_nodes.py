"""Eight plain boxes with OpenSSH: both resets, the backup, and every way to log in.

The nodes take a key; the backup server a password, or keyboard-interactive. Half of the
boxes are away for the last one, which is the case that the command exists for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import CCM, Cluster, Result
from tests.faults.test_logins import KEY_FILE, file_get

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

NODES = 8


@pytest.fixture(scope="module")
def made_eight() -> Iterator[Cluster]:
    cluster = Cluster(NODES)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def backups(made_eight: Cluster) -> Iterator[Backup]:
    made = Backup(made_eight.folder / "backup")
    yield made
    made.close()


@pytest.fixture
def eight(made_eight: Cluster) -> Iterator[Cluster]:
    made_eight.restore()
    yield made_eight
    made_eight.restore()


def assert_all_serve_one_new_list(cluster: Cluster, result: Result) -> None:
    assert result.status == 0, result.transcript
    served = judge.check(cluster, cluster.old, result)
    assert len(served) == NODES + 1
    assert len(set(served.values())) == 1
    assert cluster.old not in served.values()
    judge.check_words(result, served, cluster.old)


def test_local_key_reaches_eight_nodes(eight: Cluster) -> None:
    assert_all_serve_one_new_list(eight, eight.call())


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_saved_key_comes_back_and_reaches_eight_nodes(
    eight: Cluster, backup: Backup, way: str
) -> None:
    server = backup.server(way)
    sent = file_get(eight, backup, server)
    assert sent.status == 0, sent.transcript
    line = f"utils itl reset remotekey {server.host}:{server.port} "
    line += f"{backup.account.name} {backup.files / KEY_FILE}"
    # Its host key was accepted a moment ago, so nobody is asked about it again.
    result = eight.call(line, f"{SFTP_PASSWORD}\n{CCM}\n")
    assert_all_serve_one_new_list(eight, result)


def test_four_of_eight_that_are_away_get_the_list_when_they_are_back(
    eight: Cluster,
) -> None:
    away = eight.nodes[::2]
    for node in away:
        node.sshd.stop()
    try:
        result = eight.call()
    finally:
        for node in away:
            node.sshd.start()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {node.name for node in away}
    judge.check_words(result, judge.check(eight, eight.old, result), eight.old)
    again = eight.call()
    assert again.status == 0, again.transcript
    assert len(set(judge.check(eight, eight.old, again).values())) == 1
