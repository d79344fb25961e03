"""Whether `doctor` sees that the page is configured and does not run."""

from __future__ import annotations

import pytest

from cucmsh.config.web import WebSettings
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.units import examine_page
from tests.services.made_cluster import MadeCluster
from tests.services.nodes.test_timer import Systemd, under

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("unit", "level", "says"),
    [
        (("active", "enabled"), Level.OK, "the page runs"),
        (("active", "disabled"), Level.WARN, "does not start with the machine"),
        (("failed", "enabled"), Level.WARN, "does not run"),
        (("inactive", ""), Level.WARN, "does not run"),
    ],
)
def test_what_systemd_says_of_the_page(
    cluster: MadeCluster,
    monkeypatch: pytest.MonkeyPatch,
    unit: tuple[str, str],
    level: Level,
    says: str,
) -> None:
    systemd = Systemd(*unit)
    under(monkeypatch, systemd)
    settings = cluster.site.settings
    assert list(examine_page(cluster.site)) == []  # no [web]
    site = cluster.site.with_settings(settings._replace(own_web=WebSettings()))
    (found,) = examine_page(site)
    assert (found.level, says in found.what) == (level, True)
    assert systemd.asked[-1].endswith(" cucmsh-web.service")
