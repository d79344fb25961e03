"""A real sshd with the shipped drop-in: every way in, and every way past it.

Three logins: the shipped one (our program is shell and forced command), the login shell
alone, and the forced command of an account with another shell.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pexpect
import pytest

from cucmsh.layout import ACCOUNTS
from tests.cli.login.box import ADMIN, CCM, CUCMSH, FORCED, LOGIN, SETTINGS, Box
from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.terminal import ends, open_terminal
from tests.rigs.waiting import until

pytestmark = [pytest.mark.loopback, pytest.mark.terminal]

MODES = ("shipped", "login shell", "forced command")
VERSION = "Active Master Version: 12.5.1"
REFUSED = "cucmsh: sftp, scp and rsync do not work here: "
SECONDS = 30


class Way:
    """One of the three logins."""

    def __init__(self, box: Box, mode: str) -> None:
        self.box = box
        self.user = FORCED if mode == "forced command" else ADMIN
        self.port = (box.plain if mode == "login shell" else box.shipped).port

    def ssh(
        self, *words: str, stdin: str = "", program: str = "ssh"
    ) -> subprocess.CompletedProcess[str]:
        box = self.box
        return box.ssh(self.user, *words, port=self.port, stdin=stdin, program=program)

    def run(self, line: str, *options: str, stdin: str = "") -> tuple[int, str, str]:
        done = self.ssh(*options, "--", LOOPBACK, line, stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    def spawn(self, *words: str) -> pexpect.spawn[str]:
        options = [*self.box.options(self.port), "-o", f"User={self.user}", "-tt"]
        return open_terminal(
            ["ssh", *options, *words], environment=os.environ, seconds=SECONDS
        )


@pytest.fixture(params=MODES)
def way(box: Box, request: pytest.FixtureRequest) -> Way:
    return Way(box, request.param)


@pytest.fixture
def shipped(box: Box) -> Way:
    return Way(box, "shipped")


@contextmanager
def changes_by_exec(box: Box) -> Iterator[None]:
    """``exec = "all"`` in the configuration."""
    before = box.root(["cat", SETTINGS])
    box.root(["sed", "-i", '1i exec = "all"', SETTINGS])
    try:
        yield
    finally:
        box.node(["sh", "-c", f"cat > {SETTINGS}"], before)


def test_shell_gets_the_prompt_and_its_end_is_status_0(way: Way) -> None:
    child = way.spawn(LOOPBACK)
    child.expect_exact("Welcome to the Platform Command Line Interface")
    child.expect_exact("\r\nadmin:")
    child.send("show version active\r")
    child.expect_exact(f"show version active\r\n{VERSION}")
    child.expect_exact("\r\nadmin:")
    child.send("exit\r")
    assert ends(child)[0] == 0


def test_shell_without_a_terminal_reads_lines(way: Way) -> None:
    done = way.ssh("-T", LOOPBACK, stdin="show version active\nquit\n")
    assert done.returncode == 0
    assert done.stdout.count("admin:") == 2
    assert VERSION in done.stdout
    assert "\x1b" not in done.stdout


def test_password_opens_the_same_prompt(shipped: Way) -> None:
    shipped.box.root(["chpasswd"], f"{ADMIN}:a word of the administrator\n")
    with paramiko.Transport((LOOPBACK, shipped.port)) as transport:
        transport.start_client(timeout=SECONDS)
        transport.auth_password(ADMIN, "a word of the administrator")
        with transport.open_session(timeout=SECONDS) as session:
            session.get_pty()
            session.invoke_shell()
            said = b""
            while not said.endswith(b"\r\nadmin:"):
                piece = session.recv(4096)
                assert piece, said
                said += piece
            session.sendall(b"exit\r")
            assert session.recv_exit_status() == 0


@pytest.mark.parametrize("terminal", ["-T", "-tt"])
def test_exec_request_is_one_command_of_the_parser(way: Way, terminal: str) -> None:
    status, said, complaint = way.run("show version active", terminal)
    assert (status, complaint) == (0, "")
    assert said.startswith(VERSION)
    status, said, complaint = way.run("show itl", terminal)
    assert (status, complaint) == (0, "")
    assert "The ITL file was verified successfully." in said
    for line, answer in (
        ("bash -i", "No valid command entered"),
        ("  ", "No valid command entered"),
        ("show", "The command is incomplete."),
        ("show itl; id", "No valid command entered"),
        ("show itl extra", "Expected 0 mandatory"),
        (f"-c {LOGIN}", "No valid command entered"),
        ("x" * 2000, "longer than"),
    ):
        status, said, complaint = way.run(line, terminal)
        assert (status, complaint) == (2, ""), line
        assert answer in said
        assert "uid=" not in said


def test_an_account_of_the_node_limits_the_systems_or_shuts_it_out(box: Box) -> None:
    way = Way(box, "forced command")
    words = "two other words"
    box.root([CUCMSH, "-c", f"set account name {FORCED}"], f"0\n{words}\n{words}\n")
    try:
        assert way.run("show version active")[0] == 0
        with changes_by_exec(box):
            status, said, complaint = way.run("set session maxlimit 9")
        assert status == 1
        assert "privilege level" in said + complaint
        box.root([CUCMSH, "-c", f"set account disable {FORCED}"])
        for line in ("show version active", ""):
            done = way.ssh("-T", LOOPBACK, *([line] if line else ()), stdin="quit\n")
            assert done.returncode == 1
            assert "This account may not log in now" in done.stdout + done.stderr
            assert "admin:" not in done.stdout
        assert Way(box, "shipped").run("show version active")[0] == 0
        box.root([CUCMSH, "-c", f"delete account {FORCED}"])
        assert way.run("show version active")[0] == 1
        assert VERSION in box.root([CUCMSH, "-c", "show version active"])
    finally:
        box.root(["rm", "-f", f"/var/lib/cucmsh/{ACCOUNTS}"])


@pytest.mark.parametrize("terminal", ["-T", "-tt"])
def test_command_that_changes_something_needs_leave_in_the_configuration(
    way: Way, terminal: str
) -> None:
    line = "set cert regen tomcat"
    status, said, _ = way.run(line, terminal, stdin="yes\n")
    assert status == 1
    assert "does not run by an exec request here" in said
    assert 'exec = "all"' in said
    with changes_by_exec(way.box):
        status, said, _ = way.run(line, "-T", stdin="no\n")
        assert (status, "Proceed with regeneration" in said) == (1, True)


def test_change_by_exec_is_done_after_the_yes_on_standard_input(shipped: Way) -> None:
    with changes_by_exec(shipped.box):
        status, said, _ = shipped.run("set cert regen ipsec", "-T", stdin="yes\n")
    assert status == 0, said


def test_questions_of_an_exec_request_are_answered_line_by_line(shipped: Way) -> None:
    line = "utils itl reset localkey"
    with changes_by_exec(shipped.box):
        status, said, _ = shipped.run(line, "-T", stdin="a wrong password\n")
        assert status == 1
        assert "Enter CCM Administrator password :" in said
        assert "a wrong password" not in said
        status, said, _ = shipped.run(line, "-T", stdin="")
        assert (status, "Enter CCM Administrator password :" in said) == (1, True)


def test_password_of_an_exec_request_is_not_shown_on_its_terminal(shipped: Way) -> None:
    with changes_by_exec(shipped.box):
        child = shipped.spawn(LOOPBACK, "utils itl reset localkey")
        child.expect_exact("Enter CCM Administrator password :")
        child.send(f"{CCM}x\r")
        status, said = ends(child)
    assert CCM not in said
    assert status == 1


def test_lost_line_ends_the_session_on_the_server(way: Way) -> None:
    child = way.spawn(LOOPBACK)
    child.expect_exact("\r\nadmin:")
    assert way.box.root(["sh", "-c", ENVIRONMENTS])
    child.kill(9)
    until(
        lambda: not way.box.root(["sh", "-c", ENVIRONMENTS]),
        "the shell goes on without anybody",
    )
    child.close(force=True)


AUDIT = "/var/lib/cucmsh/log/audit"
TRANSFERS = (
    "scp -t .",
    "scp -f /etc/passwd",
    "/usr/bin/scp -v -r -p -d -t -- /tmp",
    "rsync --server --sender -vlogDtpre.iLsfxCIvu . /etc/",
    "rsync --server --daemon .",
    "/usr/lib/openssh/sftp-server",
    "internal-sftp",
    "sftp-server -R",
)


@pytest.mark.parametrize("line", TRANSFERS)
@pytest.mark.parametrize("terminal", ["-T", "-tt"])
def test_transfer_is_refused_by_one_line_that_says_what_works(
    shipped: Way, line: str, terminal: str
) -> None:
    status, said, complaint = shipped.run(line, terminal)
    shown = complaint if terminal == "-T" else said  # a terminal has one stream
    assert status == 1
    assert shown.startswith(REFUSED)
    assert "`file get`" in shown
    assert shown.count("\n") == 1
    assert not said or terminal == "-tt"
    record = json.loads(shipped.box.root(["tail", "-n", "1", AUDIT]))
    assert record["entry"] == "exec"
    assert record["user"] == ADMIN
    assert record["values"] == [line]
    assert record["outcome"] == "RefusedError"


def test_transfer_by_openssh_s_own_programs_moves_nothing(
    way: Way, tmp_path: Path
) -> None:
    box, there = way.box, f"{LOOPBACK}:/etc/passwd"
    (tmp_path / "file").write_text("planted")
    upload = [str(tmp_path / "file"), f"{LOOPBACK}:/tmp/cucmsh-planted"]
    for words in (["-O", there, str(tmp_path / "got")], ["-O", *upload]):
        done = way.ssh(*words, program="scp")
        assert done.returncode != 0
        assert done.stderr.count(REFUSED) == 1
    # sshd drops what a subsystem says on standard error: its end is all that is seen.
    for words in ([there, str(tmp_path / "got")], upload):
        assert way.ssh(*words, program="scp").returncode != 0
    done = way.ssh("-b", "-", LOOPBACK, program="sftp", stdin="ls /\n")
    assert (done.returncode != 0, done.stdout) == (True, "")
    done = way.ssh("-s", LOOPBACK, "sftp", stdin="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "got").exists()
    assert box.try_root(["test", "-e", "/tmp/cucmsh-planted"])[0] == 1


@contextmanager
def connection(way: Way, *options: str) -> Iterator[subprocess.Popen[str]]:
    """OpenSSH's client with forwardings and without a command."""
    words = ["ssh", *way.box.options(way.port), "-o", f"User={way.user}", "-v"]
    child = subprocess.Popen(
        [*words, "-o", "LogLevel=DEBUG1", "-N", *options, LOOPBACK],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def asks(port: int) -> bytes:
    """Connect to the client's end of a tunnel, and say what comes out of it."""
    client: list[socket.socket] = []

    def connects() -> bool:
        with suppress(ConnectionRefusedError):
            client.append(socket.create_connection((LOOPBACK, port), SECONDS))
        return bool(client)

    until(connects, "the client does not listen")
    with client[0] as open_:
        open_.sendall(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x16")
        got = b""
        with suppress(ConnectionResetError):
            while piece := open_.recv(100):
                got += piece
        return got


@pytest.mark.parametrize("kind", ["-L", "-D", "unix"])
def test_no_tunnel_leads_through_the_account(
    shipped: Way, kind: str, tmp_path: Path
) -> None:
    port = free_port()
    with socket.create_server((LOOPBACK, 0)) as secret:
        secret.settimeout(0)
        target = f"{LOOPBACK}:{secret.getsockname()[1]}"
        options = {
            "-L": ["-L", f"{port}:{target}"],
            "-D": ["-D", str(port)],
            "unix": ["-L", f"{port}:/run/systemd/private"],
        }[kind]
        with connection(shipped, *options) as child:
            got = asks(port)
            assert got in (b"", b"\x05\x00"), got  # no more than the client's own
            child.kill()
            _, complaint = child.communicate(timeout=SECONDS)
        assert "open failed: " in complaint
        with pytest.raises(BlockingIOError):
            secret.accept()


REMOTE = f"/tmp/cucmsh-remote-{os.getpid()}.sock"


@pytest.mark.parametrize("there", ["0", REMOTE], ids=["port", "socket"])
def test_no_port_or_socket_is_opened_on_the_server(shipped: Way, there: str) -> None:
    options = ["-o", "ExitOnForwardFailure=yes", "-R", f"{there}:{LOOPBACK}:22"]
    with connection(shipped, *options) as child:
        _, complaint = child.communicate(timeout=SECONDS)
        assert child.returncode == 255
        assert "remote port forwarding failed" in complaint
    assert not os.path.exists(REMOTE)


def test_stdio_forwarding_and_jumps_are_refused(shipped: Way) -> None:
    done = shipped.ssh("-W", f"{LOOPBACK}:{shipped.port}", LOOPBACK, stdin="x")
    assert (done.returncode, done.stdout) == (255, "")
    assert "stdio forwarding failed" in done.stderr


@contextmanager
def by_paramiko(way: Way) -> Iterator[paramiko.Transport]:
    key = paramiko.Ed25519Key.from_private_key_file(str(way.box.key))
    with paramiko.Transport((LOOPBACK, way.port)) as transport:
        transport.start_client(timeout=SECONDS)
        transport.auth_publickey(way.user, key)
        yield transport


COOKIE = "6b6f6f6b6965"
Ask = Callable[[paramiko.Channel], object]
REQUESTS: dict[str, Ask] = {
    "CVE-2025-32728: X11 in spite of DisableForwarding": lambda session: (
        session.request_x11(auth_protocol="MIT-MAGIC-COOKIE-1", auth_cookie=COOKIE)
    ),
    "CVE-2016-3115: protocol": lambda session: session.request_x11(
        auth_protocol="MIT\nsource /etc/passwd", auth_cookie=COOKIE
    ),
    "CVE-2016-3115: cookie": lambda session: session.request_x11(
        auth_protocol="MIT-MAGIC-COOKIE-1", auth_cookie="a\r\nsource /etc/passwd\n"
    ),
    "another subsystem": lambda session: session.invoke_subsystem("netconf"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_a_session_is_refused(shipped: Way, name: str) -> None:
    with by_paramiko(shipped) as transport:
        session = transport.open_session(timeout=SECONDS)
        with session, pytest.raises(paramiko.SSHException):
            REQUESTS[name](session)
        with transport.open_session(timeout=SECONDS) as session:
            session.exec_command("show version active")
            assert session.makefile().read().startswith(VERSION.encode())
            assert session.recv_exit_status() == 0


def test_sessions_of_one_connection_are_few(shipped: Way) -> None:
    with by_paramiko(shipped) as transport:
        kept = [transport.open_session(timeout=SECONDS) for _ in range(4)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=SECONDS)
        assert len(kept) == 4


CANARY = f"/tmp/cucmsh-canary-{os.getpid()}"
HOSTILE = {
    "CUCMSH_CONFIG": "/nonexistent.toml",
    "PYTHONINSPECT": "1",
    "PYTHONSTARTUP": f"{CANARY}.py",
    "PYTHONPATH": "/tmp",
    "PYTHONHOME": "/tmp",
    "OPENSSL_CONF": f"{CANARY}.cnf",
    "GCONV_PATH": "/tmp",
    "LOCPATH": "/tmp",
    "LC_ALL": f"() {{ :; }}; touch {CANARY}",
    "TZ": "/../../tmp/x",
    "HOME": "/tmp",
    "PATH": "/tmp",
    "TERM": "../../../../tmp/x",
    "COLUMNS": "1000000000",
    "LINES": "0",
    "EDITOR": f"touch {CANARY}",
    "PAGER": f"touch {CANARY}",
    "SSH_ASKPASS": "/tmp/x",
}


SENT = " ".join(f'{name}="{value}"' for name, value in HOSTILE.items())


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path]) as running:
        until(lambda: os.path.exists(path), "no agent")
        yield path
        running.kill()


def test_nothing_of_the_client_is_in_the_session(
    shipped: Way, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2025-32728 (agent, X11), CVE-2014-6271 (a function in a variable), T5."""
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    monkeypatch.setenv("DISPLAY", "127.0.0.1:99")
    child = shipped.spawn("-A", "-Y", "-o", f"SetEnv={SENT}", LOOPBACK)
    child.expect_exact("\r\nadmin:")
    environment = shipped.box.root(["sh", "-c", ENVIRONMENTS])
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert "SSH_CONNECTION" in names
    assert names <= BY_SSHD, names - BY_SSHD
    assert CANARY not in environment
    child.close(force=True)


BY_SSHD = {"USER", "LOGNAME", "HOME", "PATH", "SHELL", "TERM", "MOTD_SHOWN", "TZ"}
BY_SSHD |= {"SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"}
# Of pam_systemd(8), where a logind runs.
BY_SSHD |= {f"XDG_SESSION_{name}" for name in ("ID", "TYPE", "CLASS", "DESKTOP")}
BY_SSHD |= {"XDG_RUNTIME_DIR", "XDG_SEAT", "XDG_VTNR", "DBUS_SESSION_BUS_ADDRESS"}
# Of every session's process in this box, as the kernel has it.
ENVIRONMENTS = f"""
exec 2>/dev/null  # processes end meanwhile
box=$(readlink /proc/$$/ns/mnt)
for pid in $(grep -l -a -s {LOGIN} /proc/[0-9]*/cmdline | cut -d/ -f3); do
    [ "$(readlink /proc/$pid/ns/mnt)" = "$box" ] || continue
    case $(cat /proc/$pid/comm) in
    cucmsh*|python*) tr '\\0' '\\n' < /proc/$pid/environ ;;
    esac
done
true
"""


def test_environment_of_a_careless_server_changes_nothing(box: Box) -> None:
    """T5: a server that takes every variable, and whose shell we are."""
    careless = Way(box, "login shell")
    server = box.careless()
    try:
        careless.port = server.port
        sent = ["-o", f"SetEnv={SENT}"]
        expected = careless.run("show version active")
        assert careless.run("show version active", *sent) == expected
        child = careless.spawn(*sent, LOOPBACK)
        child.expect_exact("\r\nadmin:")
        assert "PYTHONINSPECT" in box.root(["sh", "-c", ENVIRONMENTS])
        child.send("quit\r")
        status, said = ends(child)
        assert (status, ">>>" in said) == (0, False)
    finally:
        server.close()
    assert not Path(CANARY).exists()
