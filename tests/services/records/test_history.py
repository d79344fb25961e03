"""What a node remembers of the lists that it served, and for how long."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.layout import HISTORY, LIST_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists import history_of_others, plan_reset, served_lists
from cucmsh.services.lists.give_up_phones import give_up, plan_giving_up
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.records.history import (
    KEPT_LISTS,
    MOST_DIGESTS,
    History,
    Kept,
)
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.reset_journal import OpenReset, begin_reset, end_reset
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.trustlist.encode import hashed_record
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, Role
from tests.services.holder import takes
from tests.services.made_cluster import PUBLISHER, REPLICA, MadeCluster, made_cluster

pytestmark = pytest.mark.thorough

DAY = 24 * 3600
TEN_YEARS = 3650 * DAY


def other_list(cluster: MadeCluster, number: int) -> bytes:
    """A list of the publisher whose signers count as others: another TVS hash."""
    keys = cluster.publisher.keys
    tvs = keys.certificate(Unit.TVS)._replace(der=number.to_bytes(8))
    records = [*cluster.publisher.served.records, hashed_record(Role.TVS, tvs)]
    signer = keys.credential(Unit.CALL_MANAGER)
    return seal(records, signer, timestamp=number, digest=Digest.SHA1).raw


def note(cluster: MadeCluster, raw: bytes) -> History:
    history = History(cluster.site)
    history.note_served(raw, is_new=True)
    return history


def note_many(cluster: MadeCluster, numbers: range, days_between: float) -> None:
    for number in numbers:
        cluster.clock.pass_seconds(days_between * DAY)
        note(cluster, other_list(cluster, number))


def kept(site: Site) -> set[str]:
    return {entry.digests.sha256 for entry in History(site).entries}


def kept_numbers(site: Site) -> list[int]:
    entries = History(site).entries
    return sorted(entry.trust_list.header.timestamp for entry in entries)


def files(site: Site) -> list[Path]:
    return sorted(Path(site.settings.home, HISTORY).iterdir())


def test_held_lists_with_the_same_signers_are_one_and_every_digest_is_kept(
    cluster: MadeCluster,
) -> None:
    """What this node served last of them stays what it compares with."""
    served = cluster.publisher.raw
    note(cluster, served)
    signer = cluster.publisher.keys.credential(Unit.CALL_MANAGER)
    records = cluster.publisher.served.records
    held = seal(records, signer, timestamp=1, digest=Digest.SHA1).raw
    history = History(cluster.site)
    history.give_up(history.entries)
    cluster.clock.pass_seconds(DAY)
    before = history.entries[0].age_mark
    for _ in range(2):
        History(cluster.site).note_held(held)
    (entry,) = History(cluster.site).binding
    assert entry.trust_list.raw == served
    assert [found.sha256 for found in entry.earlier] == [sha256(held).hexdigest()]
    assert entry.age_mark == before + DAY
    written = files(cluster.site)[0].stat()
    History(cluster.site).note_held(held)
    assert files(cluster.site)[0].stat() == written


def test_lists_with_the_same_signers_are_one_and_every_digest_is_kept(
    keeping: MadeCluster,
) -> None:
    first = keeping.publisher.raw
    begun = int(keeping.clock.now().timestamp())
    keeping.publisher.start()
    keeping.clock.pass_seconds(DAY)
    keeping.publisher.start()
    last = keeping.publisher.raw
    own = History(keeping.site).find(last)
    assert own is not None
    assert own.trust_list.raw == last
    assert own.digests[:3] == (
        sha256(last).hexdigest(),
        sha1(last).hexdigest(),
        md5(last).hexdigest(),
    )
    assert sha256(first).hexdigest() in {found.sha256 for found in own.earlier}
    assert (own.first, own.digests.last) == (begun, begun + DAY)
    assert files(keeping.site)[0].stat().st_mode & 0o777 == 0o600


def test_what_is_four_hundred_days_old_goes_but_never_the_last_32(
    keeping: MadeCluster,
) -> None:
    note_many(keeping, range(1, 41), days_between=0.1)
    assert len(kept(keeping.site)) == 40
    note_many(keeping, range(41, 55), days_between=30)  # 420 days
    assert kept_numbers(keeping.site) == list(range(55 - KEPT_LISTS, 55))


def test_what_is_younger_stays_however_many_there_are(keeping: MadeCluster) -> None:
    note_many(keeping, range(1, 41), days_between=9)
    assert kept_numbers(keeping.site)[-40:] == list(range(1, 41))


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS])
def test_no_list_goes_because_the_clock_jumped(
    keeping: MadeCluster, jump: float
) -> None:
    note_many(keeping, range(1, 41), days_between=0.1)
    for number in range(41, 51):
        keeping.clock.moment = keeping.clock.moment.fromtimestamp(
            keeping.clock.moment.timestamp() + jump * (-1) ** number,
            keeping.clock.moment.tzinfo,
        )
        note(keeping, other_list(keeping, number))
    assert set(range(1, 51)) <= set(kept_numbers(keeping.site))


def test_what_a_node_serves_stays_and_what_left_the_cluster_does_not(
    keeping: MadeCluster,
) -> None:
    cluster = keeping
    served, of_a_stranger = other_list(cluster, 1), other_list(cluster, 2)
    history = History(cluster.site)
    history.note_elsewhere(cluster.subscriber.site.node.name, served)
    history.note_elsewhere("was removed", of_a_stranger)
    note_many(cluster, range(3, 60), days_between=30)
    numbers = kept_numbers(cluster.site)
    assert (1 in numbers, 2 in numbers) == (True, False)
    history = History(cluster.site)
    history.note_elsewhere(cluster.subscriber.site.node.name, other_list(cluster, 59))
    note_many(cluster, range(60, 95), days_between=15)
    assert 1 not in kept_numbers(cluster.site)


def test_nothing_goes_while_a_reset_or_a_replica_is_pending(
    keeping: MadeCluster,
) -> None:
    journal = OpenReset("localkey", "", "ab", "", pending=("branch1",))
    begin_reset(keeping.site, journal)
    note_many(keeping, range(1, 50), days_between=30)
    assert 1 in kept_numbers(keeping.site)
    end_reset(keeping.site, journal._replace(pending=()))
    note_waiting(keeping.site, Work.PUSH, {"branch1": "silent"})
    note_many(keeping, range(50, 52), days_between=30)
    assert 1 in kept_numbers(keeping.site)
    note_waiting(keeping.site, Work.PUSH, {})
    note(keeping, other_list(keeping, 51))
    assert 1 not in kept_numbers(keeping.site)


def test_a_list_without_a_good_signature_is_nobodys(keeping: MadeCluster) -> None:
    raw = bytearray(other_list(keeping, 1))
    raw[-1] ^= 1
    assert note(keeping, bytes(raw)).entries == []
    assert note(keeping, b"").entries == []


@pytest.mark.parametrize("damage", ["the line", "the list", "a folder", "both"])
def test_a_damaged_history_is_told_and_keeps_no_service_from_starting(
    keeping: MadeCluster, damage: str
) -> None:
    keeping.publisher.start()
    first = keeping.publisher.raw
    site, (path, *_) = keeping.site, files(keeping.site)
    head, _, raw = path.read_bytes().partition(b"\n")
    if damage == "the line":
        path.write_bytes(b'{"version": 99}\n' + raw)
    elif damage == "the list":
        path.write_bytes(head + b"\n" + raw[:-1])
    elif damage == "both":
        path.write_bytes(os.urandom(500))
    else:
        for file in files(site):
            file.unlink()
        Path(site.settings.home, HISTORY).rmdir()
        Path(site.settings.home, HISTORY).write_bytes(b"")
    told = History(site).mended if damage == "the line" else History(site).damaged
    assert len(told) == 1
    regenerate(site, Unit.CALL_MANAGER)
    notices = ""
    for _ in range(2):
        said = keeping.publisher.start()
        assert said.startswith(("composed ", "kept ")), said
        assert takes(first, keeping.publisher.raw)
        notices += login_notice(site)
    if damage == "the line":  # it is as good as before
        assert (History(site).damaged, History(site).mended) == ([], [])
    else:
        words = {"a folder": "Not a directory"}.get(damage, "no list that verifies")
        assert words in told[0]
        assert words in notices


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"[" * 100_000, id="nested"),
        pytest.param(
            lambda line: line.replace(b'"age_mark": ', b'"age_mark": 1e999, "x": '),
            id="endless",
        ),
        pytest.param(
            lambda line: line.replace(b'"last": ', b'"last": 1' + b"0" * 30),
            id="no such day",
        ),
    ],
)
def test_a_line_that_is_not_ours_costs_the_times_whatever_it_says(
    keeping: MadeCluster, spoil: Callable[[bytes], bytes]
) -> None:
    keeping.publisher.start()
    first = keeping.publisher.raw
    (path, *_) = files(keeping.site)
    head, _, raw = path.read_bytes().partition(b"\n")
    path.write_bytes(spoil(head) + b"\n" + raw)
    assert len(History(keeping.site).mended) == 1
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):  # so that it is talked of
        keeping.clock.pass_seconds(301)
        regenerate(keeping.site, unit)
    assert keeping.publisher.start().startswith("composed ")
    assert takes(first, keeping.publisher.raw)
    assert History(keeping.site).mended == []


def test_since_when_is_known_after_more_starts_than_digests_are_kept(
    keeping: MadeCluster,
) -> None:
    def own() -> Kept:
        kept = History(keeping.site).find(keeping.publisher.raw)
        assert kept is not None
        return kept

    keeping.publisher.start()
    begun = own().first
    for _ in range(MOST_DIGESTS + 10):
        keeping.clock.pass_seconds(DAY)
        keeping.publisher.start()
    assert len(own().earlier) == MOST_DIGESTS
    assert own().first == begun


def test_what_is_served_while_a_release_asks_stays_remembered(
    keeping: MadeCluster,
) -> None:
    keeping.publisher.start()
    asked = History(keeping.site).find(keeping.publisher.raw)
    assert asked is not None
    keeping.clock.pass_seconds(DAY)
    keeping.publisher.start()
    meanwhile = keeping.publisher.raw
    History(keeping.site).give_up([asked])
    kept = History(keeping.site).find(meanwhile)
    assert kept is not None
    assert (kept.is_given_up, kept.trust_list.raw) == (True, meanwhile)


def test_the_history_is_written_before_the_list_is_in_place(
    keeping: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.publisher.start()
    before = keeping.publisher.raw
    regenerate(keeping.site, Unit.CALL_MANAGER)
    offered: list[bytes] = []

    def breaks(_name: str, raw: bytes, _mode: int = 0) -> None:
        offered.append(raw)
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(keeping.site.tftp, "write", breaks)
        keeping.publisher.start()
    assert keeping.publisher.raw == before
    known = History(keeping.site).find(offered[0])
    assert known is not None
    assert known.trust_list.raw == offered[0]
    assert keeping.publisher.start().startswith("composed ")
    assert takes(before, keeping.publisher.raw)


def test_a_disk_that_takes_no_history_keeps_the_list(
    keeping: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be remembered is not served: its phones could be lost later."""
    before, write = keeping.publisher.raw, keeping.site.home.write

    def is_full(name: str, raw: bytes, mode: int = 0o600) -> None:
        if name.startswith(HISTORY):
            raise StoreError("no space left on device")
        write(name, raw, mode)

    monkeypatch.setattr(keeping.site.home, "write", is_full)
    assert keeping.publisher.start().startswith("kept ")
    assert keeping.publisher.raw == before


def test_an_earlier_key_signs_though_others_were_given_up_by_a_reset(
    keeping: MadeCluster,
) -> None:
    """Who refuses the served list already does not keep those who take it waiting."""
    cluster, home = keeping, keeping.site.home
    cluster.subscriber.is_dead = True  # its list counts nowhere here
    cluster.publisher.start()
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    cluster.publisher.start()
    held = [cluster.publisher.raw]
    cluster.clock.pass_seconds(301)
    regenerate(cluster.site, Unit.CALL_MANAGER)
    home.remove("security/CallManager/private.pem.1")  # as after a restore
    cluster.reset()  # which asks
    held.append(cluster.publisher.raw)
    assert "no key of this node is known to all" in cluster.publisher.start()
    held.append(cluster.publisher.raw)
    cluster.clock.pass_seconds(301)
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    assert cluster.publisher.start().startswith("composed ")
    assert all(takes(each, cluster.publisher.raw) for each in held)
    named = cluster.publisher.keys.certificate(Unit.ITL_RECOVERY).der
    assert named in [record.certificate for record in cluster.publisher.served.records]


def test_the_key_that_a_release_names_signs_though_all_refuse_the_served_list(
    keeping: MadeCluster,
) -> None:
    node = keeping.subscriber
    first = node.raw
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.reset()  # which asks
    assert not takes(first, node.raw)
    regenerate(node.site, Unit.CALL_MANAGER)
    plan = plan_giving_up(node.site)
    assert plan.key == "an earlier CallManager key"
    give_up(node.site, plan)
    assert node.start().startswith("composed ")
    assert takes(first, node.raw)


def test_off_what_was_served_is_remembered_and_binds_nobody(
    cluster: MadeCluster,
) -> None:
    """The lab's purpose includes losing trust."""
    first = cluster.publisher.served
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        regenerate(cluster.site, unit)
        cluster.clock.pass_seconds(301)
    cluster.start()
    last = cluster.publisher.served
    found = {sha256(each.raw).hexdigest() for each in (first, last)}
    assert kept(cluster.site) == found
    assert History(cluster.site).binding == []
    assert not list(Path(cluster.root).rglob("private.pem.*"))
    # Nor later: only what is served once it is on.
    cluster.publisher.site.settings = cluster.site.settings._replace(keep_trust=True)
    assert cluster.publisher.start().startswith("composed ")
    binding = {each.digests.sha256 for each in History(cluster.site).binding}
    assert sha256(cluster.publisher.raw).hexdigest() in binding
    assert sha256(first.raw).hexdigest() in kept(cluster.site) - binding


def test_off_a_disk_that_takes_no_history_keeps_no_list_from_being_served(
    cluster: MadeCluster,
) -> None:
    folder = Path(cluster.site.settings.home, HISTORY)
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    regenerate(cluster.site, Unit.CALL_MANAGER)
    before = cluster.publisher.raw
    assert cluster.publisher.start().startswith("composed ")
    assert cluster.publisher.raw != before


def started(root: Path) -> MadeCluster:
    """A publisher and its replica, whose TFTP service does not run."""
    cluster = made_cluster(root, keep_trust=True, has_replica=True)
    Path(cluster.replica.node.tftp_directory).mkdir(parents=True)
    cluster.publisher.start()
    return cluster


@pytest.mark.parametrize("is_running", [True, False], ids=["TFTP", "only SSH"])
def test_what_lies_on_a_replica_is_taken_in_before_the_first_compose(
    tmp_path: Path, is_running: bool
) -> None:
    cluster = started(tmp_path)
    old = cluster.publisher.raw
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.publisher.start()
    cluster.replica.store.write(LIST_FILE, old)
    cluster.replica.service.is_running = is_running
    for file in files(cluster.site):
        file.unlink()
    cluster.publisher.start()
    entry = History(cluster.site).find(old)
    assert entry is not None
    assert entry.nodes == (REPLICA,)
    assert takes(old, cluster.publisher.raw)
    assert f", served on {REPLICA} " in login_notice(cluster.site)


def test_a_silent_node_holds_nothing_up_is_named_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_lists, "ALL_BEFORE_START_SECONDS", 0.2)
    cluster = made_cluster(tmp_path, keep_trust=True, has_replica=True)
    Path(cluster.replica.node.tftp_directory).mkdir(parents=True)
    cluster.replica.is_dead = True
    assert cluster.publisher.start().startswith("composed ")
    assert history_of_others.silent_nodes(cluster.site) == [REPLICA]
    cluster.replica.is_dead = False
    cluster.replica.store.write(LIST_FILE, other_list(cluster, 1))
    cluster.publisher.start()
    assert history_of_others.silent_nodes(cluster.site) == []
    assert 1 in kept_numbers(cluster.site)


def test_who_was_asked_is_unreadable_and_all_are_asked(tmp_path: Path) -> None:
    cluster = started(tmp_path)
    cluster.replica.store.write(LIST_FILE, other_list(cluster, 1))
    path = Path(cluster.site.settings.home, "state/asked.toml")
    path.unlink()
    path.mkdir()
    assert cluster.publisher.start().startswith("composed ")
    assert 1 in kept_numbers(cluster.site)


def test_a_reset_replaces_no_list_of_a_replica_that_was_silent_when_it_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = started(tmp_path)
    unknown = other_list(cluster, 1)
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    cluster.publisher.start()
    history = History(cluster.site)
    history.give_up(history.entries)
    cluster.replica.store.write(LIST_FILE, unknown)
    with monkeypatch.context() as patch:
        patch.setattr(plan_reset, "lists_elsewhere", lambda _site: {})
        plan = plan_local_reset(cluster.site)
    assert plan.questions == ()
    report, _ = cluster.apply(plan)
    (pending,) = [each for each in report.pending if each.name == REPLICA]
    assert "phones that hold the ITL with MD5" in pending.reason
    assert cluster.replica.raw == unknown
    plan = plan_local_reset(cluster.site)
    assert len(plan.questions) == 1
    cluster.apply(plan)
    assert cluster.replica.raw == cluster.publisher.raw


def test_members_are_asked_once_and_replicas_at_each_boot(tmp_path: Path) -> None:
    cluster = started(tmp_path)
    cluster.subscriber.start()
    cluster.replica.store.write(LIST_FILE, other_list(cluster, 1))
    cluster.publisher.start()
    assert 1 not in kept_numbers(cluster.site)
    cluster.clock.reboot()
    cluster.publisher.start()
    assert 1 in kept_numbers(cluster.site)
    assert History(cluster.site).find(cluster.subscriber.raw) is None


def test_the_head_line_is_json_for_whoever_looks(keeping: MadeCluster) -> None:
    keeping.publisher.start()
    heads = [
        json.loads(path.read_bytes().split(b"\n")[0]) for path in files(keeping.site)
    ]
    own = sha256(keeping.publisher.raw).hexdigest()
    assert own in {head["served"]["sha256"] for head in heads}
    assert PUBLISHER not in {name for head in heads for name in head["nodes"]}
