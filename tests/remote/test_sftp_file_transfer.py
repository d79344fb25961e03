"""A backup on somebody else's server: OpenSSH's with parts of it barred.

``sftp-server -P`` bars requests, ``-p`` allows a few; the directories are drop boxes.
Whatever is barred: what lay there before is there afterwards, and what is said to be
there whole is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from cucmsh.errors import (
    CancelledError,
    ConnectionFailedError,
    MissingFileError,
    StoreError,
)
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.remote.sftp.file_transfer import BATCH, FileTransfer
from cucmsh.remote.sftp.session import SftpSession
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage.store import MAX_FILE_SIZE, PIECE
from tests.remote.outgoing import in_pieces
from tests.remote.sftp_pipes import NOBODY, Pipes, connect, requests

KEY, EARLIER = os.urandom(2725), b"the only copy of an earlier key"
NAME, OWN = "ITLRecovery.p12", "ITLRecovery.20261130T093000Z-0badcafe.p12"
CANNOT_DO_WITHOUT = {"open", "write"}

Start = Callable[..., SshConnection]


@pytest.fixture
def box() -> Iterator[Path]:
    """A directory that the server's account may write to."""
    folder = Path(tempfile.mkdtemp(prefix="drop-box-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def start(box: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_one(*options: str, umask: str = "") -> SshConnection:
            connection = connect(box, *options, umask=umask)
            stack.callback(connection.close)
            return connection

        yield start_one


def outgoing(raw: bytes = KEY, own: str = OWN) -> OutgoingFile:
    return OutgoingFile(NAME, own, len(raw), in_pieces(raw))


def put(
    connection: SshConnection, box: Path, raw: bytes = KEY, own: str = OWN
) -> SentFile:
    return FileTransfer(connection, str(box), bool).run(outgoing(raw, own))


def lay(box: Path, raw: bytes, name: str = NAME) -> None:
    (box / name).write_bytes(raw)
    if os.geteuid() == 0:
        os.chown(box / name, NOBODY, NOBODY)


def files(box: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in box.iterdir()}


@pytest.mark.thorough
def test_earlier_file_is_moved_aside_and_ours_takes_its_place(
    box: Path, start: Start
) -> None:
    lay(box, EARLIER)
    lay(box, b"older", f"{NAME}.1")
    sent = put(start(), box)
    assert files(box) == {NAME: KEY, f"{NAME}.1": b"older", f"{NAME}.2": EARLIER}
    assert (sent.path, sent.earlier) == (f"{box}/{NAME}", f"{box}/{NAME}.2")
    assert not sent.why_elsewhere + sent.why_unproven
    assert (box / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.thorough
def test_same_file_is_not_sent_again(box: Path, start: Start) -> None:
    lay(box, KEY)
    before = (box / NAME).stat()
    assert put(start(), box).was_there
    assert (box / NAME).stat() == before
    assert files(box) == {NAME: KEY}


@pytest.mark.thorough
@pytest.mark.parametrize("barred", requests())
@pytest.mark.parametrize("earlier", [None, EARLIER, KEY])
def test_whatever_request_is_barred_nothing_is_lost_and_each_try_works(
    box: Path, start: Start, barred: str, earlier: bytes | None
) -> None:
    if earlier is not None:
        lay(box, earlier)
    before = files(box)
    connection = start("-P", barred)
    if barred in CANNOT_DO_WITHOUT and earlier != KEY:
        what = {"open": "OPEN to write", "write": "WRITE"}[barred]
        with pytest.raises(StoreError, match=f"refused {what} .*permission denied"):
            put(connection, box)
        assert files(box) == before
        return
    kept = [b"a second key", b"a third key"]
    for number, raw in enumerate([KEY, *kept]):
        if barred in CANNOT_DO_WITHOUT:
            break
        sent = put(connection, box, raw, f"own-{number}.p12")
        assert Path(sent.path).read_bytes() == raw
        assert bool(sent.why_unproven) == (barred == "read")
        # What stands there stays if nothing can be renamed, or ours is not proven.
        named = barred in ("read", "rename") and (number or earlier is not None)
        if sent.path != f"{box}/{NAME}":
            assert sent.why_elsewhere
            assert named
    found = set(files(box).values())
    assert found >= {earlier or KEY}
    if barred not in CANNOT_DO_WITHOUT:
        assert found == {KEY, *kept, earlier or KEY}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("barred", "why"),
    [
        ("stat,lstat,opendir", "backup.example refused STAT: permission denied"),
        ("stat,lstat,fstat,readdir,remove", "refused STAT: permission denied"),
    ],
)
def test_where_it_cannot_be_known_what_is_there_nothing_is_moved(
    box: Path, start: Start, barred: str, why: str
) -> None:
    for earlier in ({}, {NAME: EARLIER}):
        for name, raw in earlier.items():
            lay(box, raw, name)
        sent = put(start("-P", barred), box)
        assert sent.path == f"{box}/{OWN}"
        assert why in sent.why_elsewhere
        assert not sent.why_unproven
        assert files(box) == {OWN: KEY, **earlier}
        (box / OWN).unlink()


@pytest.mark.thorough
@pytest.mark.parametrize("barred", ["rename,posix-rename", "rename,remove,opendir"])
def test_where_nothing_is_renamed_a_free_name_is_written_to(
    box: Path, start: Start, barred: str
) -> None:
    sent = put(start("-P", barred), box)
    assert sent.path == f"{box}/{NAME}"
    assert not sent.why_elsewhere + sent.why_unproven
    assert files(box)[NAME] == KEY
    is_left = "remove" in barred
    assert sent.second_copy == (f"{box}/{OWN}" if is_left else "")
    assert (box / OWN).exists() == is_left
    assert put(start("-P", barred), box, own="other.p12").was_there
    sent = put(start("-P", barred), box, EARLIER, "other.p12")
    assert sent.path == f"{box}/other.p12"
    reason = f"another {NAME} is there: backup.example refused RENAME"
    assert reason in sent.why_elsewhere
    assert files(box)[NAME] == KEY


def test_listing_tells_where_no_look_is_allowed(box: Path, start: Start) -> None:
    lay(box, EARLIER)
    sent = put(start("-P", "stat,lstat,fstat"), box)
    assert sent.earlier == f"{box}/{NAME}.1"
    assert files(box) == {NAME: KEY, f"{NAME}.1": EARLIER}


@pytest.mark.parametrize("is_there", [False, True])
def test_server_that_only_takes_files_is_enough_but_proves_nothing(
    box: Path, start: Start, is_there: bool
) -> None:
    earlier = {NAME: EARLIER} if is_there else {}
    for name, raw in earlier.items():
        lay(box, raw, name)
    sent = put(start("-p", "write,open,close"), box)
    # Here "open" opens to read as well, and only the read itself is refused.
    assert sent.why_unproven == "backup.example refused READ: permission denied"
    assert sent.path == f"{box}/{OWN}"
    assert files(box) == {OWN: KEY, **earlier}


@pytest.mark.thorough
def test_real_write_only_drop_box(box: Path, start: Start) -> None:
    """Nobody may list it, and nobody reads what he wrote: a umask takes that."""
    for number in range(3):
        box.chmod(0o333)
        bars = ("-P", "setstat,fsetstat")
        sent = put(start(*bars, umask="0777"), box, KEY, f"own-{number}.p12")
        box.chmod(0o755)
        reason = "backup.example refused OPEN to read: permission denied"
        assert sent.why_unproven == reason
        place = NAME if number == 0 else f"own-{number}.p12"
        assert sent.path == f"{box}/{place}"
    assert len(files(box)) == 3


def test_box_that_is_not_listed_but_read_is_proven(box: Path, start: Start) -> None:
    lay(box, EARLIER)
    box.chmod(0o333)
    sent = put(start(umask="0777"), box)  # the mode is mended by FSETSTAT
    box.chmod(0o755)
    assert not sent.why_unproven + sent.why_elsewhere
    assert files(box) == {NAME: KEY, f"{NAME}.1": EARLIER}


def test_missing_directory_is_named_and_a_file_is_none(box: Path, start: Start) -> None:
    lay(box, EARLIER, "file")
    for place in ("nowhere", "file"):
        with pytest.raises(MissingFileError, match=f"no directory .*/{place} on"):
            put(start(), box / place)
    assert files(box) == {"file": EARLIER}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["folder", "link", "FIFO"])
def test_what_is_no_file_is_left_where_it_is(
    box: Path, start: Start, kind: str
) -> None:
    if kind == "folder":
        (box / NAME).mkdir()
    elif kind == "link":
        (box / NAME).symlink_to("elsewhere")
    else:
        os.mkfifo(box / NAME)
    with pytest.raises(StoreError, match=kind):
        put(start(), box)
    assert os.listdir(box) == [NAME]


def test_read_only_server_refuses_by_the_name_of_its_request(
    box: Path, start: Start
) -> None:
    with pytest.raises(StoreError) as refused:
        put(start("-R"), box)
    assert f"backup.example refused OPEN to write {box}/{OWN}" in refused.value.message
    assert "disk" not in refused.value.message + refused.value.advice


# Large files


@pytest.mark.thorough
def test_large_file_is_sent_in_bounded_flights_and_told(
    box: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = os.urandom(PIECE) * 200 + b"tail"
    assert len(raw) > 6 * MAX_FILE_SIZE
    told: list[int] = []
    most: list[int] = []
    fly = SftpSession.flight

    def counted(session: SftpSession, *asked: object, **how: object) -> object:
        most.append(len(asked))
        return fly(session, *asked, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(SftpSession, "flight", counted)
    for number, earlier in enumerate([None, EARLIER]):
        if earlier:
            lay(box, earlier)
        sent = FileTransfer(start(), str(box), told.append).run(outgoing(raw))
        assert not sent.why_unproven
        assert (box / NAME).read_bytes() == raw
        assert len(files(box)) == 1 + number
    assert told[-1] == len(raw)
    assert told == sorted(told[: len(told) // 2]) * 2
    assert max(most) <= 2 * 25  # two looks at 25 names; writes and reads are fewer
    assert BATCH * PIECE <= MAX_FILE_SIZE // 4


@pytest.mark.thorough
def test_file_that_shrinks_or_grows_meanwhile_is_no_backup(
    box: Path, start: Start
) -> None:
    for size in (len(KEY) - 1, len(KEY) + 1):
        changing = outgoing()._replace(size=size)
        with pytest.raises(StoreError, match="changed while it was sent"):
            FileTransfer(start(), str(box), bool).run(changing)
        assert files(box) == {}


# What a failed try leaves


def breaking(connection: SshConnection, problem: BaseException) -> Iterator[bytes]:
    """A file that is read, and a server or a person that ends it meanwhile."""
    yield KEY[:100]
    if isinstance(problem, KeyboardInterrupt):
        raise problem
    cast(Pipes, connection).kill()
    yield KEY[100:]


@pytest.mark.thorough
@pytest.mark.parametrize("barred", ["rmdir", "remove"])
def test_ctrl_c_leaves_nothing_or_names_it(
    box: Path, start: Start, barred: str
) -> None:
    connection = start("-P", barred)
    pieces = lambda: breaking(connection, KeyboardInterrupt())  # noqa: E731
    transfer = FileTransfer(connection, str(box), bool)
    kind = CancelledError if barred == "remove" else KeyboardInterrupt
    with pytest.raises(kind) as ended:
        transfer.run(outgoing()._replace(pieces=pieces))
    assert (OWN in str(ended.value)) == (barred == "remove")
    assert list(files(box)) == ([OWN] if barred == "remove" else [])


def test_killed_server_is_asked_again_to_remove_what_is_not_whole(
    box: Path, start: Start
) -> None:
    lay(box, EARLIER)
    connection = start()
    many = outgoing()._replace(size=BATCH * PIECE)

    def whole() -> Iterator[bytes]:
        for _ in range(BATCH - 1):
            yield bytes(PIECE)
        yield from breaking(connection, OSError())

    with pytest.raises(ConnectionFailedError):
        FileTransfer(connection, str(box), bool).run(many._replace(pieces=whole))
    assert files(box) == {NAME: EARLIER}


# The reading side


@pytest.mark.thorough
@pytest.mark.parametrize("barred", ["stat", "stat,lstat,fstat", "opendir", "fsetstat"])
def test_saved_key_is_read_where_no_look_is_allowed(
    box: Path, start: Start, barred: str
) -> None:
    lay(box, KEY)
    assert SftpStore(start("-P", barred), str(box)).read(NAME) == KEY


# A node's files: the list of a replica, whose TFTP must be able to read it


def node(connection: SshConnection) -> SshConnection:
    cast(Pipes, connection).is_node = True
    return connection


@pytest.mark.thorough
@pytest.mark.parametrize("barred", ["fsetstat", "setstat,fsetstat", "fsync", "lstat"])
def test_list_is_replaced_on_a_node_that_bars_what_is_a_wish(
    box: Path, start: Start, barred: str
) -> None:
    lay(box, EARLIER, "ITLFile.tlv")
    options = ("-P", barred)
    store = SftpStore(node(start(*options, umask="0022")), str(box))
    for raw in (KEY, b"the next list"):
        store.write("ITLFile.tlv", raw, 0o644)
        assert files(box) == {"ITLFile.tlv": raw}
        assert (box / "ITLFile.tlv").stat().st_mode & 0o777 == 0o644


def test_mode_that_tftp_cannot_read_is_refused_by_name(box: Path, start: Start) -> None:
    lay(box, EARLIER, "ITLFile.tlv")
    options = ("-P", "setstat,fsetstat")
    store = SftpStore(node(start(*options, umask="0077")), str(box))
    with pytest.raises(StoreError, match=r"refused FSETSTAT.* 0600 and not 0644"):
        store.write("ITLFile.tlv", KEY, 0o644)
    assert files(box) == {"ITLFile.tlv": EARLIER}


def test_new_list_needs_no_posix_rename_and_an_old_one_is_kept(
    box: Path, start: Start
) -> None:
    store = SftpStore(node(start("-P", "posix-rename")), str(box))
    store.write("ITLFile.tlv", KEY, 0o644)
    with pytest.raises(StoreError, match=r"refused posix-rename@openssh\.com"):
        store.write("ITLFile.tlv", EARLIER, 0o644)
    assert files(box) == {"ITLFile.tlv": KEY}
