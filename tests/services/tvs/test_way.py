"""Whether TVS helps a phone from the list that it holds to the next one."""

from __future__ import annotations

import pytest

from cucmsh.errors import TvsError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.tvs.way import TvsWays, cut_off_without
from cucmsh.trustlist.trust import is_tvs_of
from cucmsh.tvs.codec import QueryRequest
from tests.services.made_cluster import MadeCluster, accepts

pytestmark = pytest.mark.thorough

PUBLISHER, SUBSCRIBER = "test10pub", "test10sub"


def manager(cluster: MadeCluster, name: str) -> Certificate:
    return cluster.members[name].keys.certificate(Unit.CALL_MANAGER)


def vouched(cluster: MadeCluster, name: str, **but: tuple[str, ...]) -> bool:
    """Of phones of the publisher, for the CallManager of that node."""
    held, signer = cluster.publisher.served, manager(cluster, name).der
    return TvsWays(cluster.site).vouched_for(held, signer, **but)


def test_phone_that_moves_to_the_subscriber_goes_through_tvs(
    cluster: MadeCluster,
) -> None:
    held, offered = cluster.publisher.served, cluster.subscriber.served
    assert not accepts(held, offered)
    assert vouched(cluster, SUBSCRIBER)


def test_stranger_is_vouched_for_by_nobody(cluster: MadeCluster) -> None:
    held, ways = cluster.publisher.served, TvsWays(cluster.site)
    tomcat = cluster.publisher.keys.certificate(Unit.TOMCAT)
    assert not ways.vouched_for(held, tomcat.der)  # known, and not to sign lists
    assert not ways.vouched_for(held, b"no certificate")


def test_tvs_counts_only_if_the_held_list_names_its_present_certificate(
    cluster: MadeCluster,
) -> None:
    held = cluster.publisher.served
    for name in (PUBLISHER, SUBSCRIBER):
        assert is_tvs_of(held, cluster.members[name].keys.certificate(Unit.TVS).der)
    regenerate(cluster.site, Unit.TVS)
    new = cluster.publisher.keys.certificate(Unit.TVS)
    assert not is_tvs_of(held, new.der)
    assert vouched(cluster, SUBSCRIBER)  # through the subscriber's
    assert not vouched(cluster, SUBSCRIBER, without=(SUBSCRIBER,))
    cluster.start()
    assert vouched(cluster, SUBSCRIBER, without=(SUBSCRIBER,))


def test_one_that_is_silent_is_passed_over_and_one_that_does_not_know_counts(
    cluster: MadeCluster,
) -> None:
    cluster.publisher.tvs_is_stopped = True
    assert vouched(cluster, SUBSCRIBER)
    cluster.subscriber.tvs_is_stopped = True
    assert not vouched(cluster, SUBSCRIBER)
    cluster.publisher.tvs_is_stopped = False
    assert vouched(cluster, SUBSCRIBER)
    cluster.subscriber.tvs_is_stopped = False
    cluster.publisher.site.home.remove(f"security/trust/{SUBSCRIBER}/CallManager.pem")
    assert not vouched(cluster, SUBSCRIBER)


def test_each_is_asked_once(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, signer = cluster.publisher.served, manager(cluster, SUBSCRIBER).der
    ways = TvsWays(cluster.site)
    assert ways.vouched_for(held, signer)
    monkeypatch.setattr(type(cluster.site.backends), "ask_tvs", None)
    assert ways.vouched_for(held, signer)


class TestCutOff:
    """Who needs this node's TVS as it is now."""

    def test_nobody_while_another_tvs_of_the_list_answers(
        self, cluster: MadeCluster
    ) -> None:
        assert cut_off_without(cluster.site) == []

    def test_whoever_would_find_no_other(self, cluster: MadeCluster) -> None:
        cluster.subscriber.tvs_is_stopped = True
        (found,) = cut_off_without(cluster.site)
        assert found.held == cluster.publisher.served
        assert found.signer == f"the CallManager certificate of {SUBSCRIBER}"
        assert "take lists and files of the CallManager certificate" in found.line

    def test_whoever_waits_for_the_list_of_a_new_key(
        self, cluster: MadeCluster
    ) -> None:
        """The two certificates at once: docs/story.md case 5."""
        cluster.subscriber.tvs_is_stopped = True
        regenerate(cluster.site, Unit.CALL_MANAGER)
        names = [found.signer for found in cut_off_without(cluster.site)]
        assert f"the CallManager certificate of {PUBLISHER}" in names
        cluster.start()
        names = [found.signer for found in cut_off_without(cluster.site)]
        assert f"the CallManager certificate of {PUBLISHER}" not in names

    def test_nobody_whom_it_does_not_help_now(self, cluster: MadeCluster) -> None:
        cluster.subscriber.tvs_is_stopped = cluster.publisher.tvs_is_stopped = True
        assert cut_off_without(cluster.site) == []

    def test_with_keep_trust_earlier_lists_count(self, keeping: MadeCluster) -> None:
        keeping.subscriber.tvs_is_stopped = True
        first = keeping.publisher.served
        regenerate(keeping.site, Unit.CALL_MANAGER)
        keeping.start()
        held = [found.held for found in cut_off_without(keeping.site)]
        assert first in held
        assert keeping.publisher.served in held


def test_answer_of_another_certificate_is_none(cluster: MadeCluster) -> None:
    request = QueryRequest(1001, "x", "CN=x", "CN=x", b"\1")
    with pytest.raises(TvsError):
        cluster.site.backends.ask_tvs(
            cluster.subscriber.node.tvs, request, lambda _der: False
        )
