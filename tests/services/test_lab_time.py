"""The clock of a lab's node: what was set holds at once, and nothing breaks it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.config.settings import Settings
from cucmsh.services.certificates.hold import find_hold, start_hold
from cucmsh.services.lab_time import LabClock, LabTime, read_time, write_time
from cucmsh.services.site import Site
from tests.services.made_cluster import START, MadeCluster, SettableClock, made_cluster

pytestmark = pytest.mark.thorough


@pytest.fixture
def made(tmp_path: Path) -> MadeCluster:
    return made_cluster(tmp_path)


@pytest.fixture
def settings(made: MadeCluster, tmp_path: Path) -> Settings:
    """Of a node of a lab, whose folder is there."""
    path = tmp_path / "pub" / "cucmsh.toml"
    path.parent.mkdir(exist_ok=True)
    return made.site.settings._replace(path=str(path), lab=str(tmp_path))


def test_time_passes_for_both_clocks_and_a_wrong_one_for_one(
    settings: Settings,
) -> None:
    clock = LabClock(SettableClock(), settings)
    boot, uptime = clock.boot()
    write_time(settings, LabTime(passed=300, wrong=-60))
    assert clock.now() == START + timedelta(seconds=240)
    assert clock.boot() == (boot, uptime + 300)
    write_time(settings, LabTime())
    assert clock.now() == START


def test_hold_ends_with_the_time_that_passed_and_where_there_is_none(
    made: MadeCluster, settings: Settings
) -> None:
    clock = LabClock(SettableClock(), settings)
    site = Site(settings, clock, made.site.backends)
    start_hold(site, "TVS")
    assert find_hold(site)
    write_time(settings, LabTime(wrong=3600))
    assert find_hold(site)
    write_time(settings, LabTime(has_hold=False))
    assert find_hold(site) is None
    write_time(settings, LabTime(passed=300))
    assert find_hold(site) is None


def test_a_production_node_has_no_such_time(made: MadeCluster) -> None:
    settings = made.site.settings
    written = settings._replace(lab="/somewhere")
    write_time(written, LabTime(passed=300, has_hold=False))
    assert read_time(settings) == LabTime()
    start_hold(made.site, "TVS")
    assert find_hold(made.site)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"passed": "x", "wrong": 0, "has_hold": true}',
     '{"passed": 1e30, "wrong": 0, "has_hold": true}',
     '{"passed": NaN, "wrong": 0, "has_hold": true}'],
)  # fmt: skip
def test_a_file_that_is_none_is_the_real_time(settings: Settings, text: str) -> None:
    (Path(settings.path).parent / "lab-time.json").write_text(text)
    assert LabClock(SettableClock(), settings).now() == START
