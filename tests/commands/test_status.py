"""``show status`` and ``show cert hold``, against a node."""

from __future__ import annotations

import pytest

from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from tests.commands.calls import call
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough


def test_status_is_of_this_machine(cluster: MadeCluster) -> None:
    lines = call(cluster.site, "show status").lines
    assert lines[1] == "Host Name          : test10pub"
    assert any(line.startswith("Disk/logging") for line in lines)
    assert any(line.startswith("Memory Total:") for line in lines)


def test_hold_time_runs_down_on_one_node_and_clocks_do_not_end_it(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    assert call(site, "show cert hold").lines[0] == "No hold time runs on test10pub."
    regenerate(site, Unit.TVS)
    cluster.clock.pass_seconds(100)
    said = "Remaining hold time: 3 min 20 s."
    assert call(site, "show cert hold").lines[1] == said
    other = cluster.subscriber.site
    assert call(other, "show cert hold").lines[0].startswith("No hold time")
    cluster.clock.moment = cluster.clock.moment.replace(year=2030)
    assert call(site, "show cert hold").lines[1] == said
    cluster.clock.pass_seconds(200)
    assert call(site, "show cert hold").lines[0].startswith("No hold time")
