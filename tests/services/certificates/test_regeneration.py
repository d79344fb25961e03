"""A regeneration of each unit: where it goes, what follows, and who is lost by it.

Whether a phone takes a list directly is ``tests.services.holder``'s word, which shares
no line with the product.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.release import PROFILES, Profile
from cucmsh.services.certificates.afterwards import afterwards, nodes_to_restart
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.phones.preview import RESTART, preview
from cucmsh.views.certificate import (
    afterwards_lines,
    regeneration_text,
    regeneration_warning,
)
from tests.services.holder import takes
from tests.services.made_cluster import (
    PUBLISHER,
    SUBSCRIBER,
    MadeCluster,
    made_cluster,
)

pytestmark = pytest.mark.thorough

TEN, TWELVE, FIFTEEN = PROFILES
BACKUP = (
    "Please do a backup of the server as soon as possible. Failure to do so can stale "
    "the cluster in case of a crash.\n"
)
OVERWRITE = (
    "WARNING: This operation will overwrite any CA signed certificate previously "
    "imported for "
)
CTL = (
    "WARNING: If you are using a tokenless CTL and if the CallManager certificate is "
    "recently generated, please ensure that the CTL File already has the new "
    "CallManager certificate and is updated to the endpoints, before generating the "
    "ITL Recovery certificate. Are you sure want to proceed?"
)


def change(cluster: MadeCluster, unit: Unit) -> None:
    cluster.clock.pass_seconds(301)
    regenerate(cluster.site, unit)


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.release)
def test_words_are_those_of_the_unit_and_the_release(
    unit: Unit, profile: Profile
) -> None:
    is_ctl = unit is Unit.ITL_RECOVERY and profile is not TEN
    name = " tomcat" if unit is Unit.TOMCAT else unit.value
    warning = CTL if is_ctl else f"{OVERWRITE}{name}"
    assert regeneration_warning(unit, profile) == warning
    backup = "" if is_ctl or unit is Unit.TOMCAT else BACKUP
    the = "the " if is_ctl else ""
    assert regeneration_text(unit, profile) == (
        f"Successfully Regenerated Certificate for {unit}.\n{backup}You must restart "
        f"{the}services related to {unit} for the regenerated certificates to become "
        "active."
    )


@pytest.mark.parametrize("unit", Unit)
def test_a_new_certificate_is_in_every_trust_store_and_in_the_next_lists(
    cluster: MadeCluster, unit: Unit
) -> None:
    change(cluster, unit)
    own = cluster.publisher.keys.certificate(unit)
    there = cluster.subscriber.keys.trusted(cluster.site.node, unit)
    assert (there == own) is (unit is not Unit.IPSEC)
    named = nodes_to_restart(cluster.site, unit)
    for member in (cluster.publisher, cluster.subscriber):
        cluster.clock.pass_seconds(1)
        member.start()
        records = member.served.records
        names = {each.certificate for each in records}
        names |= {each.certificate_hash for each in records}
        is_named = not names.isdisjoint({own.der, own.sha1_fingerprint})
        assert is_named is (member.node.name in named)


def test_a_subscribers_recovery_certificate_is_in_no_list(cluster: MadeCluster) -> None:
    site = cluster.subscriber.site
    assert nodes_to_restart(site, Unit.ITL_RECOVERY) == ()
    assert nodes_to_restart(site, Unit.TVS) == (SUBSCRIBER, PUBLISHER)
    assert afterwards_lines(Unit.TOMCAT, afterwards(site, Unit.TOMCAT)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [(Unit.CALL_MANAGER, Unit.TVS), (Unit.TVS, Unit.CALL_MANAGER)],
)
def test_what_must_wait_would_lock_phones_out(
    cluster: MadeCluster, first: Unit, second: Unit
) -> None:
    """With ``keep_trust`` off: as the manuals warn, in either order."""
    cluster.subscriber.tvs_is_stopped = True
    held = cluster.publisher.raw
    change(cluster, first)
    found = afterwards(cluster.site, first)
    assert found.not_yet == (second,)
    assert f"`set cert regen {second}` would lock phones out now" in str(
        afterwards_lines(first, found)
    )
    before = preview(cluster.site, RESTART)
    assert not before.is_locking_out
    change(cluster, second)
    assert preview(cluster.site, RESTART).is_locking_out
    cluster.publisher.start()
    assert not takes(held, cluster.publisher.raw)


@pytest.mark.parametrize(
    ("first", "second"),
    [(Unit.CALL_MANAGER, Unit.TVS), (Unit.TVS, Unit.CALL_MANAGER)],
)
def test_nothing_must_wait_once_phones_hold_the_list_between(
    cluster: MadeCluster, first: Unit, second: Unit
) -> None:
    change(cluster, first)
    cluster.publisher.start()
    held = cluster.publisher.raw
    change(cluster, second)
    assert not preview(cluster.site, RESTART).is_locking_out
    cluster.publisher.start()
    assert takes(held, cluster.publisher.raw) is (second is Unit.TVS)


@pytest.mark.parametrize("profile", [TEN, TWELVE], ids=["10.0", "12.5"])
def test_two_passes_of_the_recovery_key_lose_nobody(
    keeping: MadeCluster,
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Story case 6, whichever key signs lists: every list that was ever served."""
    cluster = keeping
    monkeypatch.setattr(type(cluster.site.settings), "profile", profile)
    held = [cluster.publisher.raw]

    def serve() -> None:
        cluster.clock.pass_seconds(1)
        compose_for_start(cluster.site)
        held.append(cluster.publisher.raw)
        assert all(takes(one, held[-1]) for one in held)

    serve()
    for _ in range(2):
        change(cluster, Unit.ITL_RECOVERY)
        new = cluster.publisher.keys.certificate(Unit.ITL_RECOVERY).der
        serve()
        assert new in [
            record.certificate for record in cluster.publisher.served.records
        ]
        assert cluster.publisher.served.header.serial  # signed by one that all know
    change(cluster, Unit.CALL_MANAGER)
    serve()
    serve()


@pytest.mark.parametrize(
    ("release", "keep_trust", "said"),
    [
        ("10.0", False, "`utils itl reset localkey`"),
        ("12.5", True, "`utils itl trust release`"),
        ("12.5", False, "have to ask TVS"),
    ],
)
def test_what_is_said_of_a_new_recovery_key_is_what_phones_do(
    release: str, keep_trust: bool, said: str, tmp_path: Path
) -> None:
    cluster = made_cluster(tmp_path, keep_trust=keep_trust, release=release)
    cluster.start()
    held = cluster.publisher.raw
    change(cluster, Unit.ITL_RECOVERY)
    found = afterwards(cluster.site, Unit.ITL_RECOVERY)
    assert said in "\n".join(afterwards_lines(Unit.ITL_RECOVERY, found))
    cluster.clock.pass_seconds(1)
    cluster.publisher.start()
    assert takes(held, cluster.publisher.raw) is found.is_signer_known


@pytest.mark.parametrize("release", ["10.0", "12.5"])
def test_a_reset_with_another_recovery_key_says_whether_that_key_signs(
    release: str, tmp_path: Path
) -> None:
    cluster = made_cluster(tmp_path, release=release)
    cluster.start()
    held = cluster.publisher.raw
    change(cluster, Unit.ITL_RECOVERY)
    plan = plan_local_reset(cluster.site)
    said = " ".join(line for asked in plan.questions for line in asked.lines)
    assert "is not the one that the present ITL names" in said
    is_taken = takes(held, plan.trust_list.raw)
    assert is_taken is (release == "12.5")
    assert ("will refuse the new one" in said) is not is_taken


def test_the_earlier_recovery_keys_stay_and_open(keeping: MadeCluster) -> None:
    cluster = keeping
    seen = [cluster.publisher.keys.recovery().certificate]
    for _ in range(2):
        change(cluster, Unit.ITL_RECOVERY)
        seen.append(cluster.publisher.keys.recovery().certificate)
    kept = [
        each.certificate for each in cluster.publisher.keys.earlier(Unit.ITL_RECOVERY)
    ]
    assert kept == seen[1::-1]
    for number in (1, 2):
        path = Path(cluster.site.settings.home, f"{RECOVERY_FILE}.{number}")
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(MissingFileError):
        cluster.site.home.read(f"{RECOVERY_FILE}.3")
