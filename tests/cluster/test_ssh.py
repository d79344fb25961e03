"""Logging in and running words: OpenSSH's server, and servers that misbehave.

Nothing may wait longer than its limit, and nothing secret may leave before the host's
key is known.
"""

# ruff: noqa: ARG002 - the signatures are those that paramiko's server calls

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.server import InteractiveQuery
from paramiko.sftp import SFTP_FAILURE

from cucmsh.cluster import deadline
from cucmsh.cluster.hostkeys import HostKey, KnownHosts
from cucmsh.cluster.model import SshAddress
from cucmsh.cluster.sftp import SftpStore
from cucmsh.cluster.ssh import Login, SshConnection, open_host, open_node
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyError,
    ServiceError,
)

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
PASSWORD = "correct horse"
SOME_KEYS = {
    "ssh-rsa": HostKey("ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQABAAAAAgC7"),
    "ssh-ed25519": HostKey(
        "ssh-ed25519",
        "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    ),
}
SOON = 0.3  # seconds
WORDS = [
    *("", " ", "two words", "'", '"', "it's", 'a"b', "$HOME", "`id`", "$(id)", "a;b"),
    *("*", "~", "\\", "a\\nb", "line\nbreak", "-n", "#", "!", "{a,b}", "ü", "&&", ">x"),
]


class Behaviour(NamedTuple):
    """How a server behaves: ways in, questions asked, and where it falls silent."""

    ways: str = "password,keyboard-interactive"
    password: str = PASSWORD
    rounds: Sequence[Sequence[tuple[str, bool]]] = ((("Password: ", False),),)
    silent_at: str = ""
    has_more_keys: bool = False


class Host(paramiko.ServerInterface):
    """One connection; notes whatever it is told."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.rounds = iter(server.behaves.rounds)
        self.answers: list[str] = []

    def reach(self, phase: str) -> None:
        if phase == self.server.behaves.silent_at:
            self.server.ended.wait()

    def get_allowed_auths(self, username: str) -> str:
        return self.server.behaves.ways

    def check_auth_none(self, username: str) -> int:
        self.server.told.append(("none", username))
        return AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.server.told.append(("password", password))
        self.reach("login")
        return self.judge(password == self.server.behaves.password)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.server.told.append(("publickey", key.get_base64()))
        return AUTH_FAILED

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | InteractiveQuery:
        return self.ask()

    def check_auth_interactive_response(
        self, responses: list[str]
    ) -> int | InteractiveQuery:
        self.server.told.append(("answers", tuple(responses)))
        self.answers += responses
        return self.ask()

    def ask(self) -> int | InteractiveQuery:
        questions = next(self.rounds, None)
        if questions is None:
            return self.judge(self.server.behaves.password in self.answers)
        return InteractiveQuery("", "", *questions)

    def judge(self, fits: bool) -> int:
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.reach("channel")
        return OPEN_SUCCEEDED

    def check_channel_exec_request(
        self, channel: paramiko.Channel, command: bytes
    ) -> bool:
        self.reach("request")
        return True

    def check_channel_subsystem_request(
        self, channel: paramiko.Channel, name: str
    ) -> bool:
        self.reach("request")
        if self.server.behaves.silent_at == "version":
            return True
        return super().check_channel_subsystem_request(channel, name)


class SilentFiles(paramiko.SFTPServerInterface):
    """Agrees on SFTP, then never answers."""

    def __init__(self, server: paramiko.ServerInterface) -> None:
        assert isinstance(server, Host)
        self.ended = server.server.ended
        super().__init__(server)

    def stat(self, path: str) -> int:
        self.ended.wait()
        return SFTP_FAILURE


class Server:
    """Serves connections until ``stop``; sends keepalives that mean nothing."""

    def __init__(self, key: paramiko.PKey, behaves: Behaviour) -> None:
        self.key = key
        self.behaves = behaves
        self.told: list[tuple[str, object]] = []
        self.ended = threading.Event()
        self.listener = socket.create_server((HOST, 0))
        self.address = (HOST, int(self.listener.getsockname()[1]))
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    @property
    def host_key(self) -> HostKey:
        return HostKey(self.key.get_name(), self.key.get_base64())

    def accept(self) -> None:
        with ExitStack() as open_sockets:
            while True:
                try:
                    client = open_sockets.enter_context(self.listener.accept()[0])
                except OSError:  # shut down
                    return
                self.serve(client)

    def serve(self, client: socket.socket) -> None:
        if self.behaves.silent_at == "banner":
            return
        if self.behaves.silent_at == "handshake":
            client.sendall(b"SSH-2.0-silence\r\n")
            return
        transport = paramiko.Transport(client)
        transport.add_server_key(self.key)
        if self.behaves.has_more_keys:
            transport.add_server_key(paramiko.ECDSAKey.generate())
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, SilentFiles)
        transport.start_server(threading.Event(), Host(self))
        self.threads.append(threading.Thread(target=self.murmur, args=(transport,)))
        self.threads[-1].start()

    def murmur(self, transport: paramiko.Transport) -> None:
        while not self.ended.wait(0.05) and transport.is_active():
            if transport.initial_kex_done:
                with suppress(OSError, EOFError, paramiko.SSHException):  # it closed
                    transport.send_ignore()
        transport.close()

    def stop(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()


@pytest.fixture
def start(server_key: paramiko.PKey) -> Iterator[Callable[[Behaviour], Server]]:
    servers: list[Server] = []

    def start_one(behaves: Behaviour) -> Server:
        servers.append(Server(server_key, behaves))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def known(tmp_path: Path) -> KnownHosts:
    return KnownHosts(str(tmp_path / "state" / "known_hosts"))


class Person:
    """Answers the question about a host key."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[tuple[HostKey, str]] = []

    def __call__(self, key: HostKey, peer: str) -> bool:
        self.asked.append((key, peer))
        return self.answer


def log_in(
    server: Server, known: KnownHosts, password: str | None = PASSWORD
) -> SshConnection:
    login = Login("admin", password)
    return open_host(server.address, login, known, Person(answer=True))


# Host keys


def test_stranger_is_asked_about_once_and_remembered(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    for _ in range(2):
        open_host(server.address, Login("admin", PASSWORD), known, person).close()
    assert person.asked == [(server.host_key, HOST)]
    assert known.find(*server.address) == [server.host_key]


def test_refused_host_key_is_sent_nothing_and_not_remembered(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour())
    with pytest.raises(HostKeyError, match="nothing was sent"):
        open_host(server.address, Login("admin", PASSWORD), known, Person(answer=False))
    assert server.told == []
    assert known.find(*server.address) == []


@pytest.mark.parametrize("kind", ["ssh-rsa", "ssh-ed25519"])
def test_changed_host_key_is_refused_with_both_fingerprints(
    start: Callable[[Behaviour], Server], known: KnownHosts, kind: str
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    before = SOME_KEYS[kind]
    known.add(*server.address, before)
    with pytest.raises(HostKeyError, match="nothing was sent") as refused:
        open_host(server.address, Login("admin", PASSWORD), known, person)
    assert before.sha256_fingerprint in refused.value.message
    assert server.host_key.sha256_fingerprint in refused.value.message
    assert not server.told
    assert not person.asked
    assert known.find(*server.address) == [before]


def test_known_key_is_asked_for_where_a_host_has_several(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server, person = start(Behaviour(has_more_keys=True)), Person(answer=False)
    known.add(*server.address, server.host_key)
    open_host(server.address, Login("admin", PASSWORD), known, person).close()
    assert not person.asked


def test_node_with_another_key_than_the_pinned_one_is_sent_nothing(
    start: Callable[[Behaviour], Server], identity: Path
) -> None:
    server = start(Behaviour("publickey"))
    pinned = "ssh-ed25519 AAAA"
    address = SshAddress(*server.address, "cucmsh", str(identity), pinned)
    with pytest.raises(
        HostKeyError, match=re.escape(server.host_key.sha256_fingerprint)
    ):
        open_node(address)
    assert server.told == []


# Logging in


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_password_opens_either_way_and_goes_out_once(
    start: Callable[[Behaviour], Server], known: KnownHosts, way: str
) -> None:
    server = start(Behaviour(way))
    log_in(server, known).close()
    sent = ("password", PASSWORD) if way == "password" else ("answers", (PASSWORD,))
    assert server.told == [("none", "admin"), sent]


@pytest.mark.parametrize(
    ("rounds", "answers"),
    [
        ([[], [("Password: ", False)], []], [(), (PASSWORD,), ()]),
        ([[("Name: ", True), ("Password: ", False)]], [("", PASSWORD)]),
        ([[("Password: ", False)], [("Code: ", False)]], [(PASSWORD,), ("",)]),
        ([[("Password: ", False), ("Again: ", False)]], [(PASSWORD, "")]),
        ([[("Password (shown): ", True)], [("P: ", False)]], [("",), (PASSWORD,)]),
    ],
)
def test_password_answers_the_first_question_that_does_not_echo(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    rounds: list[list[tuple[str, bool]]],
    answers: list[tuple[str, ...]],
) -> None:
    server = start(Behaviour("keyboard-interactive", rounds=rounds))
    log_in(server, known).close()
    assert server.told[1:] == [("answers", each) for each in answers]


def test_wrong_password_goes_out_once_where_two_ways_take_it(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour())
    with pytest.raises(AuthenticationError) as refused:
        log_in(server, known, "wrong")
    assert server.told == [("none", "admin"), ("password", "wrong")]
    assert "tried password; it offers password, keyboard" in refused.value.message
    assert "wrong" not in str(refused.value)


def test_server_that_offers_no_way_of_ours_gets_no_password(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour("publickey,gssapi-with-mic"))
    with pytest.raises(AuthenticationError, match="gssapi-with-mic"):
        log_in(server, known)
    assert server.told == [("none", "admin")]


def test_key_that_is_not_accepted_is_an_authentication_error(
    start: Callable[[Behaviour], Server], identity: Path
) -> None:
    server = start(Behaviour("publickey"))
    line = " ".join(server.host_key)
    with pytest.raises(AuthenticationError, match="cucmsh"):
        open_node(SshAddress(*server.address, "cucmsh", str(identity), line))
    assert [way for way, _ in server.told] == ["publickey"]


def test_password_shows_in_no_repr() -> None:
    assert PASSWORD not in f"{Login('admin', PASSWORD)} {[Login('admin', PASSWORD)]}"


@pytest.mark.parametrize("content", ["", "no key", None])
def test_identity_that_is_no_key_is_named(
    start: Callable[[Behaviour], Server], tmp_path: Path, content: str | None
) -> None:
    server, path = start(Behaviour("publickey")), tmp_path / "id"
    if content is not None:
        path.write_text(content)
    line = " ".join(server.host_key)
    with pytest.raises(AuthenticationError, match=str(path)):
        open_node(SshAddress(*server.address, "cucmsh", str(path), line))


# Silence


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
    with pytest.raises(ConnectionFailedError) as failed:
        log_in(server, known)
    assert not isinstance(failed.value, AuthenticationError)


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


@pytest.mark.parametrize("phase", ["channel", "request", "end"])
def test_command_that_is_never_answered_ends_in_time(
    late: Callable[[str], SshConnection], phase: str
) -> None:
    connection = late(phase)
    began = time.monotonic()
    with pytest.raises((ServiceError, ConnectionFailedError)):
        connection.run(["true"], timeout_seconds=SOON)
    assert time.monotonic() - began < 10 * SOON


@pytest.mark.parametrize("phase", ["channel", "request", "version", "stat"])
def test_sftp_that_is_never_answered_ends_in_time(
    late: Callable[[str], SshConnection], phase: str
) -> None:
    connection = late(phase)
    began = time.monotonic()
    with pytest.raises(ConnectionFailedError):
        SftpStore(connection, "/").read("file")
    assert time.monotonic() - began < 10 * SOON


def test_closed_port_says_so(known: KnownHosts) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match=f"port {port}: .*refused") as no:
        open_host((HOST, port), Login("a", "b"), known, Person(answer=True))
    assert no.value.advice


STRANGER = """
import sys
from cucmsh.cluster.hostkeys import KnownHosts
from cucmsh.cluster.ssh import Login, open_host
from cucmsh.errors import ConnectionFailedError
try:
    address = ("127.0.0.1", int(sys.argv[1]))
    open_host(address, Login("a", "b"), KnownHosts("/nowhere/x"), lambda *_: True)
except ConnectionFailedError as problem:
    print(problem)
"""


def test_service_that_is_not_ssh_says_so_without_a_traceback() -> None:
    with socket.create_server((HOST, 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as client:
                client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 200)

        answering = threading.Thread(target=answer)
        answering.start()
        port = listener.getsockname()[1]
        # A process of its own: pytest has its hands in the logging of this one.
        done = subprocess.run(
            [sys.executable, "-c", STRANGER, str(port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        answering.join()
    assert "does not speak SSH" in done.stdout
    assert not done.stderr


# Words, on OpenSSH's server


def test_each_word_arrives_as_it_is(node: SshConnection) -> None:
    done = node.run(["printf", "<%s>", *WORDS, "end"])
    assert done.output == "".join(f"<{word}>" for word in [*WORDS, "end"])


def test_status_and_both_outputs_come_back(node: SshConnection) -> None:
    done = node.run(["sh", "-c", "echo out; echo wrong >&2; exit 3"])
    assert done == (3, "out", "wrong")


def test_long_output_on_both_streams_comes_back(node: SshConnection) -> None:
    done = node.run(["sh", "-c", "seq 60000 >&2; seq 60000"])
    assert done.output == done.complaint == "\n".join(map(str, range(1, 60001)))


def test_command_reads_an_empty_input(node: SshConnection) -> None:
    assert node.run(["cat"]) == (0, "", "")


def test_command_without_end_is_cut_off(sshd: SshAddress) -> None:
    for words, says in ((["yes"], "prints more"), (["sleep", "600"], "did not end")):
        connection = open_node(sshd)
        with pytest.raises(ServiceError, match=says):
            connection.run(words, timeout_seconds=1)
        connection.close()


def test_command_killed_by_a_signal_is_no_success(node: SshConnection) -> None:
    with pytest.raises(ServiceError, match="without exit status"):
        node.run(["sh", "-c", "kill -9 $$"])


def test_closed_connection_is_a_failed_connection(sshd: SshAddress) -> None:
    connection = open_node(sshd)
    connection.close()
    with pytest.raises(ConnectionFailedError, match="broke"):
        connection.run(["true"])
