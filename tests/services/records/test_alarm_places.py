"""CiscoSyslog on disk: whose line it is, what a full disk does, who is told."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from cucmsh.alarms import ITL_FILE_REGENERATED_TFTP, SERVICE_FAILED
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.layout import CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.nodes.health.alarms import examine_alarms
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough


def log_of(site: Site) -> Path:
    return Path(site.settings.home) / CISCO_SYSLOG


def lines_of(site: Site) -> list[str]:
    return log_of(site).read_text().splitlines()


def test_an_alarm_is_a_line_of_a_file_that_is_the_owner_s_alone(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    before = len(lines_of(site)) if log_of(site).exists() else 0
    tell(site, SERVICE_FAILED, "Cisco Tftp", "it ended with status 1")
    tell(site, ITL_FILE_REGENERATED_TFTP)
    failed, made = lines_of(site)[before:]
    name = site.settings.cluster.full_name(site.node)
    about = f"[AppID=Cisco Service Manager][ClusterID=][NodeID={site.node.name}]"
    assert f" {site.node.name} local7 2 : " in failed
    assert f": {name}: " in failed
    assert failed.endswith(
        " UTC : %UC_SERVICEMANAGER-2-ServiceFailed: %[ServiceName=Cisco Tftp]"
        f"[Reason=it ended with status 1]{about}: Service terminated."
    )
    numbers = [int(line.split(" : ")[1].partition(":")[0]) for line in (failed, made)]
    assert numbers[1] == numbers[0] + 1
    assert stat.S_IMODE(log_of(site).stat().st_mode) == 0o600


def test_a_line_that_was_cut_off_is_ended_first(cluster: MadeCluster) -> None:
    site = cluster.site
    log_of(site).parent.mkdir(parents=True, exist_ok=True)
    log_of(site).write_text("cut o")
    tell(site, ITL_FILE_REGENERATED_TFTP)
    assert [line.startswith("cut o") for line in lines_of(site)] == [True, False]


def test_the_cluster_s_id_is_told_where_it_is_set(cluster: MadeCluster) -> None:
    alarms = AlarmsSettings(cluster_id="StandAloneCluster")
    site = cluster.site.with_settings(cluster.site.settings._replace(own_alarms=alarms))
    tell(site, ITL_FILE_REGENERATED_TFTP)
    assert "[ClusterID=StandAloneCluster]" in lines_of(site)[-1]


def test_a_full_log_is_put_aside(cluster: MadeCluster) -> None:
    alarms = AlarmsSettings(log_bytes=1000, log_files=2)
    site = cluster.site.with_settings(cluster.site.settings._replace(own_alarms=alarms))
    for number in range(40):
        tell(site, SERVICE_FAILED, "Cisco Tftp", f"number {number}")
    names = sorted(os.listdir(log_of(site).parent))
    assert names == ["CiscoSyslog", "CiscoSyslog.1", "CiscoSyslog.2"]
    assert "number 39" in lines_of(site)[-1]
    assert all((log_of(site).parent / n).stat().st_size <= 1000 for n in names)


def test_a_log_that_cannot_be_written_holds_nobody_up_and_is_noticed_once(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    log_of(site).unlink(missing_ok=True)
    log_of(site).parent.mkdir(parents=True, exist_ok=True)
    log_of(site).mkdir()  # also root cannot write to it
    for _ in range(2):
        tell(site, ITL_FILE_REGENERATED_TFTP)
    noted = (Path(site.settings.home) / ERRORS_FILE).read_text().splitlines()
    (line,) = [each for each in noted if "CiscoSyslog" in each]
    assert "alarm ITLFileRegenerated did not go to CiscoSyslog: " in line


def test_what_is_only_tried_out_tells_nothing(cluster: MadeCluster) -> None:
    before = log_of(cluster.site).read_text() if log_of(cluster.site).exists() else ""
    tell(DraftSite(cluster.site), ITL_FILE_REGENERATED_TFTP)
    after = log_of(cluster.site).read_text() if log_of(cluster.site).exists() else ""
    assert before == after


def test_a_disk_that_is_really_full_holds_nobody_up_and_the_next_line_is_whole(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    folder = log_of(site).parent
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"LOUD: no real full disk here, only as root: {done.stderr}")
    try:
        filler = folder / "filler"
        filler.write_bytes(bytes(4096))
        for number in range(100):  # more than there is room for
            tell(site, SERVICE_FAILED, "Cisco Tftp", f"number {number} {'x' * 200}")
        noted = (Path(site.settings.home) / ERRORS_FILE).read_text()
        assert noted.count("No space left on device") == 1
        (found,) = [f for f in examine_alarms(site) if f.level is not Level.OK]
        assert "No space left on device" in found.what
        filler.unlink()
        tell(site, ITL_FILE_REGENERATED_TFTP)
        assert lines_of(site)[-1].endswith(": ITL file regeneration")
        whole = [line for line in lines_of(site) if "ServiceFailed" in line]
        assert len(whole) > 1  # some went in before it was full
        assert all(line.endswith("terminated.") for line in whole[:-1])
    finally:
        subprocess.run(["umount", str(folder)], check=True)
