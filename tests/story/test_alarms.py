"""Case 8 of the story: an unsaved recovery key is told daily until it is saved.

Typed into a terminal; alarms are read as a log server would, from the file.
"""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from cucmsh.alarms import NO_RECOVERY_BACKUP
from cucmsh.layout import CISCO_SYSLOG
from tests.rigs.lab import CUCMSH, Lab
from tests.rigs.terminal import Prompt, hang_up
from tests.story.test_story import backup

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

NAME = "%UC_CERT-4-ITLRecoveryCertBackup"
# docs/cli.md#certificate-monitor; the two times and the number differ.
ALARM = re.compile(
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d test10pub local7 4 : \d+: "
    r"test10pub\.joemar2\.lab: [A-Z][a-z]{2} [ \d]\d \d{4} \d\d:\d\d:\d\d\.\d{1,3} "
    r"UTC : " + re.escape(NAME) + r": "
    r"%\[Message=" + re.escape(NO_RECOVERY_BACKUP) + r"\]"
    r"\[AppID=Cisco Certificate Monitor\]\[ClusterID=\]\[NodeID=test10pub\]: "
    + re.escape(NO_RECOVERY_BACKUP)
)
SYSLOG = "syslog/CiscoSyslog"
UNSAVED = (
    "The recovery key has not been backed up: run `file get tftp ITLRecovery.p12`."
)


def alarms(lab: Lab) -> list[str]:
    log = Path(lab.publisher.home, CISCO_SYSLOG)
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if NAME in line]


def next_day(shell: Prompt) -> str:
    shell.call("lab clock forward 1d")
    return shell.call("lab monitor test10pub")


def test_case_8_the_alarm_comes_daily_until_the_key_is_saved(
    lab: Lab, shell: Prompt
) -> None:
    assert UNSAVED not in login(lab)  # nobody has looked yet
    words = [*CUCMSH, "--config", str(lab.publisher.config), "hook", "monitor"]
    for _ in range(2):  # the second round of a day says nothing
        subprocess.run(words, check=True, capture_output=True)
        (line,) = alarms(lab)
    assert ALARM.fullmatch(line), line
    assert len(NO_RECOVERY_BACKUP) == 262
    assert UNSAVED in login(lab)
    next_day(shell)
    assert len(alarms(lab)) == 2
    found = shell.call(f"file search activelog {SYSLOG} ITLRecoveryCertBackup")
    assert found.splitlines() == [
        f"Searching path: /var/log/active/{SYSLOG}",
        f"Searching file: /var/log/active/{SYSLOG}",
        *alarms(lab),
        "Search completed",
    ]

    backup(lab, shell)
    assert UNSAVED not in login(lab)
    assert "ITLRecovery.p12: backed up" in next_day(shell)
    assert len(alarms(lab)) == 2

    # Another password of the cluster makes another file of the same key.
    shell.send("set password user security\r")
    new = "another long security password"
    shell.answer("Please enter the old password: ", lab.passwords.security)
    shell.answer("Please enter the new password: ", new)
    shell.answer("Reenter new password to confirm: ", new)
    shell.answer("Continue (y/n)?", "y")
    shell.await_prompt()
    next_day(shell)
    assert len(alarms(lab)) == 3
    assert all(ALARM.fullmatch(line) for line in alarms(lab))
    assert UNSAVED in login(lab)


def test_alarms_are_sent_to_a_backup_server(lab: Lab, shell: Prompt) -> None:
    log = Path(lab.publisher.home, CISCO_SYSLOG)
    log.with_name("CiscoSyslog.1").write_text("earlier\n")
    shell.send("file get activelog syslog/CiscoSyslog*\r")
    shown = shell.answer("Would you like to proceed [y/n]? ", "y")
    assert "Number of files affected: 2\n" in shown
    shell.answer("SFTP server IP: ", lab.backup.host)
    shell.answer("SFTP server port [22]: ", str(lab.backup.port))
    shell.answer("User ID: ", lab.backup.user)
    shell.answer("Password: ", lab.backup.password)
    shell.answer("Download directory: ", str(lab.backup.directory))
    shell.await_text("Transfer completed.")
    assert "Downloading file: /var/log/active/syslog/CiscoSyslog.1" in (
        shell.await_prompt()
    )
    for name in ("CiscoSyslog", "CiscoSyslog.1"):
        there = Path(lab.backup.directory, name)
        assert there.read_bytes() == log.with_name(name).read_bytes()


def login(lab: Lab) -> str:
    """What somebody is told who logs in now."""
    words = [*CUCMSH, "--config", str(lab.publisher.config)]
    done = subprocess.run(
        words, input="quit\n", check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_log_is_followed_until_control_c(lab: Lab, shell: Prompt) -> None:
    log = Path(lab.publisher.home, "log/errors")
    log.write_text("first\n")
    shell.send("file tail activelog errors\r")
    shell.await_text("first")
    with log.open("a") as file:
        file.write("second\n")
    shell.await_text("second")
    shell.send("\x03")
    assert "Control-C pressed" in shell.await_prompt()
    assert "Active Master Version" in shell.call("show version active")


@pytest.mark.parametrize("way", ["line", "reader"])
def test_a_log_is_followed_no_longer_than_somebody_is_there(lab: Lab, way: str) -> None:
    log = Path(lab.publisher.home, "log/errors")
    log.write_text("first\n")
    line = "file tail activelog errors"
    if way == "line":
        shell = lab.prompt()
        shell.send(f"{line}\r")
        shell.await_text("first")
        hang_up(shell.child)
        return
    words = [*CUCMSH, "--config", str(lab.publisher.config), "-c", line]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        process.stdout.close()
        assert process.wait(15) == 1
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(15)
