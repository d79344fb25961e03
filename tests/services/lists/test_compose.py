"""What a node's list holds, and when a TFTP start makes a new one."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import CucmshError, RefusedError, ServiceError
from cucmsh.layout import LIST_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists import install
from cucmsh.services.lists.compose import compose, compose_for_start
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.state import keep_mark, set_keep_mark
from cucmsh.services.site import Site
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.tags import Role
from tests.services.made_cluster import MadeCluster, Member, made_cluster

RECOVERY = "CN=ITLRECOVERY_test10pub.joemar2.lab"


def rows(member: Member) -> list[tuple[int | None, bytes, bool]]:
    """Role, serial and whether the whole certificate is there, record by record."""
    return [
        (record.role, record.serial, record.certificate is not None)
        for record in member.served.records
    ]


def serials(cluster: MadeCluster, *wanted: tuple[Member, Unit]) -> list[bytes]:
    del cluster
    return [member.keys.certificate(unit).serial for member, unit in wanted]


@pytest.mark.parametrize("own_name", ["publisher", "subscriber"])
def test_records_stand_in_the_documents_order(
    cluster: MadeCluster, own_name: str
) -> None:
    pub, sub = cluster.publisher, cluster.subscriber
    own = pub if own_name == "publisher" else sub
    call_manager, capf, pub_tvs, recovery, sub_tvs = serials(
        cluster,
        (own, Unit.CALL_MANAGER),
        (pub, Unit.CAPF),
        (pub, Unit.TVS),
        (pub, Unit.ITL_RECOVERY),
        (sub, Unit.TVS),
    )
    assert rows(own) == [
        (Role.SAST, call_manager, True),
        (Role.TFTP, call_manager, True),
        (Role.CAPF, capf, False),
        (Role.TVS, pub_tvs, False),
        (Role.SAST, recovery, True),
        (Role.TVS, sub_tvs, False),
    ]
    assert check(own.served, own.site.backends.verifier()).is_valid
    assert own.signer == f"CN={own.site.node.name}.joemar2.lab"


@pytest.mark.thorough
def test_a_publisher_without_tftp_composes_for_the_others(tmp_path: Path) -> None:
    cluster = made_cluster(tmp_path, publisher_services=("tvs", "capf"))
    cluster.subscriber.start()
    cluster.publisher.service.is_running = False
    assert cluster.reset().exit_status == 0
    assert cluster.subscriber.signer == RECOVERY
    records = cluster.subscriber.served.records
    own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    assert records[0].certificate == own.der


@pytest.mark.thorough
def test_a_publisher_without_tftp_never_goes_back_in_time_either(
    tmp_path: Path,
) -> None:
    cluster = made_cluster(tmp_path, publisher_services=("tvs", "capf"))
    cluster.subscriber.start()
    cluster.reset()
    first = cluster.subscriber.served.header.timestamp
    cluster.clock.moment -= timedelta(days=1)
    cluster.reset()
    assert cluster.subscriber.served.header.timestamp > first


def test_a_node_without_tftp_starts_none_and_writes_no_list(tmp_path: Path) -> None:
    cluster = made_cluster(tmp_path, publisher_services=("tvs", "capf"))
    before = cluster.tree()
    with pytest.raises(ServiceError):
        cluster.publisher.start()
    assert cluster.tree() == before


@pytest.mark.thorough
def test_timestamp_never_goes_backwards_even_when_the_clock_does(
    cluster: MadeCluster,
) -> None:
    seen = [cluster.publisher.served.header.timestamp]
    for step in (cluster.publisher.start, cluster.reset, cluster.publisher.start):
        cluster.clock.moment -= timedelta(days=400)
        step()
        seen.append(cluster.publisher.served.header.timestamp)
    assert seen == sorted(set(seen))


@pytest.mark.thorough
def test_a_subscribers_timestamp_is_later_than_all_it_served(
    cluster: MadeCluster,
) -> None:
    """Its own clock may be ahead of the publisher's, whose list it takes over."""
    cluster.clock.moment += timedelta(days=1)
    cluster.subscriber.start()
    last = cluster.subscriber.served.header.timestamp
    cluster.clock.moment -= timedelta(days=1)
    cluster.reset()
    cluster.subscriber.start()
    assert cluster.subscriber.served.header.timestamp > last


@pytest.mark.thorough
def test_every_node_goes_back_to_its_own_key_at_the_start_after_a_reset(
    cluster: MadeCluster,
) -> None:
    cluster.reset()
    assert {member.signer for member in cluster.members.values()} == {RECOVERY}
    cluster.start()
    assert [member.signer for member in cluster.members.values()] == [
        "CN=test10pub.joemar2.lab",
        "CN=test10sub.joemar2.lab",
    ]


def plan_seen(member: Member) -> str:
    return hashlib.sha256(member.raw).hexdigest()


@pytest.mark.thorough
def test_an_unfinished_mark_keeps_the_list_at_every_start(cluster: MadeCluster) -> None:
    member = cluster.publisher
    plan = plan_local_reset(member.site)
    install.put_in_place(
        member.site, plan.trust_list, plan_seen(member)
    )  # and then we were killed
    for _ in range(3):
        assert member.start().startswith("kept ")
        assert member.raw == plan.trust_list.raw
    assert "not read back" in login_notice(member.again())


@pytest.mark.thorough
def test_a_restart_that_is_read_back_closes_an_unfinished_mark(
    cluster: MadeCluster,
) -> None:
    member = cluster.publisher
    plan = plan_local_reset(member.site)
    install.put_in_place(member.site, plan.trust_list, plan_seen(member))
    member.service.run(["tftpd", "restart"])
    assert install.close_mark(member.site)
    assert member.raw == plan.trust_list.raw
    assert member.start().startswith("composed ")


def test_a_mark_stays_while_tftp_serves_something_else(cluster: MadeCluster) -> None:
    member = cluster.publisher
    plan = plan_local_reset(member.site)
    member.service.lies_with = member.raw
    install.put_in_place(member.site, plan.trust_list, plan_seen(member))
    assert not install.close_mark(member.site)
    assert keep_mark(member.site.home) == plan.sha256


def test_a_mark_that_names_another_list_is_void(cluster: MadeCluster) -> None:
    """We were killed between the mark and the rename."""
    member = cluster.publisher
    set_keep_mark(member.site.home, "ab" * 32)
    assert member.start().startswith("composed ")
    assert keep_mark(member.site.home) == ""


def test_compose_refuses_without_the_publishers_recovery_certificate(
    cluster: MadeCluster,
) -> None:
    site = cluster.subscriber.site
    site.home.remove("security/trust/test10pub/ITLRecovery.pem")
    with pytest.raises(RefusedError, match="ITLRecovery certificate of test10pub"):
        compose(site)


def test_a_start_that_cannot_compose_keeps_the_list_and_says_why(
    cluster: MadeCluster,
) -> None:
    member = cluster.subscriber
    before = member.raw
    member.site.home.remove("security/trust/test10pub/ITLRecovery.pem")
    assert member.start().startswith("kept ")
    assert member.raw == before
    assert "ITLRecovery certificate of test10pub" in login_notice(member.again())


@pytest.mark.parametrize(
    "name", ["ITLRecovery/ITLRecovery.p12", "CallManager/private.pem"]
)
def test_a_damaged_key_leaves_the_served_list_in_service(
    cluster: MadeCluster, name: str
) -> None:
    member = cluster.publisher
    before = member.raw
    member.site.home.write(f"security/{name}", b"damaged")
    assert member.start().startswith("kept ")
    assert member.raw == before


@pytest.mark.thorough
def test_a_list_replaced_by_garbage_is_composed_anew(keeping: MadeCluster) -> None:
    member = keeping.publisher
    member.site.tftp.write(LIST_FILE, b"garbage")
    assert member.start().startswith("composed ")
    assert check(member.served, member.site.backends.verifier()).is_valid


def test_garbage_is_never_kept_as_the_list(cluster: MadeCluster) -> None:
    member = cluster.subscriber
    member.site.tftp.write(LIST_FILE, b"garbage")
    member.site.home.remove("security/trust/test10pub/ITLRecovery.pem")
    with pytest.raises(CucmshError):
        compose_for_start(member.site)


@pytest.mark.thorough
def test_a_crash_between_key_and_certificate_leaves_a_pair(
    cluster: MadeCluster,
) -> None:
    """The certificate beside the key is derived from it, never the other way."""
    member = cluster.publisher
    stale = member.site.home.read("security/CallManager/CallManager.pem")
    regenerate(member.site, Unit.CALL_MANAGER)
    member.site.home.write("security/CallManager/CallManager.pem", stale)
    assert member.start().startswith("composed ")
    credential = member.keys.credential(Unit.CALL_MANAGER)
    assert member.served.records[0].certificate == credential.certificate.der


@pytest.mark.thorough
def test_what_is_remembered_is_what_is_served(cluster: MadeCluster) -> None:
    for member in cluster.members.values():
        said = member.start().split()
        assert said == ["composed", hashlib.sha256(member.raw).hexdigest()]
        assert decode(member.raw).raw == member.raw


def test_a_composed_list_is_readable_for_the_tftp_service(
    cluster: MadeCluster,
) -> None:
    site: Site = cluster.site
    path = Path(site.node.tftp_directory) / LIST_FILE
    assert path.stat().st_mode & 0o777 == 0o644
