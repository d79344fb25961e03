"""The hook of alarms, a syslog daemon that is gone, and who sends what waits."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from cucmsh.alarms import CERT_EXPIRED, ITL_FILE_REGENERATED_TFTP, SERVICE_FAILED
from cucmsh.config.alarm_places import HookSettings, SyslogSettings
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.config.settings import read_settings
from cucmsh.events import Severity
from cucmsh.layout import CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.records import alarm_places
from cucmsh.services.records.alarm_queue import has_waiting
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.send_alarms import send_alarms
from cucmsh.services.site import Site
from tests.rigs.loopback import free_port
from tests.rigs.waiting import until
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.loopback

KEEPER = """\
#!{python}
import os, sys
given = sys.stdin.read()
with open({out!r}, "a") as out:
    out.write(given)
sys.exit(int("status 7" in given))
"""


def with_alarms(site: Site, alarms: AlarmsSettings) -> Site:
    return site.with_settings(site.settings._replace(own_alarms=alarms))


def hooked(site: Site, folder: Path, *, seconds: int = 30, body: str = "") -> Site:
    """The node with a hook that keeps what it is given in ``folder/out``."""
    program = folder / "hook"
    text = body or KEEPER.format(python=sys.executable, out=str(folder / "out"))
    program.write_text(text)
    program.chmod(0o755)
    hook = HookSettings((str(program), "a b", "$(id)"), seconds, Severity.NOTICE)
    return with_alarms(site, AlarmsSettings(hook=hook))


def noted(site: Site) -> str:
    return (Path(site.settings.home) / ERRORS_FILE).read_text()


def test_the_hook_gets_each_alarm_as_a_line_of_json(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    site = hooked(cluster.site, tmp_path)
    tell(site, CERT_EXPIRED, 'a"]\nb é')
    tell(site, ITL_FILE_REGENERATED_TFTP)
    assert send_alarms(site) == (2, ())
    lines = (tmp_path / "out").read_text().splitlines()
    expired, made = map(json.loads, lines)
    assert expired["name"] == "CertExpired"
    assert expired["severity"] == 0
    assert expired["node"] == site.node.name
    assert expired["parameters"]["Message"] == 'a"]\nb é'
    assert expired["text"] == CERT_EXPIRED.text
    assert expired["action"] == CERT_EXPIRED.action
    assert expired["time"] == site.clock.now().isoformat(timespec="milliseconds")
    assert made["facility"] == "UC_TFTP"
    assert not has_waiting(site.home, "hook")


def test_a_hook_that_fails_is_noted_and_asked_no_second_time(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    site = hooked(cluster.site, tmp_path)
    tell(site, CERT_EXPIRED, "status 7")
    assert send_alarms(site) == (1, ())
    assert "the hook of alarms failed: " in noted(site)
    assert send_alarms(site) == (0, ())


def test_a_hook_that_does_not_end_is_killed(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    site = hooked(cluster.site, tmp_path, seconds=1, body="#!/bin/sh\nexec sleep 60\n")
    tell(site, CERT_EXPIRED, "over")
    assert send_alarms(site) == (1, ())
    assert "hook ended with status 137" in noted(site)


def test_a_hook_that_is_gone_keeps_the_alarm(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    site = hooked(cluster.site, tmp_path)
    (tmp_path / "hook").rename(tmp_path / "away")
    tell(site, CERT_EXPIRED, "over")
    sent, (problem,) = send_alarms(site)
    assert sent == 0
    assert "hook cannot be run: No such file or directory" in problem
    (tmp_path / "away").rename(tmp_path / "hook")
    assert send_alarms(site) == (1, ())


def test_a_syslog_daemon_that_is_gone_or_full_holds_nobody_up(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    syslog = SyslogSettings(socket=str(path))
    site = with_alarms(cluster.site, AlarmsSettings(syslog=syslog))
    for _ in range(2):
        tell(site, CERT_EXPIRED, "gone")
    gone = f"the syslog daemon at {path} takes nothing: No such file or directory"
    assert noted(site).count(gone) == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        for _ in range(600):  # nobody reads: a kernel keeps some hundred at most
            tell(site, CERT_EXPIRED, "full")
    assert "Resource temporarily unavailable" in noted(site)
    log = (Path(site.settings.home) / CISCO_SYSLOG).read_text()
    assert log.count("Message=full") == 600


def test_a_daemon_with_a_stream_socket_is_talked_to_as_well(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    syslog = SyslogSettings(socket=str(tmp_path / "log"))
    site = with_alarms(cluster.site, AlarmsSettings(syslog=syslog))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(syslog.socket)
        daemon.listen()
        tell(site, CERT_EXPIRED, "over")
        connection, _ = daemon.accept()
        with connection:
            raw = connection.recv(4096)
    assert raw.startswith(b"<184>")
    assert raw.endswith(f"{CERT_EXPIRED.text}\n".encode())


@pytest.mark.parametrize("way", ["tcp", "tls", "udp"])
def test_what_a_dead_server_does_not_take_waits(cluster: MadeCluster, way: str) -> None:
    syslog = SyslogSettings(host="127.0.0.1", port=free_port())
    site = with_alarms(
        cluster.site,
        AlarmsSettings(syslog=syslog._replace(to=way)),  # type: ignore[arg-type]
    )
    tell(site, CERT_EXPIRED, "over")
    sent, (problem,) = send_alarms(site)
    assert sent == 0
    assert problem.endswith("Connection refused")
    assert has_waiting(site.home, "syslog")


def test_an_alarm_starts_who_sends_it_and_waits_for_nobody(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    """Through the installed program, as the owner of the home."""
    cluster.write_configurations()
    hook = tmp_path / "hook"
    hook.write_text(KEEPER.format(python=sys.executable, out=str(tmp_path / "out")))
    hook.chmod(0o755)
    path = Path(cluster.site.settings.path)
    with path.open("a") as configuration:
        configuration.write(f'\n[alarms.hook]\ncommand = ["{hook}"]\n')
    site = cluster.site.with_settings(read_settings(str(path)))
    for number in range(20):
        tell(site, SERVICE_FAILED, "Cisco Tftp", f"number {number}")

    def is_told() -> bool:
        out = tmp_path / "out"
        return out.exists() and len(out.read_text().splitlines()) == 20

    until(is_told, "nobody sent the alarms")
    until(lambda: not has_waiting(site.home, "hook"), "alarms still wait")


def test_nobody_is_started_while_somebody_sends(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[str] = []
    monkeypatch.setattr(alarm_places, "BEGIN_SECONDS", -1)
    monkeypatch.setattr(
        "cucmsh.remote.process.leave_running", lambda words: started.append(words[-1])
    )
    site = hooked(cluster.site, tmp_path)
    site = site.with_settings(site.settings._replace(stamp=(0, 0, 0, 0)))
    tell(site, CERT_EXPIRED, "over")
    with site.alarms_lock("a test"):
        tell(site, CERT_EXPIRED, "over")
    assert started == ["alarms"]
    tell(site, CERT_EXPIRED, "over")
    assert started == ["alarms", "alarms"]
    assert alarm_places.queues_of(site.settings)[0][0] == "hook"
