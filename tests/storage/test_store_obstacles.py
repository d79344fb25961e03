"""What lies in a store's way is named, left alone, and never gone through."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.storage.local import LocalStore
from tests.rigs.stores import NAME, NEW, OLD, Stored


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "./a", "a//b"),
        *("a/", ".", "a\0b", "a\nb", "a\x1b[2J", "\u202ea", "\udcff"),
    ],
)
def test_name_that_leads_elsewhere_or_hides_is_refused(
    stored: Stored, name: str
) -> None:
    acts: list[Callable[[], object]] = [
        lambda: stored.store.read(name),
        lambda: stored.store.write(name, NEW),
        lambda: stored.store.remove(name),
    ]
    if name:  # the empty name of a folder is the root
        acts.append(lambda: stored.store.names(name))
    for act in acts:
        with pytest.raises(StoreError, match=r"no file name|not a file name|holds"):
            act()
    assert stored.files() == {}


def test_folder_in_the_way_is_neither_read_replaced_nor_removed(
    stored: Stored,
) -> None:
    (stored.root / NAME).mkdir()
    for act in (stored.store.read, lambda n: stored.store.write(n, NEW)):
        with pytest.raises(StoreError, match=NAME):
            act(NAME)
    with pytest.raises(StoreError):
        stored.store.remove(NAME)
    assert list(stored.root.iterdir()) == [stored.root / NAME]


def test_fifo_is_refused_and_nobody_waits_for_it(stored: Stored) -> None:
    os.mkfifo(stored.root / NAME)
    with pytest.raises(StoreError, match="not a regular file"):
        stored.store.read(NAME)


def test_file_as_a_folder_is_an_error(stored: Stored) -> None:
    stored.store.write(NAME, OLD)
    for act in (stored.store.read, lambda n: stored.store.write(n, NEW)):
        with pytest.raises(StoreError, match=NAME):
            act(f"{NAME}/file")
    if isinstance(stored.store, LocalStore):  # SFTP says "no such file"
        with pytest.raises(StoreError, match=NAME):
            stored.store.names(NAME)
    assert stored.files() == {NAME: OLD}


def test_write_never_goes_through_a_link(stored: Stored) -> None:
    target = stored.root / "precious"
    target.write_bytes(OLD)
    (stored.root / NAME).symlink_to(target)
    with pytest.raises(StoreError, match="a symbolic link, not a regular file"):
        stored.store.write(NAME, NEW)
    assert (stored.root / NAME).is_symlink()
    assert target.read_bytes() == OLD


def test_local_store_reads_through_no_link(local: Stored) -> None:
    (local.root / "folder").mkdir()
    (local.root / "folder" / "precious").write_bytes(OLD)
    (local.root / "link").symlink_to("folder/precious")
    (local.root / "way").symlink_to("folder")
    for name in ("link", "way/precious"):
        with pytest.raises(StoreError) as refused:
            local.store.read(name)
        assert not isinstance(refused.value, MissingFileError)
    with pytest.raises(StoreError):
        local.store.write("way/precious", NEW)
    with pytest.raises(StoreError):
        local.store.remove("way/precious")
    with pytest.raises(StoreError):
        local.store.names("way")
    assert (local.root / "folder" / "precious").read_bytes() == OLD


def test_removing_a_link_leaves_its_target(stored: Stored) -> None:
    (stored.root / "precious").write_bytes(OLD)
    (stored.root / NAME).symlink_to("precious")
    stored.store.remove(NAME)
    assert stored.files() == {"precious": OLD}


# Each obstacle has its name in the message, and what to do in the advice


def refused(stored: Stored) -> StoreError:
    """Try to write; the old file (if any) must stay, and nothing of ours."""
    before = sorted(stored.root.iterdir())
    with pytest.raises(StoreError) as problem:
        stored.store.write(NAME, NEW)
    assert sorted(stored.root.iterdir()) == before
    assert f"{stored.root}/{NAME}" in problem.value.message
    if isinstance(stored.store, SftpStore):
        assert "127.0.0.1" in problem.value.message
    assert problem.value.advice
    return problem.value


KINDS: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a symbolic link": lambda path: path.symlink_to("elsewhere"),
    "a socket": lambda path: os.mknod(path, 0o140600),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_t22_what_is_in_the_file_s_place_is_named(stored: Stored, kind: str) -> None:
    KINDS[kind](stored.root / NAME)
    told = refused(stored)
    assert f"is {kind}, not a regular file" in told.message
    assert "Move it away" in told.advice


@pytest.mark.loopback
def test_missing_folder_is_named(openssh: Stored) -> None:
    with pytest.raises(MissingFileError, match="its folder is not there") as told:
        openssh.store.write(f"gone/{NAME}", NEW)
    assert "Make the folder" in told.value.advice


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    done = subprocess.run(
        ["chattr", "+i", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"LOUD: immutable files need root and ext4: {done.stderr}")
    try:
        with pytest.raises(PermissionError):  # or the test would prove nothing
            (path / "x" if path.is_dir() else path).write_bytes(b"")
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_t22_immutable_file_or_folder_is_told_of(stored: Stored, what: str) -> None:
    (stored.root / NAME).write_bytes(OLD)
    with immutable(stored.root / NAME if what == "file" else stored.root):
        told = refused(stored)
    if stored.tells:
        assert "permi" in told.message.lower()
        assert "lsattr" in told.advice
    assert stored.files() == {NAME: OLD}


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"LOUD: no real full disk here, only as root: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("size", ["16k", "64k", "80k"])
def test_f7_disk_that_is_really_full_is_named(stored: Stored, size: str) -> None:
    with mounted(stored.root, f"size={size},mode=755"):
        (stored.root / NAME).write_bytes(OLD)
        (stored.root / "filler").write_bytes(bytes(8000))
        told = refused(stored)
        assert stored.files()[NAME] == OLD
        if stored.tells:
            assert "No space left on device" in told.message
            assert "Free some space" in told.advice


def test_f9_read_only_file_system_is_named(stored: Stored) -> None:
    with mounted(stored.root, "size=64k,mode=755"):
        (stored.root / NAME).write_bytes(OLD)
        subprocess.run(["mount", "-o", "remount,ro", str(stored.root)], check=True)
        told = refused(stored)
        assert stored.files() == {NAME: OLD}
        if stored.tells:
            assert "Read-only file system" in told.message
            assert "Mount" in told.advice


ORDINARY = """
import os, sys
from cucmsh.storage.local import LocalStore
from cucmsh.errors import StoreError
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    LocalStore(sys.argv[1]).write("ITLFile.tlv", b"new")
except StoreError as told:
    print(told.message, told.advice)
"""


def test_f9_folder_that_an_ordinary_account_may_not_write_is_named() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / NAME).write_bytes(OLD)
        root.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", ORDINARY, folder],
            capture_output=True,
            text=True,
            check=True,
        )
        assert os.listdir(root) == [NAME]
        root.chmod(0o755)
    assert f"{folder}/{NAME}: Permission denied" in done.stdout
    assert "Check who owns the folder" in done.stdout
