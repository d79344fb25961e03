"""Alarms by mail, to a real SMTP server: what arrives, and what waits if it is dead."""

from __future__ import annotations

import os
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from cucmsh.alarms import (
    CERT_EXPIRED,
    ITL_FILE_REGENERATED_TFTP,
    NO_RECOVERY_BACKUP,
    SERVICE_FAILED,
)
from cucmsh.config.alarm_places import MailSettings, Security
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.layout import CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.nodes.health.alarms import examine_alarms
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.records import alarm_queue
from cucmsh.services.records.alarm_queue import folder_of, has_waiting
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.send_alarms import send_alarms
from cucmsh.services.site import Site
from tests.rigs.loopback import free_port
from tests.rigs.smtp import NOBODY, PASSWORD, USER, smtp_server
from tests.rigs.waiting import until
from tests.services.made_cluster import DOMAIN, MadeCluster

pytestmark = pytest.mark.loopback

SENDER, ADMIN, NIGHT = "cucmsh@example.org", "admin@example.org", "night@example.org"


def mailing(site: Site, port: int, **more: object) -> Site:
    """The node with that ``[alarms.mail]``."""
    mail = MailSettings("127.0.0.1", port, SENDER, (ADMIN, NIGHT))
    alarms = AlarmsSettings(mail=mail._replace(**more))  # type: ignore[arg-type]
    return site.with_settings(site.settings._replace(own_alarms=alarms))


def home_of(site: Site) -> Path:
    return Path(site.settings.home)


def noted(site: Site) -> str:
    errors = home_of(site) / ERRORS_FILE
    return errors.read_text() if errors.exists() else ""


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_one_mail_tells_all_alarms_and_hides_none(
    cluster: MadeCluster, pair: tuple[Path, Path], security: Security
) -> None:
    with smtp_server(security, pair) as box:
        site = mailing(cluster.site, box.port, security=security, ca_file=str(pair[1]))
        tell(site, CERT_EXPIRED, "tomcat is over")
        tell(site, SERVICE_FAILED, "Cisco Tftp", "é" * 900)
        tell(site, ITL_FILE_REGENERATED_TFTP)  # 5: less severe than is mailed
        assert send_alarms(site, at_once=True) == (2, ())
    (mail,) = box.mails
    assert (mail.sender, mail.to, mail.is_safe) == (SENDER, (ADMIN, NIGHT), True)
    assert mail.name == f"{site.node.name}.{DOMAIN}"
    assert mail.raw.isascii()
    assert max(map(len, mail.raw.splitlines())) <= 998
    # As it came over the wire, nothing decoded.
    stored = (home_of(site) / CISCO_SYSLOG).read_text().splitlines()
    matched = [line for line in mail.raw.decode().splitlines() if "MatchedE" in line]
    mailed = [line.removeprefix("MatchedEvent : ") for line in matched]
    assert mailed == [line for line in stored if line in mailed]
    assert len(mailed) == 3  # one alarm is in two parts
    read = message_from_bytes(mail.raw, policy=default)
    assert read["From"] == SENDER
    assert read["To"] == f"{ADMIN}, {NIGHT}"
    host = f"{site.node.name}.{DOMAIN}"
    assert read["Subject"] == f"Emergency: CertExpired on {host} and 1 more"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Content-Transfer-Encoding"] == "7bit"
    body = read.get_content().splitlines()
    assert body[0].startswith("At ")
    assert body[0].endswith(
        f" on node {host}, the following SyslogSeverityMatchFound events generated:"
    )
    assert body[2] == "SeverityMatch : Emergency"
    assert body[4:7] == [
        "AppID : Cisco Syslog Agent",
        "ClusterID : ",
        f"NodeID : {site.node.name}",
    ]
    assert body[7].startswith(" TimeStamp : ")
    assert body[8] == f"RecommendedAction : {CERT_EXPIRED.action}"
    assert not has_waiting(site.home, "mail")


def test_a_round_of_the_monitor_is_one_mail(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    """By the installed program, as its timer runs it; and what doctor says before."""
    cluster.write_configurations()
    path = Path(cluster.site.settings.path)
    port = free_port()
    with path.open("a") as configuration:
        configuration.write(
            f'\n[alarms.mail]\nhost = "127.0.0.1"\nport = {port}\n'
            f'from = "{SENDER}"\nto = ["{ADMIN}"]\nca_file = "{pair[1]}"\n'
            "batch_seconds = 0\n[alarms.monitor]\nstart_days = 3650\n"
        )
    program = [sys.executable, "-I", "-m", "cucmsh", "--config", str(path)]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done = [*program, *words]
        return subprocess.run(done, capture_output=True, text=True, check=False)

    first = run("hook", "monitor")
    assert first.returncode == 0
    said = f"alarms are not mailed: the mail server 127.0.0.1:{port}: Conn"
    # Another sender may be at it already, and the round does not wait for it.
    until(lambda: said in run("doctor").stdout, "the dead server is told")
    with smtp_server("starttls", pair, port=port) as box:
        again = run("hook", "alarms")
        assert (again.returncode, again.stderr) == (0, "")
        assert "the mail server lets us in" in run("doctor").stdout
    (mail,) = box.mails
    text = mail.raw.decode()
    assert "%UC_CERT-4-ITLRecoveryCertBackup: " in text
    assert NO_RECOVERY_BACKUP in text


def test_a_stranger_s_server_gets_nothing(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    with smtp_server("starttls", pair) as box:
        site = mailing(cluster.site, box.port)
        tell(site, CERT_EXPIRED, "tomcat is over")
        sent, (problem,) = send_alarms(site, at_once=True)
        assert (sent, box.mails) == (0, [])
        assert "its certificate is not trusted: self-signed certificate" in problem
        careless = mailing(cluster.site, box.port, verify=False)
        assert send_alarms(careless, at_once=True) == (1, ())
    assert box.mails[0].is_safe


def test_who_logs_in_does_so_with_the_password_of_the_file(
    cluster: MadeCluster, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    with smtp_server("starttls", pair, asks=True) as box:
        site = mailing(
            *(cluster.site, box.port),
            ca_file=str(pair[1]),
            user=USER,
            password_file=str(secret),
        )
        tell(site, CERT_EXPIRED, "tomcat is over")
        _, (problem,) = send_alarms(site, at_once=True)
        assert f"does not take the password of {USER}" in problem
        secret.write_text(f"{PASSWORD}\n")
        secret.chmod(0o644)
        _, (problem,) = send_alarms(site, at_once=True)
        assert f"others may read {secret}" in problem
        secret.chmod(0o600)
        assert send_alarms(site, at_once=True) == (1, ())
    assert box.mails[0].user == USER
    assert PASSWORD not in noted(site)


def test_alarms_of_ten_seconds_are_one_mail(
    cluster: MadeCluster, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server("none", pair) as box:
        site = mailing(cluster.site, box.port, security="none")
        told: list[int] = []

        def passes(_: float) -> None:
            cluster.clock.pass_seconds(4)
            told.append(len(told))
            tell(site, CERT_EXPIRED, f"number {told[-1]}")

        monkeypatch.setattr("cucmsh.services.records.send_alarms.sleep", passes)
        tell(site, CERT_EXPIRED, "the first")
        assert send_alarms(site) == (4, ())
    assert box.mails[0].raw.count(b"MatchedEvent") == 4
    assert b"Message=the first]" in box.mails[0].raw
    assert b"Message=number 2]" in box.mails[0].raw


def test_a_dead_server_costs_nothing_and_loses_nothing(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    dead = mailing(cluster.site, free_port(), ca_file=str(pair[1]))
    for number in range(3):
        tell(dead, CERT_EXPIRED, f"number {number}")
    for _ in range(2):
        sent, (problem,) = send_alarms(dead, at_once=True)
        assert sent == 0
        assert "Connection refused" in problem
    assert noted(dead).count("alarms wait to go to mail") == 1
    with smtp_server("starttls", pair) as box:
        site = mailing(cluster.site, box.port, ca_file=str(pair[1]))
        assert send_alarms(site, at_once=True) == (3, ())
    (mail,) = box.mails
    text = mail.raw.decode()
    places = [text.index(f"Message=number {number}]") for number in range(3)]
    assert places == sorted(places)


def test_one_address_that_is_refused_keeps_the_mail_from_no_other(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    with smtp_server("none", pair) as box:
        some = mailing(cluster.site, box.port, security="none", to=(NOBODY, ADMIN))
        tell(some, CERT_EXPIRED, "over")
        assert send_alarms(some, at_once=True) == (1, ())
        nobody = mailing(cluster.site, box.port, security="none", to=(NOBODY,))
        tell(nobody, CERT_EXPIRED, "over")
        sent, (problem,) = send_alarms(nobody, at_once=True)
    assert [mail.to for mail in box.mails] == [(ADMIN,)]
    assert f"refuses {NOBODY}: 550" in noted(some)
    assert sent == 0
    assert "refuses all addressees" in problem


def test_a_server_without_tls_gets_nothing(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    with smtp_server("none", pair) as box:
        site = mailing(cluster.site, box.port, ca_file=str(pair[1]))
        tell(site, CERT_EXPIRED, "over")
        sent, (problem,) = send_alarms(site, at_once=True)
    assert (sent, box.mails) == (0, [])
    assert "STARTTLS" in problem


def test_what_waits_is_bounded_and_the_first_ones_stay(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_queue, "MOST_WAITING", 3)
    site = mailing(cluster.site, free_port())
    for number in range(5):
        tell(site, CERT_EXPIRED, f"number {number}")
    waiting = list(alarm_queue.waiting(site.home, "mail"))
    assert [w.event.parameters["Message"] for w in waiting] == [
        f"number {number}" for number in range(3)
    ]
    assert "3 alarms wait for it already, so this one was dropped" in noted(site)


def test_a_file_that_a_full_disk_cut_off_holds_no_other_back(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    with smtp_server("none", pair) as box:
        site = mailing(cluster.site, box.port, security="none")
        tell(site, CERT_EXPIRED, "over")
        cut = home_of(site) / folder_of("mail") / "0-cut"
        cut.write_text('{"facility": "UC_')
        assert send_alarms(site, at_once=True) == (1, ())
        assert cut.exists()  # somebody may be just writing it
        cut.write_text('{"facility": "UC_')
        os.utime(cut, (0, 0))
        assert send_alarms(site, at_once=True) == (0, ())
    assert not cut.exists()


def test_doctor_tries_the_server_and_counts_what_waits(
    cluster: MadeCluster, pair: tuple[Path, Path]
) -> None:
    dead = mailing(cluster.site, free_port(), ca_file=str(pair[1]))
    tell(dead, CERT_EXPIRED, "over")
    cluster.clock.pass_seconds(3600)
    found = [f for f in examine_alarms(dead) if f.level is not Level.OK]
    assert any("Connection refused" in f.what for f in found)
    assert any(f.what.startswith("1 alarm waits to go to mail, since ") for f in found)
    with smtp_server("starttls", pair) as box:
        site = mailing(cluster.site, box.port, ca_file=str(pair[1]))
        assert send_alarms(site, at_once=True) == (1, ())
        assert {f.level for f in examine_alarms(site)} == {Level.OK}
    assert len(box.mails) == 1
