"""Failures of the local disk leave the old file and nothing else."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.storage.local import LocalStore
from tests.rigs.stores import NAME, NEW, OLD, Stored


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel gives a short count at ``size`` bytes, and EFBIG after that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 1, 4096, len(NEW) - 1])
def test_disk_that_fills_up_leaves_the_old_file_alone(local: Stored, size: int) -> None:
    local.store.write(NAME, OLD)
    with largest_file(size), pytest.raises(StoreError, match="File too large"):
        local.store.write(NAME, NEW)
    assert local.files() == {NAME: OLD}


def test_short_writes_are_continued(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, raw: write(fd, raw[:1000]))
    local.store.write(NAME, NEW)
    assert local.files() == {NAME: NEW}


def test_disk_that_gives_back_other_bytes_is_found_out(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.store.write(NAME, OLD)
    write = os.write

    def lying(descriptor: int, raw: bytes) -> int:
        write(descriptor, raw[:-1])
        return len(raw)

    monkeypatch.setattr(os, "write", lying)
    with pytest.raises(StoreError, match="other bytes"):
        local.store.write(NAME, NEW)
    monkeypatch.undo()
    assert local.files() == {NAME: OLD}


@pytest.mark.parametrize("call", ["fsync", "fchmod", "rename", "write", "read"])
def test_failing_system_call_leaves_the_old_file_and_nothing_else(
    local: Stored, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    local.store.write(NAME, OLD)

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, broken)
        with pytest.raises(StoreError, match="Input/output error"):
            local.store.write(NAME, NEW)
    assert local.files() == {NAME: OLD}


def test_everything_is_synced_before_and_after_the_rename(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noting_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        done.append("folder" if path == local.root else f"{path.stat().st_size}")
        fsync(descriptor)

    def noting_rename(old: str, new: str, **folders: int) -> None:
        done.append("rename")
        rename(old, new, **folders)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "rename", noting_rename)
    local.store.write(NAME, NEW)
    assert done == [str(len(NEW)), "rename", "folder"]


def test_append_adds_lines_for_the_owner_and_follows_no_link(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    store.append("log/audit", "one")
    store.append("log/audit", "zwei ü")
    assert store.read("log/audit") == "one\nzwei ü\n".encode()
    assert (tmp_path / "log" / "audit").stat().st_mode & 0o777 == 0o600
    (tmp_path / "log" / "link").symlink_to("audit")
    with pytest.raises(StoreError):
        store.append("log/link", "three")


def test_modified_is_when_the_file_was_written(local: Stored) -> None:
    local.store.write(NAME, OLD)
    os.utime(local.root / NAME, (1, 1234.5))
    assert isinstance(local.store, LocalStore)
    assert local.store.modified(NAME) == 1234.5
    with pytest.raises(MissingFileError):
        local.store.modified("missing")


def test_no_descriptor_stays_open(local: Stored) -> None:
    before = os.listdir("/proc/self/fd")
    local.store.write("a/b/c", OLD)
    local.store.read("a/b/c")
    local.store.names("a/b")
    with pytest.raises(MissingFileError):
        local.store.read("a/b/missing")
    with pytest.raises(StoreError):
        local.store.write("a/b", NEW)
    assert os.listdir("/proc/self/fd") == before


def test_file_that_goes_while_its_folder_is_listed_is_left_out(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("going", "staying"):
        local.store.write(name, NEW)

    def late(_: str) -> bool:
        local.store.remove("going")
        return False

    monkeypatch.setattr("cucmsh.storage.local.is_temporary", late)
    assert local.store.names() == ["staying"]
