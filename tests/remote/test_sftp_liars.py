"""A hostile SFTP server gets one of our errors out of us, in time and little memory.

The servers speak real SSH on 127.0.0.1; the client whose memory is measured is a
process of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import paramiko
import pytest

from cucmsh.errors import CucmshError
from cucmsh.remote import deadline
from cucmsh.remote.file_transfer import OutgoingFile
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.file_transfer import FileTransfer
from cucmsh.remote.sftp.store import SftpStore
from tests.remote.outgoing import in_pieces
from tests.remote.sftp_liars import LIES, lying
from tests.remote.ssh_hosts import PASSWORD, SOON, Behaviour, Server, log_in

pytestmark = pytest.mark.loopback

MIB = 1 << 20


class LyingServer(Server):
    """A server whose SFTP tells one lie."""

    def __init__(self, key: paramiko.PKey, lie: str) -> None:
        super().__init__(key, Behaviour(), lying(lie))


@pytest.fixture
def liar(
    server_key: paramiko.PKey, request: pytest.FixtureRequest
) -> Iterator[LyingServer]:
    server = LyingServer(server_key, request.param)
    yield server
    server.stop()


@pytest.mark.parametrize("liar", list(LIES), indirect=True)
def test_lie_ends_in_our_error_or_in_harmless_bytes(
    liar: LyingServer, known: KnownHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
    monkeypatch.setattr(deadline, "CHANNEL_SECONDS", SOON)
    began = time.monotonic()
    acts: list[Callable[[SftpStore], object]] = [
        lambda store: store.read("file"),
        lambda store: store.write("file", b"list" * 1000),
        lambda store: [name.encode() for name in store.names()],
        lambda store: store.sweep(),
        lambda store: store.remove("file"),
    ]
    told = ""
    connection = log_in(liar, known)
    for act in acts:
        if not connection.transport.is_active():  # it was hung up on
            connection = log_in(liar, known)
        try:
            act(SftpStore(connection, "/"))
        except CucmshError as problem:
            told += problem.message + problem.advice
    connection.close()
    assert told, "a server that keeps no file must fail to write one"
    assert told.isprintable()
    assert len(told) < 3000
    assert time.monotonic() - began < len(acts) * 10 * SOON


@pytest.mark.parametrize("liar", list(LIES), indirect=True)
def test_lie_is_told_to_a_backup_in_vain(
    liar: LyingServer, known: KnownHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of these servers keeps a byte of what it is given."""
    monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
    monkeypatch.setattr(deadline, "CHANNEL_SECONDS", SOON)
    began = time.monotonic()
    raw = b"key" * 1000
    outgoing = OutgoingFile("name.p12", "own.p12", len(raw), in_pieces(raw))
    connection = log_in(liar, known)
    try:
        sent = FileTransfer(connection, "/", bool).run(outgoing)
        told = sent.why_unproven
    except CucmshError as problem:
        told = problem.message + problem.advice
    finally:
        connection.close()
    assert told
    assert told.isprintable()
    assert len(told) < 1500
    assert time.monotonic() - began < 20 * SOON


@pytest.mark.parametrize(
    ("liar", "says"),
    [
        ("version of 1 MiB", "too large"),
        ("answer of 2 GiB", "too large"),
        ("names without end, 9,000 at once", "more than 20000 files"),
        ("file without end", "larger than 1048576 bytes"),
        ("file of a FIFO", "a FIFO, not a regular file"),
    ],
    indirect=["liar"],
)
def test_t20_limit_is_named(liar: LyingServer, known: KnownHosts, says: str) -> None:
    connection = log_in(liar, known)
    with pytest.raises(CucmshError, match=says):  # noqa: PT012 (the first may refuse)
        store = SftpStore(connection, "/")
        store.names()
        store.read("file")
    connection.close()


CLIENT = """
import json, sys
from cucmsh.remote import deadline
from cucmsh.remote.file_transfer import OutgoingFile
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.sftp.file_transfer import FileTransfer
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.errors import CucmshError
from cucmsh.secret import Secret
deadline.OPERATION_SECONDS = deadline.CHANNEL_SECONDS = 0.5
known, password, ports = json.loads(sys.argv[1])
def peak():
    with open("/proc/self/status") as status:  # ru_maxrss is the parent's at first
        return next(int(row.split()[1]) for row in status if "VmHWM" in row)
def log_in(port):
    login = Login("admin", Secret(password))
    return open_host(("127.0.0.1", port), login, KnownHosts(known), lambda *_: True)
acts = (lambda s: s.read("f"), lambda s: s.write("f", b"x" * 9999), lambda s: s.names())
for name, port in ports.items():
    link = log_in(port)
    for act in acts:
        if not link.transport.is_active():
            link = log_in(port)
        try:
            act(SftpStore(link, "/"))
        except CucmshError:
            pass
    link.close()
    print(peak() // 1024, name, flush=True)
"""


def test_t20_no_lie_costs_128_mib(
    server_key: paramiko.PKey,
    known: KnownHosts,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with ExitStack() as stack:
        ports = {}
        for name in LIES:
            server = LyingServer(server_key, name)
            stack.callback(server.stop)
            ports[name] = server.address[1]
        path = str(tmp_path_factory.mktemp("known") / "known_hosts")
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, json.dumps([path, PASSWORD, ports])],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    peaks = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for _, name in peaks] == list(LIES)
    assert max(int(peak) for peak, _ in peaks) < 128, done.stdout
    assert not done.stderr


def test_lies_are_told_in_full(server_key: paramiko.PKey, known: KnownHosts) -> None:
    """The liar is honest where no lie is asked for, or the others prove nothing."""
    server = Server(server_key, Behaviour(), lying("writes that fail"))
    try:
        connection = log_in(server, known)
        store = SftpStore(connection, "/")
        assert store.read("file") == b""
        assert store.names() == []
        with suppress(CucmshError):
            store.write("file", b"")
        connection.close()
    finally:
        server.stop()
