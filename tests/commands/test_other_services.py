"""Services besides Cisco Tftp are controlled by their own commands, and by nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cucmsh.config.model import EXPIRY_MONITOR, TVS, NodeService, ServiceCommands
from cucmsh.errors import ServiceError, UsageError
from cucmsh.remote.runner import Completed
from cucmsh.services.nodes.machine import Machine
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


@pytest.fixture
def daemons(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is seen to run on this machine."""
    seen = {"sshd"}
    monkeypatch.setattr(Machine, "runs", lambda _, name: name in seen)
    return seen


def test_list_is_in_the_originals_form(site: Site, daemons: set[str]) -> None:
    assert call(site, "utils service list").text == (
        "Requesting service status, please wait...\n"
        "System SSH [STARTED]\n"
        "Password Reset [STOPPED]  Service Not Activated\n"
        "Service Manager is running\n"
        "Getting list of all services\n"
        ">> Return code = 0\n"
        "Cisco Certificate Expiry Monitor[STARTED]  \n"
        "Cisco Tftp[STARTED]  \n"
        "Cisco Trust Verification Service[STOPPED]  Commanded Out of Service\n"
        "Cisco Certificate Authority Proxy Function[STOPPED]  Service Not Activated\n"
        "Cisco Certificate Change Notification[STOPPED]  Service Not Activated\n"
        "Primary Node =true\n"
    )
    daemons.add("nscd")
    assert call(site, "utils service list page").lines[1:3] == [
        "System SSH [STARTED]",
        "Name Service Cache [STARTED]",
    ]


def test_what_is_not_seen_is_not_said_to_be_stopped(
    cluster: MadeCluster, daemons: set[str]
) -> None:
    daemons.clear()
    listed = call(cluster.subscriber.site, "utils service list").lines
    assert not any(line.startswith("System SSH") for line in listed)
    assert listed[-2] == "Primary Node =false"


def test_another_option_is_wrong_use(site: Site) -> None:
    with pytest.raises(UsageError, match="Incorrect optional parameter entered"):
        call(site, "utils service list pages")


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
