"""Many writers and a log that is put aside again and again: each line is there once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsh.storage.local import LocalStore
from cucmsh.storage.rotation import Rotation, put_aside

pytestmark = pytest.mark.thorough

WRITER = """
import sys
from cucmsh.storage.local import LocalStore
from cucmsh.storage.rotation import Rotation
store, rotation = LocalStore(sys.argv[1]), Rotation(2000, 400)
for number in range(int(sys.argv[3])):
    store.append("log/alarms", f"{sys.argv[2]} {number:05}", rotation)
"""
LINES, WRITERS = 1500, 4


def all_lines(folder: Path) -> list[str]:
    return [line for path in folder.iterdir() for line in path.read_text().splitlines()]


def test_no_line_is_lost_or_doubled(tmp_path: Path) -> None:
    """The file is put aside about every hundred lines, by whoever finds it full."""
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [
        subprocess.Popen([*words, name, str(LINES)], cwd=Path(__file__).parents[2])
        for name in "abcd"[:WRITERS]
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * WRITERS
    wanted = {f"{name} {number:05}" for name in "abcd" for number in range(LINES)}
    found = all_lines(tmp_path / "log")
    assert len(list((tmp_path / "log").iterdir())) > 20
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_the_oldest_goes_and_no_file_is_longer_than_it_may_be(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    for number in range(100):
        store.append("log", f"line {number:03}", Rotation(95, 3))
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sorted(sizes) == ["log", "log.1", "log.2", "log.3"]
    assert max(sizes.values()) <= 95
    assert (tmp_path / "log").read_text().endswith("line 099\n")


def test_a_line_longer_than_the_file_may_be_is_written_whole(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    for letter in "ab":
        store.append("log", letter * 300, Rotation(100, 2))
    assert (tmp_path / "log").read_text() == "b" * 300 + "\n"
    assert (tmp_path / "log.1").read_text() == "a" * 300 + "\n"


def test_a_kill_between_two_renames_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gap that it leaves is filled by the next; the oldest stays."""
    for name in ("log", "log.1", "log.2"):
        (tmp_path / name).write_text(f"was {name}\n")
    real = os.rename
    done: list[str] = []

    def rename(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(old)
        real(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    store = LocalStore(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("cucmsh.storage.rotation.os.rename", rename)
        with pytest.raises(KeyboardInterrupt):
            store.append("log", "new", Rotation(5, 3))
    assert done == ["log.2"]
    store.append("log", "new", Rotation(5, 3))
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {
        "log": "new\n",
        "log.1": "was log\n",
        "log.2": "was log.1\n",
        "log.3": "was log.2\n",
    }


def test_what_another_put_aside_is_not_put_aside_again(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("old\n")
    descriptor = os.open(tmp_path / "log", os.O_RDWR)
    folder = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "log").rename(tmp_path / "log.1")
    (tmp_path / "log").write_text("new\n")
    assert put_aside(descriptor, folder, "log", 3)
    os.close(descriptor)
    os.close(folder)
    assert (tmp_path / "log").read_text() == "new\n"
    assert (tmp_path / "log.1").read_text() == "old\n"


def test_a_line_written_to_a_file_that_is_gone_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a writer was stopped while the log was put aside ten times."""
    log = tmp_path / "log"
    log.write_text("old\n")
    real = os.write

    def write(descriptor: int, raw: bytes) -> int:
        if log.exists() and log.read_text() == "old\n":
            log.unlink()
        return real(descriptor, raw)

    monkeypatch.setattr("cucmsh.storage.log_line.os.write", write)
    LocalStore(str(tmp_path)).append("log", "mine", Rotation(100, 1))
    assert log.read_text() == "mine\n"
