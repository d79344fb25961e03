"""I6: no password in argv, environment, a file, or on a screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import CCM, RESET, SECURITY, Cluster
from tests.faults.test_logins import save_key
from tests.rigs.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

CANARIES = (CCM, SECURITY, SFTP_PASSWORD)


def test_no_password_is_in_any_argv_environment_or_file(
    cluster: Cluster, backup: Backup
) -> None:
    server = backup.server("password", "keyboard-interactive")
    path = save_key(cluster, backup)
    where = f"{server.host}:{server.port} {backup.account.name} {path}"
    get = ["y", server.host, str(server.port), backup.account.name, SFTP_PASSWORD]
    commands = {
        f"utils itl reset remotekey {where}": f"{SFTP_PASSWORD}\nyes\n{CCM}\n",
        RESET: f"{CCM}\n",
        "file get tftp ITLRecovery.p12": "\n".join([*get, str(backup.files), ""]),
        "set cert regen CallManager": "yes\n",
        "show itl": "",
    }
    log = cluster.folder / "said" / "executed"
    for line, answers in commands.items():
        # Every argument and variable in full, of every program that is started.
        words = ["strace", "-f", "-v", "-s", "65536", "-e", "trace=execve"]
        result = cluster.call(line, answers, before=[*words, "-o", str(log)])
        assert result.status == 0, result.transcript
        executed = log.read_text()
        assert "execve(" in executed
        for canary in CANARIES:
            assert canary not in executed, line
            assert canary not in result.transcript, line
        judge.assert_no_canary(cluster, result)
        for file in cluster.home.rglob("*"):
            if file.is_file():
                assert SFTP_PASSWORD.encode() not in file.read_bytes(), file


def test_nothing_secret_is_readable_for_others(cluster: Cluster) -> None:
    assert (
        cluster.call(before=["/bin/sh", "-c", 'umask 0; exec "$@"', "sh"]).status == 0
    )
    for path, (mode, _, _, raw) in cluster.snapshot().items():
        is_secret = "secrets" in path.parts or path.suffix in (".p12", ".1")
        if raw is not None and (is_secret or path.name == "private.pem"):
            assert mode & 0o077 == 0, path


def test_a_key_file_is_never_readable_for_others_not_even_for_a_moment(
    cluster: Cluster, backup: Backup
) -> None:
    path = save_key(cluster, backup)
    server = backup.server("password")
    line = f"utils itl reset remotekey {server.host}:{server.port} "
    line += f"{backup.account.name} {path}"
    log = cluster.folder / "said" / "modes"
    words = ["strace", "-f", "-b", "execve", "-e", "trace=openat"]
    shell = ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh"]
    before = [*shell, *words, "-o", str(log)]
    result = cluster.call(line, f"{SFTP_PASSWORD}\nyes\n{CCM}\n", before=before)
    assert result.status == 0, result.transcript
    entries = log.read_text().splitlines()
    made = [entry for entry in entries if "O_CREAT" in entry and ".pyc" not in entry]
    assert made
    for entry in made:  # where threads take turns it ends in "<unfinished ...>"
        mode = re.search(r"O_CREAT\S*, (0\d+)", entry)
        assert mode is not None, entry
        assert mode[1] == "0600", entry


def test_a_crash_writes_no_core(cluster: Cluster) -> None:
    unlimited = ["/bin/sh", "-c", 'ulimit -Sc unlimited; exec "$@"', "sh"]
    running = cluster.start_words([*unlimited, *cluster.words(RESET)], None)
    until(lambda: "password :" in running.said, "it does not ask")
    text = Path(f"/proc/{running.process.pid}/limits").read_text()
    core = next(line for line in text.splitlines() if line.startswith("Max core"))
    assert core.split()[4] == "0", core
