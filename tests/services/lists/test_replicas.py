"""Replicas serve what the publisher serves, or are pending and named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any
from unittest.mock import Mock

import pytest

from cucmsh.config.editing import without_node
from cucmsh.config.settings import with_stamp
from cucmsh.errors import BusyError
from cucmsh.layout import LIST_FILE, replica_folder, replica_manifest
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists import update_replicas as updating
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.replica_records import read_manifest
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import NOBODY, push, update_replicas
from cucmsh.services.nodes.configure import edit
from cucmsh.services.outcome import Report
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.state import set_keep_mark
from cucmsh.services.site import Site
from tests.services.made_cluster import (
    REPLICA,
    MadeCluster,
    start_tftp,
    started_cluster,
)
from tests.services.replica_boxes import Box, with_boxes

FILES = ["Desktops/List.xml", "SEP1.cnf.xml", "SEP2.cnf.xml"]
SIGNED = [f"{name}.sgn" for name in FILES]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(str(tmp_path / "branch1"), "branch1", 7001)


@pytest.fixture
def site(cluster: MadeCluster, box: Box) -> Site:
    """A publisher with signed files and one empty replica."""
    return prepared(with_boxes(cluster, box))


def prepared(site: Site) -> Site:
    for name in FILES:
        path = Path(site.tftp.root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"<{name}/>".encode())
    sign_files(site, choose(site))
    return site


def is_same(site: Site, box: Box) -> bool:
    """Whether the replica has exactly the publisher's list and signed files."""
    names = [LIST_FILE, *SIGNED]
    found = {str(p.relative_to(box.files.root)) for p in files_of(box)}
    return found == set(names) and all(
        site.tftp.read(name) == box.files.read(name) for name in names
    )


def files_of(box: Box) -> list[Path]:
    return [path for path in Path(box.files.root).rglob("*") if path.is_file()]


def test_empty_replica_gets_list_and_signed_files_and_the_list_last(
    site: Site, box: Box
) -> None:
    done = push(site)
    assert done.problems == {}
    assert done.written == {"branch1": 4}
    assert is_same(site, box)
    # All is staged before the first rename, and the list is the last of those.
    verbs = [what.split()[0] for what in box.done if what.split()[0] != "read"]
    moved = [verb for verb in verbs if verb != "record"]
    assert moved == ["stage"] * 4 + ["commit"] * 4
    # Whose it is stands there before anything else, and what comes before it comes.
    assert [at for at, verb in enumerate(verbs) if verb == "record"] == [0, 5, 10]
    assert box.writes()[-1] == f"commit {LIST_FILE}"
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files_of(box))
    assert login_notice(site) == ""


def test_second_push_writes_nothing_and_reads_samples_only(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(site)
    box.done.clear()
    monkeypatch.setattr("cucmsh.services.lists.replica_signed_files.SAMPLES", 1)
    assert push(site).written == {"branch1": 0}
    assert box.writes() == []
    assert len(box.reads()) == 2  # the list and a sample


@pytest.mark.thorough
def test_only_what_changed_is_brought(site: Site, box: Box) -> None:
    push(site)
    box.done.clear()
    Path(site.tftp.root, "SEP1.cnf.xml").write_bytes(b"<new/>")
    sign_files(site, choose(site))
    assert push(site).written == {"branch1": 1}
    assert box.writes() == ["commit SEP1.cnf.xml.sgn"]
    assert is_same(site, box)


@pytest.mark.thorough
@pytest.mark.parametrize("change", ["truncated", "gone", "rewritten"])
def test_file_that_somebody_changed_there_is_put_right(
    site: Site, box: Box, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its size and time alone: no sample helps here."""
    monkeypatch.setattr("cucmsh.services.lists.replica_signed_files.SAMPLES", 0)
    push(site)
    path = Path(box.files.root, SIGNED[1])
    if change == "gone":
        path.unlink()
    else:
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] if change == "truncated" else b"x" * len(raw))
        os.utime(path, (5, 5))
    push(site)
    assert is_same(site, box)


def test_sample_finds_what_size_and_time_hide(site: Site, box: Box) -> None:
    """All three are samples here; then the manifest is believed in nothing."""
    push(site)
    path = Path(box.files.root, SIGNED[1])
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, (before.st_atime, before.st_mtime))
    push(site)
    assert is_same(site, box)


@pytest.mark.thorough
def test_lost_manifest_costs_reading_and_no_writing(site: Site, box: Box) -> None:
    push(site)
    for junk in (b"", b"junk", b"x\x9c\x03\0\0\0\0\1"):
        box.account.write(replica_manifest(box.node.tftp_directory), junk)
        box.done.clear()
        assert push(site).written == {"branch1": 0}
        assert {f"read {name}" for name in SIGNED} <= set(box.reads())
        assert set(read_manifest(box.account, box.node)) == set(SIGNED)


def test_file_gone_here_is_removed_there_if_it_is_ours(site: Site, box: Box) -> None:
    box.files.write("theirs.xml.sgn", b"somebody else's")
    push(site)
    for name in SIGNED[1:]:
        site.tftp.remove(name)
    box.files.write(SIGNED[2], b"changed by somebody else")
    push(site)
    left = {str(path.relative_to(box.files.root)) for path in files_of(box)}
    assert left == {LIST_FILE, SIGNED[0], SIGNED[2], "theirs.xml.sgn"}


@pytest.mark.thorough
def test_dead_replica_is_pending_and_the_others_are_served(
    cluster: MadeCluster, box: Box, tmp_path: Path
) -> None:
    second = Box(str(tmp_path / "branch2"), "branch2", 7002)
    site = prepared(with_boxes(cluster, box, second))
    box.is_dead = True
    done = push(site)
    assert list(done.problems) == ["branch1"]
    assert is_same(site, second)
    notice = login_notice(site)
    assert "branch1 (branch1 does not answer)" in notice
    assert "branch2" not in notice
    box.is_dead = False
    assert push(site).problems == {}
    assert is_same(site, box)
    assert login_notice(site) == ""


@pytest.mark.thorough
def test_replica_that_hangs_is_given_up_and_the_start_does_not_ask_it(
    cluster: MadeCluster, site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.hangs_at = 2
    monkeypatch.setattr(updating, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(updating, "PUSH_AFTER_START_SECONDS", 1.5)
    start_tftp(site)
    assert cluster.publisher.served
    assert not box.hung_up.is_set()
    assert "branch1 (what this start composed was not brought" in login_notice(site)
    found = update_replicas(site)
    assert "it was not done within" in found.problems["branch1"]
    assert box.hung_up.is_set()
    assert "branch1 (it was not done within" in login_notice(site)


@pytest.mark.thorough
def test_push_that_is_killed_or_ended_is_pending(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a login after it says was written before the first step."""
    push(site)
    seen = []
    box.done.clear()
    box.hung_up.clear()
    box.hangs_at = 0

    def end(*_: object, **__: object) -> None:
        assert box.is_hanging.wait(30)
        seen.append(login_notice(site))
        raise KeyboardInterrupt

    answers = Mock(get=end)
    monkeypatch.setattr("cucmsh.services.threads.SimpleQueue", lambda: answers)
    with pytest.raises(KeyboardInterrupt):
        push(site)
    assert box.hung_up.is_set()
    assert updating.UNFINISHED in seen[0]
    assert login_notice(site) == seen[0]
    monkeypatch.undo()
    box.hangs_at = -1
    assert push(site).problems == {}
    assert login_notice(site) == ""


def test_leavings_of_a_push_that_died_are_swept(site: Site, box: Box) -> None:
    for folder in ("", "Desktops/"):
        box.files.write(f"{folder}.cucmsh-0123456789abcdef.tmp", b"half")
    assert push(site).problems == {}
    assert is_same(site, box)


def test_no_time_left_leaves_the_replica_as_it_was(site: Site, box: Box) -> None:
    done = push(site, seconds=0)
    assert "no time left" in done.problems["branch1"]
    assert files_of(box) == []


@pytest.mark.thorough
def test_connection_that_breaks_anywhere_is_pending_and_the_next_push_finishes(
    site: Site, box: Box
) -> None:
    push(site)
    steps = 0
    while True:
        for path in files_of(box):
            path.unlink()
        for name in ("files", "publisher"):
            box.account.remove(f"{replica_folder(box.node.tftp_directory)}/{name}")
        box.done.clear()
        box.breaks_at = steps
        done = push(site)
        present = {str(path.relative_to(box.files.root)) for path in files_of(box)}
        if not done.problems:
            break
        # The list is never there before all of its files are.
        assert LIST_FILE not in present or set(SIGNED) <= present
        assert "branch1" in login_notice(site)
        box.breaks_at = -1
        assert push(site).problems == {}
        assert is_same(site, box)
        steps += 1
    # The list is read, four files are staged, and committed; three records.
    assert steps == 12


@pytest.mark.thorough
def test_one_file_that_cannot_be_written_keeps_none_from_the_others(
    site: Site, box: Box
) -> None:
    box.refuses = SIGNED[1]
    done = push(site)
    assert "Permission denied" in done.problems["branch1"]
    assert sorted(box.files.names()) == sorted([LIST_FILE, SIGNED[2]])
    box.refuses = ""
    assert push(site).problems == {}
    assert is_same(site, box)


def test_list_that_cannot_be_written_leaves_everything_as_it_was(
    site: Site, box: Box
) -> None:
    box.refuses = LIST_FILE
    assert "Permission denied" in push(site).problems["branch1"]
    assert files_of(box) == []


def test_service_that_gives_something_else_back_is_pending(
    site: Site, box: Box
) -> None:
    box.lies_with = b"an older list"
    assert push(site).problems["branch1"] == "TFTP gives back other bytes"


@pytest.mark.thorough
def test_every_start_of_the_publisher_pushes(
    cluster: MadeCluster, site: Site, box: Box
) -> None:
    assert start_tftp(site).startswith("composed ")
    assert not is_same(site, box)
    assert "branch1" in login_notice(site)
    assert update_replicas(site).problems == {}
    assert is_same(site, box)
    assert login_notice(site) == ""
    regenerate(site, Unit.CALL_MANAGER)
    start_tftp(site)
    update_replicas(site)
    assert is_same(site, box)
    assert box.files.read(LIST_FILE) == cluster.publisher.raw


def test_start_within_a_reset_leaves_the_push_to_it(site: Site, box: Box) -> None:
    raw = served_list(site)
    assert raw is not None
    set_keep_mark(site.home, hashlib.sha256(raw).hexdigest())
    with site.cluster_lock("utils itl reset localkey"):
        assert "pending" not in start_tftp(site)
        assert update_replicas(site) == NOBODY
    assert box.done == []
    assert login_notice(site).count("\n") == 0  # the mark, and no replica


@pytest.mark.thorough
def test_start_within_another_change_is_pending(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "PUSH_WAIT_SECONDS", 0.1)
    with site.cluster_lock("set cert regen CallManager"):
        start_tftp(site)
        update_replicas(site)
    assert box.done == []
    assert "set cert regen CallManager" in login_notice(site)


@pytest.mark.thorough
def test_start_during_the_push_of_an_earlier_one_is_brought_too(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd starts no unit a second time while it runs."""
    plain_push = updating.push

    def push_and_start(site: Site, **how: Any) -> Report:
        monkeypatch.setattr(updating, "push", plain_push)
        found = plain_push(site, **how)
        start_tftp(site)
        return found

    start_tftp(site)
    monkeypatch.setattr(updating, "push", push_and_start)
    assert update_replicas(site).problems == {}
    assert is_same(site, box)
    assert login_notice(site) == ""


@pytest.mark.thorough
def test_starts_without_end_are_pending(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_push = updating.push

    def push_and_start(site: Site, **how: Any) -> Report:
        found = plain_push(site, **how)
        start_tftp(site)
        return found

    monkeypatch.setattr(updating, "push", push_and_start)
    assert list(update_replicas(site).problems) == ["branch1"]
    assert not is_same(site, box)
    assert "branch1" in login_notice(site)


@pytest.mark.thorough
def test_keep_trust_keeps_the_list_that_phones_of_the_replica_hold(
    tmp_path: Path,
) -> None:
    """Nothing there vouches for the new list's signer; a reset helps its phones."""
    cluster = started_cluster(tmp_path, keep_trust=True)
    box = Box(str(tmp_path / "branch1"), "branch1", 7001)
    site = prepared(with_boxes(cluster, box))
    push(site)
    before = {path: path.read_bytes() for path in files_of(box)}
    site.tftp.write(LIST_FILE, foreign_list(tmp_path))
    assert "phones would refuse" in push(site).problems["branch1"]
    assert {path: path.read_bytes() for path in files_of(box)} == before


def foreign_list(root: Path) -> bytes:
    other = MadeCluster(root / "other")
    other.make()
    other.start()
    return other.publisher.raw


def test_subscribers_and_clusters_without_replicas_push_nothing(
    cluster: MadeCluster,
) -> None:
    assert push(cluster.site) == NOBODY
    assert push(cluster.subscriber.site) == NOBODY


@pytest.mark.thorough
def test_command_waits_for_the_push_of_a_start_and_for_no_other_command(
    site: Site,
) -> None:
    ends = Event()

    def hold() -> None:
        with site.push_lock(0):
            held.set()
            ends.wait(30)

    held = Event()
    thread = Thread(target=hold)
    thread.start()
    assert held.wait(30)
    Timer(0.2, ends.set).start()
    with site.cluster_lock("utils itl reset localkey"):
        thread.join()
        with pytest.raises(BusyError), site.cluster_lock("set cert regen TVS"):
            pass
        with pytest.raises(BusyError), site.push_lock(0):
            pass


def test_push_that_waited_for_a_node_to_leave_brings_it_nothing(
    tmp_path: Path,
) -> None:
    """As after ``node remove``, which held the lock meanwhile."""
    made = started_cluster(tmp_path, has_replica=True)
    made.write_configurations()
    site = made.site.with_settings(with_stamp(made.site.settings))
    edit(site, lambda text, path: without_node(text, path, REPLICA))
    assert push(site) == NOBODY
    assert made.replica.logins == 0
