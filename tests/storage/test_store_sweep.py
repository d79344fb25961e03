"""What a dead writer left is swept away; a living writer's file never is."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage import temporary as local_temporary
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import temporary_for
from tests.rigs.stores import NAME, NEW, OLD, Stored

LEFT = [".cucmsh-0123456789abcdef.tmp", ".cucmsh-ffffffffffffffff.tmp"]
NOT_OURS = [
    *(".cucmsh-.tmp", ".cucmsh-0123456789abcde.tmp", ".cucmsh-0123456789abcdef0.tmp"),
    *(".cucmsh-0123456789ABCDEF.tmp", ".cucmsh-0123456789abcdeg.tmp", ".cucmsh"),
    *(".cucmsh-0123456789abcdef.tmp.bak", "x.cucmsh-0123456789abcdef.tmp", ".tmp"),
    *("cucmsh-0123456789abcdef.tmp", ".cucmsh-0123456789abcdef", "ITLFile.tlv"),
]
HOUR = 3600


def leave(folder: Path, *names: str, age: float = 2 * HOUR) -> None:
    for name in names:
        (folder / name).write_bytes(NEW[:100])
        when = time.time() - age
        os.utime(folder / name, (when, when))


def test_what_dead_writers_left_is_removed_and_nothing_else(stored: Stored) -> None:
    leave(stored.root, *LEFT, *NOT_OURS)
    assert stored.store.sweep() == len(LEFT)
    assert sorted(stored.files()) == sorted(NOT_OURS)
    assert stored.store.sweep() == 0


def test_folder_that_is_named_is_swept_and_no_other(stored: Stored) -> None:
    for folder in ("a", "b"):
        (stored.root / folder).mkdir()
        leave(stored.root / folder, LEFT[0])
    assert stored.store.sweep("a") == 1
    assert os.listdir(stored.root / "a") == []
    assert os.listdir(stored.root / "b") == [LEFT[0]]
    assert stored.store.sweep("nowhere") == 0


def test_f24_links_folders_and_fifos_of_such_a_name_stay(stored: Stored) -> None:
    (stored.root / "precious").write_bytes(OLD)
    link, folder, fifo = (stored.root / temporary_for("x") for _ in range(3))
    link.symlink_to("precious")
    folder.mkdir()
    os.mkfifo(fifo)
    assert stored.store.sweep() == 0
    assert link.is_symlink()
    assert folder.is_dir()
    assert fifo.is_fifo()
    assert (stored.root / "precious").read_bytes() == OLD


@pytest.mark.loopback
def test_shared_server_is_swept_of_what_is_an_hour_old_by_its_own_clock(
    sftp: Stored,
) -> None:
    leave(sftp.root, LEFT[0], age=HOUR + 60)
    leave(sftp.root, LEFT[1], age=HOUR - 60)
    assert sftp.store.sweep() == 1
    assert list(sftp.files()) == [LEFT[1]]


@pytest.mark.loopback
def test_node_is_swept_of_any_age(openssh: Stored) -> None:
    leave(openssh.root, *LEFT, age=-60)
    assert openssh.store.sweep() == 2


@pytest.mark.loopback
def test_age_can_be_chosen(node: SshConnection, tmp_path: Path) -> None:
    leave(tmp_path, LEFT[0], age=100)
    assert SftpStore(node, str(tmp_path), sweep_age_seconds=200).sweep() == 0
    assert SftpStore(node, str(tmp_path), sweep_age_seconds=50).sweep() == 1
    assert os.listdir(tmp_path) == []  # and no file that was made to read the clock


# On this machine: who is alive is told by the kernel

STAGER = """
import sys
from cucmsh.storage.local import LocalStore
store = LocalStore(sys.argv[1])
print(store.stage("ITLFile.tlv", b"staged"), flush=True)
sys.stdin.read()
"""


@pytest.mark.thorough
def test_living_writer_s_file_stays_and_a_killed_one_s_goes(local: Stored) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAGER, str(local.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        staged = writer.stdout.readline().strip()
        assert local.store.sweep() == 0
        assert list(local.files()) == [staged]
        writer.send_signal(signal.SIGKILL)
        writer.wait(10)
        assert local.store.sweep() == 1
        assert local.files() == {}


def test_own_staged_file_stays_until_the_store_is_closed(local: Stored) -> None:
    staged = local.store.stage(NAME, NEW)
    assert local.store.sweep() == 0
    local.store.commit(staged, NAME)
    assert local.files() == {NAME: NEW}
    local.store.stage(NAME, OLD)
    assert isinstance(local.store, LocalStore)
    local.store.close()
    assert local.store.sweep() == 1
    assert local.files() == {NAME: NEW}


@pytest.mark.parametrize("moment", ["made", "locked"])
def test_sweeper_between_making_and_locking_makes_the_writer_take_another_name(
    stored_locally: Stored, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    lock = local_temporary._lock  # noqa: SLF001 (between two system calls)
    swept: list[int] = []

    def sweep_then_lock(descriptor: int) -> bool:
        if not swept:
            monkeypatch.setattr(local_temporary, "_lock", lock)
            swept.append(LocalStore(str(stored_locally.root)).sweep())
            assert swept == [1]
        return lock(descriptor)

    def lose_the_lock(_: int) -> bool:
        monkeypatch.setattr(local_temporary, "_lock", lock)
        return False

    monkeypatch.setattr(
        local_temporary, "_lock", sweep_then_lock if moment == "made" else lose_the_lock
    )
    stored_locally.store.write(NAME, NEW)
    assert stored_locally.store.read(NAME) == NEW


@pytest.fixture
def stored_locally(tmp_path: Path) -> Stored:
    return Stored(LocalStore(str(tmp_path)), tmp_path)


@pytest.mark.thorough
def test_twelve_sweepers_never_cost_a_writer_its_file(tmp_path: Path) -> None:
    over = threading.Event()

    def sweep() -> None:
        store = LocalStore(str(tmp_path))
        while not over.is_set():
            store.sweep()

    sweepers = [threading.Thread(target=sweep) for _ in range(12)]
    for sweeper in sweepers:
        sweeper.start()
    store = LocalStore(str(tmp_path))
    try:
        for number in range(60):
            raw = number.to_bytes(4) * 100
            store.write(NAME, raw)
            assert store.read(NAME) == raw
    finally:
        over.set()
        for sweeper in sweepers:
            sweeper.join()
    assert os.listdir(tmp_path) == [NAME]


def test_no_descriptor_of_a_staged_file_goes_to_a_child(local: Stored) -> None:
    staged = local.store.stage(NAME, NEW)
    words = ["sh", "-c", "readlink /proc/self/fd/* || :"]
    done = subprocess.run(
        words, capture_output=True, text=True, close_fds=False, check=True
    )
    assert staged not in done.stdout
    local.store.discard(staged)
    assert local.files() == {}
