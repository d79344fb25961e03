"""TVS has ended: told once for a row of failures, and by a unit that may write."""

from __future__ import annotations

import pytest

from cucmsh.cli import hook as hooks
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.site import Site
from cucmsh.services.tvs.ended import AGAIN, IN_A_ROW, tvs_ended
from cucmsh.views.units import tvs_unit
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

FAILED = ("exit-code", "exited", "1")
KILLED = ("signal", "killed", "SEGV")


def failures(site: Site) -> list[str]:
    lines = site.home.read(CISCO_SYSLOG).decode().splitlines()
    return [line for line in lines if "%UC_SERVICEMANAGER-2-ServiceFailed" in line]


def test_a_row_of_failures_is_told_once_and_again_each_hour(
    cluster: MadeCluster,
) -> None:
    site = called(cluster.site)
    for _ in range(AGAIN // 50):  # its unit starts it anew within seconds
        tvs_ended(site, *FAILED)
        cluster.clock.pass_seconds(50)
    (line,) = failures(site)
    assert "[ServiceName=Cisco Trust Verification Service]" in line
    assert "[Reason=exit-code: exited 1]" in line
    assert tvs_ended(site, *FAILED)
    assert len(failures(site)) == 2


@pytest.mark.parametrize("seconds", [IN_A_ROW, -5])
def test_one_that_ran_in_between_failed_anew(
    cluster: MadeCluster, seconds: int
) -> None:
    site = called(cluster.site)
    assert tvs_ended(site, *FAILED)
    cluster.clock.pass_seconds(seconds)
    assert tvs_ended(site, *FAILED)


def test_another_failure_is_told_and_a_stop_is_none(cluster: MadeCluster) -> None:
    site = called(cluster.site)
    assert tvs_ended(site, *FAILED)
    assert tvs_ended(site, *KILLED)
    assert not tvs_ended(site, *KILLED)
    assert not tvs_ended(site, "success", "exited", "0")
    assert tvs_ended(site, *KILLED)


def test_the_unit_runs_the_hook_with_what_systemd_says(cluster: MadeCluster) -> None:
    """Outside of the unit's own bounds (``+``), for there no file can be written."""
    _, text = tvs_unit(("/opt/python", "-m", "cucmsh"), "cucmsh")
    (line,) = (each for each in text.splitlines() if each.startswith("ExecStopPost="))
    assert line.startswith("ExecStopPost=+-/opt/python -m cucmsh hook ")
    words = line.partition(" hook ")[2]
    for name, value in zip(
        ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"), KILLED, strict=True
    ):
        words = words.replace(f"${{{name}}}", value)
    assert hooks.answer(called(cluster.site), words.split()) == ("told", 0)
