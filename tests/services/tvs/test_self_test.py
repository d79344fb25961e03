"""``doctor`` asks each TVS for each signer, and names what keeps it from answering."""

from __future__ import annotations

import pytest

from cucmsh.config.model import TVS, NodeService, ServiceCommands
from cucmsh.layout import IMPORTED_FOLDER
from cucmsh.pki.model import Unit
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site
from cucmsh.services.tvs.self_test import examine_tvs, look_at_tvs
from tests.services.made_cluster import SUBJECT, MadeCluster, QuickKeys

pytestmark = pytest.mark.thorough

COMMANDS = ServiceCommands(("a",), ("b",), ("c",), ("d",))


def told(site: Site, level: Level) -> list[str]:
    return [finding.what for finding in examine_tvs(site) if finding.level is level]


def test_all_is_well(cluster: MadeCluster) -> None:
    assert told(cluster.site, Level.OK) == [
        "TVS of test10pub vouches for all signers of lists (3)",
        "TVS of test10sub vouches for all signers of lists (3)",
    ]
    assert told(cluster.subscriber.site, Level.OK) == [
        "TVS of test10sub vouches for all signers of lists (3)"
    ]
    assert told(cluster.site, Level.WARN) == told(cluster.site, Level.FAIL) == []


def test_signer_that_another_node_does_not_know_is_a_failure(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.site.home.remove("security/trust/test10pub/CallManager.pem")
    assert told(cluster.site, Level.FAIL) == [
        "TVS of test10sub does not vouch for the CallManager certificate of test10pub"
    ]


def test_silent_one_is_a_warning_where_phones_need_it(cluster: MadeCluster) -> None:
    cluster.subscriber.tvs_is_stopped = True
    (warning,) = told(cluster.site, Level.WARN)
    assert warning == (
        "phones that need TVS to move between lists get no answer of test10sub: TVS "
        "on test10sub does not answer"
    )


def test_one_signer_alone_needs_none_unless_it_is_a_service(
    cluster: MadeCluster,
) -> None:
    cluster.publisher.tvs_is_stopped = True
    node = cluster.site.node
    for other, level in (
        (node, Level.OK),
        (node._replace(other_services=(NodeService(TVS, COMMANDS),)), Level.WARN),
    ):
        settings = cluster.site.settings
        alone = settings.cluster._replace(nodes=(other,))
        site = cluster.site.with_settings(settings._replace(cluster=alone, node=other))
        assert len(told(site, level)) == 1


def test_node_without_tvs_among_several_is_told(cluster: MadeCluster) -> None:
    settings = cluster.site.settings
    nodes = [n._replace(services=("tftp",)) for n in settings.cluster.nodes]
    bare = settings.cluster._replace(nodes=(settings.node, *nodes[1:]))
    site = cluster.site.with_settings(settings._replace(cluster=bare))
    assert told(site, Level.WARN) == [
        "phones of test10sub need TVS to move between lists, and test10sub has none"
    ]


def test_certificate_that_expired_and_one_that_cannot_be_read_are_named(
    cluster: MadeCluster,
) -> None:
    home = cluster.site.home
    made = QuickKeys.make_credential(
        Unit.CALL_MANAGER, "elsewhere", SUBJECT, cluster.clock.now()
    )
    pem = QuickKeys().to_pem(made.certificate)
    home.write(f"{IMPORTED_FOLDER}/Phone-SAST-trust/one.pem", pem)
    home.write(f"{IMPORTED_FOLDER}/CAPF-trust/two.pem", b"what is that?")
    cluster.clock.pass_seconds(20 * 365 * 86_400)
    assert any(
        "elsewhere (Phone-SAST-trust) has expired" in at
        for at in told(cluster.site, Level.WARN)
    )
    (failure,) = told(cluster.site, Level.FAIL)
    assert "CAPF-trust/two.pem" in failure


def test_members_of_an_earlier_version_have_not_brought_their_signers(
    cluster: MadeCluster,
) -> None:
    cluster.site.home.remove("security/trust/test10sub/CallManager.pem")
    (found,) = [at for at in examine_tvs(cluster.site) if at.level is Level.FAIL]
    assert "CallManager certificate of test10sub was not brought here" in found.what
    assert found.advice == "Run `cucmsh node add test10sub`."
    cluster.subscriber.site.home.remove("security/trust/test10pub/CallManager.pem")
    there = examine_tvs(cluster.subscriber.site)
    (found,) = [at for at in there if at.level is Level.FAIL]
    assert found.advice == "Run `cucmsh node add test10sub` on test10pub."


def test_certificate_of_a_member_that_was_not_brought_is_told(
    cluster: MadeCluster,
) -> None:
    cluster.site.home.remove("security/trust/test10sub/TVS.pem")
    assert told(cluster.site, Level.FAIL) == [
        "the TVS certificate of test10sub was not brought here"
    ]


def test_enrolment_says_whether_tvs_answers(cluster: MadeCluster) -> None:
    node = cluster.subscriber.node
    assert look_at_tvs(cluster.site, node) == Finding(
        Level.OK, "its TVS vouches for the lists of test10pub"
    )
    cluster.subscriber.site.home.remove("security/trust/test10pub/CallManager.pem")
    assert "does not vouch" in look_at_tvs(cluster.site, node).what
    cluster.subscriber.tvs_is_stopped = True
    found = look_at_tvs(cluster.site, node)
    assert found.level is Level.WARN
    assert found.what.startswith("its TVS does not answer yet: ")
