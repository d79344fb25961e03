"""Counts for Prometheus, read back by Prometheus' own reader."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cucmsh.alarms import CERT_EXPIRED, ITL_FILE_REGENERATED_TFTP
from cucmsh.config.alarm_places import MetricsSettings
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.layout import CISCO_SYSLOG, ERRORS_FILE
from cucmsh.services.nodes.health.alarms import examine_alarms
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

COUNTER = """
import sys
from datetime import UTC, datetime
from cucmsh.events import Event, Severity
from cucmsh.services.records.metrics_file import count_up
event = Event("UC_CERT", "CertExpired", Severity(0), "pub", datetime.now(UTC), {})
for _ in range(int(sys.argv[2])):
    count_up(sys.argv[1], event)
"""


def counting(site: Site, file: Path) -> Site:
    alarms = AlarmsSettings(metrics=MetricsSettings(str(file)))
    return site.with_settings(site.settings._replace(own_alarms=alarms))


def read(file: Path) -> dict[tuple[str, str], float]:
    """Each value, by its name and the alarm's."""
    families = text_string_to_metric_families(file.read_text())
    return {
        (sample.name, sample.labels["alarm"]): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_alarm_is_counted_and_dated(cluster: MadeCluster, tmp_path: Path) -> None:
    file = tmp_path / "cucmsh.prom"
    site = counting(cluster.site, file)
    for _ in range(3):
        tell(site, CERT_EXPIRED, "over")
    cluster.clock.pass_seconds(60)
    tell(site, ITL_FILE_REGENERATED_TFTP)
    now = cluster.clock.now().timestamp()
    assert read(file) == {
        ("cucmsh_alarms_total", "CertExpired"): 3,
        ("cucmsh_alarms_total", "ITLFileRegenerated"): 1,
        ("cucmsh_alarm_last_timestamp_seconds", "CertExpired"): round(now - 60, 3),
        ("cucmsh_alarm_last_timestamp_seconds", "ITLFileRegenerated"): round(now, 3),
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.glob("*.prom*")] == [file.name]


def test_commands_at_the_same_time_lose_no_count(tmp_path: Path) -> None:
    file = tmp_path / "cucmsh.prom"
    words = [sys.executable, "-c", COUNTER, str(file), "50"]
    root = Path(__file__).parents[3]
    counters = [subprocess.Popen(words, cwd=root) for _ in range(3)]
    assert [each.wait(timeout=60) for each in counters] == [0, 0, 0]
    assert read(file)["cucmsh_alarms_total", "CertExpired"] == 150


def test_a_file_of_somebody_else_is_begun_anew(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    file = tmp_path / "cucmsh.prom"
    file.write_text('cucmsh_alarms_total{alarm="x"} many\nother{a="b"} 1\n\x00')
    tell(counting(cluster.site, file), CERT_EXPIRED, "over")
    assert {name for _, name in read(file)} == {"CertExpired"}


def test_a_folder_that_is_not_there_is_noted_and_named_by_doctor(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    site = counting(cluster.site, tmp_path / "gone/cucmsh.prom")
    tell(site, CERT_EXPIRED, "over")
    home = Path(site.settings.home)
    assert "CertExpired" in (home / CISCO_SYSLOG).read_text()
    assert "did not go to metrics: " in (home / ERRORS_FILE).read_text()
    (found,) = [f for f in examine_alarms(site) if f.level is not Level.OK]
    assert found.what.startswith(f"alarms are not counted: {tmp_path}/gone is not")
