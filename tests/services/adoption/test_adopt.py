"""Adopting: what is written, what is not touched, and what a kill leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.config.settings import read_settings
from cucmsh.errors import CancelledError, StoreError
from cucmsh.layout import ADOPTION, CERTIFICATES, facts_file
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.apply import Adopted, adopt
from cucmsh.services.adoption.material import Request
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice, open_work
from cucmsh.services.records.work import Work
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import write_in_halves
from cucmsh.trustlist.tags import Role
from cucmsh.views.adoption import adopted_lines
from tests.services import holder
from tests.services.adoption.elsewhere import Elsewhere
from tests.services.adoption.person import Person
from tests.services.made_cluster import (
    MadeCluster,
    cheap_questions,
    made_cluster,
)

pytestmark = pytest.mark.thorough


class Interrupted(BaseException):
    """The process was killed."""


class Moved(NamedTuple):
    """A node that is to serve the phones of ``there``, with their list in place."""

    cluster: MadeCluster
    there: Elsewhere
    request: Request

    @property
    def held(self) -> bytes:
        return self.there.sealed().raw

    def adopt(self, person: Person | None = None) -> Adopted:
        site = self.cluster.publisher.again()
        settings = read_settings(site.settings.path)
        self.cluster.publisher.site = site.with_settings(settings)
        return adopt(self.cluster.site, self.request, person or Person())

    def reopen(self) -> None:
        """The node as the next process finds it."""
        site = self.cluster.publisher.again()
        settings = read_settings(site.settings.path)
        self.cluster.publisher.site = site.with_settings(settings)
        self.cluster.publisher.service.before_start = self.cluster.publisher.start

    def start(self) -> bytes:
        """What the node serves after a start."""
        self.cluster.publisher.start()
        return self.cluster.publisher.raw


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Moved]:
    there = Elsewhere(tmp_path / "old")

    def make(name: str) -> Moved:
        cluster = made_cluster(tmp_path / name, keep_trust=True)
        cluster.write_configurations()
        served = Path(cluster.site.node.tftp_directory)
        served.mkdir(exist_ok=True)
        (served / "ITLFile.tlv").write_bytes(there.sealed().raw)
        (served / "CTLFile.tlv").touch()
        keys = (str(there.key_file()),)
        capf = str(there.key_file(there.capf))
        request = Request((str(there.serve()),), keys, capf)
        return Moved(cluster, there, request)

    return make


@pytest.fixture
def moved(make: Callable[[str], Moved]) -> Moved:
    return make("new")


def served(cluster: MadeCluster) -> dict[str, str]:
    """Names and digests of what the TFTP directory holds."""
    folder = Path(cluster.site.node.tftp_directory)
    return {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.startswith(".cucmsh-")
    }


def test_adopting_serves_nothing_and_the_next_start_is_taken(moved: Moved) -> None:
    before = served(moved.cluster)
    adopted = moved.adopt()
    assert served(moved.cluster) == before
    home = moved.cluster.site.home
    assert home.read(f"{adopted.folder}/ITLFile.tlv") == moved.held
    assert home.read(f"{adopted.folder}/CTLFile.tlv") == b""
    assert b"[[cluster.records]]" not in home.read(f"{adopted.folder}/cucmsh.toml")
    keystore = Keystore(moved.cluster.site)
    (key,) = keystore.adopted()
    assert key.certificate == moved.there.signer.certificate
    assert keystore.certificate(Unit.CAPF) == moved.there.capf.certificate
    assert not open_work(moved.cluster.site)
    moved.reopen()
    roles = [record.role for record in moved.cluster.site.settings.cluster.records]
    assert roles == [Role.TFTP, Role.APPLICATION_SERVER]
    first = moved.start()
    assert first != moved.held
    assert holder.takes(moved.held, first)


def test_phones_that_slept_take_what_comes_after_every_regeneration(
    moved: Moved,
) -> None:
    moved.adopt()
    moved.reopen()
    seen = [moved.held, moved.start()]
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        moved.cluster.clock.pass_seconds(600)
        regenerate(moved.cluster.site, unit)
        new = moved.start()
        assert all(holder.takes(held, new) for held in seen), unit
        seen.append(new)


def test_the_plan_says_what_then_happens(moved: Moved) -> None:
    plan = moved.adopt().plan
    moved.reopen()
    first = plan.made[0].trust_list
    assert first is not None
    made = moved.start()
    assert holder.takes(moved.held, made)
    assert [record.raw for record in first.records] == [
        record.raw for record in moved.cluster.publisher.served.records
    ]


def test_who_does_not_agree_changes_nothing(moved: Moved) -> None:
    before = moved.cluster.tree()
    with pytest.raises(CancelledError):
        moved.adopt(Person(agrees=False))
    assert moved.cluster.tree() == before


def test_again_changes_nothing_but_a_further_copy(moved: Moved) -> None:
    moved.adopt()
    moved.reopen()
    before = moved.cluster.tree()
    assert moved.adopt().folder == "earlier/adoption-2"
    after = moved.cluster.tree()
    assert {name for name in after if before.get(name) != after[name]} == {
        f"test10pub/home/earlier/adoption-2/{name}"
        for name in (
            *("ITLFile.tlv", "CTLFile.tlv", "cucmsh.toml"),
            "security/CAPF/private.pem",
        )
    }


def test_only_the_owner_reads_what_is_kept(moved: Moved) -> None:
    adopted = moved.adopt()
    home = Path(moved.cluster.site.settings.home)
    paths = [*home.rglob("adopted/*"), *(home / adopted.folder).rglob("*")]
    files = [path for path in paths if path.is_file()]
    assert len(files) == 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize("verb", ["stage", "commit", "remove"])
def test_killed_at_any_write_nothing_served_changes_and_another_finishes(
    make: Callable[[str], Moved], verb: str
) -> None:
    whole = make("whole")
    whole.adopt()
    whole.reopen()
    point, were_bringing = 0, False
    while True:
        point += 1
        moved = make(f"{verb}{point}")
        before = served(moved.cluster)
        with pytest.MonkeyPatch.context() as patch:
            has_died = die_at(patch, point, verb)
            with suppress(Interrupted):
                moved.adopt()
            if not has_died():
                break
        assert served(moved.cluster) == before
        moved.reopen()
        begun = facts_file(ADOPTION) in files(moved)
        kinds = [work.kind for work in open_work(moved.cluster.site)]
        # The subscriber is noted before it is brought the new CAPF certificate.
        bringing = facts_file(CERTIFICATES) in files(moved)
        assert kinds == [Work.ADOPTION] * begun + [Work.CERTIFICATES] * bringing
        assert begun or not bringing
        were_bringing |= bringing
        if begun:
            assert "cucmsh adopt" in login_notice(moved.cluster.site)
        # Whatever is served in between, no phone that holds the list is lost.
        moved.adopt()
        assert served(moved.cluster) == before
        assert not open_work(moved.cluster.site)
        moved.reopen()
        assert settled(moved) == settled(whole)
        assert holder.takes(moved.held, moved.start())
    assert were_bringing
    assert point > {"stage": 8, "commit": 8, "remove": 1}[verb]


def test_a_start_between_kill_and_rerun_loses_no_phone(
    make: Callable[[str], Moved],
) -> None:
    point = 0
    while True:
        point += 1
        moved = make(str(point))
        with pytest.MonkeyPatch.context() as patch:
            has_died = die_at(patch, point, "commit")
            with suppress(Interrupted):
                moved.adopt()
            if not has_died():
                break
        moved.reopen()
        between = moved.start()
        assert holder.takes(moved.held, between)
        moved.adopt()
        moved.reopen()
        after = moved.start()
        assert holder.takes(moved.held, after)
        assert holder.takes(between, after)
    assert point > 8


def test_a_full_disk_is_said_and_mended_by_another_run(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", full)
        with pytest.raises(StoreError, match="No space left"):
            moved.adopt()
    assert [work.kind for work in open_work(moved.cluster.site)] == [Work.ADOPTION]
    moved.adopt()
    assert not open_work(moved.cluster.site)


def test_what_is_next_is_said(moved: Moved) -> None:
    adopted = moved.adopt()
    settings = moved.cluster.site.settings
    text = "\n".join(adopted_lines(adopted, settings, ("cucmsh",)))
    place = f"{settings.home}/earlier/adoption-1"
    for word in (place, "utils service restart", "show itl", "too: test10sub"):
        assert word in text


def full(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
    """A disk that has no room for the key."""
    if name.startswith("security/adopted/"):
        raise StoreError("No space left on device")
    write_in_halves(store, name, raw, mode)


def files(moved: Moved) -> list[str]:
    home = Path(moved.cluster.site.settings.home)
    return [str(at.relative_to(home)) for at in home.rglob("*") if at.is_file()]


def settled(moved: Moved) -> tuple[object, ...]:
    """What a whole adoption leaves, whoever made it."""
    site = moved.cluster.site
    keystore = Keystore(site)
    return (
        [key.certificate for key in keystore.adopted()],
        keystore.certificate(Unit.CAPF),
        site.settings.cluster.records,
        {kept.trust_list.raw for kept in History(site).binding},
        site.home.read("earlier/adoption-1/ITLFile.tlv"),
        site.home.read("earlier/adoption-1/security/CAPF/private.pem"),
    )


def die_at(patch: pytest.MonkeyPatch, point: int, verb: str) -> Callable[[], bool]:
    """Die at the so many-th call of a verb of the store; tells whether it did."""
    real = getattr(LocalStore, verb)
    left = [point]

    def dying(*arguments: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted
        return real(*arguments)

    patch.setattr(LocalStore, verb, dying)
    # A killed process cleans nothing up.
    patch.setattr(LocalStore, "discard", lambda *_: None)
    return lambda: left[0] <= 0
