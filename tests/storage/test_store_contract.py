"""What every store promises, on this machine's disk and over SFTP."""

import os
import time
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import MAX_FILE_SIZE
from tests.rigs.stores import NAME, NEW, OLD, Stored


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0", b"\r\n\n\xff", b"x" * 32768, os.urandom(100_000)],
    ids=["empty", "nul", "line ends", "one piece", "100 KB"],
)
def test_file_comes_back_as_it_was_written(stored: Stored, raw: bytes) -> None:
    stored.store.write(NAME, raw)
    assert stored.store.read(NAME) == raw
    assert stored.files() == {NAME: raw}


def test_largest_file_passes_and_a_larger_one_is_refused(stored: Stored) -> None:
    raw = os.urandom(MAX_FILE_SIZE)
    stored.store.write(NAME, raw)
    with pytest.raises(StoreError, match="too many"):
        stored.store.write(NAME, raw + b"x")
    assert stored.store.read(NAME) == raw
    assert stored.files() == {NAME: raw}


def test_file_that_is_too_large_is_not_read(stored: Stored) -> None:
    with open(stored.root / NAME, "wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(StoreError, match=str(MAX_FILE_SIZE)):
        stored.store.read(NAME)


def test_second_write_replaces_the_first(stored: Stored) -> None:
    stored.store.write(NAME, OLD)
    stored.store.write(NAME, NEW)
    assert stored.files() == {NAME: NEW}


def test_reader_that_opened_the_old_file_keeps_it_whole(stored: Stored) -> None:
    stored.store.write(NAME, OLD)
    with open(stored.root / NAME, "rb") as reader:
        stored.store.write(NAME, NEW)
        assert reader.read() == OLD


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_file_has_the_mode_asked_for_whatever_the_umask(
    stored: Stored, mode: int
) -> None:
    stored.store.write(NAME, OLD, 0o400)
    before = os.umask(0o177 if mode == 0o644 else 0)
    try:
        stored.store.write(NAME, NEW, mode)
    finally:
        os.umask(before)
    assert (stored.root / NAME).stat().st_mode & 0o7777 == mode


def test_secret_is_never_readable_by_others_on_its_way(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, modes = os.write, []

    def seen(descriptor: int, raw: bytes) -> int:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        return write(descriptor, raw)

    monkeypatch.setattr(os, "write", seen)
    local.store.write(NAME, NEW)
    assert modes == [0o600]


def test_missing_file_says_so_with_its_path(stored: Stored) -> None:
    with pytest.raises(MissingFileError, match=f"{stored.root}/{NAME}"):
        stored.store.read(NAME)


def test_missing_folder_is_a_missing_file_and_has_no_names(stored: Stored) -> None:
    with pytest.raises(MissingFileError):
        stored.store.read("nowhere/file")
    assert stored.store.names("nowhere") == []


def test_removed_file_is_gone_and_removing_it_again_is_no_error(
    stored: Stored,
) -> None:
    stored.store.write(NAME, OLD)
    stored.store.remove(NAME)
    stored.store.remove(NAME)
    stored.store.remove("nowhere/file")
    assert stored.files() == {}


def test_names_are_sorted_regular_files_without_temporary_ones(
    stored: Stored,
) -> None:
    for name in ("b", "a", "ä b", ".cucmsh-0123456789abcdef.tmp", ".hidden"):
        (stored.root / name).touch()
    (stored.root / "folder").mkdir()
    (stored.root / "link").symlink_to("a")
    os.mkfifo(stored.root / "fifo")
    assert stored.store.names() == [".hidden", "a", "b", "ä b"]


def test_listing_tells_sizes_and_times_of_the_same_files(stored: Stored) -> None:
    for name, raw in (("b", OLD), ("a", b""), (f".cucmsh-{'0' * 16}.tmp", OLD)):
        (stored.root / name).write_bytes(raw)
        os.utime(stored.root / name, (5, 1393439067))
    (stored.root / "folder").mkdir()
    (stored.root / "link").symlink_to("a")
    when = 1393439067
    assert stored.store.listing() == {"a": (0, when), "b": (len(OLD), when)}
    assert stored.store.listing("folder") == {}
    assert stored.store.listing("nowhere") == {}


def test_folder_is_made_on_the_way_and_again_without_harm(stored: Stored) -> None:
    for _ in range(2):
        stored.store.make_folder("one/two")
        assert (stored.root / "one" / "two").stat().st_mode & 0o755 == 0o755
    stored.store.write("one/two/file", OLD)
    stored.store.write(NAME, OLD)
    (stored.root / "link").symlink_to("one")
    for name in (f"{NAME}/x", "link/x", "../x", "/x"):
        with pytest.raises(StoreError):
            stored.store.make_folder(name)
    assert not (stored.root / "one" / "x").exists()


def test_folders_are_reached_by_their_names(stored: Stored) -> None:
    (stored.root / "one" / "two").mkdir(parents=True)
    stored.store.write("one/two/file", OLD)
    assert stored.store.names("one/two") == ["file"]
    assert stored.store.read("one/two/file") == OLD
    stored.store.remove("one/two/file")
    assert stored.store.names("one/two") == []


def test_local_store_makes_the_folders_it_needs_for_the_owner_only(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    LocalStore(str(root)).write("one/two/file", OLD)
    for folder in (root, root / "one", root / "one" / "two"):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.loopback
def test_folder_that_is_not_on_the_other_host_is_not_made(sftp: Stored) -> None:
    with pytest.raises(MissingFileError, match="one/file"):
        sftp.store.write("one/file", OLD)
    assert sftp.files() == {}


def test_staged_file_is_not_there_until_it_is_committed(stored: Stored) -> None:
    stored.store.write("list", b"old")
    staged = stored.store.stage("list", b"new", 0o644)
    assert stored.store.read("list") == b"old"
    assert stored.store.names() == ["list"]
    stored.store.commit(staged, "list")
    assert stored.files() == {"list": b"new"}
    assert (stored.root / "list").stat().st_mode & 0o777 == 0o644


def test_discarded_file_leaves_nothing(stored: Stored) -> None:
    stored.store.discard(stored.store.stage("list", b"new"))
    assert stored.files() == {}
    stored.store.discard(".cucmsh-nothing.tmp")


def test_mode_is_that_of_file_folder_and_root(local: Stored) -> None:
    local.root.chmod(0o750)
    local.store.write("one/file", OLD, 0o640)
    (local.root / "link").symlink_to("one/file")
    modes = LocalStore(str(local.root)).mode
    assert [modes(name) for name in ("", "one", "one/file")] == [0o750, 0o700, 0o640]
    assert modes("link") == 0o777  # its own, not the target's
    with pytest.raises(MissingFileError):
        modes("two")


def test_tree_has_every_file_but_hidden_ones_and_links(stored: Stored) -> None:
    assert stored.store.tree() == {}
    for name in ("a", "b/c", "b/d/e", ".hidden", ".git/f"):
        path = stored.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"xyz")
    (stored.root / "link").symlink_to("a")
    (stored.root / "folder").symlink_to("b")
    os.utime(stored.root / "b/c", (5, 5))
    found = stored.store.tree()
    assert sorted(found) == ["a", "b/c", "b/d/e"]
    assert found["b/c"] == (3, 5)


def test_folders_without_end_are_refused(stored: Stored) -> None:
    (stored.root / ("d/" * 17)).mkdir(parents=True)
    with pytest.raises(StoreError, match="in each other"):
        stored.store.tree()


def test_clock_is_told_and_nothing_is_left(stored: Stored) -> None:
    assert abs(stored.store.clock() - time.time()) < 60
    assert stored.files() == {}


def test_clock_of_a_missing_folder_is_an_error(stored: Stored) -> None:
    stored.root.rmdir()
    with pytest.raises(StoreError):
        stored.store.clock()
