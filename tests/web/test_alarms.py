"""The event view: alarms of this node, and what to do about them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cucmsh.alarms import CERT_EXPIRED, ITL_RECOVERY_CERT_BACKUP
from cucmsh.events import Severity
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.seen_alarms import read_line
from tests.rigs.page import Browser
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough


def test_an_alarm_is_read_back_as_it_was_told(
    admin: Browser, cluster: MadeCluster
) -> None:
    tell(cluster.site, CERT_EXPIRED, "a [bracket] and <b>markup</b>")
    shown = admin.get("/alarms").text
    assert "CertExpired" in shown
    assert "<b>" not in shown
    link = re.search(r'href="(/alarms/one\?key=[0-9a-f]+)">CertExpired', shown)
    assert link
    one = admin.get(link.group(1)).text
    assert "a [bracket] and &lt;b&gt;markup&lt;/b&gt;" in one
    assert CERT_EXPIRED.action.split(",")[0] in one
    assert "Emergency" in one


def test_filters_are_addresses(admin: Browser, cluster: MadeCluster) -> None:
    tell(cluster.site, CERT_EXPIRED, "x")
    tell(cluster.site, ITL_RECOVERY_CERT_BACKUP, "y")
    text = admin.get("/alarms?severity=Emergency").text
    assert "CertExpired" in text
    assert "ITLRecoveryCertBackup" not in text
    found = json.loads(admin.get("/alarms.json?text=recoverycert").text)
    assert {each["name"] for each in found["result"]["alarms"]} == {
        "ITLRecoveryCertBackup"
    }
    assert 'http-equiv="refresh"' in admin.get("/alarms?follow=yes").text


def test_a_line_of_another_form_is_shown_as_it_is(
    admin: Browser, cluster: MadeCluster
) -> None:
    place = Path(cluster.site.settings.home, CISCO_SYSLOG)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("ab") as log:
        log.write(b"Dec  1 somebody wrote <i>this</i>\xff\n")
    text = admin.get("/alarms").text
    assert "somebody wrote &lt;i&gt;this" in text


@pytest.mark.parametrize(
    "line", ["", "x" * 5000, "Dec  1 15:06:03 a local7 5 : 0: " + "[" * 4000]
)
def test_any_line_is_read(line: str) -> None:
    assert read_line(line).text == line


def test_every_field_of_a_line_is_read() -> None:
    seen = read_line(
        "Dec  1 15:06:03 pub local7 5 : 7: pub.example.org: Dec  1 2026 14:06:03.9 UTC "
        r": %UC_TFTP-5-ITLFileRegenerated: %[A=b\]c][NodeID=pub]: ITL file regeneration"
    )
    assert seen.severity is Severity.NOTICE
    assert (seen.node, seen.application) == ("pub.example.org", "UC_TFTP")
    assert seen.tags == (("A", "b]c"), ("NodeID", "pub"))
    assert (seen.local, seen.utc) == ("Dec  1 15:06:03", "Dec  1 2026 14:06:03.9 UTC")
    assert seen.text == "ITL file regeneration"
