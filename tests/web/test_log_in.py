"""Who gets in to the page, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.errors import ConfigurationError
from cucmsh.layout import ACCOUNTS
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import read_accounts
from cucmsh.services.accounts.lockout import Who, attempt
from cucmsh.services.accounts.store import replace_password
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site
from cucmsh.web.sessions import MOST, Sessions
from tests.rigs.page import LAB, Browser, page_of
from tests.services.made_cluster import MadeCluster
from tests.web.conftest import ADMIN, PASSWORD

pytestmark = pytest.mark.thorough


def test_the_first_page_is_a_form_and_after_it_the_pages_are_linked(
    browser: Browser,
) -> None:
    first = browser.get("/")
    assert first.status == 200
    assert 'name="username"' in first.text
    assert 'name="password" type="password"' in first.text
    assert "/certificates" not in first.text
    done = browser.log_in(ADMIN, PASSWORD)
    assert (done.status, done.headers["location"]) == (303, "/")
    assert 'href="/certificates"' in browser.get("/").text


def test_who_is_nobody_is_asked_to_log_in_and_led_where_he_wanted(
    browser: Browser,
) -> None:
    asked = browser.get("/certificates?sort=node")
    assert asked.status == 401
    assert 'name="next" value="/certificates?sort=node"' in asked.text
    token = browser.token("/certificates?sort=node")
    fields = {"username": ADMIN, "password": PASSWORD, "token": token}
    done = browser.post("/login", {**fields, "next": "/certificates?sort=node"})
    assert done.headers["location"] == "/certificates?sort=node"


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "/\\evil.example", "https:x"])
def test_a_log_in_leads_nowhere_else(browser: Browser, elsewhere: str) -> None:
    fields = {"username": ADMIN, "password": PASSWORD, "token": browser.token()}
    done = browser.post("/login", {**fields, "next": elsewhere})
    assert done.headers["location"] == "/"


def test_a_wrong_password_and_no_such_account_read_the_same(browser: Browser) -> None:
    wrong = browser.log_in(ADMIN, "another")
    nobody = browser.log_in("nobody", PASSWORD)
    assert wrong.status == nobody.status == 401
    assert "Account or password is not correct." in wrong.text
    strip = (browser.token(), "")
    assert wrong.text.replace(*strip) == nobody.text.replace(*strip)


def test_the_lock_is_the_one_of_the_prompt(
    browser: Browser, cluster: MadeCluster
) -> None:
    for _ in range(2):
        browser.log_in(ADMIN, "another")
    who = Who(ADMIN, "ssh")
    assert not attempt(cluster.site, who, lambda: False)  # the third, by another way
    assert browser.log_in(ADMIN, PASSWORD).status == 401


def test_a_cookie_after_log_out_is_worth_nothing(admin: Browser) -> None:
    cookies = dict(admin.cookies)
    token = admin.token("/certificates")
    assert admin.post("/logout", {"token": token}).status == 303
    assert admin.cookies == {}
    admin.cookies = cookies
    assert admin.get("/certificates").status == 401


def test_a_log_in_gives_another_id_than_the_browser_had(browser: Browser) -> None:
    browser.log_in(ADMIN, PASSWORD)
    first = browser.cookies["cucmsh"]
    stolen = Browser(browser.port)
    stolen.cookies = {"cucmsh": first}
    fields = {"username": ADMIN, "password": PASSWORD}
    fresh = Browser(browser.port)
    fresh.cookies["cucmsh"] = first
    nonce = Browser(browser.port)
    token = nonce.token()
    fresh.cookies |= nonce.cookies
    assert fresh.post("/login", {**fields, "token": token}).status == 303
    assert fresh.cookies["cucmsh"] != first
    assert stolen.get("/certificates").status == 401


@pytest.mark.parametrize("token", ["", "x" * 64])
def test_a_form_without_its_token_logs_nobody_in(browser: Browser, token: str) -> None:
    browser.get("/")
    fields = {"username": ADMIN, "password": PASSWORD, "token": token}
    assert browser.post("/login", fields).status == 401
    assert "cucmsh" not in browser.cookies


def _other_password(site: Site) -> None:
    facts = read_accounts(site)[ADMIN]
    replace_password(site, ADMIN, facts, Secret("other words of theirs"), [])


def _lock(site: Site) -> None:
    for _ in range(3):
        attempt(site, Who(ADMIN, "ssh"), lambda: False)


def _remove(site: Site) -> None:
    Path(site.settings.home, ACCOUNTS).write_text("{}")


@pytest.mark.parametrize("change", [_other_password, _lock, _remove])
def test_a_session_ends_with_its_account(
    admin: Browser, cluster: MadeCluster, change: Callable[[Site], None]
) -> None:
    assert admin.get("/certificates").status == 200
    change(cluster.site)
    assert admin.get("/certificates").status == 401


class SetClock:
    """Seconds that stand still until they are set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_sessions_end_when_they_are_idle_and_in_any_case() -> None:
    clock = SetClock()
    table = Sessions(60, 300, clock)
    name = table.begin(ADMIN, Privilege.ALL, "mark")
    for clock.seconds in (59.0, 118.0, 177.0, 236.0, 295.0):
        assert table.find(name, lambda _: "mark")
    clock.seconds = 300.0
    assert table.find(name, lambda _: "mark") is None
    name = table.begin(ADMIN, Privilege.ALL, "mark")
    clock.seconds += 60
    assert table.find(name, lambda _: "mark") is None


def test_the_table_keeps_digests_and_never_grows_beyond_its_bound() -> None:
    clock = SetClock()
    table = Sessions(1e9, 1e9, clock)
    names = []
    for number in range(MOST + 1):
        clock.seconds = number
        names.append(table.begin(ADMIN, Privilege.ALL, "mark"))
    assert not any(name in str(vars(table)) for name in names)
    assert table.find(names[0], lambda _: "mark") is None
    assert table.find(names[1], lambda _: "mark")


def test_a_configuration_that_cannot_be_read_is_said_on_a_page(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    """Whoever edits it has a page all the while, and a reason."""
    configuration = tmp_path / "cucmsh.toml"
    configuration.write_text("")
    settings = cluster.site.settings
    at = configuration.stat()
    stamp = (at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns)
    opened: list[Path] = []

    def open_site() -> Site:
        if opened:
            raise ConfigurationError(f"{configuration}: line 1: <oops>")
        opened.append(configuration)
        named = settings._replace(path=str(configuration), stamp=stamp, lab="lab")
        return cluster.site.with_settings(named._replace(own_web=LAB))

    with page_of(open_site) as browser:
        browser.log_in(ADMIN, PASSWORD)
        assert browser.get("/certificates").status == 200
        configuration.write_text("<oops>")
        broken = browser.get("/certificates")
    assert broken.status == 500
    assert "line 1: &lt;oops&gt;" in broken.text
    assert broken.headers["content-security-policy"]
