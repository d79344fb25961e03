"""The known breaks but those about an exec request, which are in tests/cli/login.

Each by its name in docs/security.md#breaks-of-others, judged by the trace.
"""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from tests.cli.login.test_breaks import BREAKS
from tests.escape.keys import answers
from tests.escape.modes import ENVIRONMENT, Command, Pty, Server
from tests.escape.node import Target
from tests.rigs.draws import some

pytestmark = [pytest.mark.terminal, pytest.mark.loopback]


def held(target: Target) -> None:
    escapes = target.escapes()
    assert not escapes, escapes


@pytest.mark.parametrize("name", some(BREAKS, 8))
def test_known_break_typed_at_the_prompt(target: Target, name: str) -> None:
    way = Pty(target)
    for line in BREAKS[name]:
        way.attack(line.encode())
        way.attack(b"\t" + line.encode())  # and in the editor
    answers(way, "mark")
    way.close()
    held(target)


def test_lshell_55_no_editor_to_escape_from(target: Target) -> None:
    way = Pty(target, {**ENVIRONMENT, "EDITOR": "/bin/vi", "VISUAL": "/bin/vi"})
    for line in (b"vi", b"vim x", b":!sh", b"\x18\x05", b"\x1bv", b"\x1b\x05"):
        way.attack(line)
        way.attack(b"\t" + line)
    answers(way, "mark")
    way.close()
    held(target)


def test_scponly_2_4_planted_files_of_a_writable_home_are_not_read(
    target: Target, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    for name in (".ssh/environment", ".ssh/rc", ".profile", ".bashrc", ".pythonrc"):
        (tmp_path / name).write_text("touch /tmp/planted\n")
    environment = {**ENVIRONMENT, "HOME": str(tmp_path)}
    status, _ = Command(target).call(b"show itl", environment)
    assert status == 0
    held(target)


def test_ise_path_traversal(target: Target) -> None:
    for line in (b"file get tftp ../../etc/shadow", b"file list tftp ../*"):
        status, said = Command(target).call(line)
        assert status == 2
        assert b"root" not in said
    held(target)


def test_cve_2016_3115_line_ends_in_x11_data_reach_no_xauth(server: Server) -> None:
    client = server.connect()
    channel = client.open_session(timeout=20)
    with pytest.raises((paramiko.SSHException, EOFError)):
        channel.request_x11(
            auth_protocol="MIT-MAGIC-COOKIE-1\nsource /etc/shadow\n",
            auth_cookie="00\nsource /etc/shadow\n",
        )
    client.close()
    assert not server.escapes()
    assert not [path for path in server.executed() if "xauth" in path]


def test_cve_2025_32728_neither_x11_nor_an_agent_is_forwarded(server: Server) -> None:
    client = server.connect()
    channel = client.open_session(timeout=20)
    channel.request_forward_agent(lambda _: None)  # answered by nobody: no reply wanted
    with pytest.raises((paramiko.SSHException, EOFError)):
        channel.request_x11()
    client.close()
    assert not server.escapes()
    assert not [name for name in server.bound() if "agent" in name or "/tmp/" in name]
