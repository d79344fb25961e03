"""A reset on a box with nothing of ours: what is replaced, what is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.layout import replica_publisher
from cucmsh.services.lists.apply_reset import apply
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.locate_nodes import locate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.outcome import NodeOutcome, Report, State, Step
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.reset_journal import read_reset
from cucmsh.storage.local import LocalStore
from tests.services.made_cluster import REPLICA, MadeCluster, started_cluster

OLD = b"what it served before"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MadeCluster]:
    made = started_cluster(tmp_path / "cluster", has_replica=True)
    made.replica.store.write("ITLFile.tlv", OLD)
    yield made
    assert not list((tmp_path / "cluster").rglob(".cucmsh-*")), "something was left"


def outcome(cluster: MadeCluster) -> NodeOutcome:
    """What a reset makes of the replica."""
    report = cluster.reset()
    return next(each for each in report.outcomes if each.name == REPLICA)


@pytest.mark.thorough
def test_replica_serves_the_publisher_s_bytes(cluster: MadeCluster) -> None:
    assert outcome(cluster).state is State.UPDATED
    assert cluster.replica.raw == cluster.publisher.raw
    assert cluster.replica.service.requests == ["restart"]
    assert cluster.replica.logins == 1
    mode = Path(cluster.replica.node.tftp_directory, "ITLFile.tlv").stat().st_mode
    assert mode & 0o777 == 0o644


@pytest.mark.thorough
def test_replica_without_a_list_gets_its_first(cluster: MadeCluster) -> None:
    cluster.replica.store.remove("ITLFile.tlv")
    assert outcome(cluster).state is State.UPDATED
    assert cluster.replica.raw == cluster.publisher.raw


@pytest.mark.thorough
def test_stopped_replica_gets_the_list_and_stays_stopped(cluster: MadeCluster) -> None:
    cluster.replica.service.is_running = False
    assert outcome(cluster).state is State.STOPPED
    assert cluster.replica.raw == cluster.publisher.raw
    assert cluster.replica.service.requests == []


@pytest.mark.thorough
def test_dead_replica_is_pending_and_named_at_the_next_login(
    cluster: MadeCluster,
) -> None:
    cluster.replica.is_dead = True
    assert outcome(cluster).state is State.PENDING
    assert f"pending: {REPLICA}. " in login_notice(cluster.publisher.again())
    cluster.replica.is_dead = False
    first = cluster.publisher.raw
    assert outcome(cluster).state is State.UPDATED
    assert cluster.replica.raw == cluster.publisher.raw == first
    assert login_notice(cluster.publisher.again()) == ""


@pytest.mark.thorough
def test_replica_of_another_publisher_is_left_alone(cluster: MadeCluster) -> None:
    account = LocalStore(str(cluster.root / REPLICA / "account"))
    record = b'{"id": "another", "name": "old.example.org"}'
    account.write(replica_publisher(cluster.replica.node.tftp_directory), record)
    found = outcome(cluster)
    assert found.state is State.PENDING
    assert "another publisher (old.example.org, id another)" in found.reason
    assert "cucmsh node add branch1" in found.reason
    assert cluster.replica.raw == OLD


@pytest.mark.thorough
def test_rerun_touches_only_the_node_that_was_pending(cluster: MadeCluster) -> None:
    """F10: nobody's phones are disturbed twice."""
    cluster.replica.is_dead = True
    assert outcome(cluster).state is State.PENDING
    cluster.replica.is_dead = False
    for member in cluster.members.values():
        member.service.requests.clear()
    report = cluster.reset()
    assert [each.state for each in report.outcomes] == [
        State.UNCHANGED,
        State.UNCHANGED,
        State.UPDATED,
    ]
    assert report.exit_status == 0
    for member in cluster.members.values():
        assert member.service.requests == []
        assert member.raw == cluster.replica.raw


@pytest.mark.thorough
def test_rerun_does_not_believe_a_node_that_serves_something_else_by_now(
    cluster: MadeCluster,
) -> None:
    cluster.replica.is_dead = True
    outcome(cluster)
    cluster.subscriber.start()  # the next start composes its own list again
    report = cluster.reset()
    assert report.outcomes[1].state is State.UPDATED
    assert cluster.subscriber.raw == cluster.publisher.raw


@pytest.mark.thorough
@pytest.mark.parametrize(
    "step", ["stage", "staged", "commit", "committed", "restart", "status"]
)
def test_connection_that_breaks_once_is_tried_once_more(
    cluster: MadeCluster, step: str
) -> None:
    cluster.replica.breaks_at = [step]
    found = outcome(cluster)
    # The first look at a node has no connection to lose before the status.
    assert found.state is State.UPDATED, found
    assert cluster.replica.raw == cluster.publisher.raw
    assert cluster.replica.logins == 2
    cluster.replica.store.sweep()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("steps", "is_served", "state", "status"),
    [
        (["commit", "commit"], True, State.PENDING, 1),
        (["committed", "restart"], True, State.UNPROVEN, 3),
        (["committed", "restart"], False, State.UNKNOWN, 3),
    ],
    ids=["before the rename", "after it", "after it and its TFTP is silent"],
)
def test_replica_that_falls_silent_in_its_change_is_asked_how_far_it_came(
    cluster: MadeCluster, steps: list[str], is_served: bool, state: State, status: int
) -> None:
    """Exit status 1 says that nothing changed: not of a node that may have."""
    cluster.replica.breaks_at = steps
    cluster.replica.service.answers_others = is_served
    found = outcome(cluster)
    assert found.state is state, found
    assert "the connection broke" in found.reason
    assert Report((found,)).exit_status == status
    cluster.replica.service.answers_others = True
    assert outcome(cluster).state is State.UPDATED
    assert cluster.replica.raw == cluster.publisher.raw


@pytest.mark.thorough
def test_restart_that_fails_leaves_the_list_and_says_so(cluster: MadeCluster) -> None:
    cluster.replica.service.restart_fails = True
    found = outcome(cluster)
    assert found.state is State.UNPROVEN
    assert "did not restart: Job for tftpd failed." in found.reason
    assert cluster.replica.raw == cluster.publisher.raw


@pytest.mark.thorough
def test_service_that_our_restart_brought_down_is_brought_up_by_the_next_attempt(
    cluster: MadeCluster,
) -> None:
    services = [
        each.service
        for each in (cluster.replica, cluster.subscriber, cluster.publisher)
    ]
    for service in services:
        service.restart_fails = True
    assert cluster.reset().exit_status == 3
    assert [service.is_running for service in services] == [False] * 3
    for service in services:
        service.restart_fails = False
    assert cluster.reset().exit_status == 0
    assert [service.is_running for service in services] == [True] * 3


@pytest.mark.thorough
def test_replica_that_serves_something_else_is_not_updated(
    cluster: MadeCluster,
) -> None:
    cluster.replica.service.lies_with = OLD
    said: list[tuple[Step, str]] = []
    _, said = cluster.apply(plan_local_reset(cluster.site))
    assert (Step.TRANSFERRED, REPLICA) not in said
    assert (Step.FAILED, f"{REPLICA}: TFTP gives back other bytes") in said


def changed_reset(cluster: MadeCluster, change: str) -> list[NodeOutcome]:
    """A reset, with a list that changes between the plan and its commit."""
    plan = plan_local_reset(cluster.site)
    with cluster.site.cluster_lock("a reset"), Fleet(cluster.site) as fleet:
        located = locate(cluster.site, fleet)
        if change == REPLICA:
            cluster.replica.store.write("ITLFile.tlv", b"somebody else's")
        else:
            cluster.members[change].start()
        report = apply(plan, located, cluster.site, fleet, lambda *_: None)
    return list(report.outcomes)


@pytest.mark.thorough
def test_replica_whose_list_changed_meanwhile_is_left_alone(
    cluster: MadeCluster,
) -> None:
    found = changed_reset(cluster, REPLICA)[-1]
    assert found.state is State.PENDING
    assert "changed after it was looked at" in found.reason
    assert cluster.replica.raw == b"somebody else's"
    assert cluster.replica.service.requests == []


@pytest.mark.thorough
def test_member_whose_list_changed_meanwhile_is_left_alone(
    cluster: MadeCluster,
) -> None:
    cluster.clock.pass_seconds(9)
    found = changed_reset(cluster, "test10sub")[1]
    assert found.state is State.PENDING
    assert "changed after it was looked at" in found.reason
    assert cluster.subscriber.signer == "CN=test10sub.joemar2.lab"


@pytest.mark.thorough
def test_publisher_whose_list_changed_meanwhile_ends_the_reset_before_it_begins(
    cluster: MadeCluster,
) -> None:
    cluster.clock.pass_seconds(9)
    with pytest.raises(Exception, match="changed after it was looked at"):
        changed_reset(cluster, "test10pub")
    assert cluster.replica.raw == OLD
    assert cluster.publisher.signer == "CN=test10pub.joemar2.lab"
    assert cluster.subscriber.signer == "CN=test10sub.joemar2.lab"
    assert cluster.subscriber.site.home.names("state/staging") == []
    assert "The ITL reset" not in login_notice(cluster.publisher.again())


@pytest.mark.thorough
def test_push_settles_what_the_reset_left_open(cluster: MadeCluster) -> None:
    """The list of the reset is proven there: nobody is told to run it again."""
    cluster.replica.is_dead = True
    assert outcome(cluster).state is State.PENDING
    cluster.replica.is_dead = False
    cluster.replica.service.lies_with = OLD
    assert push(cluster.site).problems
    assert f"pending: {REPLICA}. " in login_notice(cluster.publisher.again())
    cluster.replica.service.lies_with = None
    assert push(cluster.site).problems == {}
    assert cluster.replica.raw == cluster.publisher.raw
    assert login_notice(cluster.publisher.again()) == ""
    assert read_reset(cluster.site) is None


@pytest.mark.thorough
def test_push_of_another_list_leaves_the_reset_open(cluster: MadeCluster) -> None:
    cluster.replica.is_dead = True
    outcome(cluster)
    cluster.replica.is_dead = False
    cluster.clock.pass_seconds(9)
    cluster.publisher.start()
    assert push(cluster.site).problems == {}
    assert f"pending: {REPLICA}. " in login_notice(cluster.publisher.again())


@pytest.mark.thorough
def test_push_settles_no_other_node(cluster: MadeCluster) -> None:
    cluster.replica.is_dead = cluster.subscriber.is_dead = True
    outcome(cluster)
    cluster.replica.is_dead = False
    assert push(cluster.site).problems == {}
    journal = read_reset(cluster.site)
    assert journal is not None
    assert journal.pending == (cluster.subscriber.node.name,)
