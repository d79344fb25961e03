"""What is left open: names and reasons apart; files of earlier versions are read."""

from __future__ import annotations

import pytest

from cucmsh.layout import REPLICAS
from cucmsh.services.records.pending import (
    forget_replica,
    pending_replicas,
    remember_replicas,
)
from cucmsh.services.records.state import recall, remember
from tests.services.made_cluster import MadeCluster

WHY = "it is (still) busy (very)"


def test_a_name_with_a_bracket_is_told_from_its_reason(cluster: MadeCluster) -> None:
    site = cluster.site
    remember_replicas(site, {"branch (old)": WHY, "branch": "silent"})
    forget_replica(site, "branch")
    assert recall(site.home, REPLICAS)["names"] == ["branch (old)"]
    (line,) = pending_replicas(site)
    assert f": branch (old) ({WHY}). " in line
    forget_replica(site, "branch (old)")
    assert pending_replicas(site) == []


@pytest.mark.parametrize(
    "more", [{}, {"names": ["branch1"], "reasons": []}], ids=["earlier", "damaged"]
)
def test_what_an_earlier_version_wrote_is_read(
    cluster: MadeCluster, more: dict[str, object]
) -> None:
    site = cluster.site
    entries = [f"branch1 ({WHY})", "branch2 (silent)"]
    remember(site.home, REPLICAS, {"open": entries, "at": "then", **more})
    (line,) = pending_replicas(site)
    assert f"since then: branch1 ({WHY}), branch2 (silent). " in line
    forget_replica(site, "branch2")
    kept = recall(site.home, REPLICAS)
    assert (kept["open"], kept["at"]) == (entries[:1], "then")
    assert (kept["names"], kept["reasons"]) == (["branch1"], [WHY])
