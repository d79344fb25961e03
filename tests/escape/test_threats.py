"""docs/security.md T1 to T14 and T23 to T25, each by its number.

The strings of T1 and T2 and the keys of T4 are also in the suite, in every way in; the
matrix of T5 to T8 against the shipped sshd is in tests/cli/login.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import paramiko
import pytest

from tests.escape.attacks import CONTROLS, OPTIONS, SHELL, TRAVERSALS
from tests.escape.keys import answers
from tests.escape.modes import ENVIRONMENT, Command, Exec, Line, Pty, Server
from tests.escape.node import CCM, Target
from tests.rigs.draws import some

pytestmark = [pytest.mark.terminal, pytest.mark.loopback]
CHANGE = "set cert regen CallManager"
VARIABLES = (
    *("PAGER", "MANPAGER", "LESSOPEN", "EDITOR", "VISUAL", "SHELL", "BROWSER"),
    *("SSH_ASKPASS", "GIT_SSH", "PYTHONBREAKPOINT", "INPUTRC", "TERMINFO", "BASH_ENV"),
    *("ENV", "PROMPT_COMMAND", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "TMPDIR"),
)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A program that must never run, in a folder that must never be looked into."""
    program = tmp_path / "canary"
    program.write_text('#!/bin/sh\n: > "$0.ran"\n')
    program.chmod(0o755)
    return program


def begun(target: Target) -> int:
    return target.audit.read_text().count('"event": "begin"')


def held(target: Target) -> None:
    escapes = target.escapes()
    assert not escapes, escapes


# A random tenth of all these strings goes through every way in at each run
# (test_strings); here are some of each sort, by name, with what they must answer.
@pytest.mark.parametrize(
    "syntax",
    some(SHELL, 6),
)
def test_t01_what_a_shell_would_read_is_text(target: Target, syntax: str) -> None:
    line = f"show version active {SHELL[syntax].format('/bin/touch /tmp/t01')}"
    status, said = Command(target).call(line.encode())
    assert (status, b"Executed command unsuccessfully" in said) == (2, True)
    held(target)
    assert not Path("/tmp/t01").exists()


@pytest.mark.parametrize(
    "control",
    some(CONTROLS, 8),
)
def test_t02_a_hidden_second_line_runs_nothing_and_is_recorded(
    target: Target, control: str
) -> None:
    before = target.audit.read_text().count("\n") if target.audit.exists() else 0
    line = "show version active" + CONTROLS[control].format(CHANGE)
    status, said = Command(target).call(line.encode("utf-8", "surrogateescape"))
    first, _, rest = line.partition("\0")
    assert (status, b"Active Master" in said) == ((0, True) if rest else (2, False))
    assert begun(target) == 0
    entries = target.audit.read_text().splitlines()[before:]
    assert [json.loads(entry)["line"] for entry in entries] == [first]
    held(target)


def test_t03_no_key_at_the_pager_starts_anything(target: Target, canary: Path) -> None:
    environment = {**ENVIRONMENT, **dict.fromkeys(VARIABLES, str(canary))}
    del environment["PYTHONHOME"], environment["PYTHONPATH"]  # -I: no part of it
    way = Pty(target, environment)
    way.attack(b"set cli pagination on")
    for keys in (bytes([code]) for code in range(256) if code not in (4, 10, 13)):
        way.put(b"show itl\r" + keys + b"!sh\r\x1b" + keys)
    way.attack(b"q")
    for text in (b"!sh", b"v", b":e x", b"|sh", b"s /tmp/t03", b"\x18\x05", b"\x1b!sh"):
        way.attack(b"show itl\r" + text)
    way.close()
    held(target)
    assert not canary.with_name("canary.ran").exists()


@pytest.mark.parametrize(
    "keys", ["\x1a", "\x1c", "\x18\x05", "\x1b!sh\r", "\x1b:!sh\r"]
)
@pytest.mark.parametrize("before", ["", "\t"], ids=["reader", "editor"])
def test_t04_the_keys_that_stop_quit_or_edit_do_nothing(
    target: Target, before: str, keys: str
) -> None:
    way = Pty(target)
    way.attack(before.encode())
    way.attack(keys.encode())
    answers(way, "mark")
    assert way.sessions == 1
    way.close()
    held(target)


def test_t05_no_variable_of_the_client_reaches_a_login(
    server: Server, canary: Path
) -> None:
    line = Line(server)
    channel = line.channel()
    for name in (*VARIABLES, "LD_PRELOAD", "LC_ALL", "OPENSSL_CONF", "CUCMSH_CONFIG"):
        channel.set_environment_variable(name, str(canary))
    channel.exec_command("show version active")
    said = b"".join(iter(lambda: channel.recv(1 << 16), b""))
    assert channel.recv_exit_status() == 0
    assert b"Active Master" in said
    line.close()
    assert not server.escapes()


def test_t05_no_variable_starts_a_program_on_the_spot(
    target: Target, canary: Path
) -> None:
    environment = {**ENVIRONMENT, **dict.fromkeys(VARIABLES, str(canary))}
    environment |= {"COLUMNS": "1000000000", "LINES": "-1", "PYTHONINSPECT": "1"}
    status, said = Command(target).call(b"show itl", environment)
    assert (status, b"verified successfully" in said) == (0, True)
    held(target)


def test_t06_nothing_is_loaded_from_where_the_session_starts(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("commands", "json", "cucmsh"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('it ran')\n")
    for name in ("usercustomize.py", "sitecustomize.py", ".bashrc", ".inputrc"):
        (tmp_path / name).write_text("raise SystemExit('it ran')\n")
    monkeypatch.chdir(tmp_path)
    environment = {**ENVIRONMENT, "HOME": str(tmp_path)}
    status, said = Command(target).call(b"show itl", environment)
    assert (status, b"it ran" in said) == (0, False)
    held(target)  # not one of them was opened


@pytest.mark.parametrize("line", ["scp -t /", "rsync --server . /", "bash -i", "sftp"])
def test_t07_a_request_is_one_command_or_it_is_refused(
    server: Server, line: str
) -> None:
    way = Line(server)
    channel = way.channel()
    channel.exec_command(line)
    assert channel.recv_exit_status() in (1, 2)
    way.close()
    assert not server.escapes()


def test_t08_nothing_is_forwarded(server: Server) -> None:
    client = server.connect()
    with pytest.raises(paramiko.ChannelException):
        client.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1))
    with pytest.raises(paramiko.SSHException):
        client.request_port_forward("127.0.0.1", 0)
    client.close()
    assert not server.escapes()


@pytest.mark.parametrize("before", ["", "\t"], ids=["reader", "editor"])
def test_t09_signals_at_the_prompt_leave_it_there(target: Target, before: str) -> None:
    way = Pty(target)
    way.attack(before.encode())
    inner = int(Path(f"/proc/{way.child}/task/{way.child}/children").read_text())
    for number in (signal.SIGWINCH, signal.SIGTSTP, signal.SIGPIPE, signal.SIGINT) * 25:
        os.kill(inner, number)
    os.kill(inner, signal.SIGCONT)
    way.attack(b"")
    answers(way, "mark")
    assert way.sessions == 1
    assert b"Traceback" not in way.seen
    way.close()
    held(target)


def test_t10_names_of_files_are_shown_and_not_sent(target: Target) -> None:
    hostile = target.tftp / "a\x1b]52;c;AAAA\x07\u202egnp\u200b\x9b2J"
    hostile.write_text("")
    try:
        for way in (Command(target),):
            _, said = way.call(b"file list tftp *")
            shown = said.decode()
            assert "\\x1b]52;c;AAAA\\x07\\u202egnp\\u200b" in shown
            assert shown.replace("\n", "").isprintable()
    finally:
        hostile.unlink()
    held(target)


@pytest.mark.parametrize("option", some(OPTIONS, 4))
@pytest.mark.parametrize(
    "line", ["file get tftp {0}", "set cert regen {0}", "utils service restart {0}"]
)
def test_t11_no_value_is_an_option(target: Target, line: str, option: str) -> None:
    status, _ = Command(target).call(line.format(OPTIONS[option]).encode())
    assert status in (1, 2)
    assert begun(target) == 0 or "restart" in line or not option.startswith("-")
    held(target)


@pytest.mark.parametrize(
    "path",
    some(TRAVERSALS, 8),
)
def test_t12_no_file_outside_is_listed_or_sent(target: Target, path: str) -> None:
    for verb in ("get", "list"):
        line = f"file {verb} tftp {TRAVERSALS[path]}".partition("\0")[0]
        raw = line.encode("utf-8", "surrogateescape")
        status, said = Command(target).call(raw)
        is_there = line.endswith("ITLFile.tlv") or path == "star"
        assert status in ((0, 1) if is_there else (1, 2)), said
        assert b"root:" not in said
    held(target)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "device"])
def test_t12_what_is_no_regular_file_is_not_opened(target: Target, kind: str) -> None:
    planted = target.tftp / "planted"
    if kind == "link":
        planted.symlink_to("/etc/shadow")
    elif kind == "fifo":
        os.mkfifo(planted)
    elif kind == "folder":
        planted.mkdir()
    else:
        planted.symlink_to("/dev/mem")
    try:
        for line in (b"file get tftp planted", b"file view tftp planted"):
            status, said = Command(target).call(line)
            assert status == 1, said
            assert b"Would you like to proceed" not in said
            assert b"root:" not in said
    finally:
        planted.rmdir() if kind == "folder" else planted.unlink()
    held(target)


def test_t13_the_record_reads_back_whatever_was_typed(target: Target) -> None:
    way = Pty(target)
    for text in (*SHELL.values(), *CONTROLS.values(), '"}', "\\u0022", "\\"):
        line = f'show itl {text} "}}{{"'
        way.attack(line.encode("utf-8", "surrogateescape"))
    way.close()
    entries = [
        json.loads(each) for each in target.audit.read_text().splitlines() if each
    ]
    assert len(entries) > len(SHELL)
    assert {each["event"] for each in entries} <= {
        "login",
        "logout",
        "command",
        "begin",
    }
    assert all(each["uid"] == str(os.getuid()) for each in entries)
    held(target)


def test_t14_what_is_too_much_is_refused_and_the_prompt_comes_back(
    target: Target,
) -> None:
    way = Pty(target)
    for text in (
        "a" * 1_000_000,
        "show " * 200_000,
        "? " * 200,
        "file list tftp " + "*?" * 500,
    ):
        way.attack(text.encode())
    way.attack(b"\tshow version active")
    way.attack(b"\x1b[200~" + b"x\n" * 50_000 + b"\x1b[201~\x03")
    answers(way, "mark")
    assert way.sessions == 1
    way.close()
    held(target)


def test_t23_no_agent_no_key_and_no_configuration_of_the_person_is_used(
    target: Target, server: Server, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    for name in ("config", "id_rsa", "id_ed25519", "known_hosts"):
        (tmp_path / ".ssh" / name).write_text("ProxyCommand touch /tmp/t23\n")
    (tmp_path / ".netrc").write_text("default login a password b\n")
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        agent.settimeout(0)
        environment = {
            **ENVIRONMENT,
            "HOME": str(tmp_path),
            "SSH_AUTH_SOCK": str(tmp_path / "agent"),
        }
        way = Pty(target, environment)
        line = f"utils itl reset remotekey 127.0.0.1:{server.port} nobody /p\r"
        way.settle()
        way.put(line.encode() + b"wrong\ryes\r")
        way.seen = b""
        while b"unsuccessfully" not in way.seen:
            assert way.listen(30), way.seen
        way.close()
        with pytest.raises(BlockingIOError):
            agent.accept()
    held(target)  # neither the socket nor one of the files was touched


def test_t24_a_password_is_nowhere(target: Target) -> None:
    way = Pty(target)
    way.settle()
    way.seen = b""
    way.put(b"utils itl reset localkey\r")
    while b"password :" not in way.seen:
        assert way.listen(10)
    inner = int(Path(f"/proc/{way.child}/task/{way.child}/children").read_text())
    way.put(CCM.encode() + b"-wrong\r")
    way.settle()
    for name in ("cmdline", "environ"):
        assert CCM.encode() not in Path(f"/proc/{inner}/{name}").read_bytes()
    assert CCM.encode() not in way.seen
    way.attack(CCM.encode())  # typed at the wrong place: not in the record either
    way.close()
    kept = [path for path in target.home.rglob("*") if path.is_file()]
    kept += [*(target.folder / "traces").iterdir(), target.config]
    assert not [path for path in kept if CCM.encode() in path.read_bytes()]
    held(target)


def test_t25_a_password_that_is_typed_ahead_is_never_echoed(target: Target) -> None:
    way = Pty(target)
    way.settle()
    for number in range(50):
        way.seen = b""
        secret = f"ahead{number}secret"
        way.put(f"utils itl reset localkey\r{secret}\r".encode())
        deadline = time.monotonic() + 30
        while b"unsuccessfully" not in way.seen:
            assert way.listen(10), way.seen
            assert time.monotonic() < deadline
        way.settle()
        assert b"ahead" not in way.seen
    way.close()
    held(target)


def test_t07_an_exec_request_reaches_the_parser(server: Server) -> None:
    Exec(server).attack(b"show version active")
    assert not server.escapes()
