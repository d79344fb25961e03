"""``[phones] after_regeneration``: who is told of a new certificate, and when."""

from __future__ import annotations

import pytest

from cucmsh.config.phones import PhonesSettings
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.phones.after_change import units_changed
from cucmsh.services.site import Site
from tests.commands.calls import call
from tests.commands.test_phones import say
from tests.inventory.claims import FOREIGN
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

RESTART = "utils service restart Cisco Tftp"
QUESTION = "Do you want to continue (yes/no)? "
TOLD = "told"  # the command's name; the stand-in of the runner notes its last word


def with_phones(cluster: MadeCluster, mode: str, *, has_way: bool = True) -> Site:
    """A site that can tell one phone, which the inventory knows."""
    say(cluster, 1, FOREIGN)
    return with_way(cluster, mode, has_way=has_way)


def with_way(cluster: MadeCluster, mode: str, *, has_way: bool = True) -> Site:
    """A site that can tell phones."""
    phones = PhonesSettings(
        reset=("phone", TOLD) if has_way else (),
        wait_seconds=0,
        after_regeneration=mode,
    )
    return cluster.site.with_settings(cluster.site.settings._replace(own_phones=phones))


def told(cluster: MadeCluster) -> int:
    return cluster.publisher.service.requests.count(TOLD)


@pytest.mark.parametrize("unit", [Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF])
def test_phones_are_told_once_the_list_names_the_new_certificate(
    cluster: MadeCluster, unit: Unit
) -> None:
    site = with_phones(cluster, "auto")
    regenerate(site, unit)
    assert units_changed(site) == ()  # they would fetch the earlier list
    cluster.clock.pass_seconds(1)
    done = call(site, RESTART)
    assert done.status == 0
    assert f"The ITL names a new certificate: {unit}.\n" in done.text
    assert told(cluster) == 1
    call(site, RESTART)
    assert told(cluster) == 1


@pytest.mark.parametrize("unit", [Unit.ITL_RECOVERY, Unit.TOMCAT, Unit.IPSEC])
def test_nobody_is_told_after_others(cluster: MadeCluster, unit: Unit) -> None:
    site = with_phones(cluster, "auto")
    regenerate(site, unit)
    assert call(site, RESTART).status == 0
    assert told(cluster) == 0


@pytest.mark.parametrize(("answer", "number"), [("yes", 1), ("no", 0)])
def test_a_person_is_asked_once(cluster: MadeCluster, answer: str, number: int) -> None:
    site = with_phones(cluster, "ask")
    regenerate(site, Unit.TVS)
    cluster.clock.pass_seconds(1)
    done = call(site, RESTART, [(QUESTION, answer)])
    assert done.status == 0
    assert told(cluster) == number
    assert ("Phones were not told; `utils phone reset all`" in done.text) == (
        answer == "no"
    )
    call(site, RESTART)


def test_strict_asks_nobody_and_forgets_nothing(cluster: MadeCluster) -> None:
    site = with_phones(cluster, "ask")
    regenerate(site, Unit.TVS)
    cluster.clock.pass_seconds(1)
    call(site, RESTART, helpful=False)
    assert told(cluster) == 0
    assert units_changed(site) == ("TVS",)


@pytest.mark.parametrize(("mode", "has_way"), [("no", True), ("auto", False)])
def test_nothing_is_said_where_nobody_is_to_be_told(
    cluster: MadeCluster, mode: str, has_way: bool
) -> None:
    site = with_phones(cluster, mode, has_way=has_way)
    regenerate(site, Unit.TVS)
    cluster.clock.pass_seconds(1)
    assert "names a new certificate" not in call(site, RESTART).text
    assert told(cluster) == 0


def test_nothing_is_said_where_no_phone_was_ever_heard_of(
    cluster: MadeCluster,
) -> None:
    site = with_way(cluster, "ask")
    regenerate(site, Unit.CALL_MANAGER)
    cluster.clock.pass_seconds(1)
    done = call(site, RESTART)
    assert done.status == 0
    assert "names a new certificate" not in done.text


def test_a_way_that_fails_is_said_and_the_service_runs(cluster: MadeCluster) -> None:
    site = with_phones(cluster, "auto")
    regenerate(site, Unit.TVS)
    cluster.clock.pass_seconds(1)
    with site.phones_lock("somebody else"):
        done = call(site, RESTART)
    assert done.status == 3
    assert "Phones were not told: " in done.text
    assert cluster.publisher.service.is_running
    call(site, RESTART)
    assert told(cluster) == 1
