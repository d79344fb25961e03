"""The lab's SSH server, used by OpenSSH's client and by paramiko."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh
import paramiko
import pexpect
import pytest

from cucmsh.errors import RefusedError, StoreError
from cucmsh.lab.accounts import Account
from cucmsh.lab.ssh_server import SshServer, host_key
from tests.rigs.keys import make_key
from tests.rigs.terminal import open_terminal
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
PASSWORD = "Adm1n:secret phrase"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ROOM": "lab"}
PROMPT = "lab> "


def run_by_shell(command: str) -> Sequence[str]:
    if command.startswith("forbidden"):
        raise RefusedError("That command does not run here.")
    if command == "missing":
        return ["/nowhere/at-all"]
    return ["/bin/sh", "-c", command]


class Lab(NamedTuple):
    server: SshServer
    directory: Path
    identity: Path

    def options(self, *more: str) -> list[str]:
        settings = [
            f"UserKnownHostsFile={self.directory}/known_hosts",
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "LogLevel=ERROR",
            *more,
        ]
        words = ["-F", "/dev/null", "-p", str(self.server.port)]
        return [*words, *(word for one in settings for word in ("-o", one))]

    def ssh(self, *words: str, options: Sequence[str] = ()) -> list[str]:
        """As the account that has a key."""
        settings = self.options("BatchMode=yes", *options)
        return ["ssh", *settings, "-i", str(self.identity), "-l", "keys", *words]

    def run(
        self, *words: str, stdin: bytes = b"", options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        command = self.ssh(*words, options=options)
        return subprocess.run(
            command, input=stdin, capture_output=True, timeout=30, check=False
        )

    def by_password(
        self, password: str, *words: str, options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        script = self.directory / "askpass"
        script.write_text(f"#!/bin/sh\nprintf '%s\\n' '{password}'\n")
        script.chmod(0o700)
        asking = {"SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"}
        settings = self.options("NumberOfPasswordPrompts=1", *options)
        return subprocess.run(
            ["ssh", *settings, "-l", "admin", HOST, *words],
            env={**os.environ, **asking},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )

    @contextmanager
    def client(self) -> Iterator[paramiko.Transport]:
        address = (HOST, self.server.port)
        transport = paramiko.Transport(socket.create_connection(address))
        try:
            transport.start_client(timeout=10)
            key = paramiko.Ed25519Key.from_private_key_file(str(self.identity))
            transport.auth_publickey("keys", key)
            yield transport
        finally:
            transport.close()
            transport.join()


@pytest.fixture(scope="session")
def server_key(tmp_path_factory: pytest.TempPathFactory) -> asyncssh.SSHKey:
    return host_key(tmp_path_factory.mktemp("ssh") / "host_key")


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("identity") / "id_ed25519"
    make_key(path)
    return path


def children() -> set[int]:
    """The children of this process, dead and not yet reaped ones too."""
    found = ""
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError):  # a thread that has just ended
            found += f" {task.read_text()}"
    return {int(pid) for pid in found.split()}


@pytest.fixture
def lab(tmp_path: Path, server_key: asyncssh.SSHKey, identity: Path) -> Iterator[Lab]:
    listener = socket.create_server((HOST, 0))
    with serving(listener, tmp_path, server_key, identity) as made:
        yield made


@contextmanager
def serving(
    listener: socket.socket, tmp_path: Path, server_key: asyncssh.SSHKey, identity: Path
) -> Iterator[Lab]:
    """A server on that listener; afterwards no thread and no process of it is left."""
    before, others = set(threading.enumerate()), children()
    line = identity.with_suffix(".pub").read_text()
    shell = ["/bin/sh", "-i"]
    environment = {**ENVIRONMENT, "PS1": PROMPT}
    accounts = [
        Account("keys", None, line, shell, run_by_shell, None),
        Account("admin", PASSWORD, None, shell, run_by_shell, None),
        Account("nothing", PASSWORD, None, None, None, None),
    ]
    server = SshServer(listener, server_key, accounts, environment)
    known = f"[{HOST}]:{server.port} {server.public_key_line}\n"
    (tmp_path / "known_hosts").write_text(known)
    server.start()
    yield Lab(server, tmp_path, identity)
    server.stop()
    # A thread that was told to end, paramiko's timers too, may take a moment.
    until(lambda: set(threading.enumerate()) <= before, "a thread is left")
    assert children() <= others, "somebody is left to be reaped"


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def open_shell(transport: paramiko.Transport, **terminal: int) -> paramiko.Channel:
    channel = transport.open_session()
    channel.settimeout(10)
    channel.get_pty("vt100", **terminal)
    channel.invoke_shell()
    return channel


def read_until(channel: paramiko.Channel, wanted: str) -> str:
    seen = ""
    while wanted not in seen:
        block = channel.recv(4096)
        assert block, f"the channel ended after {seen!r}"
        seen += block.decode()
    return seen


def read_all(receive: Callable[[int], bytes]) -> bytes:
    content = b""
    while block := receive(65536):
        content += block
    return content


def ended(pid: int) -> bool:
    """Wait up to ten seconds for a process to be gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


# Logging in


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_c4_a_password_opens_a_shell_both_ways(lab: Lab, way: str) -> None:
    words = lab.options(f"PreferredAuthentications={way}")
    words += ["-tt", "-l", "admin", HOST]
    with open_terminal(["ssh", *words], seconds=10) as ssh:
        ssh.expect("[Pp]assword: ")
        ssh.sendline(PASSWORD)
        ssh.expect_exact(PROMPT)
        ssh.setwinsize(33, 101)
        ssh.sendline("tty; echo $TERM-$ROOM; exit 7")
        ssh.expect("/dev/pts/[0-9]+\r\n")
        ssh.expect("-lab\r\n")
        ssh.expect(pexpect.EOF)
        assert PASSWORD not in str(ssh.before)
    assert ssh.exitstatus == 7


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_wrong_password_is_refused(lab: Lab, way: str) -> None:
    option = f"PreferredAuthentications={way}"
    refused = lab.by_password("wrong", "true", options=[option])
    assert refused.returncode == 255
    assert b"Permission denied" in refused.stderr
    assert lab.by_password(PASSWORD, "true", options=[option]).returncode == 0


def test_each_account_offers_only_the_ways_that_it_has(lab: Lab) -> None:
    passwords = {"password", "keyboard-interactive"}
    offers = {"keys": {"publickey"}, "admin": passwords, "stranger": passwords}
    for name, ways in offers.items():
        address = (HOST, lab.server.port)
        transport = paramiko.Transport(socket.create_connection(address))
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_none(name)
        assert set(refused.value.allowed_types) == ways
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(name, "", fallback=False)
        transport.close()
        transport.join()


def test_another_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_key(other)
    refused = lab._replace(identity=other).run(HOST, "true")
    assert refused.returncode == 255
    assert b"Permission denied (publickey)" in refused.stderr


# cryptography 50 warns of what older clients need.
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
@pytest.mark.parametrize(
    "option",
    [
        "KexAlgorithms=diffie-hellman-group14-sha256",
        "KexAlgorithms=diffie-hellman-group-exchange-sha256",
        "KexAlgorithms=curve25519-sha256@libssh.org",
        "HostKeyAlgorithms=rsa-sha2-256",
        "Ciphers=aes256-ctr",
        "MACs=hmac-sha1",
    ],
)
def test_c4_older_clients_agree_with_the_server(lab: Lab, option: str) -> None:
    assert lab.run(HOST, "true", options=[option]).returncode == 0


@pytest.mark.parametrize(
    "option",
    [
        *("Ciphers=3des-cbc", "Ciphers=aes128-cbc,aes256-cbc"),
        *("MACs=hmac-md5,hmac-md5-96", "HostKeyAlgorithms=ssh-rsa"),
    ],
)
def test_what_is_broken_is_not_agreed_upon(lab: Lab, option: str) -> None:
    # AES-GCM has no MAC, and would win.
    refused = lab.run(HOST, "true", options=[option, *_counter_mode_for(option)])
    assert refused.returncode == 255


def _counter_mode_for(option: str) -> list[str]:
    return ["Ciphers=aes128-ctr"] if option.startswith("MACs") else []


# Commands


def test_command_keeps_its_streams_apart_and_its_status(lab: Lab) -> None:
    done = lab.run(HOST, "echo out; echo error >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"error\n")


def test_command_gets_the_whole_input_and_its_end(lab: Lab) -> None:
    content = os.urandom(1 << 20)
    assert lab.run(HOST, "cat", stdin=content).stdout == content


class HalfDead(socket.socket):
    """A server's end: what came is there to be read, the way back is gone."""

    is_cut = False

    def send(self, *arguments: Any) -> int:
        if self.is_cut:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return super().send(*arguments)


class Listener(socket.socket):
    """Its connections are noted."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.bind((HOST, 0))
        self.accepted: list[HalfDead] = []

    def accept(self) -> tuple[socket.socket, Any]:
        plain, address = super().accept()
        self.accepted.append(HalfDead(fileno=plain.detach()))
        return self.accepted[-1], address


def test_client_that_hangs_up_while_its_input_is_copied_ends_the_command(
    tmp_path: Path, server_key: asyncssh.SSHKey, identity: Path
) -> None:
    """The server's own words meet a closed line while there is input left to be read.

    A thread that dies of that leaves the command behind, waiting for more input; pytest
    would tell of the thread, too.
    """
    pid = tmp_path / "pid"
    command = f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec cat > /dev/null"
    listener = Listener()
    with serving(listener, tmp_path, server_key, identity) as lab:
        with lab.client() as client:
            session = client.open_session(timeout=10)
            session.exec_command(command)
            until(pid.exists, "the command did not start")
            listener.accepted[-1].is_cut = True
            session.sendall(bytes(1 << 20))  # more of the window than goes unconfirmed
        process = int(pid.read_text())
        until(lambda: not Path(f"/proc/{process}").exists(), "the command still runs")
        assert lab.run(HOST, "echo well").stdout == b"well\n"


def test_command_that_ignores_its_input_does_not_wait_for_it(lab: Lab) -> None:
    assert lab.run(HOST, "exit 5", stdin=os.urandom(1 << 20)).returncode == 5


def test_all_output_arrives_before_the_channel_closes(lab: Lab) -> None:
    whole = "".join(f"{n}\n" for n in range(1, 40001)).encode()
    with lab.client() as transport:
        for terminal in (False, True):
            for _ in range(4):
                channel = transport.open_session()
                if terminal:
                    channel.get_pty()
                channel.exec_command("seq 40000")
                lines = read_all(channel.recv).replace(b"\r\n", b"\n")
                assert lines == whole
                assert channel.recv_exit_status() == 0


def test_death_by_a_signal_is_128_and_the_signal(lab: Lab) -> None:
    assert lab.run(HOST, "kill -9 $$").returncode == 128 + 9


def test_command_that_cannot_start_says_so(lab: Lab) -> None:
    done = lab.run(HOST, "missing")
    assert done.returncode == 127
    assert done.stderr == b"The command cannot run: No such file or directory.\r\n"


def test_command_that_is_no_text_is_refused(lab: Lab) -> None:
    with lab.client() as transport:
        with pytest.raises(paramiko.SSHException):
            transport.open_session().exec_command(b"\xff\xfe")
        channel = transport.open_session()
        channel.exec_command(b"echo \0 x")
        assert b"cannot run" in read_all(channel.recv_stderr)
        assert channel.recv_exit_status() == 127


def test_left_over_background_process_neither_holds_the_channel_nor_stays(
    lab: Lab,
) -> None:
    done = lab.run(HOST, "sleep 600 & echo $!")
    assert done.returncode == 0
    assert ended(int(done.stdout))


def test_account_that_refuses_a_command_gives_its_reason(lab: Lab) -> None:
    done = lab.run(HOST, "forbidden fruit")
    assert done.returncode == 1
    assert done.stderr == b"That command does not run here.\r\n"


@pytest.mark.parametrize("terminal", ["-T", "-tt"])
def test_account_without_shell_and_commands_says_so(lab: Lab, terminal: str) -> None:
    script = lab.directory / "askpass"
    script.write_text(f"#!/bin/sh\nprintf '%s\\n' '{PASSWORD}'\n")
    script.chmod(0o700)
    for command in ([], ["id"]):
        done = subprocess.run(
            ["ssh", *lab.options(), terminal, "-l", "nothing", HOST, *command],
            env={"SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        assert (done.stdout + done.stderr).startswith(b"This account ")


# Terminals


def test_window_size_is_kept_and_changed(lab: Lab) -> None:
    with lab.client() as transport:
        channel = open_shell(transport, width=0, height=0)
        read_until(channel, PROMPT)
        channel.sendall(b"stty size; echo $TERM\n")
        assert "\r\n0 0\r\nvt100\r\n" in read_until(channel, "vt100\r\n")
        for width, height in ((40, 10**9), (10**9, 24)):
            channel.resize_pty(width, height)
            channel.sendall(b"stty size\n")
            read_until(channel, f"\r\n{min(height, 4096)} {min(width, 4096)}\r\n")
        channel.sendall(b"exit 4\n")
        assert channel.recv_exit_status() == 4


def test_window_size_of_the_request_is_there_from_the_start(lab: Lab) -> None:
    with lab.client() as transport:
        channel = transport.open_session()
        channel.get_pty(width=132, height=43)
        channel.exec_command("stty size; tty")
        answer = read_all(channel.recv)
        assert answer.startswith(b"43 132\r\n/dev/pts/")


@pytest.mark.parametrize("term", ["", "../../x", "a b", "x" * 65, "-n", "vt100\n"])
def test_senseless_terminal_name_becomes_dumb(lab: Lab, term: str) -> None:
    with lab.client() as transport:
        channel = transport.open_session()
        channel.get_pty(term)
        channel.exec_command('echo "$TERM"')
        assert read_all(channel.recv) == b"dumb\r\n"


def test_control_c_interrupts_the_command_and_not_the_shell(lab: Lab) -> None:
    with lab.client() as transport:
        channel = open_shell(transport)
        read_until(channel, PROMPT)
        channel.sendall(b"sh -c \"echo be''gins; exec sleep 600\"\n")
        read_until(channel, "begins")
        channel.sendall(b"\x03")
        read_until(channel, PROMPT)
        channel.sendall(b"exit\n")
        assert channel.recv_exit_status() == 130


def test_input_typed_ahead_of_its_end_still_runs_on_a_terminal(lab: Lab) -> None:
    done = lab.run("-tt", HOST, stdin=b"echo first''line\necho second''line\n")
    assert b"firstline\r\n" in done.stdout
    assert b"secondline\r\n" in done.stdout
    assert done.returncode == 0


def test_shell_without_a_terminal_reads_a_pipe(lab: Lab) -> None:
    done = lab.run("-T", HOST, stdin=b"tty\nexit 6\n")
    assert done.returncode == 6
    assert b"not a tty" in done.stdout


# What a client may not


def test_environment_is_the_servers_own(lab: Lab) -> None:
    bad = {"LD_PRELOAD": "/x.so", "LANG": "evil", "PYTHONPATH": "/evil", "IFS": "x"}
    done = subprocess.run(
        lab.ssh(HOST, "env", options=["SendEnv=" + " ".join(bad)]),
        env={**os.environ, **bad, "LD_PRELOAD": ""},
        capture_output=True,
        timeout=30,
        check=True,
    )
    seen = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    seen.pop("PWD"), seen.pop("_", None), seen.pop("SHLVL", None)  # the shell's own
    assert seen == {**ENVIRONMENT, "PS1": PROMPT}


def test_forwarding_is_refused(lab: Lab) -> None:
    with socket.create_server((HOST, 0)) as target:
        port = target.getsockname()[1]
        strict = ["ExitOnForwardFailure=yes"]
        there = lab.run("-N", "-R", f"0:{HOST}:{port}", HOST, options=strict)
        assert there.returncode == 255
        assert b"remote port forwarding failed" in there.stderr
        here = lab.run("-W", f"{HOST}:{port}", HOST)
        assert here.returncode == 255
        assert b"forwarding failed" in here.stderr
        with lab.client() as transport:
            for kind in ("direct-tcpip", "x11", "forwarded-tcpip"):
                with pytest.raises(paramiko.ChannelException):
                    transport.open_channel(kind, (HOST, port), (HOST, port))
        target.settimeout(0)
        with pytest.raises(BlockingIOError):
            target.accept()


def test_local_forward_reaches_nothing(lab: Lab) -> None:
    with socket.create_server((HOST, 0)) as target:
        port = target.getsockname()[1]
        way = lab.directory / "way"
        words = lab.ssh("-N", "-L", f"{way}:{HOST}:{port}", HOST)
        words[1:1] = ["-v"]
        quiet = words.index("LogLevel=ERROR")
        words[quiet] = "LogLevel=DEBUG"
        with subprocess.Popen(words, stderr=subprocess.PIPE) as ssh:
            assert ssh.stderr is not None
            for line in ssh.stderr:
                if b"Entering interactive session" in line:
                    break
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(way))
                assert client.recv(1) == b""
            ssh.kill()
            ssh.stderr.read()


def test_agent_x11_and_foreign_subsystems_are_refused(lab: Lab) -> None:
    with lab.client() as transport:
        requests: list[Callable[[paramiko.Channel], object]] = [
            lambda channel: channel.request_x11(),
            lambda channel: channel.invoke_subsystem("sftp"),
            lambda channel: channel.invoke_subsystem("netconf"),
        ]
        for request in requests:
            with pytest.raises(paramiko.SSHException):
                request(transport.open_session())
    assert b"SSH_AUTH_SOCK" not in lab.run("-A", HOST, "env").stdout


def test_channel_takes_one_request_only(lab: Lab) -> None:
    with lab.client() as transport:
        channel = transport.open_session()
        channel.exec_command("cat")
        with pytest.raises(paramiko.SSHException):
            channel.exec_command("id")


# Coming and going


@pytest.mark.parametrize("terminal", ["-T", "-tt"])
def test_process_of_a_client_that_disappears_is_hung_up_and_reaped(
    lab: Lab, fifo: Path, terminal: str
) -> None:
    wait = (
        f"trap 'echo HUP >{fifo}; exit' HUP; echo $$ >{fifo}; while :; do sleep 1; done"
    )
    with subprocess.Popen(
        lab.ssh(terminal, HOST, wait),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as ssh:
        pid = int(fifo.read_text())
        ssh.kill()
        assert fifo.read_text() == "HUP\n"
        assert ended(pid)


def test_closing_one_channel_hangs_up_its_own_process_only(
    lab: Lab, fifo: Path
) -> None:
    with lab.client() as transport:
        kept = transport.open_session()
        kept.exec_command("cat")
        closed = transport.open_session()
        closed.exec_command(
            f"trap 'echo HUP >{fifo}; exit' HUP; echo on; while :; do sleep 1; done"
        )
        read_until(closed, "on")
        closed.shutdown_write()  # the end of the input is no hang-up
        closed.close()
        assert fifo.read_text() == "HUP\n"
        kept.sendall(b"alive")
        kept.shutdown_write()
        assert read_all(kept.recv) == b"alive"


def test_stop_ends_even_a_process_that_ignores_it(lab: Lab, fifo: Path) -> None:
    deaf = f"trap '' HUP TERM INT; echo $$ >{fifo}; while :; do sleep 1; done"
    with subprocess.Popen(
        lab.ssh(HOST, deaf), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as ssh:
        pid = int(fifo.read_text())
        began = time.monotonic()
        lab.server.stop()
        assert time.monotonic() - began < 4
        assert ended(pid)
        assert ssh.wait(10) == 255


def test_stalled_client_holds_up_nobody(lab: Lab) -> None:
    with lab.client() as stalled, lab.client() as talker:
        flood = stalled.open_session()
        flood.exec_command("yes")
        stuck = stalled.open_session()
        stuck.exec_command("sleep 600")
        read_until(flood, "y")
        stuck.sendall(b"x" * 200000)  # nobody reads it
        for transport in (stalled, talker):
            channel = transport.open_session()
            channel.exec_command("echo here")
            assert read_all(channel.recv) == b"here\n"


def test_client_that_never_logs_in_holds_up_nobody(lab: Lab) -> None:
    with socket.create_connection((HOST, lab.server.port)):
        assert lab.run(HOST, "true").returncode == 0


def test_client_that_never_logs_in_is_sent_away(
    tmp_path: Path,
    server_key: asyncssh.SSHKey,
    identity: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cucmsh.lab.ssh_server.LOGIN_GRACE", 0.3)
    listener = socket.create_server((HOST, 0))
    with (
        serving(listener, tmp_path, server_key, identity) as lab,
        socket.create_connection((HOST, lab.server.port), timeout=10) as silent,
    ):
        assert read_all(silent.recv).startswith(b"SSH-2.0-")


def test_eight_sessions_at_once_each_on_its_own_terminal(lab: Lab) -> None:
    seen: list[str] = []

    def one() -> None:
        with lab.client() as transport:
            channel = open_shell(transport)
            read_until(channel, PROMPT)
            channel.sendall(b"tty\n")
            seen.append(read_until(channel, "/dev/pts/").split("/dev/pts/")[1])
            everyone.wait(20)
            channel.sendall(b"exit 9\n")
            statuses.append(channel.recv_exit_status())

    everyone = threading.Barrier(8)
    statuses: list[int] = []
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [9] * 8


def test_server_without_clients_stops_and_can_be_stopped_twice(
    server_key: asyncssh.SSHKey,
) -> None:
    for started in (True, False):
        server = SshServer(socket.create_server((HOST, 0)), server_key, [], {})
        if started:
            server.start()
        server.stop()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, server.port))


# Keys and secrets


def test_server_refuses_to_listen_beyond_this_machine(
    server_key: asyncssh.SSHKey,
) -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,
        pytest.raises(RefusedError, match="loopback"),
    ):
        SshServer(listener, server_key, [], {})


def test_host_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "host_key"
    key = host_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert paramiko.RSAKey.from_private_key_file(str(path)).get_bits() >= 2048
    assert host_key(path).public_data == key.public_data
    assert [file.name for file in tmp_path.iterdir()] == ["host_key"]


def test_broken_host_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "host_key"
    path.write_text("no key")
    with pytest.raises(StoreError, match="host_key"):
        host_key(path)


def test_fingerprint_is_what_ssh_keygen_says(lab: Lab) -> None:
    words = ["ssh-keygen", "-l", "-f", str(lab.directory / "known_hosts")]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert listed.split()[1] == lab.server.fingerprint


def test_password_does_not_show_in_an_account() -> None:
    account = Account("admin", PASSWORD, None, None, None, None)
    assert PASSWORD not in f"{account} {account!r} {[account]}"


def test_command_is_the_servers_child_and_inherits_only_its_streams(lab: Lab) -> None:
    # its child is the command itself, and has none of the server's descriptors
    kept = os.dup2(1, 77, inheritable=True)
    done = lab.run(HOST, "cat /proc/$$/cmdline; echo; echo $PPID; ls /proc/self/fd")
    os.close(kept)
    command, parent, *descriptors = done.stdout.split(b"\n")
    assert command.startswith(b"/bin/sh\0-c\0")
    assert int(parent) == os.getpid()
    assert descriptors == [b"0", b"1", b"2", b"3", b""]  # 3 is ls's own
    assert sys.executable.encode() not in command
