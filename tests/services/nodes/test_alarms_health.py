"""``doctor`` says whether an alarm would go out."""

from pathlib import Path

import pytest

from cucmsh.config.alarm_places import HookSettings, SyslogSettings
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.nodes.health.alarms import examine_alarms
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.storage import log_line
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough
WELL = Finding(Level.OK, "alarms are logged")


def log_of(cluster: MadeCluster) -> Path:
    log = Path(cluster.site.settings.home) / CISCO_SYSLOG
    log.parent.mkdir(parents=True, exist_ok=True)
    return log


def test_a_log_that_is_there_or_not_yet_is_well(cluster: MadeCluster) -> None:
    assert WELL in examine_alarms(cluster.site)
    log_of(cluster).write_text("a line\n")
    assert WELL in examine_alarms(cluster.site)
    assert log_of(cluster).read_text() == "a line\n"


def test_a_log_that_is_no_file_fails(cluster: MadeCluster) -> None:
    log_of(cluster).unlink(missing_ok=True)
    log_of(cluster).mkdir()
    (found,) = [f for f in examine_alarms(cluster.site) if "logged" in f.what]
    assert found.level is Level.FAIL
    assert found.what.startswith(f"alarms are not logged: {log_of(cluster)}")


def test_a_full_disk_fails(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_of(cluster).write_text("a line\n")
    monkeypatch.setattr(log_line, "LEAST_ROOM", 1 << 60)
    (found,) = [f for f in examine_alarms(cluster.site) if "logged" in f.what]
    assert found.level is Level.FAIL
    assert "No space left on device" in found.what
    assert "Free some space" in found.advice


def test_a_socket_that_is_not_there_and_a_hook_that_cannot_run_are_named(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    hook = tmp_path / "hook"
    hook.touch(0o644)
    alarms = AlarmsSettings(
        syslog=SyslogSettings(socket=str(tmp_path / "log")),
        hook=HookSettings((str(hook),)),
    )
    site = cluster.site.with_settings(cluster.site.settings._replace(own_alarms=alarms))
    _, syslog, program = examine_alarms(site)
    assert (syslog.level, program.level) == (Level.WARN, Level.WARN)
    assert syslog.what == (
        f"alarms go to no syslog: the syslog daemon at {tmp_path}/log takes nothing: "
        "No such file or directory"
    )
    assert program.what == f"alarms go to no hook: {hook} cannot be run"
