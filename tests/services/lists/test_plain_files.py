"""Plain files and firmware come to replicas that are to have them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cucmsh.layout import LIST_FILE, RECOVERY_FILE, replica_plain_manifest
from cucmsh.remote.file_transfer import SentFile
from cucmsh.services.lists import replica_plain_files as plain_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.replica_files import file_findings
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE
from tests.services.made_cluster import MadeCluster
from tests.services.replica_boxes import Box, BoxBackends, with_boxes

pytestmark = pytest.mark.thorough

FILES = {
    "term45.default.loads": b"names apps45.sbn",
    "apps45.sbn": os.urandom(MAX_FILE_SIZE + 70_000),
    "dsp45.sbn": os.urandom(5_000),
    "ringtones/bell.raw": b"ding",
}
OTHERS = {"SEP1.cnf.xml": b"<a/>", "readme.txt": b"not for phones"}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = Box(str(tmp_path / "branch1"), "branch1", 7001)
    box.node = box.node._replace(bring=("*.loads", "*.sbn", "ringtones/*"))
    return box


@pytest.fixture
def site(cluster: MadeCluster, box: Box) -> Site:
    made = with_boxes(cluster, box)
    for name, raw in (FILES | OTHERS).items():
        path = Path(made.tftp.root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
    return made


def there(box: Box) -> dict[str, bytes]:
    """Every file that the replica serves, but the list."""
    root = Path(box.files.root)
    files = [path for path in root.rglob("*") if path.is_file()]
    found = {str(path.relative_to(root)): path.read_bytes() for path in files}
    found.pop(LIST_FILE, None)
    return found


def texts(site: Site, box: Box, level: Level) -> list[str]:
    found = file_findings(site, box.node, box.files, box.account)
    return [each.what for each in found if each.level is level]


def test_files_that_match_come_after_the_list_the_largest_first(
    site: Site, box: Box
) -> None:
    done = push(site)
    assert done.problems == {}
    assert done.written == {"branch1": 1 + len(FILES)}
    assert there(box) == FILES
    moved = [what.split()[1] for what in box.writes()]
    by_size = sorted(FILES, key=lambda name: -len(FILES[name]))
    assert moved == [LIST_FILE, *by_size]
    modes = {
        path.stat().st_mode & 0o777
        for path in Path(box.files.root).rglob("*")
        if path.is_file()
    }
    assert modes == {0o644}
    assert login_notice(site) == ""
    assert texts(site, box, Level.FAIL) == []
    assert "branch1 has the plain files that it is brought: 4" in texts(
        site, box, Level.OK
    )


def test_nothing_comes_to_a_replica_that_names_nothing(
    cluster: MadeCluster, site: Site, box: Box
) -> None:
    box.node = box.node._replace(bring=())
    plain = with_boxes(cluster, box)
    assert push(plain).written == {"branch1": 1}
    assert there(box) == {}
    note = os.path.join(
        box.account.root, replica_plain_manifest(box.node.tftp_directory)
    )
    assert not os.path.exists(note)


def test_second_push_brings_nothing_and_reads_none_of_them(
    site: Site, box: Box
) -> None:
    push(site)
    box.done.clear()
    assert push(site).written == {"branch1": 0}
    assert box.writes() == []
    assert box.reads() == [f"read {LIST_FILE}"]


@pytest.mark.parametrize("name", ["apps45.sbn", "dsp45.sbn"])
def test_file_that_changed_on_either_side_is_brought_again(
    site: Site, box: Box, name: str
) -> None:
    push(site)
    changed = os.urandom(len(FILES[name]))
    Path(site.tftp.root, name).write_bytes(changed)
    assert f"branch1 may have other bytes in 1 plain file ({name})" in texts(
        site, box, Level.FAIL
    )
    assert push(site).written == {"branch1": 1}
    assert there(box)[name] == changed
    Path(box.files.root, name).write_bytes(b"somebody else's")
    assert push(site).written == {"branch1": 1}
    assert there(box)[name] == changed


def test_push_that_breaks_off_goes_on_with_the_next_file(site: Site, box: Box) -> None:
    """What was brought whole is not brought again: the large file is noted at once."""
    push_without(site, box, after=f"commit {sorted_names()[1]}")
    assert "branch1" in login_notice(site)
    assert there(box)["apps45.sbn"] == FILES["apps45.sbn"]
    box.breaks_at = -1
    box.done.clear()
    assert push(site).problems == {}
    assert "commit apps45.sbn" not in box.writes()
    assert there(box) == FILES


def sorted_names() -> list[str]:
    return sorted(FILES, key=lambda name: -len(FILES[name]))


def push_without(site: Site, box: Box, after: str) -> None:
    """A push whose connection breaks at that step, for good."""
    real = box.step

    def step(what: str) -> None:
        if what == after:
            box.breaks_at = len(box.done)
        real(what)

    box.step = step  # type: ignore[method-assign]
    assert list(push(site).problems) == ["branch1"]
    box.step = real  # type: ignore[method-assign]


def test_no_time_left_is_pending_and_the_list_is_there(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files, "monotonic", lambda: float("inf"))
    problem = push(site).problems["branch1"]
    assert problem.startswith("4 plain files are still to be brought: apps45.sbn: ")
    assert box.files.read(LIST_FILE) == site.tftp.read(LIST_FILE)
    assert there(box) == {}
    monkeypatch.undo()
    assert push(site).problems == {}
    assert there(box) == FILES


def test_one_file_that_is_not_taken_keeps_none_from_the_others(
    site: Site, box: Box
) -> None:
    box.refuses = "dsp45.sbn"
    problem = push(site).problems["branch1"]
    assert problem == (
        "1 plain files are still to be brought: dsp45.sbn: dsp45.sbn: Permission denied"
    )
    assert there(box).keys() == FILES.keys() - {"dsp45.sbn"}


def test_file_gone_here_goes_there_unless_somebody_changed_it(
    site: Site, box: Box
) -> None:
    push(site)
    for name in ("dsp45.sbn", "ringtones/bell.raw"):
        os.unlink(os.path.join(site.tftp.root, name))
    Path(box.files.root, "ringtones/bell.raw").write_bytes(b"somebody else's")
    assert push(site).problems == {}
    assert there(box).keys() == FILES.keys() - {"dsp45.sbn"}


def test_file_that_is_not_named_any_more_stays(
    cluster: MadeCluster, site: Site, box: Box
) -> None:
    push(site)
    box.node = box.node._replace(bring=("*.loads",))
    push(with_boxes(cluster, box))
    assert there(box) == FILES


@pytest.mark.parametrize("how", ["copy", "hard link", "symbolic link"])
def test_keys_are_never_brought(site: Site, box: Box, how: str) -> None:
    key = os.path.join(site.settings.home, RECOVERY_FILE)
    place = Path(site.tftp.root, "key.sbn")
    match how:
        case "copy":
            place.write_bytes(Path(key).read_bytes())
        case "hard link":
            os.link(key, place)
        case _:
            place.symlink_to(key)
    pem = site.home.read("security/CallManager/private.pem")
    Path(site.tftp.root, "pem.sbn").write_bytes(pem)
    Path(site.tftp.root, "long.sbn").write_bytes(pem + bytes(MAX_FILE_SIZE))
    for name in ("a.loads.p12", "b.key", "c.pem", "d.tlv", "e.PFX", "f.p12.1"):
        Path(site.tftp.root, "ringtones", name).write_bytes(b"never by this name")
    assert push(site).problems == {}
    assert there(box) == FILES


def test_file_that_changes_while_it_is_brought_is_left_for_the_next_push(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = plain_files.plain_files(site, box.node)
    other = looked.files["apps45.sbn"]._replace(digest="0" * 32)
    stale = looked._replace(files=looked.files | {"apps45.sbn": other})
    with monkeypatch.context() as patch:
        patch.setattr(
            "cucmsh.services.lists.update_replicas.plain_files",
            Mock(return_value=stale),
        )
        assert "changed while it was brought" in push(site).problems["branch1"]
    assert there(box).keys() == FILES.keys() - {"apps45.sbn"}
    assert push(site).problems == {}
    assert there(box) == FILES


@pytest.mark.parametrize("fault", ["why_unproven", "why_elsewhere"])
def test_large_file_that_is_not_proven_leaves_nothing_there(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    real = BoxBackends.transfer

    def transfer(self: BoxBackends, *words: Any) -> SentFile:
        sent = real(self, *words)
        why = "the server would not"
        if fault == "why_unproven":
            return sent._replace(why_unproven=why)
        return sent._replace(why_elsewhere=why)

    monkeypatch.setattr(BoxBackends, "transfer", transfer)
    assert "the server would not" in push(site).problems["branch1"]
    assert there(box).keys() == FILES.keys() - {"apps45.sbn"}


def test_leavings_of_a_push_that_died_are_swept(site: Site, box: Box) -> None:
    for folder in ("", "ringtones/"):
        box.files.write(f"{folder}.cucmsh-0123456789abcdef.tmp", b"half a firmware")
    assert push(site).problems == {}
    assert there(box) == FILES
