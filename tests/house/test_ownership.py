"""Who could change what lies at a path."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cucmsh.ownership import Trail

SOMEBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that nobody else can change, whatever lies above it."""
    made = tmp_path / "a" / "b"
    made.mkdir(parents=True)
    for path in (made, made.parent):
        path.chmod(0o755)
    return made


def weak(path: Path, *owners: int) -> list[tuple[str, str]]:
    mine = (0, os.geteuid(), *owners)
    return [(at.path, at.why) for at in Trail(mine).weak_points(str(path))]


def test_path_of_right_owners_is_strong(folder: Path) -> None:
    (folder / "file").touch(mode=0o644)
    assert weak(folder / "file") == []


@pytest.mark.parametrize(("mode", "who"), [(0o020, "group id"), (0o002, "others")])
def test_each_step_counts(folder: Path, mode: int, who: str) -> None:
    (folder / "file").touch(mode=0o644)
    for step in (folder / "file", folder, folder.parent):
        before = step.stat().st_mode
        step.chmod(before | mode)
        ((path, why),) = weak(folder / "file")
        assert path == str(step)
        assert who in why
        step.chmod(before)


def test_sticky_folder_may_be_open_but_not_what_lies_in_it(folder: Path) -> None:
    (folder / "file").touch()
    folder.chmod(0o1777)
    assert weak(folder / "file") == []
    (folder / "file").chmod(0o666)
    assert len(weak(folder / "file")) == 1


def test_sticky_folder_is_open_to_new_names(folder: Path) -> None:
    """Where names are looked up, and where the next step is still to be made."""
    (folder / "inner").mkdir(mode=0o755)
    folder.chmod(0o1777)
    mine = (0, os.geteuid())
    searched = [*Trail(mine).weak_points(str(folder), is_searched=True)]
    assert [(at.path, at.why) for at in searched] == [
        (str(folder), "can be changed by others")
    ]
    assert searched[0].mend == ("chmod", "go-w", str(folder))
    assert [path for path, _ in weak(folder / "missing")] == [str(folder)]
    assert weak(folder / "inner" / "missing") == []
    (folder / "inner").chmod(0o1775)
    found = [*Trail(mine).weak_points_below(str(folder / "inner"))]
    assert [at.path for at in found] == [str(folder / "inner")]
    trail = Trail(mine)  # walked as a step first, and searched later
    assert [*trail.weak_points(str(folder / "inner" / "x"))] != []
    assert len([*trail.weak_points_below(str(folder))]) == 1


def test_group_that_may_write_is_named_by_who_asks(folder: Path) -> None:
    folder.chmod(0o775)
    mine, group = (0, os.geteuid()), folder.stat().st_gid
    assert [*Trail(mine, [group]).weak_points(str(folder))] == []
    assert len([*Trail(mine, [group + 1]).weak_points(str(folder))]) == 1
    folder.chmod(0o777)
    assert len([*Trail(mine, [group]).weak_points(str(folder))]) == 1


def test_what_a_linked_folder_holds_counts(folder: Path, tmp_path: Path) -> None:
    mine = (0, os.geteuid())
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "back").symlink_to(folder)  # a circle ends
    (elsewhere / "deep" / "file").touch()
    (elsewhere / "deep" / "file").chmod(0o666)
    (folder / "link").symlink_to(elsewhere)
    (folder / "itself").symlink_to("itself")
    (folder / "long").symlink_to("x" * 300)
    found = [*Trail(mine).weak_points_below(str(folder))]
    assert [at.path for at in found] == [str(elsewhere / "deep" / "file")]
    (elsewhere / "deep" / "file").chmod(0o644)
    (elsewhere / "deep").chmod(0o1777)
    found = [*Trail(mine).weak_points_below(str(folder))]
    assert [at.path for at in found] == [str(elsewhere / "deep")]


def test_link_to_a_whole_disk_ends_the_look(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.ownership.MOST_LINKED", 3)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for number in range(4):
        (elsewhere / str(number)).touch(mode=0o644)
    assert [*Trail([0, os.geteuid()]).weak_points_below(str(elsewhere))] == []
    (folder / "link").symlink_to(elsewhere)
    (found,) = Trail([0, os.geteuid()]).weak_points_below(str(folder))
    assert (found.path, "more than 3 files" in found.why) == (str(folder), True)


def test_links_are_followed_step_by_step(folder: Path) -> None:
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    (folder / "open" / "file").touch()
    (folder / "relative").symlink_to("open/../open/file")
    (folder / "absolute").symlink_to(folder / "relative")
    assert weak(folder / "absolute") == [
        (str(folder / "open"), "can be changed by others")
    ]
    (folder / "ring").symlink_to("ring")
    assert weak(folder / "ring") == []


def test_neighbour_of_a_link_is_looked_at_where_it_lies(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir(mode=0o755)
    (folder / "link").symlink_to(other / "file")
    for place in (other, folder):
        (place / "file").touch(mode=0o644)
        (place / "second").touch(mode=0o644)
    (folder / "second").chmod(0o666)
    trail = Trail([0, os.geteuid()])
    assert [*trail.weak_points(str(folder / "link"))] == []
    ((path, _, _),) = trail.weak_points(str(folder / "second"))
    assert path == str(folder / "second")


def test_what_is_not_there_is_its_folder_s(folder: Path) -> None:
    assert weak(folder / "missing" / "deep") == []
    folder.chmod(0o777)
    assert len(weak(folder / "missing" / "deep")) == 1


def test_each_step_is_named_once(folder: Path) -> None:
    folder.chmod(0o777)
    trail = Trail([0, os.geteuid()])
    assert len([*trail.weak_points(str(folder / "x"))]) == 1
    assert [*trail.weak_points(str(folder / "y"))] == []


def test_stranger_s_step_is_mended_by_chown(folder: Path) -> None:
    stranger = os.geteuid() + 1
    points = [*Trail([0, stranger]).weak_points(str(folder))]
    if os.geteuid() == 0:
        assert points == []
        os.chown(folder, stranger, -1)
        points = [*Trail([0]).weak_points(str(folder))]
        assert points[0].mend == ("chown", "-h", "0", str(folder))
    else:
        assert points[-1].path == str(folder)
        assert points[-1].mend == ("chown", "-h", str(stranger), str(folder))


def test_all_that_a_folder_holds_counts_and_what_its_links_lead_to(
    folder: Path, tmp_path: Path
) -> None:
    inner = folder / "inner"
    (inner / "deep").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    for path in (elsewhere, inner / "deep" / "file", inner / "file"):
        path.touch(mode=0o644)
        path.chmod(0o666)
    (inner / "link").symlink_to(elsewhere)
    (inner / "strong").touch(mode=0o644)
    mine = (0, os.geteuid())
    found = {at.path for at in Trail(mine).weak_points_below(str(folder))}
    wanted = {str(inner / "deep" / "file"), str(inner / "file"), str(elsewhere)}
    assert found == wanted
    (folder / "way").symlink_to("inner")
    assert {at.path for at in Trail(mine).weak_points_below(str(folder / "way"))} == (
        wanted
    )
    trail = Trail(mine)
    assert [*trail.weak_points_below(str(folder / "not there"))] == []
    assert len([*trail.weak_points_below(str(folder))]) == 3
    assert [*trail.weak_points(str(inner / "file"))] == []  # it was given


def test_file_that_goes_while_its_folder_is_looked_at_is_no_weak_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("going", "staying"):
        (folder / name).touch()
    (folder / "staying").chmod(0o666)
    scandir = os.scandir

    def late(path: str) -> list[os.DirEntry[str]]:
        entries = [*scandir(path)]
        (folder / "going").unlink(missing_ok=True)
        return entries

    monkeypatch.setattr(os, "scandir", late)
    found = [*Trail([os.geteuid(), 0]).weak_points_below(str(folder))]
    assert [at.path for at in found] == [str(folder / "staying")]


def test_folder_that_can_only_be_listed_is_named() -> None:
    """Root can enter any: it becomes somebody else for the look."""
    real = os.geteuid()
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place, "folder")
        folder.mkdir()
        (folder / "file").touch()
        folder.chmod(0o444)
        try:
            if real == 0:
                os.seteuid(SOMEBODY)
            with pytest.raises(PermissionError):
                (folder / "file").stat()
            found = [*Trail([real, 0]).weak_points_below(str(folder))]
        finally:
            os.seteuid(real)
            folder.chmod(0o700)
    assert [(at.path, at.why) for at in found] == [
        (str(folder / "file"), "cannot be looked at: Permission denied")
    ]


def test_link_to_the_null_device_is_strong(folder: Path) -> None:
    (folder / "rc").symlink_to("/dev/null")
    assert weak(folder / "rc") == []
