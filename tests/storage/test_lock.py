"""The lock: one holder at a time, and free as soon as the holder is gone."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cucmsh.errors import BusyError, StoreError
from cucmsh.storage import lock
from cucmsh.storage.lock import held

pytestmark = pytest.mark.thorough

HOLDER = """
import sys
from cucmsh.storage.lock import held
with held(sys.argv[1], sys.argv[2], "admin (itl reset, since 12:00:00 UTC)"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is locked: a folder that is not empty, as a node's home."""
    path = tmp_path / "home"
    (path / "state").mkdir(parents=True)
    return path


@pytest.fixture
def note(folder: Path) -> Path:
    return folder / "state" / "node.lock"


def hold(folder: Path, who: str, wait: float = 0) -> AbstractContextManager[None]:
    return held(str(folder), str(folder / "state" / "node.lock"), who, wait)


@pytest.fixture
def other(folder: Path, note: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(note)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_holder_is_told_who_is_first_and_since_when(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    for wait in (0, 0.02):
        with (
            pytest.raises(
                BusyError, match=r"^admin \(itl reset, since 12:00:00 UTC\) is making"
            ) as busy,
            hold(folder, "second", wait),
        ):
            raise AssertionError
        assert busy.value.advice


def remove(note: Path) -> None:
    note.unlink()


def replace(note: Path) -> None:
    note.unlink()
    note.write_text("root (process 1)")


def fill(note: Path) -> None:
    note.unlink()
    os.mkfifo(note)


def empty_the_folder(note: Path) -> None:
    note.unlink()
    note.parent.rmdir()


@pytest.mark.parametrize("harm", [remove, replace, fill, empty_the_folder])
def test_t36_lock_holds_whatever_happens_to_its_file(
    folder: Path,
    note: Path,
    other: subprocess.Popen[str],
    harm: Callable[[Path], None],
) -> None:
    harm(note)
    with pytest.raises(BusyError), hold(folder, "second"):
        raise AssertionError
    other.communicate()
    with hold(folder, "second"):  # and it is free when the holder ends
        pass


def test_locked_folder_cannot_be_removed(
    folder: Path, note: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(OSError, match="not empty"):
        note.parent.rmdir()
    with pytest.raises(OSError, match="not empty"):
        folder.rmdir()


def test_folder_made_anew_during_the_wait_is_the_one_that_is_locked(
    folder: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def move_it_away_and_end_the_holder(_seconds: float) -> None:
        folder.rename(folder.with_name("old"))
        (folder / "state").mkdir(parents=True)
        other.communicate()

    monkeypatch.setattr(lock, "sleep", move_it_away_and_end_the_holder)
    with (
        hold(folder, "second", 60),
        pytest.raises(BusyError),
        hold(folder, "third"),
    ):
        raise AssertionError


def test_lock_is_free_when_its_holder_is_killed(
    folder: Path, note: Path, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait(10)
    with hold(folder, "second"):
        assert note.read_text() == "second"


def test_waiting_takes_the_lock_when_the_holder_ends(
    folder: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_the_holder(_seconds: float) -> None:
        other.communicate()

    monkeypatch.setattr(lock, "sleep", end_the_holder)
    with hold(folder, "second", 60):
        assert other.returncode == 0


def test_lock_is_free_after_the_body_however_it_ends(folder: Path, note: Path) -> None:
    with hold(folder, "first"):
        pass
    with pytest.raises(ZeroDivisionError), hold(folder, "a much longer name"):
        _ = 1 / 0
    with hold(folder, "last"):
        assert note.read_text() == "last"
    assert note.read_text() == ""  # the next loser is not told of us


def test_two_folders_are_two_locks(folder: Path) -> None:
    state = folder / "state"
    with hold(folder, "a service start"), held(str(state), str(state / "x"), "reset"):
        pass


def test_note_is_the_owner_s_and_follows_no_link(folder: Path, note: Path) -> None:
    with hold(folder, "first"):
        assert note.stat().st_mode & 0o777 == 0o600
    (folder / "precious").write_text("precious")
    note.unlink()
    note.symlink_to(folder / "precious")
    with hold(folder, "second"):
        assert (folder / "precious").read_text() == "precious"


def test_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with (
        pytest.raises(StoreError, match="home") as refused,
        hold(tmp_path / "home", "x"),
    ):
        raise AssertionError
    assert refused.value.advice


def test_children_do_not_inherit_the_lock(folder: Path) -> None:
    words = ["sh", "-c", "readlink /proc/self/fd/* || :"]  # one of them is its own
    with hold(folder, "first"):
        done = subprocess.run(
            words, capture_output=True, text=True, close_fds=False, check=True
        )
    assert "pipe:" in done.stdout
    assert str(folder) not in done.stdout


def test_patience_is_for_the_named_holder_only(
    folder: Path, note: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(BusyError), held(str(folder), str(note), "me", 60, "the push"):
        pass
    assert other.stdin is not None
    threading.Timer(0.1, other.stdin.close).start()
    with held(str(folder), str(note), "me", 60, "admin (itl"):
        assert note.read_text() == "me"


def test_holder_that_has_not_written_its_line_yet_is_waited_for(
    folder: Path, note: Path
) -> None:
    """The lock comes first, the line after it: who looks in between knows no name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        assert lock.take(descriptor, 0)
        writes = threading.Timer(0.1, note.write_text, ["the push (process 7)"])
        frees = threading.Timer(0.3, os.close, [descriptor])
        writes.start()
        frees.start()
        with held(str(folder), str(note), "a reset", 20, "the push"):
            assert note.read_text() == "a reset"
    finally:
        writes.join()
        frees.join()


def test_holder_without_a_line_is_not_waited_for_long(
    folder: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "NAMELESS_SECONDS", 0.1)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        assert lock.take(descriptor, 0)
        with (
            pytest.raises(BusyError, match="another session"),
            held(str(folder), str(note), "a reset", 20, "the push"),
        ):
            pass
    finally:
        os.close(descriptor)
