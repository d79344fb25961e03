"""What every store promises, on this machine's disk and over SFTP.

The root of each store is a folder that the test can look into by itself.
"""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import paramiko
import pytest
from paramiko.sftp import CMD_EXTENDED, SFTP_FAILURE, SFTP_OK, SFTP_OP_UNSUPPORTED

from cucmsh.cluster.local import LocalStore
from cucmsh.cluster.sftp import SftpStore
from cucmsh.cluster.ssh import SshConnection
from cucmsh.cluster.store import MAX_FILE_SIZE, Store
from cucmsh.errors import ConnectionFailedError, MissingFileError, StoreError
from cucmsh.lab.sftp_files import FileService, OpenFile, RootedFiles

OLD, NEW = b"the old list", bytes(range(256)) * 300
NAME = "ITLFile.tlv"


class Stored(NamedTuple):
    store: Store
    root: Path

    def files(self) -> dict[str, bytes]:
        """All files, with temporary ones, as the disk has them."""
        return {path.name: path.read_bytes() for path in self.root.iterdir()}


@pytest.fixture
def local(tmp_path: Path) -> Stored:
    root = tmp_path / "root"
    root.mkdir()
    return Stored(LocalStore(str(root)), root)


@pytest.fixture
def sftp(
    backup: SshConnection, served: Path, request: pytest.FixtureRequest
) -> Iterator[Stored]:
    root = served / str(abs(hash(request.node.nodeid)))
    root.mkdir()
    store = SftpStore(backup, str(root))
    yield Stored(store, root)
    store.close()


@pytest.fixture
def openssh(node: SshConnection, tmp_path: Path) -> Iterator[Stored]:
    store = SftpStore(node, str(tmp_path))
    yield Stored(store, tmp_path)
    store.close()


@pytest.fixture(
    params=[
        "local",
        pytest.param("sftp", marks=pytest.mark.loopback),
        pytest.param("openssh", marks=pytest.mark.loopback),
    ]
)
def stored(request: pytest.FixtureRequest) -> Stored:
    made: Stored = request.getfixturevalue(request.param)
    return made


# Reading and writing


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


# Names and obstacles


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


# Failures of the local disk


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


def test_mode_is_that_of_file_folder_and_root(local: Stored) -> None:
    local.root.chmod(0o750)
    local.store.write("one/file", OLD, 0o640)
    (local.root / "link").symlink_to("one/file")
    modes = LocalStore(str(local.root)).mode
    assert [modes(name) for name in ("", "one", "one/file")] == [0o750, 0o700, 0o640]
    assert modes("link") == 0o777  # its own, not the target's
    with pytest.raises(MissingFileError):
        modes("two")


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


# Failures of the other host's disk: the lab's server, with one operation broken


def fails(*_: object) -> int:
    return SFTP_FAILURE


def loses_bytes(file: OpenFile, offset: int, data: bytes) -> int:
    os.pwrite(file._descriptor, data[:-1], offset)  # noqa: SLF001 (a server that lies)
    return SFTP_OK


def refuses_sync(
    service: FileService, kind: int, number: int, message: paramiko.Message
) -> None:
    if kind == CMD_EXTENDED and b"fsync" in message.asbytes():
        service._send_status(number, SFTP_FAILURE)  # type: ignore[attr-defined]  # noqa: SLF001
        return
    process(service, kind, number, message)


process = FileService._process  # type: ignore[attr-defined]  # noqa: SLF001 (no public way)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("where", "operation", "fault"),
    [
        (OpenFile, "write", fails),
        (OpenFile, "write", loses_bytes),
        (OpenFile, "chattr", fails),
        (OpenFile, "read", fails),
        (RootedFiles, "posix_rename", fails),
        (FileService, "_process", refuses_sync),
    ],
)
def test_fault_of_the_server_leaves_the_old_file_and_nothing_else(
    sftp: Stored,
    monkeypatch: pytest.MonkeyPatch,
    where: type,
    operation: str,
    fault: Callable[..., object],
) -> None:
    sftp.store.write(NAME, OLD)
    with monkeypatch.context() as patched:
        patched.setattr(where, operation, fault)
        with pytest.raises(StoreError, match=NAME):
            sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_server_without_posix_rename_takes_new_files_and_keeps_old_ones(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> int:
        return SFTP_OP_UNSUPPORTED

    monkeypatch.setattr(RootedFiles, "posix_rename", unsupported)
    sftp.store.write(NAME, OLD)
    with pytest.raises(StoreError, match=NAME):
        sftp.store.write(NAME, NEW)
    assert sftp.files() == {NAME: OLD}


@pytest.mark.loopback
def test_claimed_size_is_not_believed(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_file: OpenFile, _offset: int, length: int) -> bytes:
        return b"x" * length

    (sftp.root / NAME).write_bytes(OLD)
    monkeypatch.setattr(OpenFile, "read", endless)
    with pytest.raises(StoreError, match="larger than"):
        sftp.store.read(NAME)


@pytest.mark.loopback
def test_broken_connection_is_no_missing_file(
    served: Path, open_backup: Callable[[], SshConnection]
) -> None:
    connection = open_backup()
    store = SftpStore(connection, str(served))
    connection.close()
    acts: list[Callable[[], object]] = [
        lambda: store.read(NAME),
        lambda: store.write(NAME, NEW),
        lambda: store.remove(NAME),
        store.names,
    ]
    for act in acts:
        with pytest.raises(ConnectionFailedError, match="broke"):
            act()


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
