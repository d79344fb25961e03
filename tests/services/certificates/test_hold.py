"""Five minutes between regenerations on one node (docs/story.md case 5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsh.errors import BusyError, RefusedError, UsageError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.hold import find_hold
from cucmsh.services.certificates.own import require_unit
from cucmsh.services.certificates.regenerate import (
    regenerate,
    require_no_hold,
)
from cucmsh.services.lists.member_hooks import deliver_pending
from cucmsh.services.outcome import State
from cucmsh.services.records.open_work import drop_node, open_work
from cucmsh.services.records.waiting import note_waiting, open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from tests.rigs.waiting import until
from tests.services.made_cluster import MadeCluster, SettableClock, made_cluster

HELD = (
    "CallManager certificate was modified in the last 5 minutes. Please re-try "
    "regnerating TVS certificate at a later time"
)


def regenerated(site: Site, unit: Unit) -> bool:
    """Whether it is done; not while another shell is at it."""
    with suppress(BusyError):
        regenerate(site, unit)
        return True
    return False


def remaining(cluster: MadeCluster) -> float:
    hold = find_hold(cluster.publisher.again())
    return hold.remaining_seconds if hold else 0


@pytest.mark.thorough
def test_second_regeneration_is_held_in_the_documents_words(
    cluster: MadeCluster,
) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    before = cluster.tree()
    with pytest.raises(RefusedError) as refused:
        regenerate(cluster.publisher.again(), Unit.TVS)
    assert refused.value.message == HELD
    assert refused.value.advice == "Remaining hold time: 5 min 00 s."
    assert cluster.tree() == before


@pytest.mark.thorough
def test_the_same_unit_is_held_too(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.TVS)
    with pytest.raises(RefusedError, match=r"^TVS certificate was .* TVS certificate"):
        regenerate(cluster.site, Unit.TVS)


@pytest.mark.thorough
def test_hold_ends_after_five_minutes(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.clock.pass_seconds(299.5)
    with pytest.raises(RefusedError) as refused:
        require_no_hold(cluster.site, Unit.TVS)
    assert refused.value.advice == "Remaining hold time: 0 min 01 s."
    cluster.clock.pass_seconds(0.5)
    regenerate(cluster.site, Unit.TVS)


@pytest.mark.thorough
def test_another_node_is_not_held(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    regenerate(cluster.subscriber.site, Unit.TVS)


def test_first_certificates_start_no_hold(tmp_path: Path) -> None:
    assert find_hold(made_cluster(tmp_path).site) is None


def set_wall_back(clock: SettableClock) -> None:
    clock.moment -= timedelta(days=1)


def set_wall_forward(clock: SettableClock) -> None:
    clock.moment += timedelta(days=1)


def reboot(clock: SettableClock) -> None:
    clock.reboot()


def reboot_and_set_back(clock: SettableClock) -> None:
    clock.reboot()
    clock.moment -= timedelta(days=1)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "change", [set_wall_back, set_wall_forward, reboot, reboot_and_set_back]
)
def test_no_change_of_the_clock_ends_or_prolongs_a_hold(
    cluster: MadeCluster, change: Callable[[SettableClock], None]
) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    change(cluster.clock)
    assert remaining(cluster) == 300
    cluster.clock.pass_seconds(301)
    assert remaining(cluster) == 0


@pytest.mark.thorough
def test_time_before_a_reboot_counts(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.clock.pass_seconds(200)
    cluster.clock.reboot()
    assert remaining(cluster) == 100


@pytest.mark.thorough
@pytest.mark.parametrize("month", [3, 10])
def test_summer_time_ends_and_prolongs_no_hold(
    cluster: MadeCluster, month: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local time jumps an hour ahead in March, and back in October."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        day = {3: 29, 10: 25}[month]
        before = datetime(2015, month, day, 0, 59, tzinfo=UTC)
        cluster.clock.moment = before
        regenerate(cluster.site, Unit.CALL_MANAGER)
        cluster.clock.pass_seconds(120)
        shift = cluster.clock.now().astimezone().utcoffset()
        assert shift != before.astimezone().utcoffset()
        assert remaining(cluster) == 180
        cluster.clock.pass_seconds(181)
        assert remaining(cluster) == 0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.thorough
def test_of_two_shells_at_once_one_is_held(cluster: MadeCluster) -> None:
    """Who is told that the other is at it, and tries again, is told of the hold."""
    both_asked = threading.Barrier(2)
    done: list[Unit] = []

    def shell(unit: Unit) -> None:
        site = cluster.publisher.again()
        both_asked.wait(30)
        with suppress(RefusedError):
            until(lambda: regenerated(site, unit), f"{unit} waits for the other")
            done.append(unit)

    shells = [
        threading.Thread(target=shell, args=[unit])
        for unit in (Unit.CALL_MANAGER, Unit.TVS)
    ]
    for each in shells:
        each.start()
    for each in shells:
        each.join()
    assert len(done) == 1
    hold = find_hold(cluster.publisher.again())
    assert hold
    assert hold.unit == done[0]


# What a regeneration leaves behind


@pytest.mark.thorough
@pytest.mark.parametrize("unit", list(Unit))
def test_pair_and_certificate_are_new_and_fit(cluster: MadeCluster, unit: Unit) -> None:
    keys = cluster.publisher.keys
    before = keys.certificate(unit)
    regenerate(cluster.site, unit)
    after = keys.certificate(unit)
    assert after.der != before.der
    derived = cluster.site.home.read(f"security/{unit}/{unit}.pem")
    assert cluster.site.backends.keys().read_certificate(derived) == after
    if unit is Unit.ITL_RECOVERY:
        assert keys.recovery().certificate == after
    else:
        assert keys.credential(unit).certificate == after


@pytest.mark.thorough
def test_regenerated_recovery_key_changes_no_list_until_tftp_starts(
    cluster: MadeCluster,
) -> None:
    """Case 6, and the present key file is kept."""
    lists = [member.raw for member in cluster.members.values()]
    present = cluster.key_file()
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    assert [member.raw for member in cluster.members.values()] == lists
    assert cluster.site.home.read(f"{RECOVERY_FILE}.1") == present
    cluster.start()
    fresh = cluster.publisher.keys.recovery().certificate.der
    for member in cluster.members.values():
        assert member.served.records[4].certificate == fresh


@pytest.mark.thorough
def test_members_get_the_certificates_that_their_lists_name(
    cluster: MadeCluster,
) -> None:
    outcomes = regenerate(cluster.site, Unit.TVS)
    assert [(outcome.name, outcome.state) for outcome in outcomes] == [
        ("test10sub", State.UPDATED)
    ]
    node = cluster.site.node
    there = cluster.subscriber.keys.trusted(node, Unit.TVS)
    assert there == cluster.publisher.keys.certificate(Unit.TVS)


@pytest.mark.thorough
def test_dead_member_is_an_outcome_of_a_regeneration(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    (outcome,) = regenerate(cluster.site, Unit.TVS)
    assert (outcome.state, outcome.reason) == (
        State.PENDING,
        "test10sub does not answer",
    )
    (work,) = open_waiting(cluster.site, Work.CERTIFICATES)
    assert work.nodes == {"test10sub": "test10sub does not answer"}
    assert work.line in [at.line for at in open_work(cluster.site)]
    assert deliver_pending(cluster.site)[0].state is State.PENDING  # it is still dead
    cluster.subscriber.is_dead = False
    cluster.clock.pass_seconds(300)
    regenerate(cluster.site, Unit.CAPF)  # brings what was not brought before
    assert not open_waiting(cluster.site, Work.CERTIFICATES)
    there = cluster.subscriber.keys.trusted(cluster.site.node, Unit.TVS)
    assert there == cluster.publisher.keys.certificate(Unit.TVS)


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF])
def test_what_was_not_brought_is_brought_later(
    cluster: MadeCluster, unit: Unit
) -> None:
    cluster.subscriber.is_dead = True
    regenerate(cluster.site, unit)
    cluster.subscriber.is_dead = False
    assert deliver_pending(cluster.site)[0].state is State.UPDATED
    there = cluster.subscriber.keys.trusted(cluster.site.node, unit)
    assert there == cluster.publisher.keys.certificate(unit)
    assert not open_waiting(cluster.site, Work.CERTIFICATES)
    assert deliver_pending(cluster.site) == []


@pytest.mark.thorough
def test_reset_brings_it_too_and_a_node_that_leaves_waits_no_more(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.is_dead = True
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.subscriber.is_dead = False
    cluster.reset()
    assert not open_waiting(cluster.site, Work.CERTIFICATES)
    there = cluster.subscriber.keys.trusted(cluster.site.node, Unit.CALL_MANAGER)
    assert there == cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    note_waiting(cluster.site, Work.CERTIFICATES, {"test10sub": "away"})
    drop_node(cluster.site, "test10sub")
    assert not open_waiting(cluster.site, Work.CERTIFICATES)


@pytest.mark.thorough
def test_member_without_a_way_from_here_is_said_and_not_waited_for(
    cluster: MadeCluster,
) -> None:
    site = cluster.subscriber.site
    nodes = tuple(node._replace(ssh=None) for node in site.settings.cluster.nodes)
    wider = site.settings.cluster._replace(nodes=nodes)
    away = site.with_settings(site.settings._replace(cluster=wider))
    (outcome,) = regenerate(away, Unit.TVS)
    assert outcome.reason == (
        "no way leads there from test10sub; `cucmsh node add test10sub` on test10pub "
        "brings them"
    )
    assert not open_waiting(away, Work.CERTIFICATES)


@pytest.mark.thorough
def test_stale_derived_certificate_never_travels(cluster: MadeCluster) -> None:
    """Killed between the PKCS#12 and the certificate derived from it."""
    name = "security/ITLRecovery/ITLRecovery.pem"
    stale = cluster.site.home.read(name)
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    cluster.site.home.write(name, stale)
    cluster.clock.pass_seconds(300)
    regenerate(cluster.site, Unit.TVS)
    there = cluster.subscriber.keys.trusted(cluster.site.node, Unit.ITL_RECOVERY)
    assert there == cluster.publisher.keys.recovery().certificate


@pytest.mark.parametrize("name", ["CAPF", "callmanager", "CallManager ", "", "../TVS"])
def test_unit_that_a_subscriber_has_not_is_named(
    cluster: MadeCluster, name: str
) -> None:
    with pytest.raises(UsageError) as refused:
        require_unit(cluster.subscriber.site, name)
    others = ", ".join(unit for unit in Unit if unit is not Unit.CAPF)
    assert "tomcat, ipsec, ITLRecovery, CallManager, TVS" in others
    assert refused.value.advice == f"Type one of: {others}"
