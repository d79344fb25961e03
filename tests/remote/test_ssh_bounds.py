"""What a hostile SSH server may say: bounded in time, memory and kind of error."""

# ruff: noqa: ARG002 - the signatures are those that paramiko's server calls

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA, MSG_EXT_INFO

from cucmsh.errors import AuthenticationError, ConnectionFailedError, CucmshError
from cucmsh.remote import deadline
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.secret import Secret
from tests.remote.ssh_hosts import (
    PASSWORD,
    SOON,
    Behaviour,
    Host,
    Person,
    Server,
    log_in,
    serving,
)

pytestmark = pytest.mark.loopback

MANY = (1 << 32) - 1
BANNER = b"SSH-2.0-liar\r\n"


def kexinit(names: bytes) -> bytes:
    body = b"\x14" + bytes(16) + 10 * (len(names).to_bytes(4) + names) + bytes(5)
    padding = 8 + (-(5 + len(body))) % 8
    return (
        (1 + len(body) + padding).to_bytes(4) + bytes([padding]) + body + bytes(padding)
    )


EARLY_LIES = {
    "closes at once": b"",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100,
    "an old version": b"SSH-1.5-old\r\n",
    "no version": b"SSH-\r\n",
    "a banner that is no text": b"SSH-2.0-\xff\xfe\r\n" + bytes(100),
    "a banner without end": b"x" * 200_000,
    "a packet of 2 GiB": BANNER + ((1 << 31) + 4).to_bytes(4) + bytes(1000),
    "a packet of 1 MiB": BANNER + ((1 << 20) + 4).to_bytes(4) + bytes(1 << 20),
    "an empty packet": BANNER + bytes(64),
    "a packet that is all padding": BANNER + (12).to_bytes(4) + b"\xff" + bytes(1000),
    "a message of no kind": BANNER + (12).to_bytes(4) + b"\x04\xfa" + bytes(1000),
    "a key exchange of nothing": BANNER + kexinit(b""),
    "a key exchange of nonsense": BANNER + kexinit(b"x,y,z"),
    "a key exchange that is no text": BANNER + kexinit(b"\xff\xfe"),
    "a key exchange that escapes": BANNER + kexinit(b"\x1b[2J"),
    "a disconnect that escapes": (
        BANNER
        + (28).to_bytes(4)
        + b"\x04\x01"
        + bytes(4)
        + b"\0\0\0\x0e\x1b]0;owned\x07\r\n!!!"
        + bytes(8)
    ),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("BANNER", "HANDSHAKE", "LOGIN", "CHANNEL", "OPERATION"):
        monkeypatch.setattr(deadline, f"{name}_SECONDS", 2 * SOON)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 20 * SOON


@pytest.mark.parametrize("lie", list(EARLY_LIES))
def test_lie_before_the_login_is_a_failed_connection(
    known: KnownHosts, impatient: None, lie: str
) -> None:
    over = threading.Event()

    def answer(client: socket.socket) -> None:
        with suppress(OSError):
            client.sendall(EARLY_LIES[lie])
            if EARLY_LIES[lie]:
                over.wait()

    with serving(answer) as address:
        try:
            with pytest.raises(ConnectionFailedError) as failed:
                open_host(address, Login("a", Secret("b")), known, Person(answer=True))
        finally:
            over.set()
    assert not isinstance(failed.value, AuthenticationError)
    assert ("too large" in failed.value.message) == ("iB" in lie)


def message(kind: int, *fields: int | bytes) -> paramiko.Message:
    made = paramiko.Message()
    made.add_byte(bytes([kind]))
    for field in fields:
        if isinstance(field, int):
            made.add_int(field)
        else:
            made.add_bytes(field)
    return made


def say(transport: paramiko.Transport, *messages: paramiko.Message) -> None:
    for each in messages:
        transport._send_message(each)  # type: ignore[attr-defined]  # noqa: SLF001


class LateLiar(Host):
    """Lies when somebody logs in by keyboard-interactive, or runs a command."""

    def __init__(self, server: "LateServer") -> None:
        super().__init__(server)
        self.lie = server.lie
        self.transport: paramiko.Transport

    def check_auth_interactive(self, username: str, submethods: str) -> int:
        match self.lie:
            case "4 billion questions":
                say(self.transport, message(60, bytes(12), MANY))
            case "4 billion extensions":
                say(self.transport, message(MSG_EXT_INFO, MANY))
            case "a question that is no text":
                question = (2).to_bytes(4) + b"\xff\xfe\0"
                say(self.transport, message(60, bytes(12), 1, question))
            case "a message of no kind":
                say(self.transport, message(250))
            case "a second key exchange of nonsense":
                say(self.transport, message(20, bytes(16)))
            case _:
                return super().check_auth_password(username, PASSWORD)
        self.server.ended.wait()
        raise EOFError

    def check_channel_exec_request(
        self, channel: paramiko.Channel, command: bytes
    ) -> bool:
        threading.Thread(target=self.flood, args=(channel,), daemon=True).start()
        return True

    def flood(self, channel: paramiko.Channel) -> None:
        piece = (200_000).to_bytes(4) + b"x" * 200_000
        where = channel.get_id()
        with suppress(EOFError, OSError, paramiko.SSHException):
            while not self.server.ended.is_set() and self.transport.is_active():
                if self.lie == "more output than the window":
                    say(self.transport, message(MSG_CHANNEL_DATA, where, piece))
                else:
                    say(
                        self.transport,
                        message(MSG_CHANNEL_EXTENDED_DATA, where, 1, piece),
                    )


LATE_LIES = [
    "4 billion questions",
    "4 billion extensions",
    "a question that is no text",
    "a message of no kind",
    "a second key exchange of nonsense",
    "more output than the window",
    "more complaints than the window",
]


class LateServer(Server):
    """Serves honestly until the login."""

    def __init__(self, key: paramiko.PKey, lie: str) -> None:
        self.lie = lie
        super().__init__(key, Behaviour("keyboard-interactive"))

    def interface(self, transport: paramiko.Transport) -> Host:
        liar = LateLiar(self)
        liar.transport = transport
        return liar


@pytest.mark.parametrize("lie", LATE_LIES)
def test_lie_after_the_key_exchange_is_a_failed_connection(
    server_key: paramiko.PKey,
    known: KnownHosts,
    monkeypatch: pytest.MonkeyPatch,
    lie: str,
) -> None:
    monkeypatch.setattr(deadline, "LOGIN_SECONDS", 3 * SOON)
    server = LateServer(server_key, lie)
    began = time.monotonic()
    try:
        with pytest.raises(CucmshError):
            log_in(server, known).run(["true"], 3 * SOON)
    finally:
        server.stop()
    assert time.monotonic() - began < 20 * SOON


CLIENT = """
import json, sys, threading, time
from cucmsh.remote import deadline
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.errors import CucmshError
from cucmsh.secret import Secret
deadline.LOGIN_SECONDS = 1
known, password, ports = json.loads(sys.argv[1])
for name, port in ports.items():
    login = Login("admin", Secret(password))
    try:
        host = ("127.0.0.1", port)
        link = open_host(host, login, KnownHosts(known), lambda *_: True)
        link.run(["true"], 3)
    except CucmshError:
        pass
    end = time.monotonic() + 5  # no thread of theirs goes on counting to 4 billion
    while threading.active_count() > 1 and time.monotonic() < end:
        threading.Event().wait(0.05)
    with open("/proc/self/status") as status:  # ru_maxrss is the parent's at first
        peak = next(int(row.split()[1]) for row in status if "VmHWM" in row) // 1024
    print(peak, threading.active_count(), name, flush=True)
"""


def test_t20_no_lie_costs_128_mib_or_a_thread(
    server_key: paramiko.PKey,
    known: KnownHosts,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with ExitStack() as stack:
        ports = {}
        for name in LATE_LIES:
            server = LateServer(server_key, name)
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
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [name for *_, name in rows] == LATE_LIES
    assert max(int(peak) for peak, *_ in rows) < 128, done.stdout
    assert {threads for _, threads, _ in rows} == {"1"}, done.stdout
    assert not done.stderr
