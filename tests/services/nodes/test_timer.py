"""Whether `doctor` sees that nobody runs the rounds of the Certificate Monitor."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cucmsh.errors import ServiceError
from cucmsh.layout import MONITOR_TIMER
from cucmsh.remote.runner import Completed
from cucmsh.services.certificates.monitor import monitor_round
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.timer import examine_timer
from tests.services.made_cluster import MadeCluster, TftpStandIn

pytestmark = pytest.mark.thorough

HOUR = 3600


class Systemd:
    """What ``systemctl show`` says of the timer; see ``Runner``."""

    def __init__(self, active: str, enabled: str) -> None:
        self._said = f"ActiveState={active}\nUnitFileState={enabled}\n"
        self.asked: list[str] = []

    def run(self, words: Sequence[str], _timeout_seconds: float = 60) -> Completed:
        self.asked.append(" ".join(words))
        return Completed(0, self._said, "")


def found(cluster: MadeCluster) -> tuple[Level, str, str]:
    (finding,) = examine_timer(cluster.site)
    return finding


def under(patch: pytest.MonkeyPatch, systemd: Systemd) -> None:
    patch.setattr(TftpStandIn, "run", lambda _, *words: systemd.run(*words))


def test_without_systemd_the_last_round_counts(cluster: MadeCluster) -> None:
    level, what, advice = found(cluster)
    assert (level, "was run yet" in what) == (Level.WARN, True)
    assert f"systemctl enable --now {MONITOR_TIMER}" in advice
    monitor_round(cluster.site)
    assert found(cluster)[0] is Level.OK
    cluster.clock.pass_seconds(2 * HOUR)  # none runs between two and three
    assert found(cluster)[0] is Level.OK
    cluster.clock.pass_seconds(2 * HOUR)
    level, what, _ = found(cluster)
    assert (level, "for 4 hours" in what) == (Level.WARN, True)


def test_a_machine_that_was_off_is_given_time(cluster: MadeCluster) -> None:
    monitor_round(cluster.site)
    cluster.clock.pass_seconds(90 * HOUR)
    cluster.clock.reboot()
    assert found(cluster)[0] is Level.OK


@pytest.mark.parametrize(
    ("systemd", "level", "text"),
    [
        (Systemd("active", "enabled"), Level.OK, "the timer of the Certificate"),
        (Systemd("active", "disabled"), Level.WARN, "not start with the machine"),
        (Systemd("inactive", "enabled"), Level.WARN, "no round"),
        (Systemd("inactive", ""), Level.WARN, "no round"),
    ],
)
def test_systemd_says_what_its_timer_does(
    cluster: MadeCluster,
    monkeypatch: pytest.MonkeyPatch,
    systemd: Systemd,
    level: Level,
    text: str,
) -> None:
    under(monkeypatch, systemd)
    seen = found(cluster)
    assert (seen[0], text in seen[1]) == (level, True)
    assert bool(seen[2]) == (level is not Level.OK)
    assert systemd.asked[0].endswith(MONITOR_TIMER)


def test_a_timer_whose_rounds_fail_is_told(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(monkeypatch, Systemd("active", "enabled"))
    monitor_round(cluster.site)
    cluster.clock.pass_seconds(9 * HOUR)
    level, what, advice = found(cluster)
    assert (level, "for 9 hours" in what) == (Level.WARN, True)
    assert "journalctl -u cucmsh-monitor" in advice


def test_no_systemctl_is_no_fault(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> Completed:
        raise ServiceError("there is no systemctl")

    monkeypatch.setattr(TftpStandIn, "run", missing)
    monitor_round(cluster.site)
    assert found(cluster)[0] is Level.OK


def test_a_lab_needs_none(cluster: MadeCluster) -> None:
    site = cluster.site
    lab = site.with_settings(site.settings._replace(lab="/somewhere"))
    assert [*examine_timer(lab)] == []
