"""Accounts of a lab's node, at its SSH server: who gets in, who may do what."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import paramiko
import pytest

from cucmsh.layout import CISCO_SYSLOG
from cucmsh.testing import Lab, lab
from tests.rigs.lab import CUCMSH

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

PASSWORD, NEW = "some words of joe", "yet other words of joe"
SECONDS = 30


@pytest.fixture(scope="module")
def cluster() -> Iterator[Lab]:
    with lab() as running:
        yield running


def here(cluster: Lab, line: str, *answers: str) -> str:
    """At the publisher's console, where nobody logs in."""
    words = [*CUCMSH, "--config", str(cluster.publisher.config), "-c", line]
    text = "".join(f"{answer}\n" for answer in answers)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def by_ssh(cluster: Lab, name: str, password: str, *lines: str) -> str | None:
    """What a login's prompt says; None if the login is refused."""
    host, port = cluster.publisher.ssh
    with paramiko.Transport((host, port)) as transport:
        transport.start_client(timeout=SECONDS)
        try:
            transport.auth_password(name, password)
        except paramiko.AuthenticationException:
            return None
        with transport.open_session(timeout=SECONDS) as session:
            session.settimeout(SECONDS)
            session.invoke_shell()
            session.sendall("".join(f"{line}\n" for line in (*lines, "quit")).encode())
            return session.makefile().read().decode()


def make_joe(cluster: Lab, level: str) -> None:
    names = [at["name"] for at in json.loads(shown(cluster))["result"]["accounts"]]
    if "joe" in names:
        here(cluster, "delete account joe")
    here(cluster, "set account name joe", level, PASSWORD, PASSWORD)


def shown(cluster: Lab) -> str:
    config = str(cluster.publisher.config)
    words = [*CUCMSH, "--config", config, "-c", "show account", "--json"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_the_level_of_an_account_limits_its_prompt(cluster: Lab) -> None:
    make_joe(cluster, "0")
    said = by_ssh(cluster, "joe", PASSWORD, "show version active", "utils tftp sign")
    assert said is not None
    assert "Active Master Version" in said
    assert "needs privilege level 1, and joe has 0" in said


def test_a_disabled_or_deleted_account_gets_no_prompt(cluster: Lab) -> None:
    make_joe(cluster, "1")
    for shut, opened in (("set account disable joe", "set account enable joe"),):
        here(cluster, shut)
        assert by_ssh(cluster, "joe", PASSWORD) is None
        here(cluster, opened)
        assert by_ssh(cluster, "joe", PASSWORD) is not None
    here(cluster, "delete account joe")
    assert by_ssh(cluster, "joe", PASSWORD) is None


def test_wrong_passwords_by_ssh_lock_it_and_nobody_else(cluster: Lab) -> None:
    make_joe(cluster, "1")
    for _ in range(3):
        assert by_ssh(cluster, "joe", "wrong") is None
    assert by_ssh(cluster, "joe", PASSWORD) is None
    log = (cluster.publisher.home / CISCO_SYSLOG).read_text()
    assert "%UC_LOGIN-4-PlatformAdminAccountLocked" in log
    assert "[UserID=joe][Interface=ssh]" in log
    assert by_ssh(cluster, "admin", cluster.passwords.admin) is not None
    cluster.pass_time(seconds=300)
    assert by_ssh(cluster, "joe", PASSWORD) is not None


def test_the_own_password_is_what_ssh_takes_next(cluster: Lab) -> None:
    make_joe(cluster, "1")
    line = "set password user admin"
    said = by_ssh(cluster, "joe", PASSWORD, line, PASSWORD, NEW, NEW)
    assert said is not None
    assert "Password updated successfully." in said
    assert by_ssh(cluster, "joe", PASSWORD) is None
    said = by_ssh(cluster, "joe", NEW, line, NEW, PASSWORD, PASSWORD)
    assert said is not None
    assert "less than 24 hours ago" in said
