"""Services besides Cisco Tftp are controlled by their own commands, and by nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cucmsh.config.model import EXPIRY_MONITOR, TVS, NodeService, ServiceCommands
from cucmsh.errors import ServiceError, UsageError
from cucmsh.remote.runner import Completed
from cucmsh.services.site import Site
from tests.commands.calls import call
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

TVS_WORDS = ServiceCommands(
    ("tvs", "start"), ("tvs", "stop"), ("tvs", "again"), ("tvs", "is")
)
MONITOR = ServiceCommands((), (), ("monitor", "again"), ("monitor", "is"))


class Manager:
    """Runs services by the words of their commands."""

    def __init__(self) -> None:
        self.running = {"tftpd": True, "tvs": False, "monitor": True}
        self.fails: set[str] = set()
        self.asked: list[tuple[str, ...]] = []

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        assert timeout_seconds > 0
        service, verb = words
        if verb in ("is", "status"):
            return Completed(0 if self.running[service] else 3, "", "")
        self.asked.append(tuple(words))
        if service in self.fails:
            return Completed(1, "", "Job failed.")
        self.running[service] = verb != "stop"
        return Completed(0, "", "")


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def site(
    cluster: MadeCluster, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> Site:
    """The publisher with two more services than Cisco Tftp."""
    now = cluster.site
    services = (NodeService(TVS, TVS_WORDS), NodeService(EXPIRY_MONITOR, MONITOR))
    node = now.node._replace(other_services=services)
    monkeypatch.setattr(now.backends, "runner", lambda: manager)
    return called(Site(now.settings._replace(node=node), now.clock, now.backends))


def test_list_has_the_state_of_each(site: Site) -> None:
    assert call(site, "utils service list").lines[1:5] == [
        "Cisco Tftp[STARTED]  ",
        "Cisco Certificate Authority Proxy Function[STOPPED]  Service Not Activated",
        "Cisco Trust Verification Service[STOPPED]  Commanded Out of Service",
        "Cisco Certificate Expiry Monitor[STARTED]  ",
    ]


def test_each_is_started_and_stopped_by_its_own_commands(
    site: Site, manager: Manager
) -> None:
    before = site.tftp.read("ITLFile.tlv")
    started = call(site, f"utils service start {TVS}")
    assert started.lines[:3] == [
        "Service Manager is running",
        f"{TVS}[STARTING]  ",
        f"{TVS}[STARTED]  ",
    ]
    assert call(site, f"utils service stop {TVS}").lines[2] == (
        f"{TVS}[STOPPED]  Commanded Out of Service"
    )
    call(site, f"utils service restart {EXPIRY_MONITOR}")
    assert manager.asked == [("tvs", "start"), ("tvs", "stop"), ("monitor", "again")]
    assert site.tftp.read("ITLFile.tlv") == before  # no list is composed for them


def test_what_fails_is_named(site: Site, manager: Manager) -> None:
    manager.fails.add("tvs")
    with pytest.raises(ServiceError, match=f"{TVS} did not start: Job failed"):
        call(site, f"utils service start {TVS}")


def test_service_without_that_command_says_so(site: Site, manager: Manager) -> None:
    with pytest.raises(ServiceError, match=f"no command to stop {EXPIRY_MONITOR}"):
        call(site, f"utils service stop {EXPIRY_MONITOR}")
    assert manager.asked == []


def test_service_that_is_not_configured_cannot_be_started(cluster: MadeCluster) -> None:
    with pytest.raises(UsageError) as refusal:
        call(cluster.site, f"utils service start {TVS}")
    assert refusal.value.advice == "Type: Cisco Tftp"
