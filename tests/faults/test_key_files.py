"""F18: whatever key file a backup server hands out."""

from __future__ import annotations

import pytest

from tests.faults import judge
from tests.faults.backup import Backup
from tests.faults.cluster import ANSWERS, Cluster
from tests.faults.key_files import ACCEPTED, ASKED, REFUSED, Maker
from tests.faults.test_logins import assert_unchanged, remote_reset, save_key
from tests.faults.test_network import assert_rerun_converges
from tests.rigs.draws import some

pytestmark = [pytest.mark.faults, pytest.mark.loopback]


@pytest.fixture
def give(cluster: Cluster, backup: Backup) -> Give:
    return Give(cluster, backup)


class Give:
    """Puts a key file on the server and resets with it."""

    def __init__(self, cluster: Cluster, backup: Backup) -> None:
        self.cluster, self.backup = cluster, backup

    def __call__(self, make: Maker, more: str) -> tuple[int, str]:
        path = save_key(self.cluster, self.backup)
        file = self.backup.files / "ITLRecovery.p12"
        file.write_bytes(make(file.read_bytes()))
        server = self.backup.server("password")
        result = remote_reset(self.cluster, self.backup, server, path, more=more)
        served = judge.check(self.cluster, self.cluster.old, result)
        judge.check_words(result, served, self.cluster.old)
        return result.status, result.transcript


@pytest.mark.parametrize("kind", some(REFUSED, 3))
def test_f18_a_file_that_is_no_key_of_this_cluster_changes_nothing(
    give: Give, kind: str
) -> None:
    before = give.cluster.snapshot()
    status, said = give(REFUSED[kind], "yes\nyes\n")
    assert status == 1, said
    assert_unchanged(give.cluster, before)


@pytest.mark.parametrize("kind", some(ACCEPTED, 2))
def test_f18_the_clusters_own_key_is_taken_however_it_is_packed(
    give: Give, kind: str
) -> None:
    status, said = give(ACCEPTED[kind], "")
    assert status == 0, said
    assert_rerun_converges(give.cluster)


@pytest.mark.parametrize("kind", some(ASKED, 2))
def test_f18_another_key_needs_a_typed_yes_and_replaces_the_record(
    give: Give, kind: str
) -> None:
    before = give.cluster.snapshot()
    status, said = give(ASKED[kind], "no\n")
    assert status == 1, said
    assert_unchanged(give.cluster, before)
    give.cluster.restore()
    give.cluster.configure(give.cluster.nodes[:2])
    status, said = give(ASKED[kind], "yes\nyes\nyes\n")
    assert status == 0, said
    kept = (give.cluster.home / "security" / "ITLRecovery").glob(judge.KEY_FILES)
    assert len(list(kept)) == 2  # the earlier one is still there
    # An expired certificate is asked about every time, and so are lists that phones may
    # still hold and that do not know the new key.
    assert_rerun_converges(give.cluster, f"{ANSWERS}yes\nyes\n")
