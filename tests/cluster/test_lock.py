"""The lock: one holder at a time, and free as soon as the holder is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.cluster import lock
from cucmsh.cluster.lock import held
from cucmsh.errors import BusyError, StoreError

HOLDER = """
import sys
from cucmsh.cluster.lock import held
with held(sys.argv[1], "admin (itl reset)"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "lock")


@pytest.fixture
def other(path: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_holder_is_told_who_is_first(
    path: str, other: subprocess.Popen[str]
) -> None:
    for wait in (0, 0.02):
        with (
            pytest.raises(BusyError, match=r"^admin \(itl reset\) is making") as busy,
            held(path, "second", wait),
        ):
            raise AssertionError
        assert busy.value.advice


def test_lock_is_free_when_its_holder_is_killed(
    path: str, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait(10)
    with held(path, "second"):
        assert Path(path).read_text() == "second"


def test_waiting_takes_the_lock_when_the_holder_ends(
    path: str, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_the_holder(_seconds: float) -> None:
        other.communicate()

    monkeypatch.setattr(lock, "sleep", end_the_holder)
    with held(path, "second", 60):
        assert other.returncode == 0


def test_lock_is_free_after_the_body_however_it_ends(path: str) -> None:
    with held(path, "first"):
        pass
    with pytest.raises(ZeroDivisionError), held(path, "a much longer name"):
        _ = 1 / 0
    with held(path, "last"):
        assert Path(path).read_text() == "last"


def test_lock_file_is_the_owner_s_and_no_link(path: str, tmp_path: Path) -> None:
    with held(path, "first"):
        assert os.stat(path).st_mode & 0o777 == 0o600
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(StoreError, match="link"), held(str(tmp_path / "link"), "x"):
        raise AssertionError
    assert (tmp_path / "precious").read_text() == "precious"


def test_children_do_not_inherit_the_lock(path: str) -> None:
    words = ["sh", "-c", "readlink /proc/self/fd/* || :"]  # one of them is its own
    with held(path, "first"):
        done = subprocess.run(
            words, capture_output=True, text=True, close_fds=False, check=True
        )
    assert "pipe:" in done.stdout
    assert path not in done.stdout
