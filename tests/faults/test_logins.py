"""F12 and F13: wrong passwords, and every way in that a backup server may offer."""

from __future__ import annotations

import hashlib
import subprocess
from typing import Protocol

import pytest

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import CCM, Cluster, Result
from tests.faults.test_network import assert_alone_pending, assert_rerun_converges
from tests.rigs.draws import some
from tests.rigs.proxy import TO_NODE, Fault, Proxy
from tests.rigs.sshd import Sshd

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

KEY_FILE = "ITLRecovery.p12"
WAYS = {
    "password": (("password",), False),
    "keyboard-interactive": (("keyboard-interactive",), False),
    "any": (("publickey", "keyboard-interactive", "password"), False),
    "one after the other": (("password", "keyboard-interactive"), True),
}
KEY_ONLY = {
    "key only": (("publickey",), False),
    "key and password": (("publickey", "password"), True),
}


class Reached(Protocol):
    """A server, or a proxy in front of it."""

    host: str
    port: int


def save_key(cluster: Cluster, backup: Backup) -> str:
    """Put the present key file on the server; gives its path there."""
    path = backup.files / KEY_FILE
    raw = (cluster.home / "security" / "ITLRecovery" / KEY_FILE).read_bytes()
    path.write_bytes(raw)
    backup.account.owns(path)
    return str(path)


def remote_reset(
    cluster: Cluster,
    backup: Backup,
    server: Sshd,
    path: str,
    *,
    password: str = SFTP_PASSWORD,
    more: str = "",
) -> Result:
    """A reset with the key file at ``path``; the host is a stranger."""
    line = f"utils itl reset remotekey {server.host}:{server.port} "
    line += f"{backup.account.name} {path}"
    return cluster.call(line, f"{password}\nyes\n{CCM}\n{more}")


def file_get(
    cluster: Cluster, backup: Backup, server: Reached, password: str = SFTP_PASSWORD
) -> Result:
    answers = ["y", server.host, str(server.port), backup.account.name]
    answers += [password, str(backup.files), "yes"]
    return cluster.call(f"file get tftp {KEY_FILE}", "\n".join(answers) + "\n")


@pytest.mark.parametrize("way", some(WAYS, 2))
def test_f13_a_reset_fetches_its_key_whatever_the_server_asks(
    cluster: Cluster, backup: Backup, way: str
) -> None:
    methods, together = WAYS[way]
    server = backup.server(*methods, together=together)
    path = save_key(cluster, backup)
    result = remote_reset(cluster, backup, server, path)
    assert result.status == 0, result.transcript
    assert SFTP_PASSWORD not in result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)


@pytest.mark.parametrize("way", some(WAYS, 2))
def test_f13_file_get_saves_the_key_whatever_the_server_asks(
    cluster: Cluster, backup: Backup, way: str
) -> None:
    methods, together = WAYS[way]
    server = backup.server(*methods, together=together)
    result = file_get(cluster, backup, server)
    assert result.status == 0, result.transcript
    assert "Transfer completed." in result.said
    sent = (backup.files / KEY_FILE).read_bytes()
    kept = (cluster.home / "security" / "ITLRecovery" / KEY_FILE).read_bytes()
    assert hashlib.sha256(sent).digest() == hashlib.sha256(kept).digest()


@pytest.mark.parametrize("way", KEY_ONLY)
def test_f13_a_server_that_wants_a_key_is_said_to_want_one(
    cluster: Cluster, backup: Backup, way: str
) -> None:
    methods, together = KEY_ONLY[way]
    server = backup.server(*methods, together=together)
    path = save_key(cluster, backup)
    before = cluster.snapshot()
    result = remote_reset(cluster, backup, server, path)
    assert result.status == 1, result.transcript
    assert "publickey" in result.said, result.said
    assert_unchanged(cluster, before)


def assert_unchanged(cluster: Cluster, before: object) -> None:
    """Nothing but what a session leaves: records, an accepted host key, a lock."""
    now = cluster.snapshot()
    state = cluster.home / "state"
    assert isinstance(before, dict)
    changed = {path for path in now if now[path] != before.get(path)}
    log = cluster.home / "log"
    left = {state, state / "known_hosts", *state.glob("*.lock"), log, log / "audit"}
    left |= {log / "syslog", log / "syslog/CiscoSyslog"}
    accounts = cluster.home / "security" / "accounts"  # a password was counted
    assert changed <= left | {accounts.parent, accounts, accounts / "failures"}


def test_f12_a_wrong_ccm_password_changes_nothing(cluster: Cluster) -> None:
    before = cluster.snapshot()
    result = cluster.call(answers="wrong\n")
    assert result.status == 1, result.transcript
    assert len([line for line in result.said.splitlines() if "password" in line]) < 4
    assert_unchanged(cluster, before)


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_f12_a_wrong_sftp_password_is_sent_once_and_changes_nothing(
    cluster: Cluster, backup: Backup, way: str
) -> None:
    server = backup.server(way)
    path = save_key(cluster, backup)
    before = cluster.snapshot()
    log = server.folder / "log"
    seen = log.read_text().count("Failed ") if log.exists() else 0
    result = remote_reset(cluster, backup, server, path, password="wrong")
    assert result.status == 1, result.transcript
    assert "did not accept" in result.said
    assert "wrong" not in result.transcript.replace(server.host, "")
    assert log.read_text().count("Failed ") - seen <= 1
    assert_unchanged(cluster, before)


def test_f12_a_locked_account_is_told_as_a_refusal(
    cluster: Cluster, backup: Backup
) -> None:
    server = backup.server("password")
    path = save_key(cluster, backup)
    subprocess.run(["usermod", "--lock", backup.account.name], check=True)
    try:
        result = remote_reset(cluster, backup, server, path)
    finally:
        subprocess.run(["usermod", "--unlock", backup.account.name], check=True)
    assert result.status == 1, result.transcript
    assert "did not accept" in result.said


def test_f12_a_node_that_takes_our_key_no_more_is_pending(cluster: Cluster) -> None:
    bad = cluster.members[0]
    authorized = bad.sshd.folder / "authorized_keys"
    kept = authorized.read_text()
    authorized.write_text("")
    result = cluster.call()
    authorized.write_text(kept)
    assert_alone_pending(cluster, result, bad)
    assert_rerun_converges(cluster)


@pytest.mark.parametrize("ending", [1, 200, 2000])
def test_f04_a_backup_that_is_cut_before_its_end_has_not_happened(
    cluster: Cluster, backup: Backup, ending: int
) -> None:
    server = backup.server("password")
    proxy = Proxy(server.port)
    try:
        relayed = Relayed(server, proxy.port)
        assert file_get(cluster, backup, relayed).status == 0
        total = proxy.passed[TO_NODE]
        cluster.restore()
        cluster.configure(cluster.nodes[:2])
        (backup.files / KEY_FILE).unlink()
        kept = cluster.snapshot()
        proxy.fault = Fault(cut=total - 300 - ending)
        result = file_get(cluster, backup, relayed)
    finally:
        proxy.close()
    sent = backup.files / KEY_FILE
    whole = (cluster.home / "security" / "ITLRecovery" / KEY_FILE).read_bytes()
    assert not sent.exists() or sent.read_bytes() == whole
    assert (result.status == 0) == ("Transfer completed." in result.said)
    if result.status:
        assert_unchanged(cluster, kept)  # nothing says that it was saved


class Relayed:
    """A server as it is reached through a proxy."""

    def __init__(self, server: Sshd, port: int) -> None:
        self.host, self.port = server.host, port
