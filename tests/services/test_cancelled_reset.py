"""A reset that a person ends at its safe point, before the first list is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import CancelledError
from cucmsh.services.fleet import Fleet
from cucmsh.services.journal import login_notice, read_journal
from cucmsh.services.outcome import Step
from cucmsh.services.resetting.distribute import apply
from cucmsh.services.resetting.reset import plan_local_reset
from cucmsh.services.resetting.survey import locate
from tests.services.made_cluster import SUBSCRIBER, MadeCluster


def cancel(cluster: MadeCluster) -> None:
    def refuse(step: Step, _: str) -> None:
        if step is Step.STAGED:
            raise CancelledError("Nothing was changed.")
        raise AssertionError(f"{step} after the end")

    site = cluster.site
    with site.cluster_lock("a reset"), Fleet(site) as fleet:
        located = locate(site, fleet)
        with pytest.raises(CancelledError):
            apply(plan_local_reset(site), located, site, fleet, refuse)


def staged(cluster: MadeCluster) -> list[Path]:
    folder = Path(cluster.subscriber.site.node.staging)
    return list(folder.iterdir()) if folder.is_dir() else []


def test_no_list_is_changed_and_nothing_stays_behind(cluster: MadeCluster) -> None:
    before = [member.raw for member in cluster.members.values()]
    cancel(cluster)
    assert [member.raw for member in cluster.members.values()] == before
    assert staged(cluster) == []
    assert read_journal(cluster.site) is None
    assert login_notice(cluster.site) == ""


def test_the_next_reset_goes_its_way(cluster: MadeCluster) -> None:
    cancel(cluster)
    assert cluster.reset().exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw


def test_an_earlier_reset_is_still_named_as_unfinished(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    cluster.subscriber.is_dead = False
    cancel(cluster)
    journal = read_journal(cluster.site)
    assert journal is not None
    assert journal.pending == (SUBSCRIBER,)
    assert SUBSCRIBER in login_notice(cluster.site)
