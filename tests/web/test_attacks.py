"""What somebody sends who means harm: slow, huge, broken, forged, and at once."""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from cucmsh.config.web import WebSettings
from cucmsh.layout import CISCO_SYSLOG, LOGIN_FAILURES
from cucmsh.services.accounts.lockout import policy
from cucmsh.services.site import Site
from cucmsh.web import connections
from cucmsh.web.log_in import MOST_JUDGED_OF_ONE
from cucmsh.web.pages import Action, File, LongAction, Page
from cucmsh.web.server import HEAD_BYTES, PARTS
from tests.rigs.loopback import LOOPBACK
from tests.rigs.page import FORM, LAB, Answer, Browser, page
from tests.services.made_cluster import MadeCluster
from tests.web.conftest import ADMIN, PASSWORD, VIEWER

pytestmark = pytest.mark.thorough

UP = "../../../../../../etc/passwd"
QUERY = ["name", "node", "unit", "form", "field", "how", "text", "sort", "alarm"]
HOSTILE = [
    *(UP, UP.replace("/", "%2f"), "..%5c..%5cx", "/etc/passwd", "%00", "a%00.csr"),
    *("a%0d%0aSet-Cookie:x=y", "%1b[2J", "%e2%80%ae", "%ff%fe", "a" * 4000, "'\"<>"),
]


def said(browser: Browser, sent: bytes) -> bytes:
    """What comes back to some bytes, until the end of the connection."""
    with socket.create_connection((LOOPBACK, browser.port), 30) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        pieces = []
        try:
            while piece := client.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            pass
    return b"".join(pieces)


def is_ended(client: socket.socket) -> bool:
    """Waits for the end of a connection."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def alarms(site: Site) -> str:
    return Path(site.settings.home, CISCO_SYSLOG).read_text()


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nA:"],
)
def test_a_head_that_never_ends_is_ended(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with (
        page(cluster.site) as browser,
        socket.create_connection((LOOPBACK, browser.port), 30) as client,
    ):
        client.sendall(beginning)
        assert is_ended(client)


def test_a_second_head_that_never_ends_is_ended(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    with (
        page(cluster.site) as browser,
        socket.create_connection((LOOPBACK, browser.port), 30) as client,
    ):
        client.sendall(b"GET /static/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"G")
        assert is_ended(client)


def test_silent_connections_keep_nobody_out(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page(cluster.site) as browser, ExitStack() as opened:
        first = opened.enter_context(
            socket.create_connection((LOOPBACK, browser.port), 30)
        )
        for _ in range(connections.CONNECTIONS + 5):
            opened.enter_context(socket.create_connection((LOOPBACK, browser.port)))
        assert browser.get("/").status == 200
        assert is_ended(first)


def test_bodies_that_do_not_come_keep_nobody_out(
    browser: Browser, cluster: MadeCluster
) -> None:
    head = (
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    with ExitStack() as opened:
        for _ in range(connections.CONNECTIONS + 5):
            client = socket.create_connection((LOOPBACK, browser.port))
            opened.enter_context(client).sendall(head)
        assert browser.get("/").status == 200
    assert not list(Path(cluster.site.settings.home).rglob("errors*"))


def test_a_head_that_is_too_long_is_refused(browser: Browser) -> None:
    long = b"a" * (HEAD_BYTES + 1)
    assert b"400 Bad Request" in said(browser, b"GET /?" + long)


@pytest.mark.parametrize(
    "sent",
    [
        b"nothing\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA\x00: b\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(
    browser: Browser, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert re.match(rb"HTTP/1.1 4\d\d ", said(browser, sent))
    assert browser.get("/").status == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "method", ["TRACE", "OPTIONS", "PUT", "DELETE", "CONNECT", "X"]
)
@pytest.mark.parametrize("path", ["/", "/login", "/certificates", "/static/style.css"])
def test_other_methods_are_refused(admin: Browser, method: str, path: str) -> None:
    answer = admin.ask(method, path, "", {"Cookie": "x=SECRET"})
    assert answer.status in (400, 404, 405)
    assert "SECRET" not in answer.text


def test_head_has_no_body_and_the_same_headers(admin: Browser) -> None:
    whole, head = admin.get("/certificates"), admin.ask("HEAD", "/certificates")
    assert (head.status, head.text) == (200, "")
    for name in ("content-length", "content-security-policy", "content-type"):
        assert head.headers[name] == whole.headers[name]


def test_an_address_that_the_client_chose_is_not_recorded(
    browser: Browser, cluster: MadeCluster
) -> None:
    token = browser.token()
    fields = {"username": ADMIN, "password": "another", "token": token}
    forged = {"X_Forwarded_For": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    assert browser.post("/login", fields, **forged).status == 401
    assert "6.6.6.6" not in alarms(cluster.site)
    assert f"LoginFrom={LOOPBACK}" in alarms(cluster.site)


def test_a_trusted_proxy_is_believed_for_what_it_added(cluster: MadeCluster) -> None:
    behind = LAB._replace(trusted_proxy=LOOPBACK)
    with page(cluster.site, behind) as browser:
        fields = {"username": ADMIN, "password": "another", "token": browser.token()}
        forged = {"X_Forwarded_For": "6.6.6.6, 192.0.2.7"}
        assert browser.post("/login", fields, **forged).status == 401
    assert "6.6.6.6" not in alarms(cluster.site)
    assert "LoginFrom=192.0.2.7" in alarms(cluster.site)


def test_another_proxy_than_the_trusted_one_is_not_believed(
    cluster: MadeCluster,
) -> None:
    with page(cluster.site, LAB._replace(trusted_proxy="192.0.2.1")) as browser:
        fields = {"username": ADMIN, "password": "another", "token": browser.token()}
        assert browser.post("/login", fields, X_Forwarded_For="6.6.6.6").status == 401
    assert "6.6.6.6" not in alarms(cluster.site)


def test_cookies_are_for_this_site_and_no_script(cluster: MadeCluster) -> None:
    with page(cluster.site) as browser:
        first = browser.get("/")
        done = browser.log_in(ADMIN, PASSWORD)
    for answer in (first, done):
        for line in answer.cookies:
            assert "HttpOnly" in line
            assert "Path=/" in line
            assert "Max-Age=0" in line or "SameSite=strict" in line
            assert "Domain" not in line
    with page(cluster.site, WebSettings(tls=True)) as secure:
        [cookie] = secure.get("/").cookies
    assert cookie.startswith("__Host-cucmsh")
    assert "; Secure" in cookie


def test_wrong_passwords_at_once_count_as_that_many(
    browser: Browser, cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those for which there is no room are not judged, and say so."""
    judged = []

    def judge(*_: object) -> bool:
        judged.append(1)
        return False

    monkeypatch.setattr("cucmsh.services.accounts.login.is_password", judge)
    token = browser.token()
    guesses = [f"guess {number}" for number in range(11)]

    def guess(password: str) -> int:
        own = Browser(browser.port)
        own.cookies = dict(browser.cookies)
        fields = {"username": ADMIN, "password": password, "token": token}
        return own.post("/login", fields).status

    with ThreadPoolExecutor(11) as pool:
        statuses = list(pool.map(guess, guesses))
        while statuses.count(401) < policy(cluster.site).retry_count:
            statuses.append(guess("another"))
    assert set(statuses) <= {401, 503}
    assert statuses.count(401) == len(judged)
    assert '"count": 3' in Path(cluster.site.settings.home, LOGIN_FAILURES).read_text()
    monkeypatch.undo()
    assert guess(PASSWORD) == 401


def test_a_flood_of_log_ins_judges_few_at_once(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is told so, and the page goes on."""
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def slow(*_: object) -> None:
        inside.release()
        go_on.wait()

    monkeypatch.setattr("cucmsh.services.accounts.login.make_verifier", slow)
    token = browser.token()

    def guess(number: int) -> int:
        own = Browser(browser.port)
        own.cookies = dict(browser.cookies)
        fields = {"username": f"nobody{number}", "password": "x", "token": token}
        return own.post("/login", fields).status

    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(guess, number) for number in range(MOST_JUDGED_OF_ONE)]
        for _ in asked:
            inside.acquire()
        more = list(pool.map(guess, range(10)))
        assert browser.get("/").status == 200
        go_on.set()
        assert [each.result() for each in asked] == [401] * MOST_JUDGED_OF_ONE
    assert more == [503] * 10


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_outside_is_given(admin: Browser, name: str) -> None:
    for path in (f"/static/{name}", f"/static//{name}", f"/done/{name}", f"/{name}"):
        answer = admin.get(path)
        assert answer.status in (400, 404, 421), path
        assert "root:" not in answer.text
    for part in PARTS:
        if isinstance(part, File | Page):
            named = re.sub(r"\{\w+\}", name.replace("/", "%2f"), part.path)
            keys = [
                "name",
                "node",
                "unit",
                "form",
                "field",
                "how",
                "text",
                "sort",
                "phone",
                "alarm",
                "id",
            ]
            query = "&".join(f"{key}={name}" for key in keys)
            answer = admin.get(f"{named}?{query}")
            assert answer.status < 500, (part.path, answer.text)
            assert "root:" not in answer.text
            assert "x" not in admin.cookies
            assert "\x1b" not in answer.text


def test_a_parameter_twice_is_one_value(admin: Browser) -> None:
    answer = admin.get("/certificates?text=tomcat&field=unit&text=zzz&how=a&how=b")
    assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        "&".join(f"f{number}=1" for number in range(100)),
        "token=%00&username=%00&password=%00",
        "%ff%fe=%80&token=%zz",
        "&&&&====",
        "username=\x00\x1b",
        "username=a&username=b&token=a&token=b",
    ],
)
def test_a_form_that_is_none_of_ours_is_refused(browser: Browser, body: str) -> None:
    browser.get("/")
    answer = browser.ask("POST", "/login", body, {"Content-Type": FORM})
    assert answer.status in (400, 401), answer.text
    assert "cucmsh" not in browser.cookies


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=a", "no part"),
        ("multipart/form-data; boundary=a", "--a\r\nX: y\r\n\r\nz\r\n--a--\r\n"),
        (
            "multipart/form-data; boundary=a",
            '--a\r\nContent-Disposition: form-data; name="token"\r\n\r\nx',
        ),
        (
            "multipart/form-data; boundary=a",
            '--a\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\n'
            "x\r\n--a--\r\n" * 40,
        ),
        ("application/json", '{"token": 1}'),
        ("", "x"),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    admin: Browser, kind: str, body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for part in PARTS:
        if isinstance(part, Action | LongAction):
            answer = admin.ask("POST", part.path, body, {"Content-Type": kind})
            assert answer.status in (400, 403), (part.path, answer.text)
    assert admin.ask("POST", "/login", body, {"Content-Type": kind}).status in (
        400,
        401,
    )
    assert capfd.readouterr().err == ""


ACTIONS = [part for part in PARTS if isinstance(part, Action | LongAction)]
# Where the fields below suffice, so that it is the guard that refuses.
_REFUSED = {f"/certificates/{name}": 403 for name in ("regenerate", "csr", "delete")}
FIELDS = {
    "unit": "CallManager",
    "name": "CallManager.pem",
    "agree": "yes",
    "service": "Cisco Tftp",
    "pem": "x",
    "kind": "localkey",
    "action": "restart",
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.path)
def test_a_viewer_changes_nothing(
    browser: Browser, cluster: MadeCluster, action: Action
) -> None:
    assert browser.log_in(VIEWER, PASSWORD).status == 303
    token = browser.token()
    before = whole(cluster.site)
    for path in (action.path, f"{action.path}?json"):
        answer = tried(browser, path, {"token": token, **FIELDS})
        assert answer.status == _REFUSED.get(action.path, answer.status)
        assert answer.status in (400, 403, 404), answer.text
    assert whole(cluster.site) == before


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.path)
def test_a_page_that_may_not_change_changes_nothing(
    cluster: MadeCluster, action: Action
) -> None:
    with page(cluster.site, LAB._replace(changes=False)) as browser:
        assert browser.log_in(ADMIN, PASSWORD).status == 303
        token = browser.token()
        before = whole(cluster.site)
        answer = tried(browser, action.path, {"token": token, **FIELDS})
        assert answer.status == _REFUSED.get(action.path, answer.status)
        assert answer.status in (400, 403, 404), answer.text
        assert whole(cluster.site) == before


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.path)
def test_nobody_changes_nothing(browser: Browser, action: Action) -> None:
    assert browser.post(action.path, {"token": browser.token()}).status == 401


def tried(browser: Browser, path: str, fields: dict[str, str]) -> Answer:
    """What a form led to, whenever that ended."""
    answer = browser.post(path, fields)
    if answer.status != 303:
        return answer
    job = answer.headers["location"]
    assert browser.get(f"{job}/events").text.endswith("data: end\n\n")
    return browser.get(f"{job}/result")


def whole(site: Site) -> dict[str, bytes]:
    """All that the node keeps but its records."""
    home = Path(site.settings.home)
    return {
        str(path): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not re.search(r"log|audit|lock|seen", str(path))
    }
