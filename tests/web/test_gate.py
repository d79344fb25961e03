"""What every request passes, and every answer carries."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cucmsh.layout import ERRORS_FILE
from cucmsh.services.site import Site
from cucmsh.web.gate import HEADERS, MOST_BODY
from cucmsh.web.pages import Page, Query, Shown
from tests.rigs.loopback import LOOPBACK
from tests.rigs.page import FORM, Browser, page
from tests.services.made_cluster import MadeCluster
from tests.web.conftest import ADMIN, PASSWORD

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    "path", ["/", "/certificates", "/nothing", "/static/style.css", "/static/none"]
)
def test_every_answer_has_the_strict_headers(admin: Browser, path: str) -> None:
    headers = admin.get(path).headers
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value, name
    assert "server" not in headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "a@localhost"])
def test_another_name_is_refused(browser: Browser, host: str) -> None:
    assert browser.get("/", Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8443"])
def test_loopback_names_are_taken(browser: Browser, host: str) -> None:
    assert browser.get("/", Host=host).status == 200


def test_the_nodes_own_names_are_taken(browser: Browser, cluster: MadeCluster) -> None:
    name = cluster.site.node.name
    assert browser.get("/", Host=name.upper()).status == 200
    full = cluster.site.settings.cluster.full_name(cluster.site.node)
    assert browser.get("/", Host=f"{full}:8443").status == 200
    assert browser.get("/", Host=f"{name}.example").status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_what_another_site_sends_is_refused(
    admin: Browser, headers: dict[str, str]
) -> None:
    token = admin.token("/certificates")
    assert admin.post("/logout", {"token": token}, **headers).status == 403
    assert admin.get("/certificates").status == 200


def test_a_form_of_another_session_is_refused(admin: Browser) -> None:
    assert admin.post("/logout", {"token": "x"}).status == 403
    assert admin.get("/certificates").status == 200


def test_a_body_that_is_too_long_is_refused(browser: Browser) -> None:
    long = "a" * (MOST_BODY + 1)
    assert browser.ask("POST", "/login", long, {"Content-Type": FORM}).status == 413


def test_a_body_that_grows_too_long_is_refused(browser: Browser) -> None:
    """It says no length, so it is counted as it comes."""
    with socket.create_connection((LOOPBACK, browser.port), 30) as client:
        client.sendall(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        said = b""
        try:
            for _ in range(2 * MOST_BODY // 0x10000):
                client.sendall(piece)
        except OSError:
            pass
        said = client.recv(4096)
    assert said.startswith(b"HTTP/1.1 413")


def test_a_program_is_answered_in_json(browser: Browser) -> None:
    refused = browser.get("/certificates.json")
    assert refused.status == 401
    assert refused.headers["content-type"] == "application/json"
    assert '"kind":"refused"' in refused.text


def test_what_breaks_off_is_recorded_and_shows_no_traceback(
    cluster: MadeCluster,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: Site, __: Query) -> Shown:
        raise LookupError("a secret")

    parts = (Page("/broken", "", "home.html", broken),)
    monkeypatch.setattr("cucmsh.web.server.PARTS", parts)
    with page(cluster.site) as browser:
        browser.log_in(ADMIN, PASSWORD)
        answer = browser.get("/broken")
    assert answer.status == 500
    assert "The page broke off: LookupError." in answer.text
    assert "a secret" not in answer.text
    assert answer.headers["content-security-policy"]
    assert caplog.records == []
    kept = Path(cluster.site.settings.home, ERRORS_FILE).read_text()
    assert "LookupError at" in kept
    assert "a secret" not in kept
