"""A reset from end to end: what is asked, what reaches the nodes, what is reported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import (
    BusyError,
    KeyFileError,
    RefusedError,
    SignatureError,
    StoreError,
)
from cucmsh.layout import LIST_FILE, RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.list_records import own_records
from cucmsh.services.lists.locate_nodes import locate
from cucmsh.services.lists.plan_reset import (
    ResetPlan,
    plan_local_reset,
)
from cucmsh.services.outcome import Report, State, Step
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.state import keep_mark
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest
from tests.services.made_cluster import (
    PUBLISHER,
    SECURITY,
    SUBSCRIBER,
    MadeCluster,
    QuickKeys,
    foreign_key_file,
    made_cluster,
    remote_plan,
)

RECOVERY = "CN=ITLRECOVERY_test10pub.joemar2.lab"


def states(report: Report) -> list[tuple[str, State]]:
    return [(outcome.name, outcome.state) for outcome in report.outcomes]


def asked(plan: ResetPlan) -> str:
    return "\n".join(line for question in plan.questions for line in question.lines)


# What reaches the nodes


@pytest.mark.thorough
def test_both_nodes_serve_the_same_bytes_signed_by_the_recovery_key(
    cluster: MadeCluster,
) -> None:
    before = cluster.publisher.served
    report = cluster.reset()
    assert states(report) == [(PUBLISHER, State.UPDATED), (SUBSCRIBER, State.UPDATED)]
    assert report.exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw
    assert cluster.publisher.served.records == before.records
    assert cluster.publisher.signer == RECOVERY
    assert check(cluster.publisher.served, cluster.site.backends.verifier()).is_valid


@pytest.mark.thorough
def test_progress_is_that_of_the_transcript(cluster: MadeCluster) -> None:
    _, said = cluster.apply(plan_local_reset(cluster.site))
    assert said == [
        (Step.READY, ""),
        (Step.RESTARTING, PUBLISHER),
        (Step.RESTARTED, PUBLISHER),
        (Step.SETTLED, PUBLISHER),
        (Step.TRANSFERRED, SUBSCRIBER),
        (Step.RESTARTING, SUBSCRIBER),
        (Step.RESTARTED, SUBSCRIBER),
        (Step.SETTLED, SUBSCRIBER),
    ]


@pytest.mark.thorough
def test_planning_changes_nothing(cluster: MadeCluster) -> None:
    before = cluster.tree()
    plan = plan_local_reset(cluster.site)
    assert (plan.questions, plan.warnings) == ((), ())
    assert cluster.tree() == before


@pytest.mark.thorough
def test_checksums_differ_then_agree_then_differ_again(cluster: MadeCluster) -> None:
    def sums() -> int:
        return len({member.raw for member in cluster.members.values()})

    told = [sums()]
    cluster.reset()
    told.append(sums())
    cluster.start()
    told.append(sums())
    assert told == [2, 1, 2]


@pytest.mark.thorough
def test_a_second_reset_is_well_too(cluster: MadeCluster) -> None:
    first = cluster.reset()
    records = cluster.publisher.served.records
    second = cluster.reset()
    assert states(first) == states(second)
    assert cluster.publisher.raw == cluster.subscriber.raw
    assert cluster.publisher.served.records == records
    assert keep_mark(cluster.site.home) == ""
    assert login_notice(cluster.site) == ""


@pytest.mark.thorough
def test_certificate_reaches_a_member_before_its_list(cluster: MadeCluster) -> None:
    cluster.reset()
    hooks = cluster.subscriber.hooks_run
    assert hooks.index("install-certificate test10pub ITLRecovery") < hooks.index(
        "install-list"
    )


@pytest.mark.thorough
def test_a_list_that_contradicts_itself_is_composed_anew_as_the_advice_says(
    cluster: MadeCluster,
) -> None:
    raw = cluster.site.tftp.read(LIST_FILE)
    key = decode(raw).records[0].public_key
    assert key
    cluster.site.tftp.write(LIST_FILE, raw.replace(key, key[:-1] + b"\3", 1))
    with pytest.raises(SignatureError, match="contradicts itself") as caught:
        plan_local_reset(cluster.site)
    assert "`utils service restart Cisco Tftp`" in caught.value.advice
    cluster.start()
    plan_local_reset(cluster.site)


@pytest.mark.thorough
def test_staging_is_empty_after_a_reset(cluster: MadeCluster) -> None:
    cluster.reset()
    assert cluster.subscriber.site.home.names("state/staging") == []


def test_subscriber_is_no_place_for_a_reset(cluster: MadeCluster) -> None:
    before, site = cluster.tree(), cluster.subscriber.site
    with pytest.raises(RefusedError, match=r"^This is not a Publisher Node$"):
        plan_local_reset(site)
    with pytest.raises(RefusedError, match=r"^This is not a Publisher Node$"):
        remote_plan(site, cluster.key_file())
    assert cluster.tree() == before


# What is asked and warned of


@pytest.mark.thorough
def test_foreign_list_makes_a_question(cluster: MadeCluster) -> None:
    """Its signature is fine, and this node never made it."""
    keys = cluster.publisher.keys
    other = seal(
        own_records(cluster.site),
        keys.credential(Unit.CALL_MANAGER),
        timestamp=1,
        digest=Digest.SHA1,
    )
    cluster.site.tftp.write(LIST_FILE, other.raw)
    assert "was not made by this node" in asked(plan_local_reset(cluster.site))


def test_list_that_does_not_verify_makes_a_question(cluster: MadeCluster) -> None:
    raw = bytearray(cluster.publisher.raw)
    raw[-100] ^= 1
    cluster.site.tftp.write(LIST_FILE, bytes(raw))
    question = asked(plan_local_reset(cluster.site))
    assert "does not verify" in question
    assert "in the ITL only" in question


def test_damaged_list_is_refused(cluster: MadeCluster) -> None:
    cluster.site.tftp.write(LIST_FILE, b"garbage")
    before = cluster.tree()
    with pytest.raises(RefusedError, match="damaged"):
        plan_local_reset(cluster.site)
    assert cluster.tree() == before


@pytest.mark.thorough
def test_list_older_than_the_certificates_is_signed_with_a_warning(
    cluster: MadeCluster,
) -> None:
    regenerate(cluster.site, Unit.TVS)
    plan = plan_local_reset(cluster.site)
    assert plan.questions == ()
    assert "differs from the certificates of this node" in plan.warnings[0]
    assert [line[:20] for line in plan.warnings[1:]] == [
        "  in the ITL only: C",
        "  on this node only:",
    ]
    assert plan.trust_list.records == cluster.publisher.served.records


@pytest.mark.thorough
def test_missing_certificate_of_another_node_stops_no_reset(
    cluster: MadeCluster,
) -> None:
    cluster.site.home.remove("security/trust/test10sub/TVS.pem")
    plan = plan_local_reset(cluster.site)
    assert plan.questions == ()
    assert "TVS certificate of test10sub" in "\n".join(plan.warnings)
    assert cluster.apply(plan)[0].exit_status == 0


@pytest.mark.thorough
def test_other_recovery_key_makes_a_question_with_both_fingerprints(
    cluster: MadeCluster,
) -> None:
    listed = cluster.publisher.keys.certificate(Unit.ITL_RECOVERY)
    foreign = foreign_key_file()
    plan = remote_plan(cluster.site, foreign)
    shown = QuickKeys().read_key_file(foreign, Secret(SECURITY)).certificate
    question = asked(plan)
    for certificate in (listed, shown):
        assert certificate.sha256_fingerprint.hex().upper() in question
    records = plan.trust_list.records
    assert len(records) == len(cluster.publisher.served.records)
    assert records[4].certificate == shown.der
    assert [record.raw for record in records if record is not records[4]] == [
        record.raw
        for number, record in enumerate(cluster.publisher.served.records)
        if number != 4
    ]
    assert any(warning.startswith("Phones: ") for warning in plan.warnings)


def with_new_recovery_key(made: MadeCluster) -> list[str]:
    """Both nodes serve lists with the earlier key; gives the MD5s that phones hold.

    The publisher has started since, the subscriber has not.
    """
    held = [
        hashlib.md5(member.raw).hexdigest()
        for member in (made.publisher, made.subscriber)
    ]
    made.clock.pass_seconds(600)
    regenerate(made.site, Unit.ITL_RECOVERY)
    made.publisher.start()
    return held


@pytest.mark.thorough
def test_local_key_after_a_regeneration_says_who_stays_locked_out(
    keeping: MadeCluster,
) -> None:
    """Not the publisher's own list, which knows the key by now."""
    held = with_new_recovery_key(keeping)
    question = asked(plan_local_reset(keeping.site))
    assert "Phones that hold one of these ITLs would refuse" in question
    for digest in held:
        assert f"MD5 {digest}, served on 2014-02-26" in question
    assert f"served on 2014-02-26, lies on {SUBSCRIBER}" in question
    assert hashlib.md5(keeping.publisher.raw).hexdigest() not in question
    assert "another certificate of that name (serial" in question
    assert "They stay locked out until" in question


@pytest.mark.thorough
def test_without_keep_trust_the_same_is_told_and_not_asked(
    cluster: MadeCluster,
) -> None:
    _, of_subscriber = with_new_recovery_key(cluster)
    plan = plan_local_reset(cluster.site)
    assert plan.questions == ()
    told = "\n".join(plan.warnings)
    assert "Phones that hold one of these ITLs would refuse" in told
    assert f"MD5 {of_subscriber}, served on 2014-02-26, lies on {SUBSCRIBER}" in told
    assert cluster.apply(plan)[0].exit_status == 0


@pytest.mark.thorough
def test_without_another_key_nobody_is_locked_out_and_no_node_is_asked(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError("a reset asked a node for nothing")

    monkeypatch.setattr("cucmsh.services.lists.plan_reset.lists_elsewhere", unwanted)
    assert plan_local_reset(cluster.site).warnings == ()


@pytest.mark.thorough
def test_expired_recovery_certificate_makes_a_question(cluster: MadeCluster) -> None:
    cluster.clock.moment += timedelta(days=5 * 365 + 2)
    plan = plan_local_reset(cluster.site)
    assert asked(plan) == "The recovery certificate expired on 2019-02-25."
    assert cluster.apply(plan)[0].exit_status == 0


# The remote key file


@pytest.mark.thorough
def test_fetched_key_is_installed_and_the_present_one_kept(
    cluster: MadeCluster,
) -> None:
    present, fetched = cluster.key_file(), foreign_key_file()
    cluster.reset(fetched)
    home = cluster.site.home
    assert home.read(RECOVERY_FILE) == fetched
    assert home.read(f"{RECOVERY_FILE}.1") == present
    cluster.reset(present)
    assert home.read(f"{RECOVERY_FILE}.2") == fetched
    folder = Path(cluster.site.settings.home, "security/ITLRecovery")
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*.p12*")}
    assert modes == {0o600}


@pytest.mark.thorough
def test_key_file_is_on_disk_before_any_list_names_it(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = foreign_key_file()
    write, seen = LocalStore.write, []

    def watched(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
        if name == LIST_FILE or name.startswith("install-list"):
            seen.append(cluster.key_file() == fetched)
        write(store, name, raw, mode)

    plan = remote_plan(cluster.site, fetched)
    monkeypatch.setattr(LocalStore, "write", watched)
    cluster.apply(plan)
    assert len(seen) >= 2
    assert all(seen)


@pytest.mark.thorough
def test_key_file_with_another_password_is_refused(cluster: MadeCluster) -> None:
    before = cluster.tree()
    with pytest.raises(KeyFileError, match="security password"):
        remote_plan(cluster.site, foreign_key_file("another password"))
    assert cluster.tree() == before


@pytest.mark.thorough
@pytest.mark.parametrize("served", ["a list", "no list"])
def test_lost_key_file_comes_back_from_the_backup(
    cluster: MadeCluster, served: str
) -> None:
    saved = cluster.key_file()
    cluster.site.home.remove(RECOVERY_FILE)
    if served == "no list":
        cluster.site.tftp.remove(LIST_FILE)
    plan = remote_plan(cluster.site, saved)
    assert plan.questions == ()
    assert cluster.apply(plan)[0].exit_status == 0
    assert cluster.key_file() == saved
    assert cluster.subscriber.signer == RECOVERY


@pytest.mark.thorough
def test_a_rebuilt_publisher_brings_the_phones_back(tmp_path: Path) -> None:
    """Case 9: new keys, the saved file, and phones that hold the old list."""
    old = made_cluster(tmp_path / "old")
    old.start()
    held, saved = old.publisher.served, old.key_file()
    new = MadeCluster(tmp_path / "new")
    new.make()
    new.start()
    plan = remote_plan(new.site, saved)
    assert "is not the one that the present ITL names" in asked(plan)
    new.apply(plan)
    from_held = {record.certificate for record in held.records}
    signer = check(new.publisher.served, new.site.backends.verifier()).signer
    assert signer is not None
    assert signer.certificate in from_held


# Nodes that are not well


@pytest.mark.thorough
def test_dead_subscriber_is_pending_and_the_rerun_finishes(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.is_dead = True
    before = cluster.subscriber.raw
    report = cluster.reset()
    assert states(report) == [(PUBLISHER, State.UPDATED), (SUBSCRIBER, State.PENDING)]
    assert report.exit_status == 3
    assert cluster.subscriber.raw == before
    assert "pending: test10sub" in login_notice(cluster.publisher.again())
    done = cluster.publisher.raw
    cluster.subscriber.is_dead = False
    assert cluster.reset().exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw == done
    assert login_notice(cluster.publisher.again()) == ""


@pytest.mark.thorough
def test_an_unfinished_reset_is_begun_anew_once_its_list_is_replaced(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    first = cluster.publisher.raw
    cluster.publisher.start()
    cluster.subscriber.is_dead = False
    cluster.reset()
    assert cluster.publisher.raw == cluster.subscriber.raw != first


@pytest.mark.thorough
def test_an_unfinished_reset_is_not_finished_with_another_key(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    cluster.subscriber.is_dead = False
    cluster.reset(foreign_key_file())
    assert cluster.subscriber.signer == "CN=ITLRECOVERY_other.example"


@pytest.mark.thorough
def test_refused_certificate_means_no_list_for_that_node(cluster: MadeCluster) -> None:
    cluster.subscriber.refuses = {"install-certificate"}
    before = cluster.subscriber.raw
    report = cluster.reset()
    assert states(report)[1] == (SUBSCRIBER, State.PENDING)
    assert report.outcomes[1].reason == "test10sub refused: the disk is full"
    assert "install-list" not in cluster.subscriber.hooks_run
    assert cluster.subscriber.raw == before


@pytest.mark.thorough
def test_refused_list_is_pending(cluster: MadeCluster) -> None:
    cluster.subscriber.refuses = {"install-list"}
    report, said = cluster.apply(plan_local_reset(cluster.site))
    assert states(report)[1] == (SUBSCRIBER, State.PENDING)
    assert (Step.FAILED, "test10sub: test10sub refused: the disk is full") in said


@pytest.mark.thorough
@pytest.mark.parametrize("name", [PUBLISHER, SUBSCRIBER])
def test_stopped_tftp_stays_stopped_and_keeps_its_mark(
    cluster: MadeCluster, name: str
) -> None:
    member = cluster.members[name]
    member.service.is_running = False
    report = cluster.reset()
    assert dict(states(report))[name] is State.STOPPED
    assert report.exit_status == 0
    assert (member.service.is_running, member.service.requests) == (False, [])
    assert member.signer == RECOVERY
    assert keep_mark(member.site.home) == hashlib.sha256(member.raw).hexdigest()
    member.service.run(["tftpd", "start"])
    assert member.signer == RECOVERY


@pytest.mark.thorough
@pytest.mark.parametrize("name", [PUBLISHER, SUBSCRIBER])
def test_lying_tftp_is_never_reported_as_updated(
    cluster: MadeCluster, name: str
) -> None:
    member = cluster.members[name]
    member.service.lies_with = member.raw
    report, said = cluster.apply(plan_local_reset(cluster.site))
    assert dict(states(report))[name] is State.UNPROVEN
    assert report.exit_status == 3
    assert (Step.RESTARTED, name) not in said
    assert keep_mark(member.site.home) == hashlib.sha256(member.raw).hexdigest()
    assert f"pending: {name}" in login_notice(cluster.site)


@pytest.mark.thorough
def test_word_of_a_node_is_no_proof(cluster: MadeCluster) -> None:
    """Its own hook read the list back; the publisher cannot."""
    cluster.subscriber.service.answers_others = False
    report = cluster.reset()
    assert states(report)[1] == (SUBSCRIBER, State.UNPROVEN)
    assert report.exit_status == 3


@pytest.mark.thorough
@pytest.mark.parametrize("name", [PUBLISHER, SUBSCRIBER])
def test_failing_restart_is_told_and_the_rerun_finishes(
    cluster: MadeCluster, name: str
) -> None:
    member = cluster.members[name]
    member.service.restart_fails = True
    report = cluster.reset()
    outcome = next(entry for entry in report.outcomes if entry.name == name)
    assert not outcome.is_done
    assert "Job for tftpd failed." in outcome.reason
    assert report.exit_status == 3
    member.service.restart_fails = False
    member.service.run(["tftpd", "restart"])
    assert member.signer == RECOVERY
    assert cluster.reset().exit_status == 0
    assert keep_mark(member.site.home) == ""


def test_nothing_changed_on_any_node_is_status_1(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.subscriber.is_dead = True

    def full(*_: object) -> str:
        raise StoreError("No space left on device")

    monkeypatch.setattr(cluster.site.tftp, "stage", full)
    report = cluster.reset()
    assert {state for _, state in states(report)} == {State.PENDING}
    assert report.exit_status == 1


@pytest.mark.thorough
def test_an_installed_list_that_nobody_gets_is_status_3(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    cluster.publisher.service.lies_with = cluster.publisher.raw
    assert cluster.reset().exit_status == 3


@pytest.mark.thorough
def test_full_disk_of_the_publisher_is_no_list_installed(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_local_reset(cluster.site)
    before, write = cluster.publisher.raw, LocalStore.write

    def full(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
        if store is cluster.site.tftp:
            raise StoreError("the disk is full")
        write(store, name, raw, mode)

    monkeypatch.setattr(LocalStore, "write", full)
    report = cluster.apply(plan)[0]
    monkeypatch.undo()
    assert states(report) == [(PUBLISHER, State.PENDING), (SUBSCRIBER, State.UPDATED)]
    assert cluster.publisher.raw == before
    assert cluster.publisher.start().startswith("composed ")


@contextmanager
def killed_at_write(patch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Inside, the ``number``-th write of the process (from 0) is its end."""
    write, left = LocalStore.write, number

    def counted(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        write(store, name, raw, mode)

    with patch.context() as inside:
        inside.setattr(LocalStore, "write", counted)
        yield


def assert_lists_verify_and_a_key_is_there(cluster: MadeCluster) -> None:
    home, folder = cluster.site.home, "security/ITLRecovery"
    files = [name for name in home.names(folder) if ".p12" in name]
    keys = [
        QuickKeys().read_key_file(home.read(f"{folder}/{n}"), Secret(SECURITY))
        for n in files
    ]
    held = {key.certificate.der for key in keys}
    for member in cluster.members.values():
        assert check(member.served, cluster.site.backends.verifier()).is_valid
        assert held & {record.certificate for record in member.served.records}


@pytest.mark.thorough
def test_whenever_we_are_killed_lists_verify_and_their_key_is_there(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, crashes = foreign_key_file(), 0
    while crashes < 40:
        plan = remote_plan(cluster.site, fetched)
        try:
            with killed_at_write(monkeypatch, crashes):
                cluster.apply(plan)
            break
        except KeyboardInterrupt:
            crashes += 1
        assert_lists_verify_and_a_key_is_there(cluster)
    assert 8 <= crashes < 40
    assert cluster.publisher.raw == cluster.subscriber.raw
    assert login_notice(cluster.site) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("crash", range(11))
def test_a_rerun_after_any_crash_reaches_the_same_state(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    plan = plan_local_reset(cluster.site)
    with suppress(KeyboardInterrupt), killed_at_write(monkeypatch, crash):
        cluster.apply(plan)
    again = plan_local_reset(cluster.site)
    assert again.questions == ()
    assert cluster.apply(again)[0].exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw
    assert cluster.publisher.signer == RECOVERY
    for member in cluster.members.values():
        assert keep_mark(member.site.home) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("crash", range(11))
def test_any_number_of_crashes_at_one_place_ask_no_question(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    """A list of ours stays ours, however often its successor died before it was there.

    Each rerun signs another list, a second later. Found by the nested kill sweep.
    """
    for _ in range(4):
        cluster.clock.pass_seconds(1)
        plan = plan_local_reset(cluster.site)
        assert plan.questions == ()
        with suppress(KeyboardInterrupt), killed_at_write(monkeypatch, crash):
            cluster.apply(plan)
    assert cluster.reset().exit_status == 0
    assert cluster.publisher.raw == cluster.subscriber.raw


# One at a time


@pytest.mark.thorough
def test_second_session_is_told_who_is_ahead(cluster: MadeCluster) -> None:
    with cluster.site.cluster_lock("utils itl reset localkey"):
        before = cluster.tree()
        with pytest.raises(BusyError, match=r"^utils itl reset localkey \(process "):
            regenerate(cluster.publisher.again(), Unit.TVS)
        assert cluster.tree() == before
    regenerate(cluster.site, Unit.TVS)


def test_locating_names_who_is_active(cluster: MadeCluster) -> None:
    cluster.publisher.service.is_running = False
    cluster.subscriber.is_dead = True
    with Fleet(cluster.site) as fleet:
        found = locate(cluster.site, fleet)
    assert [(entry.node.name, entry.is_active, entry.problem) for entry in found] == [
        (PUBLISHER, False, ""),
        (SUBSCRIBER, False, "test10sub does not answer"),
    ]


@pytest.mark.thorough
def test_member_gets_the_certificate_of_the_key_file_not_a_derived_one(
    cluster: MadeCluster,
) -> None:
    site, sub = cluster.site, cluster.subscriber
    present = cluster.publisher.keys.recovery().certificate
    site.home.write("security/ITLRecovery/ITLRecovery.pem", b"stale")
    assert cluster.reset().exit_status == 0
    assert sub.keys.trusted(site.node, Unit.ITL_RECOVERY) == present
    assert cluster.publisher.keys.certificate(Unit.ITL_RECOVERY) == present  # mended


@pytest.mark.thorough
def test_reset_brings_what_a_dead_member_missed(cluster: MadeCluster) -> None:
    site, sub = cluster.site, cluster.subscriber
    sub.is_dead = True
    assert not regenerate(site, Unit.TVS)[0].is_done
    sub.is_dead = False
    cluster.reset()
    present = cluster.publisher.keys.certificate(Unit.TVS)
    assert sub.keys.trusted(site.node, Unit.TVS) == present


def test_own_records_are_what_is_served(cluster: MadeCluster) -> None:
    assert tuple(own_records(cluster.site)) == cluster.publisher.served.records
