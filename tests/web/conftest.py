"""The page of a publisher that was made in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.secret import Secret
from cucmsh.services.accounts.store import create_account, ensure_account
from cucmsh.services.caller import Privilege
from tests.rigs.page import Browser, page
from tests.services.made_cluster import MadeCluster, cheap_questions, started_cluster
from tests.web.phones_known import asked, digest, record

ADMIN, VIEWER = "admin", "ann"
PASSWORD = "some words of theirs"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeCluster:
    return made_cluster(tmp_path, monkeypatch)


def made_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeCluster:
    """``keep_trust`` is off, as in the lab; both accounts have ``PASSWORD``."""
    cheap_questions(monkeypatch)
    made = started_cluster(tmp_path)
    ensure_account(made.site, ADMIN, Secret(PASSWORD))
    in_lab = made.site.with_settings(made.site.settings._replace(lab="lab"))
    create_account(in_lab, VIEWER, Privilege.READ, Secret(PASSWORD))
    return made


@pytest.fixture
def phones(cluster: MadeCluster) -> MadeCluster:
    """Two at the publisher, one at the subscriber, each with the list of its node."""
    own, other = cluster.publisher, cluster.subscriber
    record(
        cluster.site,
        asked(1, digest(own), own.node.name),
        asked(2, digest(own), own.node.name, model="7965"),
        asked(3, digest(other), other.node.name),
    )
    return cluster


@pytest.fixture
def browser(cluster: MadeCluster) -> Iterator[Browser]:
    """Nobody is logged in yet."""
    with page(cluster.site) as opened:
        yield opened


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """The browser with the administrator logged in."""
    assert browser.log_in(ADMIN, PASSWORD).status == 303
    return browser
