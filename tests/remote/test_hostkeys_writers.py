"""Nobody's accepted key is lost: not to other writers, nor to a kill or a full disk."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.errors import BusyError, StoreError
from cucmsh.remote import known_hosts as hostkeys
from cucmsh.remote.known_hosts import HostKey, KnownHosts, Trust
from cucmsh.storage.lock import take

pytestmark = pytest.mark.thorough

KEY = HostKey(
    "ssh-ed25519",
    "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
)
FOREIGN = (
    "# kept by hand\n"
    f"@revoked stolen.lab {KEY.kind} {KEY.key}\n"
    "|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|aGFzaGhhc2hoYXNoaGFzaGhhc2g= "
    f"{KEY.kind} {KEY.key}\n"
    "garbage that no one understands\r\n\n"
)
WRITERS = 12
ADDER = """
import sys
from cucmsh.remote.known_hosts import HostKey, KnownHosts
path, name, rounds, kind, key = sys.argv[1:]
for number in range(int(rounds)):
    KnownHosts(path).add(name, number + 1, HostKey(kind, key))
    print(number + 1, flush=True)
"""


def adders(path: Path, rounds: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", ADDER, path, f"host{n}", str(rounds), *KEY],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "known_hosts"
    path.write_bytes(FOREIGN.encode())
    return path


def test_clustrix_157_twelve_writers_lose_nothing(path: Path) -> None:
    rounds = 100
    writers = adders(path, rounds)
    for writer in writers:
        writer.communicate(timeout=120)
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    text = path.read_bytes().decode()
    assert text.startswith(FOREIGN)
    lines = text.removeprefix(FOREIGN).splitlines()
    assert len(set(lines)) == len(lines) == WRITERS * rounds
    known = KnownHosts(str(path))
    for n in range(WRITERS):
        assert known.judge(f"host{n}", rounds, KEY) is Trust.KNOWN


def test_clustrix_157_killed_writers_lose_nothing_that_they_had_added(
    path: Path,
) -> None:
    writers = adders(path, 100_000)
    said: list[int] = []
    for n, writer in enumerate(writers):
        assert writer.stdout is not None
        for _ in range(5 + n):  # each in another moment of its work
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        said.append(5 + n)
    for writer in writers:
        writer.communicate(timeout=60)
    assert path.read_bytes().startswith(FOREIGN.encode())
    known = KnownHosts(str(path))
    for n, count in enumerate(said):
        for port in range(1, count + 1):
            assert known.judge(f"host{n}", port, KEY) is Trust.KNOWN
    known.add("next", 22, KEY)  # and nobody holds the lock
    assert known.find("next", 22) == [KEY]


def test_paramiko_835_revoked_lines_comments_and_garbage_outlive_an_addition(
    path: Path,
) -> None:
    known = KnownHosts(str(path))
    known.add("new.lab", 22, KEY)
    assert path.read_bytes() == FOREIGN.encode() + f"new.lab {' '.join(KEY)}\n".encode()
    assert known.judge("stolen.lab", 22, KEY) is Trust.REVOKED


SHORT: list[Callable[[bytes], int]] = [
    lambda _: 0,
    lambda _: 10,
    lambda raw: len(raw) - 1,
]


@pytest.mark.parametrize("count", SHORT, ids=["nothing", "a part", "all but a byte"])
def test_f7_full_disk_leaves_the_old_lines_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, count: Callable[[bytes], int]
) -> None:
    known, write = KnownHosts(str(path)), os.write
    known.add("old.lab", 22, KEY)
    before = path.read_bytes()

    def short(descriptor: int, raw: bytes) -> int:
        return write(descriptor, raw[: count(raw)])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        with pytest.raises(StoreError, match="No space left on device") as full:
            known.add("new.lab", 22, KEY)
    assert str(path) in full.value.message
    assert "still there" in full.value.advice
    assert path.read_bytes() == before
    known.add("new.lab", 22, KEY)
    assert path.read_bytes() == before + f"new.lab {' '.join(KEY)}\n".encode()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB; mounting one takes root."""
    place = tmp_path / "small"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"LOUD: no real full disk here, only as root: {done.stderr}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_f7_disk_that_is_really_full_loses_no_line(small_disk: Path) -> None:
    path = small_disk / "known_hosts"
    known = KnownHosts(str(path))
    added = 0

    def fill() -> None:
        nonlocal added
        while True:
            known.add("host", added + 1, KEY)
            added += 1

    with pytest.raises(StoreError, match="No space left on device"):
        fill()
    assert added > 50
    assert path.read_bytes().endswith(b"\n")
    assert len(path.read_text().splitlines()) == added
    assert known.judge("host", added, KEY) is Trust.KNOWN


def test_torn_line_of_a_killed_writer_says_nothing(path: Path) -> None:
    with path.open("a") as file:
        file.write(f"victim.lab {KEY.kind} {KEY.key[:-8]}")
    known = KnownHosts(str(path))
    assert known.judge("victim.lab", 22, KEY) is Trust.STRANGER
    known.add("victim.lab", 22, KEY)
    assert known.judge("victim.lab", 22, KEY) is Trust.KNOWN


def test_lock_that_somebody_keeps_is_no_endless_wait(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostkeys, "WAIT_SECONDS", 0.1)
    descriptor = os.open(path, os.O_RDONLY)
    assert take(descriptor, 0)
    with pytest.raises(BusyError, match="known_hosts"):
        KnownHosts(str(path)).add("new.lab", 22, KEY)
    os.close(descriptor)
    assert path.read_bytes() == FOREIGN.encode()


@pytest.mark.parametrize("what", ["fifo", "folder", "large"])
def test_what_is_no_file_of_host_keys_is_an_error_and_no_wait(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "known_hosts"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(hostkeys.MAX_FILE_SIZE + 1)
    known = KnownHosts(str(path))
    with pytest.raises(StoreError, match="known_hosts"):
        known.judge("host", 22, KEY)
    if what != "large":
        with pytest.raises(StoreError, match="known_hosts"):
            known.add("host", 22, KEY)


def test_key_that_could_not_be_read_back_is_not_written(path: Path) -> None:
    for key in (HostKey("ssh-rsa", "AAAA"), HostKey("x", KEY.key), HostKey("", "")):
        with pytest.raises(StoreError, match="no host key"):
            KnownHosts(str(path)).add("host", 22, key)
    assert path.read_bytes() == FOREIGN.encode()


@pytest.mark.parametrize("host", ["*", "a?", "!a", "a,b", "|1|a|b", "@revoked", "#a"])
def test_name_that_would_speak_of_others_is_refused(path: Path, host: str) -> None:
    with pytest.raises(StoreError, match="no host name"):
        KnownHosts(str(path)).add(host, 22, KEY)
    assert path.read_bytes() == FOREIGN.encode()
