"""T13: a line of JSON for each command, whatever it says, wherever it ends."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cucmsh.config.settings import Settings
from cucmsh.errors import RefusedError
from cucmsh.layout import AUDIT_FILE
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.records.sinks import sinks_of
from cucmsh.shell.audit import Attempt
from cucmsh.shell.origin import origin
from cucmsh.storage.local import LocalStore

NOW = datetime(2014, 2, 26, 18, 24, 27, 5000, tzinfo=UTC)
HOSTILE = [
    'a"}\n{"at": "now", "event": "login", "user": "root"}',
    "a\r\nb\x1b[2J\x1b]0;x\x07",
    "\\\", \\u0022 \\n 'quoted'",
    "\x00\x7f\x85\x9b\u2028\u2029\u202e\u200b\ufeff",
    "\udcff\udc80\ud800 astral \U0001f600 ü",
    "%s%n{0}{}$(id)`id`;|&",
    "",
    "x" * 100_000,
]


def audit_log(
    home: Path,
    *,
    entry: str = "exec",
    warn: Callable[[str], None] = lambda _: None,
    more: Mapping[str, str] | None = None,
) -> AuditLog:
    who = {"entry": entry, "pid": "1", "uid": "0", **(more or {})}
    sinks = sinks_of(cast(Settings, SimpleNamespace(home=str(home))))
    return AuditLog(
        *(sinks, "pub", lambda: NOW, lambda: 0.0), who=lambda: who, warn=warn
    )


def submit(log: AuditLog, line: str, *values: str) -> None:
    attempt = Attempt(line)
    attempt.words, attempt.values = ("show", "itl"), values
    log.submitted(attempt)
    attempt.end(0)
    log.ended(attempt)


def lines(home: Path) -> list[dict[str, Any]]:
    raw = (home / AUDIT_FILE).read_bytes()
    assert raw.endswith(b"\n")
    assert raw.isascii()
    assert all(char >= 32 or char == 10 for char in raw)
    return [json.loads(line) for line in raw.decode().split("\n") if line]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_line_is_read_back_as_what_was_submitted(
    tmp_path: Path, text: str
) -> None:
    log = audit_log(tmp_path, more={"ssh": text})
    submit(log, text, text, "second")
    (found,) = lines(tmp_path)
    assert found["line"] == text[:1024]
    assert found["values"] == [text[:1024], "second"]
    assert found["ssh"] == text[:1024]
    assert found["characters"] == len(text)
    assert (found["event"], found["status"], found["outcome"]) == ("command", 0, "done")


@pytest.mark.thorough
@given(st.text(alphabet=st.characters(exclude_categories=())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_makes_another_line_or_another_field(tmp_path: Path, text: str) -> None:
    (tmp_path / AUDIT_FILE).unlink(missing_ok=True)
    submit(audit_log(tmp_path), text, text)
    (found,) = lines(tmp_path)
    assert (found["line"], found["values"]) == (text, [text])
    assert set(found) == {
        *("at", "event", "entry", "pid", "uid", "words", "values"),
        *("characters", "line", "status", "outcome", "seconds"),
    }


def test_what_is_typed_at_a_prompt_and_no_command_is_not_kept(tmp_path: Path) -> None:
    log = audit_log(tmp_path, entry="prompt")
    attempt = Attempt("the CCM password")
    log.submitted(attempt)
    attempt.end(2)
    log.ended(attempt)
    assert "password" not in (tmp_path / AUDIT_FILE).read_text()
    assert lines(tmp_path)[0]["characters"] == 16


def test_a_changing_command_that_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    (tmp_path / AUDIT_FILE).mkdir(parents=True)
    with pytest.raises(RefusedError, match="cannot be recorded, so it was not run"):
        audit_log(tmp_path).begins(Attempt("set cert regen TVS"))
    with (
        pytest.raises(RefusedError, match="cannot be recorded, so it was not run"),
        audit_log(tmp_path).noting(["remove", "branch1"], is_change=True),
    ):
        pytest.fail("it was run")


def test_a_change_without_a_session_is_recorded_before_and_after(
    tmp_path: Path,
) -> None:
    with audit_log(tmp_path).noting(["remove", "branch1"], is_change=True):
        assert [line["event"] for line in lines(tmp_path)] == ["begin"]
    assert [line["event"] for line in lines(tmp_path)] == ["begin", "command"]


@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "file for a folder"])
def test_what_lies_in_the_place_of_the_record_costs_one_complaint(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / AUDIT_FILE
    if kind == "file for a folder":
        path.parent.write_text("")
    else:
        path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    log = audit_log(tmp_path, warn=said.append)
    submit(log, "show itl")
    submit(log, "show itl")
    assert len(said) == 1
    assert said[0].startswith("This is not recorded: ")
    assert not (tmp_path / "elsewhere").exists()


def test_a_line_that_a_full_disk_cut_off_spoils_no_other(tmp_path: Path) -> None:
    submit(audit_log(tmp_path), "show one")
    size = (tmp_path / AUDIT_FILE).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    said: list[str] = []
    log = audit_log(tmp_path, warn=said.append)
    # Python ignores SIGXFSZ: the write is short, and the next one fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        submit(log, "show two")
        with pytest.raises(RefusedError):
            log.begins(Attempt("set three"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    submit(log, "show four")
    assert len(said) == 1
    good = []
    torn = []
    for line in (tmp_path / AUDIT_FILE).read_text().splitlines():
        try:
            good.append(json.loads(line)["line"])
        except ValueError:
            torn.append(line)
    assert good == ["show one", "show four"]
    assert len(torn) == 1
    assert len(torn[0]) == 40


@pytest.mark.thorough
def test_sessions_that_write_at_once_write_whole_lines(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from cucmsh.storage.local import LocalStore\n"
        "store = LocalStore(sys.argv[1])\n"
        "for n in range(200): store.append('log/audit', sys.argv[2] * 300 + f'{n}')\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name])
        for name in "abcd"
    ]
    assert [each.wait(60) for each in running] == [0] * 4
    found = [each for each in (tmp_path / AUDIT_FILE).read_text().split("\n") if each]
    wanted = {f"{name * 300}{n}" for name in "abcd" for n in range(200)}
    assert (len(found), set(found)) == (800, wanted)


def test_the_record_is_the_owners_and_only_grows(tmp_path: Path) -> None:
    log = audit_log(tmp_path)
    before = os.umask(0)
    try:
        submit(log, "show itl")
    finally:
        os.umask(before)
    first = (tmp_path / AUDIT_FILE).read_bytes()
    assert (tmp_path / AUDIT_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / AUDIT_FILE).rename(tmp_path / "log/audit.1")  # what rotation does
    submit(log, "show itl")
    submit(log, "show itl")
    assert (tmp_path / "log/audit.1").read_bytes() == first
    assert (tmp_path / AUDIT_FILE).read_bytes() == first + first


def test_what_a_log_line_holds_does_not_end_it(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    store.append("log/errors", "one\ntwo\r\x1b[2J\u2028\u202e")
    shown = "one\\ntwo\\r\\x1b[2J\\u2028\\u202e\n"
    assert (tmp_path / "log/errors").read_text() == shown


def test_root_leaves_the_record_to_the_owner_of_the_home(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can make what is not its own")
    os.chown(tmp_path, 12345, 12346)
    submit(audit_log(tmp_path), "show itl")
    for name in ("log", AUDIT_FILE):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid) == (12345, 12346), name


def test_the_caller_is_described_by_the_kernel_and_sshd() -> None:
    environment = {"SSH_CONNECTION": "10.1.1.9 50022 10.1.1.2 22", "SUDO_USER": "joe"}
    found = origin(environment, "prompt", os.open("/dev/null", os.O_RDONLY))
    assert found["uid"] == str(os.getuid())
    assert found["pid"] == str(os.getpid())
    assert (found["ssh"], found["sudo"]) == (environment["SSH_CONNECTION"], "joe")
    assert found["entry"] == "prompt"
    assert "tty" not in found


def test_a_line_is_what_it_was_before_there_were_events(tmp_path: Path) -> None:
    log = audit_log(tmp_path)
    log.note("login", {})
    submit(log, "show itl", "ü")
    assert (tmp_path / AUDIT_FILE).read_text() == (
        '{"at": "2014-02-26T18:24:27.005+00:00", "event": "login", "entry": "exec", '
        '"pid": "1", "uid": "0"}\n'
        '{"at": "2014-02-26T18:24:27.005+00:00", "event": "command", "entry": "exec", '
        '"pid": "1", "uid": "0", "words": "show itl", "values": ["\\u00fc"], '
        '"characters": 8, "line": "show itl", "status": 0, "outcome": "done", '
        '"seconds": 0.0}\n'
    )
