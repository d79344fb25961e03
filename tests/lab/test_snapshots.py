"""A directory kept under a name and put back: contents, modes, what is left alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, StoreError, UsageError
from cucmsh.lab.snapshots import Snapshots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory like a lab's."""
    root = tmp_path / "lab"
    for name in ("home/state", "tftp"):
        (root / name).mkdir(parents=True, mode=0o700)
    (root / "home/key").write_text("a key")
    (root / "home/key").chmod(0o600)
    (root / "tftp/list").write_text("a list")
    (root / "tftp/link").symlink_to("list")
    (root / "lab.json").write_text("{}")
    return root


def contents(root: Path) -> dict[str, tuple[int, str]]:
    """Modes, and texts or targets, of all that a snapshot keeps."""
    return {
        path.relative_to(root).as_posix(): (
            path.lstat().st_mode,
            ""
            if path.is_dir()
            else os.readlink(path)
            if path.is_symlink()
            else path.read_text(),
        )
        for path in sorted(root.rglob("*"))
        if path.relative_to(root).parts[0] not in ("snapshots", "lab.json")
    }


def test_everything_is_put_back(root: Path) -> None:
    snapshots, before = Snapshots(root), contents(root)
    snapshots.save("one", {"running": ["a"]})
    (root / "home/key").write_text("another")
    (root / "home/key").chmod(0o644)
    (root / "tftp/list").unlink()
    (root / "tftp/list").mkdir()
    (root / "tftp/list/inner").write_text("x")
    (root / "tftp/link").unlink()
    (root / "home/more").write_text("x")
    (root / "lab.json").write_text("other")
    assert snapshots.state_of("one") == {"running": ["a"]}
    snapshots.put_back("one")
    assert contents(root) == before
    assert (root / "lab.json").read_text() == "other"
    assert snapshots.names() == ["one"]


def test_folders_stay_the_same_ones_for_those_who_wait_for_their_lock(
    root: Path,
) -> None:
    snapshots = Snapshots(root)
    snapshots.save("one", {})
    before = (root / "home/state").stat().st_ino
    snapshots.put_back("one")
    assert (root / "home/state").stat().st_ino == before


def test_a_socket_is_neither_kept_nor_removed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("home/socket")
        snapshots = Snapshots(root)
        snapshots.save("one", {})
        snapshots.put_back("one")
        assert (root / "home/socket").is_socket()
        assert not (root / "snapshots/one/files/home/socket").exists()


def test_one_of_that_name_is_replaced(root: Path) -> None:
    snapshots = Snapshots(root)
    snapshots.save("one", {})
    (root / "home/key").write_text("the second")
    snapshots.save("one", {"second": True})
    (root / "home/key").write_text("the third")
    snapshots.put_back("one")
    assert (root / "home/key").read_text() == "the second"


class KilledError(BaseException):
    """The process ended there."""


@pytest.mark.parametrize("fault", [OSError(28, "No space left"), KilledError()])
def test_one_that_cannot_be_replaced_is_still_there(
    root: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    Snapshots(root).save("one", {"first": True})
    before = contents(root)
    (root / "home/key").write_text("another")
    rename = Path.rename

    def fails(place: Path, target: Path) -> Path:
        if place.name == ".new-one":
            raise fault
        return rename(place, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", fails)
        with pytest.raises((StoreError, KilledError)):
            Snapshots(root).save("one", {})
    snapshots = Snapshots(root)
    assert snapshots.names() == ["one"]
    assert snapshots.state_of("one") == {"first": True}
    snapshots.put_back("one")
    assert contents(root) == before
    snapshots.save("one", {})
    assert [path.name for path in (root / "snapshots").iterdir()] == ["one"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-a", "a b", "x" * 65, "é"])
def test_a_name_that_is_none(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Snapshots(root).save(name, {})
    assert not (root / "snapshots").exists()


def test_one_that_is_not_there_and_one_that_is_damaged(root: Path) -> None:
    snapshots = Snapshots(root)
    with pytest.raises(MissingFileError, match="no snapshot one") as refused:
        snapshots.state_of("one")
    assert refused.value.advice == "There are: none."
    snapshots.save("one", {})
    (root / "snapshots/one/snapshot.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        snapshots.state_of("one")
