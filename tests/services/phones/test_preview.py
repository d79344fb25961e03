"""What a preview foretells is what phones then do, as the oracle and the product judge.

Random histories of a publisher and a subscriber, whose TVS come and go. Each preview is
asked before the change and held to what the phones of every list do after it.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from hashlib import md5, sha1
from pathlib import Path

import pytest

from cucmsh.errors import (
    RefusedError,
    StoreError,
    TvsError,
    UsageError,
    WrongPasswordError,
)
from cucmsh.phones.claims import Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.release import RELEASES
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import ImportedKey, Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.member_lists import bring_lists
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.preview import (
    LOCAL_KEY,
    REGEN,
    REMOTE_KEY,
    RESTART,
    Preview,
    SavedKey,
    locked_out,
    preview,
)
from cucmsh.services.phones.takers import GivenList, Holders, Way, given_list
from cucmsh.services.records.history import History
from cucmsh.trustlist.decode import decode
from cucmsh.tvs.codec import QueryAnswer, QueryRequest
from cucmsh.views.preview import lock_out_lines, preview_document, preview_lines
from tests.phones import oracle
from tests.rigs.draws import SEED, drawn
from tests.services.made_cluster import SECURITY, MadeCluster, Member, started_cluster

pytestmark = pytest.mark.thorough

UNITS = ("CallManager", "TVS", "ITLRecovery")
CHANGES = [(RESTART, ""), (LOCAL_KEY, ""), *((REGEN, unit) for unit in UNITS)]


def do(cluster: MadeCluster, change: str, unit: str) -> bytes:
    """Make the change; what the publisher serves then."""
    cluster.clock.pass_seconds(301)
    if change == LOCAL_KEY:
        cluster.apply(plan_local_reset(cluster.site))
    else:
        if unit:
            regenerate(cluster.site, Unit(unit))
        cluster.publisher.start()
    return cluster.publisher.raw


def takes(cluster: MadeCluster, held: bytes, offered: bytes) -> bool:
    """Whether a phone takes it, whatever the order in which it asks TVS."""

    def asking(members: tuple[Member, ...]) -> oracle.Ask:
        def ask(subject: bytes, issuer: bytes, serial: bytes) -> oracle.Answer | None:
            names = (subject[:-1].decode(), issuer[:-1].decode())
            request = QueryRequest(1001, "CP-8845-SEP001122334455", *names, serial)
            for member in members:
                try:
                    answer = cluster.site.backends.ask_tvs(
                        member.node.tvs, request, trusted(held)
                    )
                except TvsError:
                    continue
                assert isinstance(answer, QueryAnswer)
                server = member.keys.certificate(Unit.TVS).der
                status = int(not answer.is_known)
                return oracle.Answer(server, status, answer.certificate, answer.roles)
            return None

        return ask

    phone = oracle.Phone("78xx/88xx", None, held, {})
    orders = itertools.permutations(cluster.members.values())
    ends = [oracle.give(phone, oracle.ITL, offered, asking(order)) for order in orders]
    return all(end.word in ("taken", "same") for end in ends)


class trusted:  # noqa: N801 - a function with a memory
    """Whether a held list names a server's certificate as TVS."""

    def __init__(self, held: bytes) -> None:
        self._entries = oracle.read(held).entries

    def __call__(self, certificate: bytes) -> bool:
        return any(e.role == 21 and e.is_of(certificate) for e in self._entries)


def started(
    root: Path, release: str = "10.0", *, keep_trust: bool = False
) -> MadeCluster:
    """Every node serves a list of that release."""
    cluster = started_cluster(root, keep_trust=keep_trust)
    if release != "10.0":
        cluster.set_release(release)
        cluster.publisher.start()
        bring_lists(cluster.site)
        cluster.subscriber.start()
    return cluster


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("number", range(drawn(2)))
def test_what_it_foretells_is_what_phones_do(
    number: int, release: str, tmp_path: Path
) -> None:
    dice = random.Random(f"{SEED} {release} {number}")
    cluster = started(tmp_path, release, keep_trust=number % 2 == 1)
    kept = [each.trust_list.raw for each in History(cluster.site).entries]
    lists = {digest(raw): raw for raw in kept}
    seen: Counter[Way] = Counter()
    for _ in range(7):
        for member in cluster.members.values():
            member.tvs_is_stopped = dice.random() < 0.3
            lists[digest(member.raw)] = member.raw
        change, unit = dice.choice(CHANGES)
        before = cluster.publisher.raw
        try:
            foretold = preview(cluster.site, change, unit)
        except RefusedError:
            with pytest.raises(RefusedError):
                do(cluster, change, unit)
            continue
        assert cluster.publisher.raw == before
        after = do(cluster, change, unit)
        assert signer(after) == foretold.offer.signer
        assert (after == before) is foretold.offer.is_kept or change == LOCAL_KEY
        for each in foretold.holders:
            seen[each.way] += 1
            expected = each.way in (Way.DIRECT, Way.TVS)
            assert takes(cluster, lists[each.sha1], after) is expected, each
    assert seen[Way.DIRECT]


def digest(raw: bytes) -> str:
    return sha1(raw).hexdigest()


def signer(raw: bytes) -> str:
    return decode(raw).header.signer_name


@pytest.mark.parametrize("release", [each for each in RELEASES if each != "10.0"])
def test_where_itlrecovery_signs_no_other_key_locks_anybody_out(
    release: str, tmp_path: Path
) -> None:
    """From 12.5 on: TVS may be gone, and the publisher's CallManager and TVS, too."""
    cluster = started(tmp_path, release)
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    first = cluster.publisher.raw
    for unit in ("CallManager", "TVS", "CAPF"):
        found = preview(cluster.site, REGEN, unit)
        assert {each.way for each in found.holders} == {Way.DIRECT}
        assert found.offer.signer.startswith("CN=ITLRECOVERY_")
    localkey = preview(cluster.site, LOCAL_KEY)
    assert not localkey.offer.signer.startswith("CN=ITLRECOVERY_")
    ways = {each.sha1: each.way for each in localkey.holders}
    # Of the subscriber's phones, too, which do not know that CallManager.
    assert ways == {
        digest(first): Way.DIRECT,
        digest(cluster.subscriber.raw): Way.LOCKED_OUT,
    }
    lost = preview(cluster.site, REGEN, "ITLRecovery")
    assert {each.way for each in lost.holders} == {Way.LOCKED_OUT}
    for member in cluster.members.values():
        member.tvs_is_stopped = False
    helped = preview(cluster.site, REGEN, "ITLRecovery")
    assert {each.way for each in helped.holders} == {Way.TVS}


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return started_cluster(tmp_path)


def test_a_new_key_leaves_tvs_and_a_new_tvs_leaves_nothing(
    cluster: MadeCluster,
) -> None:
    (first,) = preview(cluster.site, REGEN, "CallManager").holders
    assert first.way is Way.TVS
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    lost = preview(cluster.site, REGEN, "CallManager")
    assert [each.way for each in lost.holders] == [Way.LOCKED_OUT]
    assert lost.is_locking_out
    lines = list(preview_lines(lost))
    assert lines[-1] == "Somebody is locked out."
    recovered = preview(cluster.site, LOCAL_KEY)
    assert not recovered.is_locking_out


def test_a_command_tells_whom_it_would_lock_out(cluster: MadeCluster) -> None:
    site = cluster.site
    assert not locked_out(site, RESTART)
    assert not locked_out(site, REGEN, "CallManager")
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    (lost,) = locked_out(site, REGEN, "CallManager")
    assert not locked_out(site, REGEN, "TVS")
    first, second = lock_out_lines([lost])
    assert first == "Phones that hold one of these ITLs would be locked out:"
    assert lost.held in second
    cluster.clock.pass_seconds(301)
    regenerate(site, Unit.CALL_MANAGER)
    assert [each.held for each in locked_out(site, RESTART)] == [lost.held]
    cluster.publisher.start()
    # They are lost now: the next start is not to blame.
    assert not locked_out(site, RESTART)
    assert not list(lock_out_lines([]))


def test_a_list_that_was_handed_over_is_asked_too(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    other = started_cluster(tmp_path / "other")
    do(other, REGEN, "CallManager")
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    given = GivenList("other.tlv", other.publisher.served)
    found = preview(cluster.site, RESTART, given=[given])
    ways = {each.held.split(" ")[0]: each.way for each in found.holders}
    assert ways == {"MD5": Way.DIRECT, "other.tlv": Way.LOCKED_OUT}
    assert found.is_locking_out


def saved(raw: bytes) -> SavedKey:
    def own_password(
        refusal: WrongPasswordError, open_with: Callable[[Secret], ImportedKey]
    ) -> ImportedKey:
        del refusal
        return open_with(Secret(SECURITY))

    return SavedKey(raw, own_password)


def test_a_saved_key_is_tried_and_installed_nowhere(cluster: MadeCluster) -> None:
    site = cluster.site
    first, held = Keystore(site).recovery_file(), cluster.publisher.served
    found = preview(site, REMOTE_KEY, key=saved(first))
    assert {each.way for each in found.holders} == {Way.DIRECT}
    do(cluster, REGEN, "ITLRecovery")
    present, served = Keystore(site).recovery_file(), cluster.publisher.raw
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    # Only they take it who fetched nothing since it was saved.
    given = [GivenList("held", held)]
    found = preview(site, REMOTE_KEY, given=given, key=saved(first))
    ways = {each.sha1: each.way for each in found.holders}
    assert ways.pop(digest(served)) is Way.LOCKED_OUT
    assert set(ways.values()) == {Way.DIRECT}
    assert Keystore(site).recovery_file() == present
    assert cluster.publisher.raw == served
    with pytest.raises(UsageError):
        preview(site, REMOTE_KEY)


def test_a_ctl_that_is_known_here_is_asked_first(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    other = started_cluster(tmp_path / "other")
    do(other, REGEN, "CallManager")
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    pub, theirs = cluster.publisher.node.name, other.publisher.raw
    ours = cluster.publisher.raw
    Path(cluster.site.tftp.root, "CTLFile.tlv").write_bytes(ours)
    claims = [
        Claim(f"SEP{number:012X}", Source.PAGE, 1000, node=pub, itl=itl, ctl=ctl)
        for number, (itl, ctl) in enumerate(
            [
                (digest(theirs), md5(ours).hexdigest()),
                (digest(theirs), "ab" * 16),  # nobody here knows it
            ]
        )
    ]
    with open_inventory(cluster.site) as store:
        store.record(claims, 2000)
    given = [GivenList("theirs", other.publisher.served)]
    found = preview(cluster.site, RESTART, given=given)
    ways = {each.ctl: each.way for each in found.holders if each.phones}
    assert ways == {"": Way.LOCKED_OUT, digest(ours): Way.DIRECT}
    assert any(", with the CTL MD5 " in line for line in preview_lines(found))


def test_what_was_handed_over_and_is_no_list_is_not_known(
    cluster: MadeCluster,
) -> None:
    given = [GivenList("x.tlv", None, "it is empty")]
    found = preview(cluster.site, RESTART, given=given)
    assert found.is_locking_out
    assert list(preview_lines(found))[-1].startswith("Of some it cannot be told")
    with pytest.raises(StoreError, match="no trust list"):
        given_list("standard input", b"\1")


def test_phones_are_counted_by_what_they_are_said_to_hold(
    cluster: MadeCluster,
) -> None:
    pub, sub = cluster.publisher.node.name, cluster.subscriber.node.name
    ours = digest(cluster.publisher.raw)
    told = [
        (ours, "8845", pub),
        (ours, "8845", pub),
        (ours, "7965", pub),
        ("none", "8845", pub),
        ("ab" * 20, "8861", pub),
        (ours, "8845", sub),
        ("", "7965", pub),
    ]
    claims = [
        Claim(
            f"SEP{number:012X}", Source.HTTP_LOG, 1000, node=node, itl=itl, model=model
        )
        for number, (itl, model, node) in enumerate(told)
    ]
    with open_inventory(cluster.site) as store:
        store.record(claims, 2000)
    found = preview(cluster.site, RESTART)
    rows = [(each.way, each.model, each.phones) for each in found.holders]
    assert sorted(rows) == sorted(
        [
            (Way.DIRECT, "8845", 2),
            (Way.DIRECT, "7965", 1),
            (Way.DIRECT, "8845", 1),
            (Way.UNKNOWN, "8861", 1),
        ]
    )
    assert (found.elsewhere, found.silent) == (1, 1)
    assert found.is_locking_out  # nobody can tell of that one
    document = preview_document(pub, found)
    assert document["is_locking_out"] is True
    text = "\n".join(preview_lines(found))
    assert f"2 phones of model 8845 at {pub}" in text
    assert "This list is not known here" in text
    assert text.endswith(
        "1 phone holds a list that is not known here: nobody can tell."
    )


def test_with_keep_trust_off_phones_of_an_earlier_list_are_known(
    cluster: MadeCluster,
) -> None:
    """They hold what was served before trust was lost, or what another node serves."""
    site, pub = cluster.site, cluster.publisher.node.name
    elsewhere = cluster.subscriber
    elsewhere.start()
    first = cluster.publisher.raw
    for unit in (Unit.CALL_MANAGER, Unit.TVS):
        regenerate(site, unit)
        cluster.clock.pass_seconds(301)
    cluster.publisher.start()
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    told = [digest(first), digest(elsewhere.raw)]
    assert len({*told, digest(cluster.publisher.raw)}) == 3
    with open_inventory(site) as store:
        store.record(
            [
                Claim(f"SEP{number:012X}", Source.PAGE, 1000, node=pub, itl=itl)
                for number, itl in enumerate(told)
            ],
            2000,
        )
    found = preview(site, LOCAL_KEY)
    assert {each.sha1 for each in found.holders if each.phones} == set(told)
    assert {each.way for each in found.holders} == {Way.DIRECT}
    assert list(preview_lines(found))[-1] == "Nobody is locked out."
    # Of a start, too: but only those count that are said to hold it.
    lost = preview(site, RESTART)
    ways = {each.sha1: each.way for each in lost.holders}
    assert ways == {
        digest(cluster.publisher.raw): Way.DIRECT,
        **dict.fromkeys(told, Way.LOCKED_OUT),
    }
    with open_inventory(site) as store:
        store.prune(3000)
    assert [each.way for each in preview(site, RESTART).holders] == [Way.DIRECT]


def test_whom_a_person_gave_up_is_shown_and_does_not_count() -> None:
    lost = Holders("MD5 x", "1", Way.LOCKED_OUT, "No.", is_given_up=True)
    offer = None
    found = Preview("restart", offer, (lost,))  # type: ignore[arg-type]
    assert not found.is_locking_out


def test_nothing_is_changed_on_disk(cluster: MadeCluster) -> None:
    def files() -> dict[str, bytes]:
        home = Path(cluster.site.settings.home)
        return {
            str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()
        }

    before = files()
    preview(cluster.site, REGEN, "ITLRecovery")
    after = files()
    changed = {path for path in after if before.get(path) != after[path]}
    assert all("log" in path for path in changed), changed
    assert before.keys() <= after.keys()
