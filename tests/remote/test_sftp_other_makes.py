"""A backup on servers of other makes: asyncssh's, with their habits put upon it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.file_transfer import FileTransfer
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret
from tests.remote.outgoing import in_pieces
from tests.rigs.sftp import (
    FAILURE,
    PASSWORD,
    USER,
    AsyncsshServer,
    Habits,
)

pytestmark = pytest.mark.loopback

KEY, SECOND, EARLIER = os.urandom(2725), os.urandom(2725), b"an earlier key"
NAME = "ITLRecovery.p12"

# Habits, and where the new file is when another one stands at its name: there, beside
# it, or taken away. "?": it could not be read back.
SERVERS = {
    "asyncssh as it is": ("", "there"),
    "listings without types": ("untyped", "there"),
    "and its RENAME replaces": ("untyped rename-replaces no-posix-rename", "there"),
    "attributes without permissions": ("no-mode no-size", "there"),
    "no posix-rename": ("no-posix-rename", "there"),
    "posix-rename that replaces nothing": ("posix-rename-fails", "there"),
    "no SETSTAT, not open for both": ("no-setstat not-both no-posix-rename", "there"),
    "an object store": (
        "no-setstat not-both no-exclusive rename-replaces no-mode untyped",
        "there",
    ),
    "no STAT": ("no-stat rename-replaces", "there"),
    "no STAT, no listing": ("no-stat no-listing rename-replaces", "beside"),
    "no STAT, an empty listing": ("no-stat empty-listing rename-replaces", "beside"),
    "it hides everything": ("hides no-listing rename-replaces", "beside"),
    "nothing is renamed": ("no-rename posix-rename-fails", "beside"),
    "nothing is removed": ("no-remove", "there"),
    "a box to write to only": ("no-read no-listing no-setstat", "beside?"),
    "a box that takes files away": ("takes-away", "taken?"),
    "and hides them": ("takes-away hides empty-listing no-remove", "taken?"),
}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


Connect = Callable[..., SshConnection]


@pytest.fixture
def connect(box: Path, known: KnownHosts) -> Iterator[Connect]:
    with ExitStack() as stack:

        def connect_one(*habits: str) -> SshConnection:
            server = AsyncsshServer(box, *habits)
            stack.callback(server.stop)
            connection = open_host(
                ("127.0.0.1", server.port), Login(USER, Secret(PASSWORD)), known, yes
            )
            stack.callback(connection.close)
            return connection

        yield connect_one


def yes(*_: object) -> bool:
    return True


def put(connection: SshConnection, raw: bytes, own: str) -> SentFile:
    outgoing = OutgoingFile(NAME, own, len(raw), in_pieces(raw))
    return FileTransfer(connection, "/", bool).run(outgoing)


def contents(*folders: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for folder in folders for path in folder.iterdir()
    }


@pytest.mark.parametrize("make", SERVERS)
def test_backup_works_each_time_and_destroys_nothing(
    box: Path, connect: Connect, make: str
) -> None:
    habits, where = SERVERS[make]
    (box / NAME).write_bytes(EARLIER)
    connection = connect(*habits.split())
    taken = box.parent / "taken"
    there = EARLIER
    for number, raw in enumerate([KEY, SECOND, KEY]):
        sent = put(connection, raw, f"own-{number}.p12")
        assert bool(sent.why_unproven) == where.endswith("?")
        found = contents(box, taken)
        if where == "there":
            assert sent.path == f"/{NAME}"
            assert sent.earlier == f"/{NAME}.{number + 1}"
            assert found[NAME] == raw
            assert found[f"{NAME}.{number + 1}"] == there
            there = raw
        else:
            assert sent.path == f"/own-{number}.p12"
            assert sent.why_elsewhere
            assert found[f"own-{number}.p12"] == raw
            assert found[NAME] == EARLIER
        if where == "taken?":
            assert not (box / f"own-{number}.p12").exists()
            assert "does not show it" in sent.why_unproven
    assert len(contents(box, taken)) == 4
    assert not sent.why_unproven or sent.why_unproven.startswith("127.0.0.1 ")


@pytest.mark.parametrize("make", SERVERS)
def test_first_backup_has_its_name_where_it_is_known_to_be_free(
    box: Path, connect: Connect, make: str
) -> None:
    habits, where = SERVERS[make]
    sent = put(connect(*habits.split()), KEY, "own.p12")
    is_known = where == "there" or make.startswith(("nothing", "a box to write"))
    assert (sent.path == f"/{NAME}") == is_known
    assert contents(box, box.parent / "taken") == {sent.path[1:]: KEY}


@pytest.mark.parametrize("habits", ["no-read no-remove", "no-read"])
def test_refusal_without_a_text_is_told_by_its_code(
    box: Path, connect: Connect, habits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise FAILURE

    monkeypatch.setattr(Habits, "write", refuse, raising=False)
    with pytest.raises(StoreError) as refused:
        put(connect(*habits.split()), KEY, "own.p12")
    assert (
        "127.0.0.1 refused WRITE /own.p12: the server gives no reason (status 4)"
    ) in refused.value.message
    is_left = "no-remove" in habits
    assert ("/own.p12 is left there, not whole" in refused.value.message) == is_left
    assert set(contents(box)) == ({"own.p12"} if is_left else set())


@pytest.mark.parametrize("make", ["listings without types", "an object store"])
def test_saved_key_is_fetched_again(box: Path, connect: Connect, make: str) -> None:
    connection = connect(*SERVERS[make][0].split())
    put(connection, KEY, "own.p12")
    assert SftpStore(connection, "/").read(NAME) == KEY
    assert SftpStore(connection, "/").names() == [NAME]


@pytest.mark.parametrize("habits", ["no-mode", "no-stat", "untyped no-mode no-size"])
def test_saved_key_is_fetched_where_no_look_tells_what_it_is(
    box: Path, connect: Connect, habits: str
) -> None:
    (box / NAME).write_bytes(KEY)
    assert SftpStore(connect(*habits.split()), "/").read(NAME) == KEY
