"""A cluster gets another release: previewed, done for all nodes, finished after a kill.

Who takes what is asked of ``holder``, which shares nothing with the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from cucmsh.config.model import TFTP, Node
from cucmsh.errors import CancelledError, RefusedError, UsageError
from cucmsh.layout import GIVEN_LIST
from cucmsh.phones.claims import Claim, Source
from cucmsh.pki.model import Certificate, Unit
from cucmsh.release import RELEASES, profile_of
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.node_status import look_at_others
from cucmsh.services.nodes.remove import remove_node
from cucmsh.services.nodes.service_control import restart_service
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.takers import Way
from cucmsh.services.records.open_work import open_work
from cucmsh.services.records.work import Work
from cucmsh.services.releases.change import ReleaseChanged, set_release
from cucmsh.services.releases.plan import plan_release
from cucmsh.services.releases.preview import ReleasePreview, preview_release
from cucmsh.services.releases.trial import read_trial
from cucmsh.services.tvs.way import ask_about, is_vouching
from cucmsh.views.releases import release_changed_lines, release_preview_lines
from tests.rigs.draws import SEED, draw, drawn
from tests.services.holder import takes
from tests.services.killing import Killed, Killer
from tests.services.made_cluster import (
    PUBLISHER,
    REPLICA,
    SUBSCRIBER,
    MadeCluster,
    Member,
    started_cluster,
)
from tests.services.phones.test_preview import takes as phone_takes

pytestmark = pytest.mark.thorough

MOVES = [(a, b) for a in RELEASES for b in RELEASES if a != b]


class Agreeing:
    """A ``ReleaseDialog`` of somebody who agrees, and remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[ReleasePreview] = []
        self.restarts: list[str] = []

    def agree(self, found: ReleasePreview, restarts: list[str]) -> None:
        self.shown.append(found)
        self.restarts += restarts

    def service(self, name: str) -> Any:
        assert name == TFTP
        return Agreeing()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: nullcontext()


class Leaving:
    """A ``RemoveDialog`` of somebody who agrees."""

    def agree(self, node: Node) -> None:
        assert node.name == SUBSCRIBER

    def changing(self, name: str) -> AbstractContextManager[object]:
        return nullcontext(name)


class Refusing(Agreeing):
    """The same, who answers no."""

    def agree(self, found: ReleasePreview, restarts: list[str]) -> None:
        super().agree(found, restarts)
        raise CancelledError("Nothing was changed.")


def made_in(
    root: Path, release: str, *, keep_trust: bool, has_replica: bool = False
) -> MadeCluster:
    """Each node serves a list of that release."""
    made = started_cluster(root, keep_trust=keep_trust, has_replica=has_replica)
    made.set_release(release)
    made.write_configurations()
    for member in made.members.values():
        member.read_configuration()
    for member in made.members.values():
        restart_service(member.site, TFTP, Agreeing())
    return made


def put(
    made: MadeCluster, release: str, told: Agreeing | None = None
) -> ReleaseChanged:
    made.clock.pass_seconds(1)
    return set_release(made.site, release, told or Agreeing())  # type: ignore[arg-type]


def kinds(member: Member) -> list[Work]:
    """What is open there but a remark about its list."""
    return [at.kind for at in open_work(member.site) if at.kind is not Work.COMPOSE]


def signer_unit(made: MadeCluster, member: Member) -> str:
    """Whose key signed what the node serves, by whom the release asks."""
    der = member.served.records
    header = member.served.header
    (found,) = {at.certificate for at in der if at.serial == header.serial}
    owners = {
        made.publisher.keys.certificate(Unit.ITL_RECOVERY).der: "ITLRecovery",
        member.keys.certificate(Unit.CALL_MANAGER).der: "CallManager",
    }
    return owners[found or b""]


@pytest.mark.parametrize("keep_trust", [True, False], ids=["keep_trust", "lab"])
@pytest.mark.parametrize(("before", "after"), MOVES)
def test_all_nodes_serve_by_the_new_release_and_nobody_is_lost(
    tmp_path: Path, before: str, after: str, keep_trust: bool
) -> None:
    made = made_in(tmp_path, before, keep_trust=keep_trust, has_replica=True)
    held = {name: member.raw for name, member in made.members.items()}
    dialog = Agreeing()
    foretold = preview_release(made.site, after)
    assert not foretold.is_locking_out
    done = put(made, after, dialog)
    assert done.is_done
    assert dialog.restarts == [PUBLISHER, SUBSCRIBER]
    (shown,) = dialog.shown
    for name, member in made.members.items():
        assert member.site.settings.release == after
        assert member.service.requests[-1] == "restart"
        assert takes(held[name], member.raw)
        (said,) = [at for at in shown.previews if name in at.offer.nodes]
        assert done.signers[name] == member.served.header.signer_name
        assert said.offer.signer == member.served.header.signer_name
        if not keep_trust:  # else a key may sign that more holders know
            assert signer_unit(made, member) == profile_of(after).signer
        assert kinds(member) == []
    assert made.replica.raw == made.publisher.raw
    with pytest.raises(RefusedError, match=f"cluster is {after} already"):
        put(made, after)


@pytest.mark.parametrize("release", RELEASES)
def test_the_preview_of_each_release_changes_nothing(
    tmp_path: Path, release: str
) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    before = made.tree()
    found = preview_release(made.site, release)
    after = {name for name, at in made.tree().items() if before.get(name) != at}
    assert all("/log/" in name or name.endswith("nodes.toml") for name in after), after
    assert [at.offer.nodes for at in found.previews] == [(PUBLISHER,), (SUBSCRIBER,)]
    for member, each in zip(made.members.values(), found.previews, strict=True):
        assert {at.way for at in each.holders} == {Way.DIRECT}
        assert sha1(member.raw).hexdigest() in {at.sha1 for at in each.holders}
    lines = "\n".join(release_preview_lines(found))
    assert f"After release {release}, {SUBSCRIBER}: a new ITL, signed by " in lines
    assert lines.count("Nobody is locked out.") == 2


def test_phones_are_grouped_by_node_and_model(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    digests = {name: sha1(at.raw).hexdigest() for name, at in made.members.items()}
    claims = [
        Claim(
            f"SEP{number:012X}",
            Source.HTTP_LOG,
            1000,
            node=name,
            itl=digests[name],
            model="8845" if number else "7965",
        )
        for name in made.members
        for number in (range(3) if name == PUBLISHER else range(3, 5))
    ]
    with open_inventory(made.site) as store:
        store.record(claims, 2000)
    found = preview_release(made.site, "12.5")
    rows = [
        (at.node, at.model, at.phones)
        for each in found.previews
        for at in each.holders
        if at.phones
    ]
    assert sorted(rows) == [
        (PUBLISHER, "7965", 1),
        (PUBLISHER, "8845", 2),
        (SUBSCRIBER, "8845", 2),
    ]
    assert {each.elsewhere for each in found.previews} == {0}


def test_who_depends_on_tvs_and_who_is_lost_is_said_before(tmp_path: Path) -> None:
    """Back to 10.0, after the key that signs there was made anew; a lab."""
    made = made_in(tmp_path, "12.5", keep_trust=False)
    made.clock.pass_seconds(301)
    regenerate(made.subscriber.site, Unit.CALL_MANAGER)
    _, sub = preview_release(made.site, "10.0").previews
    assert {at.way for at in sub.holders} == {Way.TVS}
    for member in made.members.values():
        member.tvs_is_stopped = True
    found = preview_release(made.site, "10.0")
    assert found.is_locking_out
    lines = "\n".join(release_preview_lines(found))
    assert lines.endswith("Somebody is locked out.")
    dialog = Refusing()
    with pytest.raises(CancelledError):
        put(made, "10.0", dialog)
    assert dialog.shown[0].is_locking_out
    assert {at.site.settings.release for at in made.members.values()} == {"12.5"}
    assert kinds(made.publisher) == []
    held = made.subscriber.raw
    for member in made.members.values():
        member.tvs_is_stopped = False
    assert put(made, "10.0").is_done  # who says yes leaves them to TVS
    assert not takes(held, made.subscriber.raw)
    assert phone_takes(made, held, made.subscriber.raw)


def test_with_keep_trust_a_change_that_loses_somebody_is_refused(
    tmp_path: Path,
) -> None:
    """Phones of a subscriber that slept through another ITLRecovery do not know it."""
    made = made_in(tmp_path, "10.0", keep_trust=True)
    made.clock.pass_seconds(301)
    regenerate(made.site, Unit.ITL_RECOVERY)
    for member in made.members.values():
        restart_service(member.site, TFTP, Agreeing())
    before = made.tree()
    with pytest.raises(RefusedError, match="would not come into force") as refused:
        put(made, "12.5")
    assert f"{SUBSCRIBER}: phones that hold" in refused.value.message
    assert {at.site.settings.release for at in made.members.values()} == {"10.0"}
    assert _without_logs(made.tree()) == _without_logs(before)
    found = preview_release(made.site, "12.5")
    assert found.is_locking_out or any(at.offer.is_kept for at in found.previews)
    lines = "\n".join(release_preview_lines(found))
    assert f"{SUBSCRIBER}: the ITL that lies there stays" in lines


def _without_logs(tree: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """What is learned of other nodes' ids is no change."""
    return {
        name: at
        for name, at in tree.items()
        if "/log/" not in name and not name.endswith("nodes.toml")
    }


def test_a_member_that_is_away_is_told_later_and_the_same_command_finishes(
    tmp_path: Path,
) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    sub, held = made.subscriber, made.subscriber.raw
    sub.is_dead = True
    found = preview_release(made.site, "12.5")
    assert found.is_locking_out  # of its phones nobody can tell
    assert SUBSCRIBER in found.silent
    done = put(made, "12.5")
    assert not done.is_done
    assert f"  {SUBSCRIBER}: not done: " in "\n".join(release_changed_lines(done))
    assert sub.site.settings.release == "10.0"
    assert sub.raw == held
    assert {Work.RELEASE, Work.NAMES} <= set(kinds(made.publisher))
    (work,) = [at for at in open_work(made.site) if at.kind is Work.RELEASE]
    assert work.finish == "set release 12.5"
    assert "is known to serve by the release of this publisher" in work.line
    assert [*work.nodes] == [SUBSCRIBER]
    sub.start()  # meanwhile it goes on under the earlier one
    assert takes(held, sub.raw)
    sub.is_dead = False
    assert put(made, "12.5").is_done
    assert kinds(made.publisher) == []
    assert signer_unit(made, sub) == "ITLRecovery"
    assert takes(held, sub.raw)


def test_a_node_that_left_is_waited_for_no_more(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    made.subscriber.is_dead = True
    put(made, "12.5")
    assert Work.RELEASE in kinds(made.publisher)
    remove_node(made.site, SUBSCRIBER, Leaving())
    assert Work.RELEASE not in kinds(made.publisher)


def test_a_member_that_refuses_to_say_is_no_silent_one(tmp_path: Path) -> None:
    """Such as an earlier version, which knows no other release."""
    made = made_in(tmp_path, "10.0", keep_trust=True)
    made.subscriber.refuses.add("try-release")
    with pytest.raises(RefusedError, match=f"{SUBSCRIBER} refused"):
        put(made, "12.5")
    assert made.site.settings.release == "10.0"
    assert kinds(made.publisher) == []


def test_a_service_that_is_stopped_stays_so(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    for member in made.members.values():
        member.service.is_running = False
    held = {name: at.raw for name, at in made.members.items()}
    done = put(made, "12.5")
    assert done.is_done
    assert {name: at.raw for name, at in made.members.items()} == held
    assert not any(at.service.is_running for at in made.members.values())
    made.subscriber.start()  # it was given its list
    assert signer_unit(made, made.subscriber) == "ITLRecovery"


def test_a_service_that_does_not_restart_is_left_open(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    made.subscriber.service.restart_fails = True
    done = put(made, "12.5")
    assert not done.is_done
    (work,) = [at for at in open_work(made.site) if at.kind is Work.RELEASE]
    assert "did not restart" in work.nodes[SUBSCRIBER]
    made.subscriber.service.restart_fails = False
    made.subscriber.service.is_running = True
    assert put(made, "12.5").is_done


def test_half_way_another_release_may_be_asked_for(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    held = {name: at.raw for name, at in made.members.items()}
    made.subscriber.is_dead = True
    put(made, "12.5")
    made.subscriber.is_dead = False
    assert put(made, "10.0").is_done
    assert kinds(made.publisher) == []
    for name, member in made.members.items():
        assert member.site.settings.release == "10.0"
        assert takes(held[name], member.raw)


def test_a_list_that_was_given_once_does_not_come_back(tmp_path: Path) -> None:
    """To 10.0 and again to 12.5, where the subscriber is not given a new one."""
    made = made_in(tmp_path, "12.5", keep_trust=False)
    sub = made.subscriber
    assert put(made, "10.0").is_done
    assert sub.site.home.stamp(GIVEN_LIST) is None
    own = sub.raw
    made.set_release("12.5")
    sub.start()
    assert sub.raw == own  # and not one of an earlier TIMESTAMP


def test_what_is_half_done_comes_first(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    made.subscriber.is_dead = True
    made.reset()
    made.subscriber.is_dead = False
    with pytest.raises(
        RefusedError, match=r"ITL reset of .* is not finished"
    ) as refused:
        put(made, "12.5")
    assert "utils itl reset localkey" in refused.value.advice
    made.reset()
    made.publisher.start()
    made.subscriber.start()
    assert put(made, "12.5").is_done


def test_a_configuration_edited_by_hand_is_followed_by_the_others(
    tmp_path: Path,
) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    path = Path(made.site.settings.path)
    path.write_text(path.read_text().replace('release = "10.0"', 'release = "12.5"'))
    made.publisher.read_configuration()
    (sub,) = [at for at in look_at_others(made.site) if at.node.name == SUBSCRIBER]
    (said,) = [at for at in sub.findings if "its release is" in at.what]
    assert said.level is Level.FAIL
    assert said.advice == "Run `set release 12.5`."
    assert put(made, "12.5").is_done
    (sub,) = [at for at in look_at_others(made.site) if at.node.name == SUBSCRIBER]
    (said,) = [at for at in sub.findings if "its release is" in at.what]
    assert said.level is Level.OK


def test_an_unknown_release_is_named(tmp_path: Path) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    with pytest.raises(UsageError, match=r"'11\.5' is none of 10\.0, 12\.5, 15"):
        preview_release(made.site, "11.5")
    with pytest.raises(UsageError, match=r"'11\.5' is none of"):
        put(made, "11.5")
    with pytest.raises(RefusedError, match="not a Publisher"):
        preview_release(made.subscriber.site, "12.5")


@pytest.mark.parametrize("said", ["", "{}", '{"lists": 1}', '{"release": "10.0"}'])
def test_what_no_member_says_is_refused(tmp_path: Path, said: str) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    with pytest.raises(Exception, match="does not say what it would serve"):
        read_trial(made.subscriber.node, said)


def test_a_long_history_is_told_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_in(tmp_path, "10.0", keep_trust=True)
    monkeypatch.setattr("cucmsh.services.releases.trial.MOST_BYTES", 10)
    plan = plan_release(made.site, "12.5")
    assert plan.trials[SUBSCRIBER].left_out == 1
    assert preview_release(made.site, "12.5").is_locking_out  # nobody can tell


@pytest.mark.parametrize("number", range(drawn(2)))
def test_what_it_foretells_is_what_phones_do(number: int, tmp_path: Path) -> None:
    """Random changes of release, keys made anew between, TVS that come and go."""
    dice = random.Random(f"{SEED} {number}")
    made = made_in(tmp_path, dice.choice(RELEASES), keep_trust=False)
    lists: dict[str, bytes] = {}
    for _ in range(4):
        for member in made.members.values():
            lists[sha1(member.raw).hexdigest()] = member.raw
        made.clock.pass_seconds(301)
        member = dice.choice([*made.members.values()])
        regenerate(member.site, dice.choice([Unit.CALL_MANAGER, Unit.TVS]))
        release = dice.choice(
            [at for at in RELEASES if at != made.site.settings.release]
        )
        for member in made.members.values():
            member.tvs_is_stopped = dice.random() < 0.3
        foretold = preview_release(made.site, release)
        assert put(made, release).is_done
        for each in foretold.previews:
            after = made.members[each.offer.nodes[0]].raw
            for at in each.holders:
                expected = at.way in (Way.DIRECT, Way.TVS)
                assert phone_takes(made, lists[at.sha1], after) is expected, at


KILLS = 4  # in a usual run; `tests/run longer` takes every point


def steps_of(root: Path, before: str, after: str) -> int:
    made = made_in(root, before, keep_trust=True)
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, 0, after=False)
        put(made, after)
    return killer.seen


@pytest.mark.parametrize(("before", "after"), [("10.0", "12.5"), ("12.5", "10.0")])
def test_a_kill_at_any_step_is_finished_by_the_same_command(
    tmp_path: Path, before: str, after: str, seed: int
) -> None:
    steps = steps_of(tmp_path / "steps", before, after)
    points = [
        (at, is_after) for at in range(1, steps + 1) for is_after in (False, True)
    ]
    for number, is_after in draw(random.Random(seed), points, KILLS):
        where = f"seed {seed}: {number} {is_after}"
        made = made_in(tmp_path / f"{number}-{is_after}", before, keep_trust=True)
        held = {name: [at.raw] for name, at in made.members.items()}
        with pytest.MonkeyPatch.context() as patch:
            Killer(patch, number, after=is_after)
            with pytest.raises(Killed):
                put(made, after)
        for name, member in made.members.items():
            member.service.is_running = True  # the service manager owns the restart
            member.read_configuration()
            assert member.site.settings.release in (before, after), where
            assert takes(held[name][0], member.raw), where
            held[name].append(member.raw)
        if made.subscriber.site.settings.release != made.site.settings.release:
            assert Work.RELEASE in kinds(made.publisher), where
        for name, member in made.members.items():  # whoever starts meanwhile
            member.start()
            assert all(takes(each, member.raw) for each in held[name]), where
            held[name].append(member.raw)
        try:
            assert put(made, after).is_done, where
        except RefusedError as refusal:  # the kill came behind the last step
            assert f"is {after} already" in refusal.message, where  # noqa: PT017
        for name, member in made.members.items():
            assert member.site.settings.release == after, where
            assert kinds(member) == [], where
            assert all(takes(each, member.raw) for each in held[name]), where
        assert signer_unit(made, made.subscriber) == profile_of(after).signer, where
        assert REPLICA not in made.members


@pytest.mark.parametrize("release", RELEASES)
def test_tvs_of_a_subscriber_knows_who_signs_its_lists(
    tmp_path: Path, release: str
) -> None:
    """From 12.5 on the publisher's ITLRecovery, which no subscriber has itself."""
    made = made_in(tmp_path, release, keep_trust=False)
    signer = made.publisher.keys.certificate(Unit.ITL_RECOVERY)
    shown = made.subscriber.keys.certificate(Unit.TVS)
    answer = ask_about(made.site, made.subscriber.node, shown, signer)
    assert is_vouching(answer, signer)
    made.clock.pass_seconds(301)
    regenerate(made.site, Unit.ITL_RECOVERY)
    now = made.publisher.keys.certificate(Unit.ITL_RECOVERY)
    assert is_vouching(ask_about(made.site, made.subscriber.node, shown, now), now)
    before = ask_about(made.site, made.subscriber.node, shown, signer)
    assert not is_vouching(before, signer)
    own = made.subscriber.keys.certificate(Unit.CALL_MANAGER)
    said = ask_about(made.site, made.publisher.node, _tvs_of(made.publisher), own)
    assert said.is_known
    signs_itself = not profile_of(release).publisher_signs
    assert is_vouching(said, own) is signs_itself


def _tvs_of(member: Member) -> Certificate:
    return member.keys.certificate(Unit.TVS)
