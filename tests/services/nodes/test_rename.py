"""A rename on a publisher and a subscriber: what changes, what stays, who is told."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha1
from pathlib import Path
from typing import Any, cast

import pytest
import tomlkit

from cucmsh.config.settings import read_settings
from cucmsh.errors import RefusedError, StoreError
from cucmsh.layout import certificate_file
from cucmsh.phones.claims import Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.acceptance import Refusal
from cucmsh.services.lists.update_replicas import update_replicas
from cucmsh.services.nodes import rename_plan
from cucmsh.services.nodes.add import add_node
from cucmsh.services.nodes.add_plan import WantedNode
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.nodes.rename import (
    Renamed,
    RenameStep,
    look_at_rename,
    set_domain,
    set_host_name,
)
from cucmsh.services.nodes.service_control import restart_service
from cucmsh.services.outcome import NodeOutcome
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.preview import preview
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import open_work
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.check import check
from cucmsh.trustlist.model import TrustList
from tests.rigs.draws import draw
from tests.services.killing import Killed, Killer
from tests.services.made_cluster import (
    DOMAIN,
    PUBLISHER,
    SUBSCRIBER,
    MadeCluster,
    Member,
    accepts,
    started_cluster,
)

pytestmark = pytest.mark.thorough

NEW = "new--pub"
# TVS last: whom the new CallManager key is strange to asks it.
UNITS = (Unit.TOMCAT, Unit.IPSEC, Unit.CALL_MANAGER, Unit.CAPF, Unit.TVS)


class Told:
    """A ``RenameDialog`` that remembers."""

    def __init__(self) -> None:
        self.steps: list[RenameStep] = []
        self.services: list[str] = []

    def changing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def begins(self, step: RenameStep, steps: Sequence[RenameStep]) -> None:
        assert step in steps
        self.steps.append(step)

    def told(self, outcomes: Sequence[NodeOutcome]) -> None:
        assert outcomes

    def service(self, name: str) -> Any:
        self.services.append(name)
        return _Silent()


class _Silent:
    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: nullcontext()


@pytest.fixture(params=[True, False], ids=["keep_trust", "lab"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> MadeCluster:
    return made_in(tmp_path, keep_trust=request.param)


def made_in(root: Path, *, keep_trust: bool, has_replica: bool = False) -> MadeCluster:
    made = started_cluster(root, keep_trust=keep_trust, has_replica=has_replica)
    made.write_configurations()
    for member in made.members.values():
        member.read_configuration()
        member.start()
    return made


@pytest.fixture
def keeping(tmp_path: Path) -> MadeCluster:
    return made_in(tmp_path, keep_trust=True)


def rename(member: Member, name: str = NEW, told: Told | None = None) -> Renamed:
    return set_host_name(member.site, name, told or Told())


def names_of(member: Member) -> dict[Unit, str]:
    keystore = Keystore(member.site)
    return {
        unit: keystore.certificate(unit).subject_name.split(";")[0].partition("=")[2]
        for unit in keystore.units
    }


def is_good(trust_list: TrustList, site: Site) -> bool:
    return check(trust_list, site.backends.verifier()).is_valid


def nodes_of(member: Member) -> list[str]:
    """As its file says."""
    settings = read_settings(member.site.settings.path)
    return [node.name for node in settings.cluster.nodes]


def test_renamed_publisher_has_its_new_name_everywhere(made: MadeCluster) -> None:
    publisher, subscriber = made.publisher, made.subscriber
    before = {unit: publisher.keys.certificate(unit) for unit in publisher.keys.units}
    node_id, held = own_id(made.site), publisher.served
    told = Told()
    done = rename(publisher, told=told)
    assert done.is_done
    assert done.made == UNITS
    assert told.steps == list(RenameStep)
    assert told.services == ["Cisco Tftp"]
    assert f"{done.now}" == f"{NEW}.{DOMAIN}"
    names = names_of(publisher)
    for unit in (Unit.CALL_MANAGER, Unit.TVS, Unit.TOMCAT, Unit.IPSEC):
        assert names[unit] == f"{NEW}.{DOMAIN}"
    after = {unit: publisher.keys.certificate(unit) for unit in before}
    assert {unit for unit in before if after[unit] == before[unit]} == {
        Unit.ITL_RECOVERY
    }
    assert PUBLISHER.upper() in names[Unit.ITL_RECOVERY].upper()
    assert own_id(made.site) == node_id
    for member in (publisher, subscriber):
        assert nodes_of(member) == [NEW, SUBSCRIBER]
        node = member.site.settings.cluster.publisher
        assert node.aliases == (PUBLISHER,)
        assert member.site.settings.cluster.find(PUBLISHER) == node
        for unit in (Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF):
            assert member.keys.trusted(node, unit) == after[unit]
    assert not open_work(made.site) or made.site.settings.keep_trust
    assert [at.kind for at in open_work(subscriber.site)] == []
    served = publisher.served
    assert is_good(served, made.site)
    assert accepts(held, served) is made.site.settings.keep_trust
    subscriber.start()
    assert is_good(subscriber.served, made.site)


def test_every_holder_takes_the_lists_of_a_renamed_node(keeping: MadeCluster) -> None:
    """Regenerations and renames in a row, and a phone that slept through all."""
    held = [keeping.publisher.served]
    for name in ("one", "two", "one"):
        keeping.clock.pass_seconds(301)
        assert rename(keeping.publisher, name).is_done
        held.append(keeping.publisher.served)
        keeping.clock.pass_seconds(301)
        regenerate(keeping.site, Unit.CALL_MANAGER)
        keeping.publisher.start()
        assert all(accepts(one, keeping.publisher.served) for one in held)
    assert keeping.site.node.aliases == (PUBLISHER, "two")
    keeping.reset()
    assert all(accepts(one, keeping.publisher.served) for one in held)
    assert all(accepts(one, keeping.subscriber.served) for one in held)


def test_renamed_subscriber_tells_its_publisher(made: MadeCluster) -> None:
    publisher, subscriber = made.publisher, made.subscriber
    publisher_list = publisher.served
    done = rename(subscriber, "shop1")
    assert done.is_done
    assert [(at.name, at.is_done) for at in done.told] == [(PUBLISHER, True)]
    assert nodes_of(publisher) == nodes_of(subscriber) == [PUBLISHER, "shop1"]
    node = made.site.settings.cluster.nodes[1]
    tvs = subscriber.keys.certificate(Unit.TVS)
    assert publisher.keys.trusted(node, Unit.TVS) == tvs
    assert names_of(subscriber)[Unit.TVS] == f"shop1.{DOMAIN}"
    publisher.start()
    assert accepts(publisher_list, publisher.served)
    report = made.reset()
    assert [at.name for at in report.outcomes] == [PUBLISHER, "shop1"]
    assert not report.pending
    assert subscriber.raw == publisher.raw
    assert not open_work(made.site)
    assert History(made.site).entries


@pytest.mark.parametrize("name", [PUBLISHER, SUBSCRIBER])
def test_another_domain_is_the_nodes_own(made: MadeCluster, name: str) -> None:
    member = made.members[name]
    done = set_domain(member.site, "other.org", Told())
    assert done.is_done
    assert f"{done.now}" == f"{name}.other.org"
    assert names_of(member)[Unit.CALL_MANAGER] == f"{name}.other.org"
    for each in made.members.values():
        cluster = each.site.settings.cluster
        assert cluster.domain == DOMAIN
        node = cluster.find(name)
        assert node
        assert cluster.full_name(node) == f"{name}.other.org"
    assert nodes_of(member) == [PUBLISHER, SUBSCRIBER]
    made.clock.pass_seconds(301)
    set_domain(member.site, DOMAIN, Told())
    assert member.site.node.domain is None
    assert made.site.settings.cluster.find(name) == made.members[
        PUBLISHER
    ].site.settings.cluster.find(name)


def open_kinds(member: Member) -> list[Work]:
    return [at.kind for at in open_work(member.site)]


@pytest.mark.parametrize("away", [PUBLISHER, SUBSCRIBER])
def test_member_that_is_away_is_told_when_it_answers(
    keeping: MadeCluster, away: str
) -> None:
    absent = keeping.members[away]
    (here,) = [at for name, at in keeping.members.items() if name != away]
    absent.is_dead = True
    done = rename(here, "elsewhere")
    assert not done.is_done
    assert not done.failed
    assert here.site.node.name == "elsewhere"
    assert Work.NAMES in open_kinds(here)
    assert Work.RENAME not in open_kinds(here)
    # It may be called otherwise again, though one was not told yet.
    keeping.clock.pass_seconds(301)
    rename(here, "at-last")
    absent.is_dead = False
    assert nodes_of(absent) == [PUBLISHER, SUBSCRIBER]
    restart_service(here.site, "Cisco Tftp", cast(Any, _Silent()))
    assert Work.NAMES not in open_kinds(here)
    assert Work.CERTIFICATES not in open_kinds(here)
    assert nodes_of(absent) == nodes_of(here)
    absent.start()
    assert is_good(absent.served, keeping.site)


def test_reset_reaches_a_member_that_was_not_told(keeping: MadeCluster) -> None:
    keeping.subscriber.is_dead = True
    rename(keeping.publisher)
    keeping.subscriber.is_dead = False
    report = keeping.reset()
    assert not report.pending
    assert nodes_of(keeping.subscriber) == [NEW, SUBSCRIBER]
    assert keeping.subscriber.raw == keeping.publisher.raw


def test_no_second_certificate_within_five_minutes(made: MadeCluster) -> None:
    regenerate(made.site, Unit.TVS)
    before = made.tree()
    for look in (
        look_at_rename,
        lambda site, _, name: set_host_name(site, name, Told()),
    ):
        with pytest.raises(RefusedError, match="TVS certificate was modified in the"):
            look(made.site, "hostname", NEW)
    assert made.tree() == before
    made.clock.pass_seconds(301)
    assert rename(made.publisher).is_done
    with pytest.raises(RefusedError, match="in the last 5 minutes"):
        regenerate(made.site, Unit.CALL_MANAGER)


def test_replica_goes_on_under_a_renamed_publisher(tmp_path: Path) -> None:
    made = made_in(tmp_path, keep_trust=True, has_replica=True)
    update_replicas(made.site)
    done = rename(made.publisher)
    assert done.is_done, done
    assert made.replica.raw == made.publisher.raw
    assert not made.reset().pending


def test_service_that_does_not_restart_is_restarted_by_the_next_call(
    made: MadeCluster,
) -> None:
    made.publisher.service.restart_fails = True
    done = rename(made.publisher)
    assert done.failed == ("Cisco Tftp did not restart: Job for tftpd failed.",)
    (work,) = [at for at in open_work(made.site) if at.kind is Work.RENAME]
    assert work.finish == f"set network hostname {NEW}"
    made.publisher.service.restart_fails = False
    made.publisher.service.is_running = True
    again = rename(made.publisher)
    assert not again.made
    assert again.is_done
    assert Work.RENAME not in open_kinds(made.publisher)


def test_stopped_service_stays_stopped(made: MadeCluster) -> None:
    made.publisher.service.is_running = False
    done = rename(made.publisher)
    assert done.stopped == ("Cisco Tftp",)
    assert made.publisher.service.requests == []


KILLS = 6  # of each run; `tests/run longer` takes every point


def steps_of(root: Path, *, keep_trust: bool, name: str) -> int:
    made = made_in(root, keep_trust=keep_trust)
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, 0, after=False)
        rename(made.members[name])
    return killer.seen


@pytest.mark.parametrize("name", [PUBLISHER, SUBSCRIBER])
@pytest.mark.parametrize("keep_trust", [True, False])
def test_a_kill_at_any_step_is_finished_by_the_same_command(
    tmp_path: Path, name: str, keep_trust: bool, seed: int
) -> None:
    steps = steps_of(tmp_path / "steps", keep_trust=keep_trust, name=name)
    points = [(at, after) for at in range(1, steps + 1) for after in (False, True)]
    for number, after in draw(random.Random(seed), points, KILLS):
        where = f"seed {seed}: {number} {after}"
        made = made_in(tmp_path / f"{number}-{after}", keep_trust=keep_trust)
        member = made.members[name]
        held = {at: each.served for at, each in made.members.items()}
        with pytest.MonkeyPatch.context() as patch:
            Killer(patch, number, after=after)
            with pytest.raises(Killed):
                rename(member)
        for each in made.members.values():
            each.read_configuration()
        assert member.site.node.name in (name, NEW), where
        is_whole = set(names_of(member).values()) & {f"{NEW}.{DOMAIN}"} and not {
            f"{name}.{DOMAIN}"
        } & set(names_of(member).values())
        if member.site.node.name == NEW and not is_whole:
            assert Work.RENAME in open_kinds(member), where
        serves_all(made, held)
        try:
            assert rename(member).is_done, where
        except RefusedError as refusal:  # the kill came behind the last step
            assert "is the name of this node already" in refusal.message  # noqa: PT017
        assert Work.RENAME not in open_kinds(member), where
        assert Work.NAMES not in open_kinds(member), where
        names = names_of(member)
        for unit in (Unit.CALL_MANAGER, Unit.TVS, Unit.TOMCAT, Unit.IPSEC):
            assert names[unit] == f"{NEW}.{DOMAIN}", where
        for unit in member.keys.units:
            if unit is not Unit.ITL_RECOVERY:
                made_pem = member.site.home.read(certificate_file(unit))
                own = member.keys.certificate(unit)
                assert member.site.backends.keys().read_certificate(made_pem) == own
        for each in made.members.values():
            node = each.site.settings.cluster.find(name)
            assert node
            assert node.name == NEW
            tvs = member.keys.certificate(Unit.TVS)
            assert each.keys.trusted(node, Unit.TVS) == tvs, where
        serves_all(made, held)


def serves_all(made: MadeCluster, held: dict[str, TrustList]) -> None:
    """Each node composes a good list; with ``keep_trust`` its holders take it."""
    for at, member in made.members.items():
        member.start()
        assert is_good(member.served, made.site)
        if made.site.settings.keep_trust:
            assert accepts(held[at], member.served)


def test_a_full_disk_is_said_and_the_same_command_goes_on(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = LocalStore.stage

    def filling(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
        if "TVS/private.pem" in name:
            raise StoreError("No space left on device")
        return stage(store, name, raw, mode)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "stage", filling)
        with pytest.raises(StoreError, match="No space left"):
            rename(made.publisher)
    assert Work.RENAME in open_kinds(made.publisher)
    with pytest.raises(RefusedError, match="is not finished") as refused:
        rename(made.publisher, "third")
    assert f"set network hostname {NEW}" in refused.value.advice
    done = rename(made.publisher)
    assert done.is_done
    assert done.made == (Unit.TVS,)
    assert Work.RENAME not in open_kinds(made.publisher)


def test_a_rename_that_changed_nothing_yet_is_no_obstacle(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = nodes_of(made.publisher)
    with monkeypatch.context() as patch:
        Killer(
            patch, 3, after=False
        )  # the journal is there, the configuration as it was
        with pytest.raises(Killed):
            rename(made.publisher)
    made.publisher.read_configuration()
    assert nodes_of(made.publisher) == before
    (work,) = [at for at in open_work(made.site) if at.kind is Work.RENAME]
    assert "nothing has changed yet" in work.line
    assert rename(made.publisher, "third").is_done
    assert Work.RENAME not in open_kinds(made.publisher)


def test_tvs_keeps_its_certificate_while_somebody_needs_it(
    keeping: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phones of a list that no key of this node is known to."""
    others = [*History(keeping.site).entries]
    lost = (Refusal(others[0], "nobody knows the signer."),)
    with monkeypatch.context() as patch:
        patch.setattr(rename_plan, "who_refuses", lambda *_: lost)
        done = rename(keeping.publisher)
        assert not done.is_done
        assert Unit.TVS not in done.made
        assert "would refuse" in done.tvs_stays
        names = names_of(keeping.publisher)
        assert names[Unit.TVS] == f"{PUBLISHER}.{DOMAIN}"
        assert names[Unit.CALL_MANAGER] == f"{NEW}.{DOMAIN}"
        (work,) = [at for at in open_work(keeping.site) if at.kind is Work.RENAME]
        assert "left the TVS certificate under the earlier name" in work.line
    with pytest.raises(RefusedError, match="in the last 5 minutes"):
        rename(keeping.publisher)
    keeping.clock.pass_seconds(301)
    again = rename(keeping.publisher)
    assert again.is_done
    assert again.made == (Unit.TVS,)
    assert names_of(keeping.publisher)[Unit.TVS] == f"{NEW}.{DOMAIN}"


@pytest.mark.parametrize("has_way", [True, False])
def test_node_add_follows_a_subscriber_that_was_renamed(
    keeping: MadeCluster, has_way: bool
) -> None:
    """The publisher was away, or no way leads to it from there."""
    publisher, subscriber = keeping.publisher, keeping.subscriber
    if has_way:
        publisher.is_dead = True
    else:
        path = Path(subscriber.site.settings.path)
        document = tomlkit.parse(path.read_text())
        del cast(Any, document)["cluster"]["nodes"][0]["ssh"]
        path.write_text(tomlkit.dumps(document))
        subscriber.read_configuration()
    done = rename(subscriber, "shop1")
    (told,) = done.told
    assert not told.is_done
    assert has_way or f"`cucmsh node add {SUBSCRIBER}` on {PUBLISHER}" in told.reason
    assert Work.NAMES in open_kinds(subscriber)
    publisher.is_dead = False
    added = add_node(keeping.site, SUBSCRIBER, WantedNode(), cast(Any, _Silent()))
    assert added.is_added
    publisher.read_configuration()
    assert nodes_of(publisher) == nodes_of(subscriber) == [PUBLISHER, "shop1"]
    node = keeping.site.settings.cluster.find(SUBSCRIBER)
    assert node
    assert node.aliases == (SUBSCRIBER,)
    tvs = subscriber.keys.certificate(Unit.TVS)
    assert publisher.keys.trusted(node, Unit.TVS) == tvs
    assert Work.NAMES not in open_kinds(subscriber)
    publisher.start()
    assert not keeping.reset().pending


def test_phones_of_a_node_are_its_own_after_a_rename(made: MadeCluster) -> None:
    itl = sha1(made.publisher.raw).hexdigest()
    claims = [
        Claim(f"SEP{number:012X}", Source.HTTP_LOG, 1000, node=PUBLISHER, itl=itl)
        for number in range(2)
    ]
    with open_inventory(made.site) as store:
        store.record(claims, 2000)
    counted = preview(made.site, "restart")
    assert {at.node for at in counted.holders if at.phones} == {PUBLISHER}
    rename(made.publisher)
    after = preview(made.site, "restart")
    assert after.elsewhere == 0
    assert {at.node for at in after.holders if at.phones} == {NEW}
