"""A reset that a person ends at its safe point, before the first list is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.errors import CancelledError, RefusedError
from cucmsh.layout import STAGING
from cucmsh.services.lists import apply_reset
from cucmsh.services.lists.apply_reset import apply
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.locate_nodes import locate
from cucmsh.services.lists.plan_reset import ResetPlan, plan_local_reset
from cucmsh.services.outcome import State, Step
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.reset_journal import read_reset
from cucmsh.services.site import Site
from cucmsh.views.report import report_lines
from tests.services.made_cluster import (
    SUBSCRIBER,
    MadeCluster,
    foreign_key_file,
    remote_plan,
)

MakePlan = Callable[[Site], ResetPlan]


def with_another_key(site: Site) -> ResetPlan:
    return remote_plan(site, foreign_key_file())


def cancel(cluster: MadeCluster, make_plan: MakePlan = plan_local_reset) -> None:
    def refuse(step: Step, _: str) -> None:
        if step is Step.READY:
            raise CancelledError("Nothing was changed.")
        raise AssertionError(f"{step} after the end")

    site = cluster.site
    with site.cluster_lock("a reset"), Fleet(site) as fleet:
        located = locate(site, fleet)
        with pytest.raises(CancelledError):
            apply(make_plan(site), located, site, fleet, refuse)


def staged(cluster: MadeCluster) -> list[Path]:
    folder = Path(cluster.subscriber.site.settings.home, STAGING)
    return list(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.thorough
def test_no_list_is_changed_and_nothing_stays_behind(cluster: MadeCluster) -> None:
    before = [member.raw for member in cluster.members.values()]
    cancel(cluster)
    assert [member.raw for member in cluster.members.values()] == before
    assert staged(cluster) == []
    assert read_reset(cluster.site) is None
    assert login_notice(cluster.site) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("make_plan", [plan_local_reset, with_another_key])
def test_nothing_at_all_is_changed(cluster: MadeCluster, make_plan: MakePlan) -> None:
    before = cluster.tree()
    cancel(cluster, make_plan)
    assert cluster.tree() == before


@pytest.mark.thorough
def test_list_changed_meanwhile_leaves_the_present_key(cluster: MadeCluster) -> None:
    site = cluster.site
    with site.cluster_lock("a reset"), Fleet(site) as fleet:
        located = locate(site, fleet)
        plan = with_another_key(site)
        cluster.clock.pass_seconds(1000)
        cluster.publisher.start()
        before = cluster.tree()
        with pytest.raises(RefusedError, match="changed after it was looked at"):
            apply(plan, located, site, fleet, lambda *_: None)
    assert cluster.tree() == before


@pytest.mark.thorough
def test_list_changed_behind_the_new_key_is_a_change_that_is_told(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("somebody was quicker")

    monkeypatch.setattr(apply_reset, "put_in_place", refuse)
    report, _ = cluster.apply(with_another_key(cluster.site))
    assert {outcome.state for outcome in report.outcomes} == {State.PENDING}
    assert report.exit_status == 3
    assert "The new recovery key is in place" in "\n".join(report_lines(report))
    assert "utils itl reset remotekey" in login_notice(cluster.site)
    assert staged(cluster) == []


@pytest.mark.thorough
def test_the_next_reset_goes_its_way(cluster: MadeCluster) -> None:
    cancel(cluster)
    assert cluster.reset().exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw


@pytest.mark.thorough
def test_an_earlier_reset_is_still_named_as_unfinished(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    cluster.subscriber.is_dead = False
    before = read_reset(cluster.site)
    cluster.clock.pass_seconds(1000)
    cancel(cluster)
    journal = read_reset(cluster.site)
    assert journal == before  # its time too: the cancelled run changed nothing
    assert journal is not None
    assert journal.pending == (SUBSCRIBER,)
    assert SUBSCRIBER in login_notice(cluster.site)
