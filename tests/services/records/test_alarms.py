"""Telling an alarm: what the sinks get, and that nobody is held up by one."""

import pytest

from cucmsh.alarms import CERT_EXPIRED, DEVICE_TL_INFO, ITL_FILE_REGENERATED_TFTP
from cucmsh.errors import StoreError
from cucmsh.events import Event, Severity, Sinks
from cucmsh.services.records.alarms import tell
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough


class Kept:
    """Keeps all events, or fails at each."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.events: list[Event] = []

    def takes(self, event: Event) -> bool:
        return bool(event.name)

    def take(self, event: Event) -> None:
        if self.failure:
            raise StoreError(self.failure)
        self.events.append(event)


def test_an_alarm_becomes_an_event_of_the_node(cluster: MadeCluster) -> None:
    site, kept = cluster.publisher.site, Kept()
    site.sinks = Sinks((kept,))
    tell(site, CERT_EXPIRED, "tomcat is over")
    (event,) = kept.events
    assert event.facility == "UC_CERT"
    assert event.name == "CertExpired"
    assert event.severity is Severity.EMERGENCY
    assert event.node == site.node.name
    assert event.time == site.clock.now()
    assert list(event.parameters.items()) == [
        ("Message", "tomcat is over"),
        ("AppID", "Cisco Certificate Monitor"),
        ("ClusterID", ""),
        ("NodeID", site.node.name),
    ]
    assert event.text == CERT_EXPIRED.text
    assert event.action == CERT_EXPIRED.action


def test_tags_without_a_value_are_left_out(cluster: MadeCluster) -> None:
    site, kept = cluster.publisher.site, Kept()
    site.sinks = Sinks((kept,))
    tell(site, ITL_FILE_REGENERATED_TFTP)
    tell(site, DEVICE_TL_INFO, "SEP001122334455", "10.0.0.1")
    assert list(kept.events[0].parameters) == ["AppID", "ClusterID", "NodeID"]
    assert list(kept.events[1].parameters)[:3] == ["DeviceName", "IPv4Address", "AppID"]


def test_work_goes_on_without_a_log(cluster: MadeCluster) -> None:
    site, kept = cluster.publisher.site, Kept()
    site.sinks = Sinks((Kept("the disk is full"), kept))
    tell(site, ITL_FILE_REGENERATED_TFTP)
    assert len(kept.events) == 1
