"""A node's file in one flight, with a handle that is foreseen; right without it."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import MissingFileError, StoreError
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp import upload as sftp_upload
from cucmsh.remote.sftp.session import Answer, SftpSession
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection, open_node
from cucmsh.storage.store import MAX_FILE_SIZE, PIECE, temporary_for
from tests.rigs.stores import NAME, NEW, OLD, Stored

pytestmark = pytest.mark.loopback

LIST = os.urandom(5302)
SIZES = [0, 1, 5302, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 100_000, MAX_FILE_SIZE]
STAT, OPEN, CLOSE, READ, OPENDIR, READDIR = 17, 3, 4, 5, 11, 12


@pytest.fixture
def flights(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The kinds of what is asked, flight by flight."""
    seen: list[list[int]] = []
    fly = SftpSession.begin

    def noted(session: SftpSession, *requests: ask.Request, **how: object) -> object:
        seen.append([kind for kind, _ in requests])
        return fly(session, *requests, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(SftpSession, "begin", noted)
    return seen


@pytest.fixture
def fresh(sshd: SshAddress) -> Iterator[SshConnection]:
    connection = open_node(sshd)
    yield connection
    connection.close()


def test_list_on_a_node_is_read_in_one_flight(
    fresh: SshConnection, tmp_path: Path, flights: list[list[int]]
) -> None:
    (tmp_path / NAME).write_bytes(LIST)
    store = SftpStore(fresh, str(tmp_path))
    assert store.read(NAME) == LIST
    store.discard(store.stage_swept(NAME, NEW))
    flights.clear()
    assert store.read(NAME) == LIST  # whatever handles were used in between
    assert flights == [[STAT, OPEN, READ, CLOSE]]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spare", [None, b"", b"\0\0\0\7", b"no such handle"])
def test_wrong_guess_costs_a_flight_and_no_byte(
    openssh: Stored, node: SshConnection, size: int, spare: bytes | None
) -> None:
    raw = os.urandom(size)
    (openssh.root / NAME).write_bytes(raw)
    assert isinstance(node.files, SftpSession)
    if spare is not None:
        node.files.spare = spare
    assert openssh.store.read(NAME) == raw
    node.files.spare = bytes(4)


def test_handle_of_another_file_is_not_taken_for_the_one_that_was_opened(
    fresh: SshConnection, tmp_path: Path
) -> None:
    """The handle that was foreseen belongs to something else of ours, of that size."""
    (tmp_path / "other").write_bytes(bytes(len(LIST)))
    (tmp_path / NAME).write_bytes(LIST)
    store = SftpStore(fresh, str(tmp_path))
    assert isinstance(fresh.files, SftpSession)
    (opened,) = fresh.files.flight(ask.open_to_read(str(tmp_path / "other")))
    assert opened.handle() == fresh.files.spare
    assert store.read(NAME) == LIST


def test_file_that_grows_while_it_is_read_is_read_to_its_end(
    openssh: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    (openssh.root / NAME).write_bytes(LIST)
    attributes = Answer.attributes

    def smaller(answer: Answer) -> object:
        about = attributes(answer)
        return about._replace(size=max(about.size - 100, 0))

    monkeypatch.setattr(Answer, "attributes", smaller)
    assert openssh.store.read(NAME) == LIST


def test_no_server_is_left_waiting_in_a_fifo(
    fresh: SshConnection, tmp_path: Path
) -> None:
    """It is opened before we know what it is, and the open waits for a writer."""
    store = SftpStore(fresh, str(tmp_path))
    assert store.names() == []
    parent = fresh.run(["sh", "-c", "echo $PPID"]).output

    def waiting() -> list[str]:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        places = [Path(f"/proc/{child}/wchan") for child in children]
        return [place.read_text() for place in places if place.exists()]

    os.mkfifo(tmp_path / NAME)
    with pytest.raises(StoreError, match="is a FIFO, not a regular file"):
        store.read(NAME)
    (tmp_path / "list").write_bytes(LIST)
    assert store.read("list") == LIST  # over another channel
    end = time.monotonic() + 20
    while "wait_for_partner" in waiting() and time.monotonic() < end:
        threading.Event().wait(0.01)
    assert "wait_for_partner" not in waiting()


# Several files in one round trip


@pytest.mark.parametrize("spare", [None, b"", b"\0\0\0\7"])
@pytest.mark.parametrize("first", ["a", "b"])
def test_files_that_are_asked_for_together_are_each_their_own(
    fresh: SshConnection, tmp_path: Path, spare: bytes | None, first: str
) -> None:
    sizes = {"a": 100, "b": 3 * PIECE}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(name.encode() * size)
    store = SftpStore(fresh, str(tmp_path))
    assert isinstance(fresh.files, SftpSession)
    if spare is not None:
        fresh.files.spare = spare
    begun = {name: store.start_read(name) for name in ("a", "missing", "b")}
    assert begun.pop(first)() == first.encode() * sizes[first]
    with pytest.raises(MissingFileError):
        begun.pop("missing")()
    ((name, read),) = begun.items()
    assert read() == name.encode() * sizes[name]
    assert store.read("a") == b"a" * sizes["a"]


def test_files_that_are_asked_for_together_share_the_round_trip(
    fresh: SshConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    send, receive = SftpSession.begin, SftpSession._receive  # noqa: SLF001

    def sent(session: SftpSession, *requests: ask.Request, **how: object) -> object:
        events.append("sent")
        return send(session, *requests, **how)  # type: ignore[arg-type]

    def received(session: SftpSession) -> object:
        events.append("received")
        return receive(session)

    (tmp_path / NAME).write_bytes(LIST)
    store = SftpStore(fresh, str(tmp_path))
    assert store.read(NAME) == LIST
    monkeypatch.setattr(SftpSession, "begin", sent)
    monkeypatch.setattr(SftpSession, "_receive", received)
    other, one = store.start_read("missing"), store.start_read(NAME)
    assert one() == LIST
    with pytest.raises(MissingFileError):
        other()
    assert events == ["sent", "sent"] + ["received"] * 8


@pytest.mark.parametrize("waited_for", ["fifo", "list"])
def test_fifo_among_files_that_are_asked_for_together_is_named(
    fresh: SshConnection, tmp_path: Path, waited_for: str
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "list").write_bytes(LIST)
    store = SftpStore(fresh, str(tmp_path))
    begun = {name: store.start_read(name) for name in ("fifo", "list")}
    with pytest.raises(StoreError, match=r"fifo on .* is a FIFO, not a regular file"):
        begun[waited_for]()
    assert store.read("list") == LIST  # over another channel
    end = time.monotonic() + 20
    while has_reader(tmp_path / "fifo"):
        assert time.monotonic() < end, "a server waits in the FIFO"
        threading.Event().wait(0.01)


def has_reader(fifo: Path) -> bool:
    """Whether somebody has opened it, or waits in opening it."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as problem:
        if problem.errno != errno.ENXIO:
            raise
        return False
    return True


# Staged and swept together


def test_what_dead_writers_left_goes_while_a_file_is_staged(stored: Stored) -> None:
    left = [temporary_for(NAME) for _ in range(3)]
    for name in left:
        (stored.root / name).write_bytes(OLD)
        os.utime(stored.root / name, (0, 0))
    (stored.root / NAME).write_bytes(OLD)
    staged = stored.store.stage_swept(NAME, NEW)
    assert set(os.listdir(stored.root)) == {NAME, staged}
    stored.store.commit(staged, NAME)
    assert stored.files() == {NAME: NEW}


def test_sweeping_costs_no_flight_where_nothing_lies(
    openssh: Stored, flights: list[list[int]]
) -> None:
    staged = openssh.store.stage_swept(NAME, LIST)
    assert len(flights) == 2
    assert flights[0][-1] == OPENDIR
    assert flights[1][:3] == [READDIR, READDIR, CLOSE]
    openssh.store.discard(staged)


def test_folder_of_many_files_is_swept_to_its_end(openssh: Stored) -> None:
    for number in range(700):
        (openssh.root / f"SEP{number:012}.cnf.xml").touch()
    left = [temporary_for(NAME) for _ in range(20)]
    for name in left:
        (openssh.root / name).touch()
    staged = openssh.store.stage_swept(NAME, LIST)
    there = set(os.listdir(openssh.root))
    assert staged in there
    assert not there & set(left)
    assert len(there) == 701


def test_disk_that_dead_writers_filled_is_swept_before_it_is_given_up(
    openssh: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = openssh.root / temporary_for(NAME)
    left.touch()
    run = sftp_upload.Upload.run

    def full(upload: sftp_upload.Upload, raw: bytes, mode: int) -> None:
        if left.exists():
            raise StoreError("no space left on device")
        run(upload, raw, mode)

    monkeypatch.setattr(sftp_upload.Upload, "run", full)
    staged = openssh.store.stage_swept(NAME, NEW)
    assert os.listdir(openssh.root) == [staged]
