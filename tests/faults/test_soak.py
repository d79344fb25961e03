"""Four administrators at once, some of them killed, for a while."""

from __future__ import annotations

import pytest

from tests.faults.backup import Backup
from tests.faults.cluster import Cluster
from tests.faults.model import Deed, Seen, complaints
from tests.faults.soak import run
from tests.rigs.draws import drawn

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

SESSIONS, SECONDS = 4, 20  # python -m tests.faults.soak: 16 for five minutes


def test_the_history_of_many_sessions_fits_the_model(
    cluster: Cluster, backup: Backup, seed: int
) -> None:
    found, told = run(cluster, backup, SESSIONS, drawn(SECONDS), seed)
    assert found == [], f"CUCMSH_SEED={seed}: {told}"
    assert "reset done" in told
    assert "killed" in told


def test_the_model_refuses_histories_that_cannot_be(cluster: Cluster) -> None:
    old = cluster.old
    cluster.call()
    new = (cluster.tftp / "ITLFile.tlv").read_bytes()
    first, second = Seen("list", 0, old), Seen("list", 5, new)
    reset = Deed("reset", 4, 6, 0, "", b"")
    assert complaints([reset], [first, second]) == []
    assert complaints([], [first, second])  # nobody made it
    assert complaints([reset], [first])  # it was lost
    assert complaints([reset], [first, second._replace(raw=new[:-1])])  # torn
    busy = Deed("reset", 8, 9, 1, "reset is making a change on this node", b"")
    assert complaints([reset, busy], [first, second])  # nobody was at work
    assert complaints([reset._replace(status=1)], [first, second])
    shown = Deed("show", 1, 2, 0, "no digest of a list", b"")
    assert complaints([reset, shown], [first, second])
