"""The page in a browser: seen, by keyboard, read out, narrow, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize

from cucmsh import services
from cucmsh.errors import RefusedError
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from tests.rigs.chromium import Window, chromium
from tests.rigs.loopback import LOOPBACK
from tests.rigs.page import page
from tests.web.conftest import ADMIN, PASSWORD, made_cluster
from tests.web.phones_known import MARKUP, asked, digest, record

pytestmark = pytest.mark.lab  # by time: a browser

NARROW = ViewportSize(width=320, height=640)  # WCAG 2.2, 1.4.10
WIDE = ViewportSize(width=1200, height=800)
MOST_PAGES = 60
FOCUSED = """() => {
    const it = document.activeElement, style = getComputedStyle(it);
    const ring = style.outlineStyle !== "none" ? parseFloat(style.outlineWidth) : 0;
    const box = it.getBoundingClientRect();
    return [it.outerHTML.split(">")[0], ring, box.width * box.height];
}"""
REACHABLE = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']")]
    .map(it => it.outerHTML.split(">")[0])"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patched:
        cluster = made_cluster(tmp_path_factory.mktemp("node"), patched)
        own, name = digest(cluster.publisher), cluster.publisher.node.name
        record(cluster.site, asked(1, own, name), asked(2, MARKUP, name, model=MARKUP))
        yield cluster.site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with page(site) as served:
        yield f"http://{LOOPBACK}:{served.port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def log_in(window: Window) -> None:
    window.open("/")
    window.page.fill("[name=username]", ADMIN)
    window.page.fill("[name=password]", PASSWORD)
    window.page.keyboard.press("Enter")
    window.page.wait_for_selector("nav")


@pytest.fixture(scope="module")
def logged_in(browser: Browser, address: str) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=WIDE)
    log_in(Window(context, address))
    yield context
    context.close()


@pytest.fixture
def window(logged_in: BrowserContext, address: str) -> Iterator[Window]:
    """Logged in; whatever it shows, it complains of nothing."""
    opened = Window(logged_in, address)
    yield opened
    opened.page.close()
    assert opened.complaints == []


@pytest.fixture(scope="module")
def paths(logged_in: BrowserContext, address: str) -> list[str]:
    """Every page that links lead to: one query of each path."""
    window, found, left = Window(logged_in, address), {"/": "/"}, ["/"]
    while left:
        window.open(left.pop())
        links = window.page.eval_on_selector_all(
            "a[href]:not([download])", "all => all.map(it => it.getAttribute('href'))"
        )
        for link in links:
            path = re.split(r"[?#]", link)[0]
            is_page = link.startswith("/") and not _is_file(path)
            if is_page and path not in found and len(found) < MOST_PAGES:
                found[path] = link
                left.append(link)
    window.page.close()
    assert window.complaints == []
    return list(found.values())


def _is_file(path: str) -> bool:
    return bool(re.search(r"\.\w+$|/file$|/metrics$", path))


def test_no_page_makes_the_browser_complain(window: Window, paths: list[str]) -> None:
    assert any(path.startswith("/certificates/one?") for path in paths), paths
    for path in paths:
        window.open(path)
        assert window.page.title(), path
        assert window.complaints == [], path


def test_axe_finds_nothing_wrong_in_light_and_dark(
    window: Window, paths: list[str]
) -> None:
    for path in ["/nothing", "/preview?what=restart", "/map?what=localkey", *paths]:
        window.open(path)
        for scheme in ("light", "dark"):
            window.page.emulate_media(color_scheme=scheme)
            assert window.violations() == "", (path, scheme)
    window.complaints[:] = [each for each in window.complaints if "404" not in each]


def test_axe_finds_nothing_wrong_with_the_log_in(
    browser: Browser, address: str
) -> None:
    window = Window(browser.new_context(color_scheme="dark"), address)
    window.open("/")
    assert window.violations() == ""
    window.page.fill("[name=username]", ADMIN)
    window.page.fill("[name=password]", "another")
    window.page.keyboard.press("Enter")
    window.page.wait_for_selector("[role=alert]")
    assert window.violations() == ""
    window.page.context.close()


def test_a_screen_reader_is_told_where_it_is_and_what_each_thing_is(
    window: Window, paths: list[str]
) -> None:
    for path in paths:
        window.open(path)
        heard = window.tree()
        roles = [each.role for each in heard]
        for landmark in ("banner", "navigation", "main"):
            assert roles.count(landmark) == 1, (path, landmark)
        first = next(each for each in heard if each.role == "heading")
        assert (first.properties["level"], bool(first.name)) == (1, True), path
        assert "".join(first.name.split()) in "".join(window.page.title().split())
        for each in heard:
            is_named = each.name or each.role in ("RootWebArea", "main", "generic")
            if each.properties.get("focusable") and each.role != "main":
                assert is_named, (path, each)
            if each.role in ("table", "columnheader", "region"):
                assert is_named, (path, each)


def test_a_screen_reader_is_told_how_the_certificates_are_sorted(
    window: Window,
) -> None:
    window.open("/certificates?sort=-node")
    heard = window.tree()
    [table] = [each.name for each in heard if each.role == "table"]
    assert table.startswith("Certificates of all nodes")
    columns = [each.name for each in heard if each.role == "columnheader"]
    assert columns[:3] == ["Days left", "Node", "Certificate"]
    sorted_by = window.page.eval_on_selector_all(
        "[aria-sort]", "all => all.map(it => [it.innerText, it.ariaSort])"
    )
    assert sorted_by == [["Node", "descending"]]


def test_every_page_fits_320_points(window: Window, paths: list[str]) -> None:
    window.page.set_viewport_size(NARROW)
    for path in paths:
        window.open(path)
        assert not window.is_wider_than_its_window(), path


def test_tab_reaches_everything_and_shows_where_it_is(
    window: Window, paths: list[str]
) -> None:
    for path in paths:
        window.open(path)
        wanted = window.page.evaluate(REACHABLE)
        seen = []
        for _ in wanted:
            window.page.keyboard.press("Tab")
            what, ring, area = window.page.evaluate(FOCUSED)
            assert ring >= 2, (path, what)
            assert area > 0, (path, what)
            seen.append(what)
        assert seen == wanted, path  # in the order in which it is read


def test_a_regeneration_and_the_hold_after_it_read_as_at_the_prompt(
    window: Window, site: Site
) -> None:
    window.open("/certificates?field=unit&how=is+exactly&text=CallManager")
    window.page.click("tbody a")
    window.page.click("a:text-is('Regenerate')")
    window.page.check("[name=agree]")
    window.page.click("main button")
    window.page.wait_for_selector("[role=status]")
    assert window.path.startswith("/done/")
    done = window.page.inner_text("[role=status]")
    assert "Successfully Regenerated Certificate for CallManager." in done
    assert window.violations() == ""
    window.page.reload()
    assert window.page.inner_text("[role=status]") == done
    window.open("/certificates/regenerate?unit=TVS")
    with pytest.raises(RefusedError) as refused:
        services.require_no_hold(site, Unit.TVS)
    assert "regnerating" in refused.value.message
    shown = window.page.inner_text("[role=status]")
    assert shown == refused.value.message.replace("\n", " ").strip()
    assert "Remaining hold time: " in window.page.inner_text("main")
    assert window.page.locator("main button").count() == 0
    assert window.violations() == ""


def test_the_first_tab_skips_the_menu(window: Window) -> None:
    window.open("/certificates")
    window.page.keyboard.press("Tab")
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.id") == "field"


def test_without_scripts_by_keyboard_from_log_in_to_log_out(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=NARROW)
    window = Window(context, address)
    log_in(window)
    window.page.press("nav a:text-is('Certificates')", "Enter")
    window.page.wait_for_selector("caption")
    window.page.select_option("[name=field]", "unit")
    window.page.fill("[name=text]", "callmanager")
    window.page.press("[name=text]", "Enter")
    window.page.wait_for_selector("text=Clear Filter")
    assert "field=unit" in window.path
    units = set(window.page.locator("tbody td:nth-child(3)").all_inner_texts())
    assert units
    assert all(unit.startswith("CallManager") for unit in units)
    window.page.press("tbody a >> nth=0", "Enter")
    window.page.wait_for_selector("pre")
    window.page.press(".logout button", "Enter")
    window.page.wait_for_selector("[name=password]")
    window.page.go_back()
    window.page.wait_for_selector("[name=password]")  # nothing was kept
    assert [each for each in window.complaints if "401" not in each] == []
    context.close()
