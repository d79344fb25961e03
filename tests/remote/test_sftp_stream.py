"""Files of a backup set on real SFTP servers, and on lines that break."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncssh
import pytest

from cucmsh.errors import (
    ConnectionFailedError,
    MissingFileError,
    NoAnswerError,
    StoreError,
)
from cucmsh.lab.sftp_files import RootedFiles
from cucmsh.remote import deadline
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.sftp.stream import BATCH, SftpFolder
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret
from cucmsh.storage.store import PIECE
from tests.rigs.proxy import TO_SHELL, Fault, Proxy
from tests.rigs.sftp import PASSWORD, USER, AsyncsshServer
from tests.rigs.stores import Stored

pytestmark = pytest.mark.loopback

NAME = "2026-12-01-03-30-00_pub_UCM_TFTP.tar"
LARGE = os.urandom(3 * BATCH * PIECE + 4711)
SIZES = (0, 1, PIECE - 1, PIECE, BATCH * PIECE, BATCH * PIECE + 1, len(LARGE))
HABITS = (
    *("", "untyped", "no-setstat not-both", "no-mode no-size", "no-stat"),
    "no-rename",
)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


Connect = Callable[..., SshConnection]


@pytest.fixture
def connect(box: Path, known: KnownHosts) -> Iterator[Connect]:
    """To asyncssh's server, through a proxy with that fault."""
    with ExitStack() as stack:

        def connect_one(*habits: str, fault: Fault = Fault()) -> SshConnection:  # noqa: B008
            server = AsyncsshServer(box, *habits)
            stack.callback(server.stop)
            proxy = Proxy(server.port, fault)
            stack.callback(proxy.close)
            login = Login(USER, Secret(PASSWORD))
            link = open_host(("127.0.0.1", proxy.port), login, known, lambda *_: True)
            stack.callback(link.close)
            return link

        yield connect_one


def folder_of(stored: Stored) -> SftpFolder:
    """The directory of the store, on its connection."""
    store = stored.store
    assert isinstance(store, SftpStore)
    return SftpFolder(store._connection, store._root)  # noqa: SLF001


def put(folder: SftpFolder, name: str, raw: bytes) -> None:
    with folder.writing(name) as take:
        for at in range(0, len(raw), 50_000):
            take(raw[at : at + 50_000])


def test_openssh_gives_back_what_it_was_given(openssh: Stored) -> None:
    round_trips(folder_of(openssh))


@pytest.mark.parametrize("habits", HABITS)
def test_other_servers_do_so_too(connect: Connect, habits: str) -> None:
    round_trips(SftpFolder(connect(*habits.split()), "/"))


def round_trips(folder: SftpFolder) -> None:
    for size in SIZES:
        put(folder, NAME, LARGE[:size])
        assert b"".join(folder.pieces(NAME)) == LARGE[:size]
        assert NAME in folder.sizes()
        with pytest.raises(StoreError, match=NAME), folder.writing(NAME):
            pass
        if size:
            assert b"".join(folder.pieces(NAME)) == LARGE[:size]
        folder.remove(NAME)
        folder.remove(NAME)
    assert NAME not in folder.sizes()
    with pytest.raises(MissingFileError):
        b"".join(folder.pieces(NAME))


def test_there_is_no_such_directory(connect: Connect) -> None:
    folder = SftpFolder(connect(), "/nowhere")
    with pytest.raises(MissingFileError, match="/nowhere"):
        folder.sizes()
    with pytest.raises(MissingFileError), folder.writing(NAME):
        pass


def test_what_the_body_raises_leaves_no_half_file(connect: Connect, box: Path) -> None:
    folder = SftpFolder(connect(), "/")
    with pytest.raises(LookupError), folder.writing(NAME) as take:
        gives_up(take)
    assert not list(box.iterdir())


def gives_up(take: Callable[[bytes], None]) -> None:
    take(LARGE)
    raise LookupError


@pytest.mark.parametrize("fault", [Fault(cut=400_000), Fault(cut=400_000, reset=True)])
def test_a_line_that_breaks_while_writing(
    connect: Connect, box: Path, fault: Fault
) -> None:
    folder = SftpFolder(connect(fault=fault), "/")
    with pytest.raises(ConnectionFailedError):
        put(folder, NAME, LARGE)
    for path in box.iterdir():
        assert path.stat().st_size < len(LARGE)


def test_a_line_that_breaks_or_is_silent_while_reading(
    connect: Connect, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (box / NAME).write_bytes(LARGE)
    cut = Fault(toward=TO_SHELL, cut=300_000)
    with pytest.raises(ConnectionFailedError):
        b"".join(SftpFolder(connect(fault=cut), "/").pieces(NAME))
    silent = Fault(toward=TO_SHELL, silence=300_000)
    folder = SftpFolder(connect(fault=silent), "/")
    monkeypatch.setattr(deadline, "OPERATION_SECONDS", 0.5)
    with pytest.raises(NoAnswerError, match="did not answer"):
        b"".join(folder.pieces(NAME))


def test_a_disk_that_is_full_is_told_and_nothing_half_is_left(
    sftp: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> int:
        raise asyncssh.SFTPFailure("No space left on device")

    folder = folder_of(sftp)
    with (
        patched(monkeypatch, fails),
        pytest.raises(StoreError, match="refused to write"),
    ):
        put(folder, NAME, LARGE)
    assert NAME not in folder.sizes()


@contextmanager
def patched(
    monkeypatch: pytest.MonkeyPatch, write: Callable[..., int]
) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(RootedFiles, "write", write)
        yield
