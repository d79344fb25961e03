"""CSCun18578: the original's reset failed "in certain scenarios". Ours fails in none.

No more is public than that line, so the class is what
docs/security.md#named-regressions lists: every state in which a reset is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError
from cucmsh.pki.credential import make_credential
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.outcome import State
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.tags import Digest
from tests.services.made_cluster import (
    SUBJECT,
    MadeCluster,
    accepts,
    foreign_key_file,
    made_cluster,
    started_cluster,
)

pytestmark = pytest.mark.thorough

RECOVERY = "CN=ITLRECOVERY_test10pub.joemar2.lab"


def keys_of(bits: int, unit: Unit, cluster: MadeCluster) -> None:
    """Give the publisher a pair of that size, as a regeneration would."""
    name = "test10pub.joemar2.lab"
    if unit is Unit.ITL_RECOVERY:
        name = f"ITLRECOVERY_{name}"
    now = cluster.clock.now()
    credential = make_credential(unit, name, SUBJECT, now, key_bits=bits)
    keys = cluster.publisher.keys
    if unit is Unit.ITL_RECOVERY:
        raw = keys.make_recovery_file(credential)
        keys.install_recovery(raw, credential.certificate)
        pem = cluster.site.backends.keys().to_pem(credential.certificate)
        cluster.subscriber.keys.trust(cluster.publisher.node, unit, pem)
    else:
        keys.install(unit, credential)


def as_it_is(_: MadeCluster) -> None:
    """Nothing special: the signer's name gets longer, from 324 to 344 in the source."""


def recovery_signed_already(cluster: MadeCluster) -> None:
    assert cluster.reset().exit_status == 0


def weak_recovery_key(cluster: MadeCluster) -> None:
    """1024 bits, while the certificates of the servers have 2048."""
    keys_of(2048, Unit.CALL_MANAGER, cluster)
    cluster.start()


def strong_recovery_key(cluster: MadeCluster) -> None:
    keys_of(4096, Unit.ITL_RECOVERY, cluster)
    cluster.start()


def other_domain(cluster: MadeCluster) -> None:
    """Host and domain change; the name of the recovery key stays what it was."""
    for member in cluster.members.values():
        settings = member.site.settings
        moved = settings.cluster._replace(domain="elsewhere.example")
        member.site.settings = settings._replace(cluster=moved)
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.start()
    assert cluster.publisher.signer == "CN=test10pub.elsewhere.example"


def long_digest(cluster: MadeCluster) -> None:
    for member in cluster.members.values():
        member.site.settings = member.site.settings._replace(digest="sha512")
    cluster.start()


def expired_certificate(cluster: MadeCluster) -> None:
    cluster.clock.moment += timedelta(days=5 * 365 + 2)


def list_older_than_the_certificates(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)


@pytest.mark.parametrize(
    "prepare",
    [
        as_it_is,
        recovery_signed_already,
        weak_recovery_key,
        strong_recovery_key,
        other_domain,
        long_digest,
        expired_certificate,
        list_older_than_the_certificates,
    ],
)
def test_cscun18578_reset_succeeds_and_phones_take_its_list(
    cluster: MadeCluster, prepare: Callable[[MadeCluster], None]
) -> None:
    prepare(cluster)
    before = {name: member.served for name, member in cluster.members.items()}
    assert cluster.reset().exit_status == 0
    after = cluster.publisher.served
    assert cluster.subscriber.raw == cluster.publisher.raw
    assert check(after, cluster.site.backends.verifier()).is_valid
    assert cluster.publisher.signer == RECOVERY
    assert after.header.length == len(after.header.raw)
    assert after.records == before["test10pub"].records
    assert [accepts(held, after) for held in before.values()] == [True, True]
    assert cluster.reset().exit_status == 0  # and after a success, once more


def test_cscun18578_the_digest_is_that_of_the_configuration(
    cluster: MadeCluster,
) -> None:
    long_digest(cluster)
    cluster.reset()
    assert cluster.publisher.served.header.digest == Digest.SHA512


def test_cscun18578_publisher_need_not_be_a_tftp_node(tmp_path: Path) -> None:
    cluster = made_cluster(tmp_path, publisher_services=("tvs", "capf"))
    cluster.subscriber.start()
    report = cluster.reset()
    assert [(each.name, each.state) for each in report.outcomes] == [
        ("test10sub", State.UPDATED)
    ]
    assert cluster.subscriber.signer == RECOVERY


def test_cscun18578_one_node_that_cannot_be_reached_stops_no_other(
    tmp_path: Path,
) -> None:
    cluster = started_cluster(tmp_path, has_replica=True)
    cluster.subscriber.is_dead = True
    assert cluster.reset().exit_status == 3
    assert cluster.replica.raw == cluster.publisher.raw
    cluster.subscriber.is_dead = False
    assert cluster.reset().exit_status == 0
    assert cluster.subscriber.raw == cluster.publisher.raw


def test_cscun18578_restored_key_that_the_list_does_not_name_is_put_into_it(
    cluster: MadeCluster,
) -> None:
    """Phones of the present list refuse it, which the plan says; others may be back."""
    held = cluster.publisher.served
    assert cluster.reset(foreign_key_file()).exit_status == 0
    assert cluster.publisher.signer == "CN=ITLRECOVERY_other.example"
    assert check(
        decode(cluster.subscriber.raw), cluster.site.backends.verifier()
    ).is_valid
    assert not accepts(held, cluster.publisher.served)


def test_cscun18578_subscriber_refuses_in_the_original_s_words(
    cluster: MadeCluster,
) -> None:
    before = cluster.tree()
    with pytest.raises(RefusedError, match=r"^This is not a Publisher Node$"):
        plan_local_reset(cluster.subscriber.site)
    assert cluster.tree() == before
