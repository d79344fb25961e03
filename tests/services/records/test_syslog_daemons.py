"""What rsyslog, syslog-ng and journald of Debian make of an alarm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.alarms import CERT_EXPIRED, ITL_RECOVERY_CERT_BACKUP, NO_RECOVERY_BACKUP
from cucmsh.config.alarm_places import Form, SyslogSettings, Way
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.send_alarms import send_alarms
from cucmsh.services.site import Site
from tests.rigs.journald import journald
from tests.rigs.rsyslog import Rsyslog, rsyslog
from tests.rigs.syslog_ng import SyslogNg, syslog_ng
from tests.services.made_cluster import DOMAIN, MadeCluster

pytestmark = pytest.mark.loopback

AWKWARD = 'a]b["c"]\\d\ne\tf\x00g\x1b<13>1 - %s é'
SHOWN = 'a\\]b\\["c"\\]\\\\d?e        f?g?<13>1 - %s ?'


@pytest.fixture
def of_debian(tmp_path: Path) -> Iterator[Rsyslog]:
    with rsyslog(tmp_path / "rsyslog", network=True) as daemon:
        yield daemon


@pytest.fixture
def other(tmp_path: Path, pair: tuple[Path, Path]) -> Iterator[SyslogNg]:
    with syslog_ng(tmp_path / "ng", *pair) as daemon:
        yield daemon


def sending(site: Site, syslog: SyslogSettings) -> Site:
    """The node with that ``[alarms.syslog]``."""
    alarms = AlarmsSettings(syslog=syslog)
    return site.with_settings(site.settings._replace(own_alarms=alarms))


def locally(path: Path, form: Form = "standard") -> SyslogSettings:
    return SyslogSettings(socket=str(path), form=form)


def over(way: Way, ports: dict[str, int], ca_file: str = "") -> SyslogSettings:
    return SyslogSettings(way, host="127.0.0.1", port=ports[way], ca_file=ca_file)


def tell_both(site: Site) -> None:
    tell(site, CERT_EXPIRED, AWKWARD)
    tell(site, ITL_RECOVERY_CERT_BACKUP, NO_RECOVERY_BACKUP)


def text_of(site: Site, shown: str = SHOWN) -> str:
    about = f"[AppID=Cisco Certificate Monitor][ClusterID=][NodeID={site.node.name}]"
    return f"%UC_CERT-0-CertExpired: %[Message={shown}]{about}: {CERT_EXPIRED.text}"


def test_rsyslog_reads_its_socket(cluster: MadeCluster, of_debian: Rsyslog) -> None:
    site = sending(cluster.site, locally(of_debian.socket))
    tell_both(site)
    of_debian.wait_for("ITLRecoveryCertBackup")
    expired, backup = of_debian.syslog.read_text().splitlines()
    assert expired.endswith(f" cucmsh[{os.getpid()}]: {text_of(site)}")
    assert backup.endswith(f"[NodeID={site.node.name}]: {NO_RECOVERY_BACKUP}")
    old = of_debian.old_form.read_text().splitlines()[0]
    assert old.endswith(f" cucmsh[{os.getpid()}]: {text_of(site)}")


def test_syslog_ng_reads_its_socket(cluster: MadeCluster, other: SyslogNg) -> None:
    site = sending(cluster.site, locally(other.socket))
    tell_both(site)
    expired, backup = other.wait_for("ITLRecoveryCertBackup")
    _, program, pid, facility, level, _, _, text = expired.split("|", 7)
    assert (program, pid) == ("cucmsh", str(os.getpid()))
    assert (facility, level, text) == ("local7", "emerg", text_of(site))
    assert backup.endswith(NO_RECOVERY_BACKUP)


def test_journald_keeps_it_whole(cluster: MadeCluster, tmp_path: Path) -> None:
    with journald(tmp_path / "journald") as journal:
        site = sending(cluster.site, locally(journal.socket))
        tell_both(site)
        expired, backup = journal.wait_for("ITLRecoveryCertBackup")
    assert expired["SYSLOG_IDENTIFIER"] == "cucmsh"
    assert expired["SYSLOG_PID"] == str(os.getpid())
    assert (expired["SYSLOG_FACILITY"], expired["PRIORITY"]) == ("23", "0")
    assert expired["MESSAGE"] == text_of(site)
    assert str(backup["MESSAGE"]).endswith(NO_RECOVERY_BACKUP)


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_rsyslog_reads_rfc_5424(
    cluster: MadeCluster, of_debian: Rsyslog, way: Way
) -> None:
    site = sending(cluster.site, over(way, of_debian.ports))
    tell_both(site)
    assert send_alarms(site, at_once=True).problems == ()
    of_debian.wait_for("ITLRecoveryCertBackup")
    expired, backup = of_debian.messages.read_text().splitlines()
    host, program, pid, facility, level, name, rest = expired.split("|", 6)
    assert host == f"{site.node.name}.{DOMAIN}"
    assert (program, pid) == ("cucmsh", str(os.getpid()))
    assert (facility, level, name) == ("local7", "emerg", "CertExpired")
    data, _, text = rest.partition("]|")
    assert text.removeprefix(" ") == text_of(site)
    # Escaped as RFC 5424 has it: ", \ and ], of the value as it is.
    value = 'a\\]b[\\"c\\"\\]\\\\d?e        f?g?<13>1 - %s ?'
    assert data.startswith(f'[cucmsh@32473 Message="{value}" AppID="Cisco Certifi')
    assert backup.endswith(NO_RECOVERY_BACKUP)


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_syslog_ng_reads_rfc_5424(
    cluster: MadeCluster, other: SyslogNg, way: Way, pair: tuple[Path, Path]
) -> None:
    site = sending(cluster.site, over(way, other.ports, str(pair[1])))
    tell_both(site)
    assert send_alarms(site, at_once=True).problems == ()
    expired, backup = other.wait_for("ITLRecoveryCertBackup")
    host, program, pid, facility, level, name, rest = expired.split("|", 6)
    assert host == f"{site.node.name}.{DOMAIN}"
    assert (program, pid) == ("cucmsh", str(os.getpid()))
    assert (facility, level, name) == ("local7", "emerg", "CertExpired")
    assert rest.startswith('[cucmsh@32473 Message="a\\]b[')
    assert rest.endswith(f"|{text_of(site)}")
    assert backup.endswith(NO_RECOVERY_BACKUP)


def test_parts_of_one_alarm_are_messages_of_their_own(
    cluster: MadeCluster, other: SyslogNg
) -> None:
    site = sending(cluster.site, over("tcp", other.ports))
    tell(site, CERT_EXPIRED, "x" * 10_000)
    assert send_alarms(site, at_once=True) == (1, ())
    lines = other.wait_for(CERT_EXPIRED.text)
    assert len(lines) > 10
    assert sum(line.rpartition("|")[2].count("x") for line in lines) >= 10_000


def test_the_original_s_bare_form_can_be_chosen(
    cluster: MadeCluster, of_debian: Rsyslog
) -> None:
    site = sending(cluster.site, locally(of_debian.socket, "cisco"))
    tell(site, CERT_EXPIRED, "over")
    of_debian.wait_for("CertExpired")
    (line,) = of_debian.syslog.read_text().splitlines()
    assert f": {site.node.name}.{DOMAIN}: " in line
    assert line.endswith(f" UTC : {text_of(site, 'over')}")


def test_a_server_that_is_not_trusted_gets_nothing(
    cluster: MadeCluster, other: SyslogNg
) -> None:
    site = sending(cluster.site, over("tls", other.ports))
    tell(site, CERT_EXPIRED, "over")
    sent, (problem,) = send_alarms(site, at_once=True)
    assert sent == 0
    assert "its certificate is not trusted: self-signed certificate" in problem
    assert not other.messages.exists()
    careless = SyslogSettings(
        "tls", host="127.0.0.1", port=other.ports["tls"], verify=False
    )
    assert send_alarms(sending(site, careless), at_once=True) == (1, ())
    assert len(other.wait_for("CertExpired")) == 1
