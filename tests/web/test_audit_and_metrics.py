"""Who did what, for a person; when certificates end, for Prometheus."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from tests.rigs.page import LAB, Browser, page
from tests.services.made_cluster import MadeCluster
from tests.web.conftest import PASSWORD, VIEWER

pytestmark = pytest.mark.thorough


def test_what_a_page_did_is_recorded_with_who_and_from_where(admin: Browser) -> None:
    admin.get("/certificates")
    assert Browser(admin.port).log_in("<i>nobody</i>", "x").status == 401
    found = json.loads(admin.get("/audit.json").text)["result"]["audit"]
    looked = next(each for each in found if each["words"] == "page certificates")
    assert (looked["entry"], looked["user"], looked["ip"]) == (
        *("page", "admin", "127.0.0.1"),
    )
    text = admin.get("/audit").text
    assert "<i>nobody" not in text
    assert "RefusedError" in text
    assert PASSWORD not in text


def test_a_viewer_does_not_see_what_others_did(browser: Browser) -> None:
    browser.log_in(VIEWER, PASSWORD)
    assert browser.get("/audit").status == 403


def test_prometheus_reads_when_certificates_end(cluster: MadeCluster) -> None:
    with page(cluster.site, LAB._replace(metrics=True)) as browser:
        answer = browser.get("/metrics")
    families = list(text_string_to_metric_families(answer.text))
    ends = {
        (sample.labels["node"], sample.labels["unit"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "cucmsh_certificate_not_after_timestamp_seconds"
    }
    mine = Keystore(cluster.site).certificate(Unit.TVS).not_after.timestamp()
    assert ends[cluster.site.node.name, "TVS"] == mine
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_metrics_are_given_only_where_they_are_wanted(browser: Browser) -> None:
    assert browser.get("/metrics").status == 404
