"""What is new of a subscriber reaches the others by way of its publisher."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from cucmsh.errors import UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.member_hooks import deliver_pending
from cucmsh.services.lists.pass_certificates import pass_certificates, pass_pending
from cucmsh.services.nodes.rename import set_host_name
from cucmsh.services.nodes.tell_names import tell_untold
from cucmsh.services.records.open_work import login_notice
from tests.services.made_cluster import (
    PUBLISHER,
    SECOND,
    SUBSCRIBER,
    MadeCluster,
    Member,
    cheap_questions,
)
from tests.services.nodes.test_rename import Told

pytestmark = pytest.mark.thorough


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeCluster:
    """A publisher and two subscribers, which log in to the publisher only."""
    cheap_questions(monkeypatch)
    made = MadeCluster(tmp_path, has_second=True)
    made.make()
    made.lead_to_the_publisher()
    made.write_configurations()
    made.start()
    return made


def knows(taker: Member, giver: Member, unit: Unit = Unit.TVS) -> bool:
    node = taker.site.settings.cluster.find(giver.site.node.name)
    assert node, taker.site.settings.cluster.nodes
    return taker.keys.trusted(node, unit) == giver.keys.certificate(unit)


def rename(member: Member, name: str) -> dict[str, bool]:
    done = set_host_name(member.site, name, cast(Any, Told()))
    member.site = member.site.with_settings(member.site.settings)
    return {each.name: each.is_done for each in done.delivered}


@pytest.mark.parametrize("unit", [Unit.TVS, Unit.CALL_MANAGER, Unit.TOMCAT])
def test_a_regenerated_certificate_is_passed_on(three: MadeCluster, unit: Unit) -> None:
    outcomes = regenerate(three.subscriber.site, unit)
    done = {each.name: each.is_done for each in outcomes}
    assert done == {PUBLISHER: True, SECOND: True}
    assert knows(three.members[SECOND], three.subscriber, unit)
    assert not login_notice(three.site)
    assert not login_notice(three.subscriber.site)


def test_a_renamed_subscribers_certificates_are_passed_on(three: MadeCluster) -> None:
    assert rename(three.subscriber, "shop1") == {PUBLISHER: True, SECOND: True}
    for unit in (Unit.TVS, Unit.CALL_MANAGER):
        assert knows(three.members[SECOND], three.subscriber, unit)


def test_who_was_away_gets_them_when_the_publishers_service_starts(
    three: MadeCluster,
) -> None:
    second = three.members[SECOND]
    second.is_dead = True
    assert rename(three.subscriber, "shop1") == {PUBLISHER: True, SECOND: False}
    second.is_dead = False
    site = three.publisher.site
    assert f"passed on, since {three.clock.now().isoformat()}, to {SECOND}" in (
        login_notice(site)
    )
    # It is the publisher's to go on with.
    assert not login_notice(three.subscriber.site)
    tell_untold(site)
    assert [each.is_done for each in pass_pending(site)] == [True]
    assert knows(second, three.subscriber)
    assert not login_notice(site)
    assert pass_pending(site) == []


def test_a_publisher_that_does_not_answer_is_asked_again(three: MadeCluster) -> None:
    site = three.subscriber.site
    three.publisher.refuses.add("pass-certificates")
    done = {each.name: each for each in regenerate(site, Unit.TVS)}
    assert done[PUBLISHER].is_done
    assert "the disk is full" in done[SECOND].reason
    assert f"`cucmsh node add {SECOND}` on {PUBLISHER}" in done[SECOND].reason
    assert SECOND in login_notice(site)
    three.publisher.refuses.clear()
    assert all(each.is_done for each in deliver_pending(site))
    assert knows(three.members[SECOND], three.subscriber)
    assert not login_notice(site)


@pytest.mark.parametrize("name", [PUBLISHER, "stranger", ""])
def test_who_is_no_subscriber_has_nothing_passed_on(
    three: MadeCluster, name: str
) -> None:
    with pytest.raises(UsageError, match="no subscriber"):
        pass_certificates(three.site, name)
    assert SUBSCRIBER in [node.name for node in three.site.settings.cluster.nodes]
