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

from cucmsh.errors import CucmshError
from cucmsh.layout import RECOVERY_FILE, pair_file
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.nodes.make import make_node
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.records.open_work import open_work
from cucmsh.services.records.work import OpenWork, Work
from cucmsh.services.recovery.backup import back_up
from cucmsh.services.recovery.devices import Device, folder_of, write_devices
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


def unfinished(site: Site) -> list[OpenWork]:
    return [work for work in open_work(site) if work.kind is Work.RESTORE]


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


def test_a_restore_that_is_killed_is_finished_by_the_next(
    made: MadeCluster, tmp_path: Path, seed: int
) -> None:
    site, held = made.site, made.publisher.served
    label = back_up(site, "UCM", "weekly").job.label
    names = (pair_file(Unit.CALL_MANAGER), pair_file(Unit.TVS), RECOVERY_FILE)
    old = {name: site.home.read(name) for name in names}
    node_id = own_id(site)
    home, tftp = Path(site.settings.home), Path(site.tftp.root)
    shutil.rmtree(home)
    shutil.rmtree(tftp)
    tftp.mkdir()
    make_node(site, Secret(SECURITY), Secret(CCM))
    with_device(site)
    new = {name: site.home.read(name) for name in names}
    shutil.copytree(home, tmp_path / "anew", symlinks=True)

    def again() -> Site:
        for folder in (home, tftp):
            shutil.rmtree(folder)
        shutil.copytree(tmp_path / "anew", home)
        tftp.mkdir()
        return made.publisher.again()

    def restored(at: Site) -> None:
        restore(at, site.node.name, label, "weekly", AGREEING)

    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, 0, after=False)
        restored(again())
    points = [
        (at, after) for at in range(1, killer.seen + 1) for after in (False, True)
    ]
    for number, after in draw(random.Random(seed), points, KILLS):
        at = again()
        with pytest.MonkeyPatch.context() as patch:
            Killer(patch, number, after=after)
            with pytest.raises(KilledError):
                restored(at)
        at = made.publisher.again()
        for name in names:  # each is one or the other, whole
            assert at.home.read(name) in (old[name], new[name]), (seed, number, after)
        kept = {path.read_bytes() for path in home.rglob("*") if path.is_file()}
        assert kept >= {new[name] for name in names}, (seed, number, after)
        restored(at)
        assert {name: at.home.read(name) for name in names} == old
        assert own_id(at) == node_id
        assert (tftp / "SEP2.cnf.xml").read_text() == "<2/>"
        assert not unfinished(at)
        assert not list(tftp.glob(".cucmsh*"))
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
        with pytest.raises(CucmshError, match="No space left on device"):
            restore(site, site.node.name, label, "weekly", AGREEING)
    (left,) = unfinished(site)
    assert left.finish.endswith(f"restore network test10pub {label} weekly")
    restore(site, site.node.name, label, "weekly", AGREEING)
    assert Path(site.tftp.root, "SEP1.cnf.xml").read_text() == "<1/>"
    assert not unfinished(site)
