"""What this node served at a time that is past, and that it says nothing else."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.layout import LIST_FILE, SERVED_TIMES
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.records.served_times import (
    FOR_EVER,
    MOST_SPANS,
    SETTLED_SECONDS,
    ServedThen,
    note_served,
)
from tests.services.made_cluster import MadeCluster, made_cluster

pytestmark = pytest.mark.thorough


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return made_cluster(tmp_path)


def now(cluster: MadeCluster) -> int:
    return int(cluster.clock.now().timestamp())


def at(cluster: MadeCluster, second: int, late: int = 0) -> str:
    return ServedThen(cluster.site).digest(second - late, second)


def digest(raw: bytes) -> str:
    return sha1(raw).hexdigest()


def put(cluster: MadeCluster, raw: bytes) -> None:
    """A list in place that nobody notes: somebody else's doing."""
    Path(cluster.site.node.tftp_directory, LIST_FILE).write_bytes(raw)


def test_each_list_is_known_for_its_time(cluster: MadeCluster) -> None:
    cluster.publisher.start()
    first, began = digest(cluster.publisher.raw), now(cluster)
    assert at(cluster, began) == ""  # just then nobody can tell
    cluster.clock.pass_seconds(1000)
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.publisher.start()
    second, changed = digest(cluster.publisher.raw), now(cluster)
    cluster.clock.pass_seconds(1000)
    assert first != second
    assert at(cluster, began + SETTLED_SECONDS) == first
    assert at(cluster, changed - 1) == first
    assert at(cluster, changed + 1) == ""
    assert at(cluster, changed + SETTLED_SECONDS) == second
    assert at(cluster, now(cluster)) == second
    assert at(cluster, changed + 20, late=30) == ""  # it may have been either
    assert at(cluster, began - 1) == ""
    then = ServedThen(cluster.site)
    found = [then.digest(second, second) for second in (changed - 1, changed + 9)]
    assert found == [first, second]


def test_what_somebody_else_put_there_makes_the_time_unknown(
    cluster: MadeCluster,
) -> None:
    cluster.publisher.start()
    began = now(cluster)
    cluster.clock.pass_seconds(100)
    put(cluster, b"another list")
    cluster.clock.pass_seconds(100)
    assert at(cluster, began + 50) == ""  # seen last when it was put in place
    note_served(cluster.site, b"another list")
    found = now(cluster)
    cluster.clock.pass_seconds(100)
    assert at(cluster, found - 20) == ""
    assert at(cluster, found + 20) == digest(b"another list")


def test_a_clock_that_was_set_back_makes_the_time_unknown(cluster: MadeCluster) -> None:
    site = cluster.site
    cluster.publisher.start()
    began = now(cluster)
    for raw, seconds in ((b"a", 1000), (b"b", -600), (b"c", 100)):
        put(cluster, raw)
        note_served(site, raw, is_new=True)
        cluster.clock.pass_seconds(seconds)
    assert at(cluster, began + 300) == digest(b"a")
    assert at(cluster, began + 500) == ""  # a was there the first time, c the second
    assert at(cluster, began + 1003) == ""
    assert at(cluster, began + 1007) == digest(b"c")
    cluster.clock.pass_seconds(500 * 24 * 3600)
    note_served(site, b"c")
    cluster.clock.pass_seconds(-500 * 24 * 3600)
    note_served(site, b"c")
    assert at(cluster, now(cluster) + SETTLED_SECONDS) == digest(b"c")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2, "seen": 1, "lists": []}',
        b'{"version": 1, "seen": 1, "lists": [["a", 1]]}',
        b'{"version": 1, "seen": 1, "lists": [["a", 5, 9], ["b", 1, 9]]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_note_is_none(cluster: MadeCluster, raw: bytes) -> None:
    cluster.publisher.start()
    cluster.site.home.write(SERVED_TIMES, raw)
    assert at(cluster, now(cluster) + 100) == ""
    note_served(cluster.site, cluster.publisher.raw)
    cluster.clock.pass_seconds(100)
    assert at(cluster, now(cluster)) == digest(cluster.publisher.raw)


def test_a_full_disk_keeps_no_list_from_phones(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(cluster.site.settings.home, SERVED_TIMES).mkdir()  # nothing can be put there
    cluster.publisher.start()
    assert cluster.publisher.raw
    assert at(cluster, now(cluster)) == ""


def test_the_note_stays_small(cluster: MadeCluster) -> None:
    spans = [["ab" * 20, number, number + 1] for number in range(MOST_SPANS)]
    spans[-1][2] = FOR_EVER
    text = str(spans).replace("'", '"')
    raw = f'{{"version": 1, "seen": {MOST_SPANS}, "lists": {text}}}'
    cluster.site.home.write(SERVED_TIMES, raw.encode())
    note_served(cluster.site, b"x", is_new=True)
    assert len(cluster.site.home.read(SERVED_TIMES)) < len(raw) + 100
