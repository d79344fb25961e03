"""Whoever does not answer is given up in time, at every step."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    NoAnswerError,
    ServiceError,
)
from cucmsh.remote import deadline
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret
from tests.remote.ssh_hosts import (
    HOST,
    SOON,
    Behaviour,
    Person,
    Server,
    log_in,
    serving,
)

pytestmark = pytest.mark.loopback


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short limits; whoever waits much longer than they say has failed."""
    for name in ("BANNER", "HANDSHAKE", "LOGIN", "CHANNEL", "OPERATION"):
        monkeypatch.setattr(deadline, f"{name}_SECONDS", SOON)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 10 * SOON


@pytest.mark.parametrize("phase", ["banner", "handshake", "login"])
def test_login_that_is_never_answered_ends_in_time(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    monkeypatch: pytest.MonkeyPatch,
    impatient: None,
    phase: str,
) -> None:
    if phase == "login":  # two limits in a row; the key exchange takes its time
        monkeypatch.setattr(deadline, "HANDSHAKE_SECONDS", 5)
        monkeypatch.setattr(deadline, "BANNER_SECONDS", 5)
    server = start(Behaviour(silent_at=phase))
    with pytest.raises(NoAnswerError, match="within 0 seconds"):
        log_in(server, known)


def test_questions_without_end_end_in_time(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadline, "LOGIN_SECONDS", SOON)
    rounds = ((("More: ", True),),) * 1_000_000
    server = start(Behaviour("keyboard-interactive", rounds=rounds))
    with pytest.raises(NoAnswerError, match="did not finish the login"):
        log_in(server, known)


BANNER = b"SSH-2.0-slow\r\n"
LINGER_NOT = (1).to_bytes(4, sys.byteorder) + bytes(4)  # closing resets
PACKET = (1004).to_bytes(4) + b"\x04\x14" + bytes(1002)


@pytest.mark.parametrize(
    ("at_once", "then", "says"),
    [
        (b"", b"x" * 1000, "did not say that it speaks SSH"),
        (b"", b"a line\r\n" * 200, "did not say that it speaks SSH"),
        (BANNER, PACKET, "did not finish the key exchange"),
    ],
    ids=["banner", "lines before the banner", "key exchange"],
)
def test_one_byte_at_a_time_pushes_no_limit_back(
    known: KnownHosts, impatient: None, at_once: bytes, then: bytes, says: str
) -> None:
    over = threading.Event()

    def drip(client: socket.socket) -> None:
        client.sendall(at_once)
        for place in range(len(then)):
            with suppress(OSError):  # it was hung up on
                client.sendall(then[place : place + 1])
            if over.wait(0.02):
                return

    with serving(drip) as address:
        try:
            with pytest.raises(NoAnswerError, match=says):
                open_host(address, Login("a", Secret("b")), known, Person(answer=True))
        finally:
            over.set()


def test_f5_reset_is_a_broken_connection_and_no_silence(known: KnownHosts) -> None:
    def reset(client: socket.socket) -> None:
        client.sendall(BANNER)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)

    with serving(reset) as address, pytest.raises(ConnectionFailedError) as broke:
        open_host(address, Login("a", Secret("b")), known, Person(answer=True))
    assert not isinstance(broke.value, NoAnswerError)


def test_host_that_drops_packets_is_given_up_in_time(
    known: KnownHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "CONNECT_SECONDS", SOON)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        address = (HOST, int(listener.getsockname()[1]))
        for _ in range(4):  # the queue is full, and the kernel answers no more
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        with pytest.raises(NoAnswerError, match="did not answer within") as late:
            open_host(address, Login("a", Secret("b")), known, Person(answer=True))
    assert "firewall" in late.value.advice


def test_f11_resolver_that_takes_its_time_is_given_up(
    known: KnownHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "CONNECT_SECONDS", SOON)
    over = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        over.wait()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        open_host(("slow.lab", 22), Login("a", Secret("b")), known, Person(answer=True))
    assert time.monotonic() - began < 10 * SOON
    over.set()


def test_name_that_is_none_is_a_failed_connection(known: KnownHosts) -> None:
    for name in ("no.such.host.invalid", "a" * 70):
        with pytest.raises(ConnectionFailedError, match="cannot connect") as failed:
            open_host((name, 22), Login("a", Secret("b")), known, Person(answer=True))
        assert failed.value.advice


def test_second_address_is_tried_when_the_first_refuses(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start(Behaviour())
    with socket.create_server((HOST, 0)) as closed:
        nobody = closed.getsockname()
    kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    found = [(*kind, nobody), (*kind, server.address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    log_in(server, known).close()


@pytest.fixture
def late(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], SshConnection]]:
    """Log in to a server that falls silent later."""
    opened = []

    def log_in_first(phase: str) -> SshConnection:
        opened.append(log_in(start(Behaviour(silent_at=phase)), known))
        monkeypatch.setattr(deadline, "CHANNEL_SECONDS", SOON)
        monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
        return opened[-1]

    yield log_in_first
    for connection in opened:
        connection.close()


@pytest.mark.parametrize(
    ("phase", "error"),
    [("channel", NoAnswerError), ("request", NoAnswerError), ("end", ServiceError)],
)
def test_paramiko_2479_command_that_is_never_answered_ends_in_time(
    late: Callable[[str], SshConnection], phase: str, error: type[CucmshError]
) -> None:
    connection = late(phase)
    began = time.monotonic()
    with pytest.raises(error):
        connection.run(["true"], timeout_seconds=SOON)
    assert time.monotonic() - began < 10 * SOON


@pytest.mark.parametrize("phase", ["channel", "request", "version", "stat"])
def test_paramiko_2479_sftp_that_is_never_answered_ends_in_time(
    late: Callable[[str], SshConnection], phase: str
) -> None:
    connection = late(phase)
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        SftpStore(connection, "/").read("file")
    assert time.monotonic() - began < 10 * SOON


def test_paramiko_1380_upload_that_is_never_answered_ends_in_time(
    late: Callable[[str], SshConnection],
) -> None:
    connection = late("write")
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        SftpStore(connection, "/").write("file", b"x" * 100_000)
    assert time.monotonic() - began < 10 * SOON


def test_closed_port_says_so(known: KnownHosts) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match=f"port {port}: .*refused") as no:
        open_host((HOST, port), Login("a", Secret("b")), known, Person(answer=True))
    assert no.value.advice


STRANGER = """
import sys
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.errors import ConnectionFailedError
from cucmsh.secret import Secret
try:
    address = ("127.0.0.1", int(sys.argv[1]))
    login = Login("a", Secret("b"))
    open_host(address, login, KnownHosts("/nowhere/x"), lambda *_: True)
except ConnectionFailedError as problem:
    print(problem)
"""


def test_service_that_is_not_ssh_says_so_without_a_traceback() -> None:
    def answer(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 200)

    with serving(answer) as (_, port):
        # A process of its own: pytest has its hands in the logging of this one.
        done = subprocess.run(
            [sys.executable, "-c", STRANGER, str(port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert "does not speak SSH" in done.stdout
    assert not done.stderr
