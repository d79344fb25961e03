"""Members whose security password is another one are named until they follow."""

from __future__ import annotations

import pytest

from cucmsh.errors import RefusedError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.secret import Secret
from cucmsh.services.accounts.security_password import set_security_password
from cucmsh.services.nodes.compare_passwords import answer_password, compare_passwords
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.join import cluster_document, join
from cucmsh.services.nodes.other_passwords import expect_others, other_passwords
from cucmsh.services.nodes.sealed import sealed
from cucmsh.services.records.open_work import drop_node, login_notice
from cucmsh.services.site import Site
from tests.services.made_cluster import PUBLISHER, SECURITY, SUBSCRIBER, MadeCluster

pytestmark = pytest.mark.thorough

OLD, NEW = Secret(SECURITY), Secret("seven other words of a cluster")
ALARM = "%UC_CLUSTERMANAGER-1-CLM_MsgIntChkError"


def alarms(site: Site) -> list[str]:
    """The nodes that alarms of this node name."""
    try:
        lines = site.home.read(CISCO_SYSLOG).decode().splitlines()
    except FileNotFoundError:
        return []
    found = [line for line in lines if ALARM in line]
    return [line.partition("[NodeName=")[2].partition("]")[0] for line in found]


def test_both_sides_name_the_other_until_it_follows(cluster: MadeCluster) -> None:
    site, member = cluster.site, cluster.subscriber.site
    set_security_password(site, OLD, NEW)
    assert f"{SUBSCRIBER} (another one)" in login_notice(site)
    assert f"{PUBLISHER} (another one)" in login_notice(member)
    assert any(f"{SUBSCRIBER} (another one)" in at.what for at in examine(site))
    assert (alarms(site), alarms(member)) == ([SUBSCRIBER], [PUBLISHER])

    compare_passwords(site)
    compare_passwords(member)
    set_security_password(member, OLD, NEW)
    assert login_notice(site) == login_notice(member) == ""
    # Each was told once.
    assert (alarms(site), alarms(member)) == ([SUBSCRIBER], [PUBLISHER])


def test_a_subscriber_that_changed_alone_names_its_publisher(
    cluster: MadeCluster,
) -> None:
    member = cluster.subscriber.site
    assert set_security_password(member, OLD, NEW) == {PUBLISHER: "another one"}
    assert other_passwords(cluster.site) == {SUBSCRIBER: "another one"}
    assert set_security_password(cluster.site, OLD, NEW) == {}
    assert other_passwords(member) == {}


def test_who_is_away_is_named_and_asked_again_later(cluster: MadeCluster) -> None:
    site, member = cluster.site, cluster.subscriber.site
    cluster.subscriber.is_dead = True
    said = set_security_password(site, OLD, NEW)
    assert list(said) == [SUBSCRIBER]
    assert not alarms(site)  # nobody knows which one it has
    cluster.publisher.is_dead = True
    set_security_password(member, OLD, NEW)
    cluster.publisher.is_dead = cluster.subscriber.is_dead = False
    assert SUBSCRIBER in login_notice(site)
    assert PUBLISHER in login_notice(member)
    assert [each.is_done for each in compare_passwords(site)] == [True]
    assert login_notice(site) == login_notice(member) == ""
    assert compare_passwords(site) == []


def test_a_cluster_that_is_sent_under_another_one_is_met_too(
    cluster: MadeCluster,
) -> None:
    cluster.write_configurations()
    site, member = cluster.site, cluster.subscriber.site
    cluster.subscriber.is_dead = True
    set_security_password(site, OLD, NEW)
    nodes = site.settings.cluster.nodes
    with pytest.raises(RefusedError, match=f"of {PUBLISHER} is another one"):
        join(member, cluster_document(site, nodes))
    assert other_passwords(member) == {PUBLISHER: "another one"}
    assert alarms(member) == [PUBLISHER]
    cluster.publisher.is_dead = True
    set_security_password(member, OLD, NEW)
    join(member, cluster_document(site, nodes))
    assert other_passwords(member) == {}


def test_what_is_sent_holds_neither_password(cluster: MadeCluster) -> None:
    question = sealed(cluster.site, "the same?")
    for secret in (SECURITY.encode(), SECURITY.encode().hex().encode()):
        assert secret not in question
    assert question != sealed(cluster.site, "the same?")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"payload": 1}', b"\xff", b'{"salt":"x"}']
)
def test_what_is_no_question_is_refused(cluster: MadeCluster, raw: bytes) -> None:
    with pytest.raises(RefusedError, match="asks for no password"):
        answer_password(cluster.site, raw)


def test_a_node_that_has_left_is_named_no_more(cluster: MadeCluster) -> None:
    expect_others(cluster.site, [SUBSCRIBER])
    drop_node(cluster.site, SUBSCRIBER)
    assert login_notice(cluster.site) == ""
