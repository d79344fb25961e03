"""The list of certificates, one of them, and what is done to them."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from tests.rigs.page import LAB, Browser, page
from tests.services.made_cluster import MadeCluster
from tests.web.conftest import ADMIN, PASSWORD, VIEWER

pytestmark = pytest.mark.thorough


def rows(text: str) -> list[list[str]]:
    """The cells of the table's body, without markup."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    found = []
    for row in body.split("<tr>")[1:]:
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        found.append([re.sub(r"<[^>]*>", "", cell) for cell in cells])
    return found


def test_soonest_to_expire_comes_first_and_every_node_is_there(
    admin: Browser, cluster: MadeCluster
) -> None:
    shown = rows(admin.get("/certificates").text)
    days = [int(row[0]) for row in shown]
    assert days == sorted(days)
    names = {row[1] for row in shown}
    assert names == {node.name for node in cluster.site.settings.cluster.members}
    document = json.loads(admin.get("/certificates.json").text)
    assert document["schema"] == "cucmsh/1"
    assert len(document["result"]["certificates"]) == len(shown)
    same = admin.get("/certificates", Accept="application/json").text
    assert json.loads(same) == document


@pytest.mark.parametrize("column", ["node", "unit", "common_name", "expires", "days"])
def test_a_column_sorts_both_ways_and_says_so(admin: Browser, column: str) -> None:
    up = admin.get(f"/certificates?sort={column}").text
    down = admin.get(f"/certificates?sort=-{column}").text
    assert up.count('aria-sort="ascending"') == 1
    assert down.count('aria-sort="descending"') == 1
    assert sorted(rows(up)) == sorted(rows(down))
    assert f'href="?sort=-{column}"' in up


def test_a_find_row_narrows_the_list_and_stays_in_the_links(admin: Browser) -> None:
    text = admin.get("/certificates?field=unit&how=begins+with&text=Call").text
    assert {row[2] for row in rows(text)} == {"CallManager"}
    assert "?field=unit&amp;how=begins+with&amp;text=Call&amp;sort=" in text
    assert rows(admin.get("/certificates?text=zzz").text) == [["No certificate fits."]]


def test_markup_in_a_search_is_text(admin: Browser) -> None:
    text = admin.get("/certificates?text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script" not in text


def test_one_in_full_is_what_the_prompt_shows_and_can_be_saved(
    admin: Browser, cluster: MadeCluster
) -> None:
    node = cluster.site.node.name
    query = f"node={node}&unit=TVS&name=TVS.pem"
    shown = admin.get(f"/certificates/one?{query}").text
    certificate = Keystore(cluster.site).certificate(Unit.TVS)
    assert certificate.serial.hex(":").upper() in shown
    assert "-----BEGIN CERTIFICATE-----" in shown
    saved = admin.get(f"/certificates/file?{query}&form=pem")
    assert saved.headers["content-disposition"].endswith("''TVS.pem")
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=saved.text,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert certificate.sha256_fingerprint.hex(":").upper() in said


@pytest.mark.parametrize(
    "query", ["", "node=cm1&unit=../../etc&name=passwd", "name=..%2f..%2fsecret"]
)
def test_what_is_no_certificate_is_no_file(admin: Browser, query: str) -> None:
    assert admin.get(f"/certificates/file?{query}").status == 400
    assert admin.get(f"/certificates/one?{query}").status == 404


def agreed(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Send a form of ours with its box ticked; the status and the page after it."""
    token = browser.token(path)
    answer = browser.post(path, {"token": token, "agree": "yes", **fields})
    if answer.status != 303:
        return answer.status, answer.text
    shown = browser.get(answer.headers["location"])
    again = browser.get(answer.headers["location"])  # a reload does nothing anew
    assert shown.text == again.text
    return shown.status, shown.text


def test_regeneration_shows_asks_does_and_then_holds(
    admin: Browser, cluster: MadeCluster
) -> None:
    path = "/certificates/regenerate?unit=TVS"
    question = admin.get(path).text
    assert "This operation will overwrite any CA signed certificate" in question
    before = Path(cluster.site.settings.home, pair_file(Unit.TVS)).read_bytes()
    refused = admin.post(
        "/certificates/regenerate", {"token": admin.token(path), "unit": "TVS"}
    )
    assert refused.status == 400
    assert Path(cluster.site.settings.home, pair_file(Unit.TVS)).read_bytes() == before
    _, text = agreed(admin, path, unit="TVS")
    assert "Successfully Regenerated Certificate for TVS." in text
    assert Path(cluster.site.settings.home, pair_file(Unit.TVS)).read_bytes() != before
    held = admin.get("/certificates/regenerate?unit=CallManager").text
    # The document's spelling, word for word as at the prompt.
    assert (
        "TVS certificate was modified in the last 5 minutes. Please re-try "
        "regnerating CallManager certificate at a later time"
    ) in held
    assert "5 min 00 s" in held


def test_a_viewer_changes_nothing(browser: Browser, cluster: MadeCluster) -> None:
    browser.log_in(VIEWER, PASSWORD)
    path = "/certificates/regenerate?unit=TVS"
    assert " disabled>" in browser.get(path).text
    status, text = agreed(browser, path, unit="TVS")
    assert status == 403
    assert "needs privilege level 1" in text


def test_a_page_without_changes_changes_nothing(cluster: MadeCluster) -> None:
    with page(cluster.site, LAB._replace(changes=False)) as browser:
        browser.log_in(ADMIN, PASSWORD)
        status, text = agreed(browser, "/certificates/regenerate?unit=TVS", unit="TVS")
    assert status == 403
    assert "this page only shows" in text


def test_a_request_is_made_saved_and_read_by_openssl(admin: Browser) -> None:
    _, text = agreed(admin, "/certificates/csr", unit="tomcat")
    assert "Successfully Generated CSR for tomcat." in text
    saved = admin.get("/certificates/csr/file?name=tomcat/tomcat.csr")
    said = subprocess.run(
        ["openssl", "req", "-noout", "-verify", "-subject"],
        input=saved.text,
        capture_output=True,
        check=True,
        text=True,
    )
    assert "verify OK" in said.stdout + said.stderr


def test_a_trusted_certificate_is_uploaded_and_deleted(
    admin: Browser, cluster: MadeCluster, tmp_path: Path
) -> None:
    pem = tmp_path / "ca.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"]
    make += ["-subj", "/CN=<b>An authority<\\/b>", "-keyout", str(tmp_path / "key")]
    subprocess.run([*make, "-out", str(pem)], check=True, capture_output=True)
    cluster.clock.moment = datetime.now(UTC)  # openssl knows this time only
    token = admin.token("/certificates/import")
    fields = {"token": token, "unit": "CallManager", "pem": pem.read_text()}
    answer = admin.post("/certificates/import/trust", fields)
    assert answer.status == 303
    assert "Successfully imported" in admin.get(answer.headers["location"]).text
    listed = admin.get("/certificates").text
    assert "<b>" not in listed
    assert "&lt;b&gt;An authority" in listed
    (row,) = (row for row in rows(listed) if row[3] == "Trust")
    assert (row[0], row[-1]) == ("8", "expires soon")
    link = re.search(r'/certificates/one\?(node=[^"]*CallManager-trust[^"]*)"', listed)
    assert link
    one = f"/certificates/one?{link.group(1).replace('&amp;', '&')}"
    name = re.search(r'name="name" value="([^"]*)"', admin.get(one).text)
    assert name
    fields = {"token": admin.token(one), "unit": "CallManager", "agree": "yes"}
    answer = admin.post("/certificates/delete", {**fields, "name": name.group(1)})
    assert answer.status == 303
    assert "Trust" not in {row[3] for row in rows(admin.get("/certificates").text)}
