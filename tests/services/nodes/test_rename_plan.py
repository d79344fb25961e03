"""A node under another name, before it is: which names it can have, and who is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import CucmshError, NamingError, RefusedError
from cucmsh.services.nodes.rename_plan import DOMAIN, HOST_NAME, plan_rename
from cucmsh.services.phones.preview import locked_out, preview
from cucmsh.services.phones.takers import Way
from tests.services.made_cluster import DOMAIN as THERE
from tests.services.made_cluster import (
    PUBLISHER,
    SUBSCRIBER,
    MadeCluster,
    started_cluster,
)

pytestmark = pytest.mark.thorough


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    made = started_cluster(tmp_path)
    made.write_configurations()
    return made


@pytest.mark.parametrize(
    ("change", "value", "kind", "says"),
    [
        (HOST_NAME, PUBLISHER, RefusedError, "is the name of this node already"),
        (HOST_NAME, PUBLISHER.upper(), RefusedError, "already"),
        (HOST_NAME, SUBSCRIBER, RefusedError, "another node of this cluster"),
        (HOST_NAME, SUBSCRIBER.upper(), RefusedError, "another node of this cluster"),
        (HOST_NAME, "a" * 64, NamingError, "64 characters, more than 63"),
        (HOST_NAME, "a" * 60, NamingError, "X.520"),
        (HOST_NAME, "new.pub", NamingError, "holds a dot"),
        (HOST_NAME, "new_pub", NamingError, "other characters"),
        (HOST_NAME, "pub-", NamingError, "hyphen at an end"),
        (HOST_NAME, "püb", NamingError, "other characters"),
        (HOST_NAME, "", NamingError, "is empty"),
        (DOMAIN, THERE, RefusedError, "already"),
        (DOMAIN, "a..b", NamingError, "two dots in a row"),
        (DOMAIN, ".b", NamingError, "begins with a dot"),
    ],
)
def test_a_name_that_it_cannot_have(
    cluster: MadeCluster, change: str, value: str, kind: type[CucmshError], says: str
) -> None:
    before = cluster.tree()
    with pytest.raises(kind, match=says):
        plan_rename(cluster.site, change, value)
    with pytest.raises(kind, match=says):
        preview(cluster.site, change, value)
    assert cluster.tree() == before


@pytest.mark.parametrize("change", [HOST_NAME, DOMAIN])
def test_a_preview_says_who_takes_the_renamed_nodes_list(
    cluster: MadeCluster, change: str
) -> None:
    before = cluster.tree()
    found = preview(cluster.site, change, "new--name")
    assert found.change == f"{change} new--name"
    full_name = (
        f"new--name.{THERE}" if change == HOST_NAME else f"{PUBLISHER}.new--name"
    )
    assert found.offer.signer.startswith(f"CN={full_name};")
    assert [each.way for each in found.holders] == [Way.TVS]  # the subscriber's
    cluster.subscriber.tvs_is_stopped = True
    lost = preview(cluster.site, change, "new--name")
    assert [each.way for each in lost.holders] == [Way.LOCKED_OUT]
    assert locked_out(cluster.site, change, "new--name") == lost.holders
    assert cluster.tree() == before


def test_with_keep_trust_a_key_signs_that_all_holders_know(tmp_path: Path) -> None:
    cluster = started_cluster(tmp_path, keep_trust=True)
    cluster.write_configurations()
    cluster.publisher.start()
    cluster.subscriber.tvs_is_stopped = True
    found = preview(cluster.site, HOST_NAME, "other")
    assert not found.is_locking_out
    assert {each.way for each in found.holders} == {Way.DIRECT}
    assert "ITLRECOVERY" in found.offer.signer.upper()
