"""A backup and a restore that are killed at any step: nothing is lost, a rerun ends."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cucmsh.app import made_whole
from cucmsh.errors import StoreError
from cucmsh.layout import (
    BACKUP_JOBS,
    HISTORY,
    LOG_FOLDER,
    NEXT_FOLDER,
    RECOVERY_FILE,
    RESTORE_KEPT,
    RESTORE_STAGING,
    TEMPORARY_PREFIX,
    pair_file,
)
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.nodes.make import make_node
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.recovery.backup import back_up
from cucmsh.services.recovery.devices import Device, folder_of, write_devices
from cucmsh.services.recovery.jobs import Kind, Result, read_jobs
from cucmsh.services.recovery.restore import restore
from cucmsh.services.recovery.sets import sets_in
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.trust import judge
from tests.rigs.draws import draw
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    LocalFolder,
    MadeCluster,
    cheap_questions,
    started_cluster,
)
from tests.services.test_usecases import AGREEING, SERVER

pytestmark = pytest.mark.thorough

KILLS = 6  # of each run; `tests/run longer` takes every point
WEEKLY = Device("weekly", "/home/joe", SERVER, 2)


class KilledError(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.fixture
def made(tmp_path: Path) -> MadeCluster:
    found = started_cluster(tmp_path, keep_trust=True)
    found.write_configurations()
    found.publisher.start()
    with_device(found.site)
    for number in range(3):
        Path(found.site.tftp.root, f"SEP{number}.cnf.xml").write_text(f"<{number}/>")
    return found


def with_device(site: Site) -> None:
    """The device, and its host's key."""
    own_id(site)
    write_devices(site, [WEEKLY])
    with folder_of(site, WEEKLY, lambda *_: True):
        pass


State = dict[str, tuple[int, bytes]]
# What a command that was killed may leave, until the next one of its kind.
LEFT = (RESTORE_STAGING, RESTORE_KEPT, TEMPORARY_PREFIX)
LOGS = (LOG_FOLDER, BACKUP_JOBS)  # what happened is told, whatever becomes of it


def state_of(site: Site, but: tuple[str, ...] = ()) -> State:
    """Every file of the node, with its mode; locks are nobody's state."""
    root = Path(site.settings.path).parent
    left_out = tuple(f"/{name}" for name in (*but, *LOGS))
    found = {f"/{path.relative_to(root)}": path for path in root.rglob("*")}
    return {
        name: (path.stat().st_mode, path.read_bytes())
        for name, path in found.items()
        if path.is_file()
        and path.suffix != ".lock"
        and not any(each in name for each in left_out)
    }


class Killer:
    """Ends the n-th step that changes a file: before it, or when it is done."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, *, after: bool) -> None:
        self.seen, self._number, self._after = 0, number, after
        for name in ("stage", "commit", "remove"):
            patch.setattr(LocalStore, name, self._killing(getattr(LocalStore, name)))
        patch.setattr(os, "replace", self._killing(os.replace))

    def _killing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*values: Any, **named: Any) -> Any:
            self.seen += 1
            if self.seen == self._number and not self._after:
                raise KilledError
            done = real(*values, **named)
            if self.seen == self._number:
                raise KilledError
            return done

        return step


def assert_one_of(found: State, *whole: State) -> None:
    differing = [
        sorted({name for name, _ in found.items() ^ each.items()}) for each in whole
    ]
    assert [] in differing, differing


class MadeAnew:
    """A publisher that was lost and made anew, and a set of the lost one.

    Attributes:
        old: the keys in the set.
        new: the keys that `cucmsh init` made.
    """

    def __init__(self, made: MadeCluster, copy: Path) -> None:
        site, self._made, self._copy = made.site, made, copy
        self.label = back_up(site, "UCM", "weekly").job.label
        self.node_id = own_id(site)
        self.old = keys_of(site)
        home, self.tftp = Path(site.settings.home), Path(site.tftp.root)
        for folder in (home, self.tftp):
            shutil.rmtree(folder)
        self.tftp.mkdir()
        make_node(site, Secret(SECURITY), Secret(CCM))
        with_device(site)
        self.new = keys_of(site)
        file = Path(site.settings.path)
        sub = file.read_text().rindex("[[cluster.nodes]]")
        file.write_text(file.read_text()[:sub])  # it comes back with the set
        Path(self.tftp, "SEP0.cnf.xml").write_text("<another/>")
        self.root = file.parent
        shutil.copytree(self.root, copy, symlinks=True)

    def again(self) -> Site:
        """As it was made."""
        shutil.rmtree(self.root)
        shutil.copytree(self._copy, self.root)
        return self.process()

    def process(self) -> Site:
        """What the next process sees."""
        self._made.publisher.read_configuration()
        return made_whole(self._made.publisher.site)

    def restore(self, site: Site) -> None:
        restore(site, site.node.name, self.label, "weekly", AGREEING)

    def restore_killed(self, number: int, *, after: bool) -> None:
        site = self.again()
        with pytest.MonkeyPatch.context() as patch:
            Killer(patch, number, after=after)
            with pytest.raises(KilledError):
                self.restore(site)
        for store in (site.home, site.configuration):
            store.close()  # as the kernel does


def keys_of(site: Site) -> dict[str, bytes]:
    names = (pair_file(Unit.CALL_MANAGER), pair_file(Unit.TVS), RECOVERY_FILE)
    return {name: site.home.read(name) for name in names}


def test_a_restore_that_is_killed_leaves_one_whole_state_and_the_rerun_finishes(
    made: MadeCluster, tmp_path: Path, seed: int
) -> None:
    held = made.publisher.served
    anew = MadeAnew(made, tmp_path / "anew")
    before = state_of(anew.again())
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, 0, after=False)
        anew.restore(anew.again())
    after_it = state_of(anew.process())
    assert len(anew.process().settings.cluster.nodes) == 2
    steps = range(1, killer.seen + 1)
    points = [(at, after) for at in steps for after in (False, True)]
    for number, after in draw(random.Random(seed), points, KILLS):
        anew.restore_killed(number, after=after)
        site = anew.process()
        with site.node_lock("a test"):  # whoever changes something sees a whole state
            found = state_of(site, LEFT)
        assert_one_of(found, before, after_it)
        anew.restore(site)
        assert_one_of(state_of(site), after_it)
    kept = {path.read_bytes() for path in anew.root.rglob("*") if path.is_file()}
    assert kept >= set(anew.new.values())
    site = anew.process()
    assert keys_of(site) == anew.old
    assert own_id(site) == anew.node_id
    assert (anew.tftp / "SEP2.cnf.xml").read_text() == "<2/>"
    assert read_jobs(site, Kind.RESTORE)[-1].result is Result.SUCCESS
    assert not list(anew.tftp.glob(".cucmsh*"))
    made.clock.pass_seconds(5)
    made.publisher.start()
    served = made.publisher.served
    assert judge(held, served, site.backends.verifier()).accepted


def test_a_backup_that_is_killed_is_no_set_and_loses_none(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    site, steps, end = made.site, 0, 0
    back_up(site, "UCM", "weekly")
    writing = LocalFolder.writing

    @contextmanager
    def killing(folder: LocalFolder, name: str) -> Iterator[Callable[[bytes], None]]:
        nonlocal steps
        with writing(folder, name) as take:
            step(take, b"")

            def taken(piece: bytes) -> None:
                step(take, piece)

            yield taken
            step(take, b"")

    def step(take: Callable[[bytes], None], piece: bytes) -> None:
        nonlocal steps
        steps += 1
        if steps == end:
            take(piece[: len(piece) // 2])
            # Nobody cleans up behind a process that is gone.
            monkeypatch.setattr(LocalFolder, "remove", lambda *_: None)
            raise KilledError
        take(piece)

    monkeypatch.setattr(LocalFolder, "writing", killing)
    made.clock.pass_seconds(60)
    back_up(site, "UCM", "weekly")
    remove, last = LocalFolder.remove, steps
    for number in draw(random.Random(seed), range(1, steps + 1), KILLS):
        made.clock.pass_seconds(60)
        before, steps, end = whole_sets(site), 0, number
        with pytest.raises(KilledError):
            back_up(site, "UCM", "weekly")
        monkeypatch.setattr(LocalFolder, "remove", remove)
        now = whole_sets(site)
        # One more where all but the last look at it was done.
        assert now[: len(before)] == before, (seed, number)
        assert len(now) <= len(before) + (number >= last - 1), (seed, number)
        end = 0
        made.clock.pass_seconds(60)
        label = back_up(site, "UCM", "weekly").job.label
        assert whole_sets(site) == [now[-1], label], (seed, number)
        there = {name[:19] for name in os.listdir(made.backups / "home/joe")}
        assert there <= {now[-1], label, *broken_sets(site)}


def whole_sets(site: Site) -> list[str]:
    with folder_of(site, WEEKLY) as folder:
        return [each.label for each in sets_in(folder) if not each.problem]


def broken_sets(site: Site) -> list[str]:
    with folder_of(site, WEEKLY) as folder:
        return [each.label for each in sets_in(folder) if each.problem]


def test_a_full_disk_before_it_is_decided_changes_nothing(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = made.site
    label = back_up(site, "UCM", "weekly").job.label
    Path(site.tftp.root, "SEP1.cnf.xml").write_text("<newer/>")
    name, *_ = names = site.home.names(HISTORY)
    site.home.remove(f"{HISTORY}/{name}")
    before = state_of(site)
    stage = LocalStore.stage

    def filling(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
        if name.startswith(NEXT_FOLDER):
            raise StoreError("No space left on device")
        return stage(store, name, raw, mode)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "stage", filling)
        with pytest.raises(StoreError, match="No space left"):
            restore(site, site.node.name, label, "weekly", AGREEING)
    assert state_of(site, LEFT) == before
    restore(site, site.node.name, label, "weekly", AGREEING)
    assert site.home.names(HISTORY) == names


def test_a_full_disk_while_restoring_is_told_and_finished_later(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = made.site
    label = back_up(site, "UCM", "weekly").job.label
    Path(site.tftp.root, "SEP1.cnf.xml").write_text("<newer/>")
    full = OSError(28, "No space left on device")

    def refuse(*_: object) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        told = f"The restore of {label} was agreed to and is not finished: .*No space"
        with pytest.raises(StoreError, match=told):
            restore(site, site.node.name, label, "weekly", AGREEING)
        with pytest.raises(StoreError, match=told):  # and nothing is answered till then
            made_whole(site)
    made_whole(site)
    assert Path(site.tftp.root, "SEP1.cnf.xml").read_text() == "<1/>"
    assert read_jobs(site, Kind.RESTORE)[-1].result is Result.SUCCESS
    (kept,) = site.home.folders("earlier")
    assert site.home.read(f"earlier/{kept}/tftp/SEP1.cnf.xml") == b"<newer/>"
