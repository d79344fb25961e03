"""Debian's Chromium without a window, which reaches nothing but this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    sync_playwright,
)

SECONDS = 60
PAGE_SECONDS = 20
PROGRAM = "/usr/bin/chromium"
OPTIONS = (
    "--no-sandbox",  # as root it has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def shown(url: str, profile: Path) -> str:
    """The document as Chromium has it after it ran whatever was in it."""
    return _run(profile, "--dump-dom", url).decode()


def picture(url: str, profile: Path, to: Path) -> bytes:
    """A picture of the page, PNG."""
    _run(
        profile, "--hide-scrollbars", "--window-size=760,330", f"--screenshot={to}", url
    )
    return to.read_bytes()


def _run(profile: Path, *words: str) -> bytes:
    return subprocess.run(
        ["chromium", "--headless", *OPTIONS, f"--user-data-dir={profile}", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=SECONDS,
    ).stdout


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is driven; no event loop may run in this thread meanwhile."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One page of a browser; whatever it complained of is kept.

    Args:
        context: cookies and settings; the window is new.
        address: what paths are added to.

    Attributes:
        page: drives it.
        complaints: console messages, errors of scripts, requests that failed.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self._address = address.rstrip("/")
        self.page.set_default_timeout(PAGE_SECONDS * 1000)
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the window went on to another page
            self.complaints.append(f"{request.url}: {request.failure}")

    def open(self, path: str) -> None:
        self.page.goto(self._address + path)

    @property
    def path(self) -> str:
        """Where it is, with the query."""
        return self.page.url.removeprefix(self._address)

    def violations(self) -> str:
        """What axe-core finds, by WCAG and its own advice; empty for nothing."""
        # What it would fetch again by itself, the page's policy refuses.
        found = Axe().run(self.page, options={"preload": False})
        return found.generate_report() if found.violations_count else ""

    def tree(self) -> list[Heard]:
        """What a screen reader is told, in its order."""
        session = self.page.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        return [_heard(node) for node in nodes if not node["ignored"]]

    def is_wider_than_its_window(self) -> bool:
        """Whether it scrolls sideways as a whole."""
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))


class Heard(NamedTuple):
    """One node of the accessibility tree.

    Attributes:
        role: such as ``link``.
        name: what is read out.
        properties: such as ``focusable``.
    """

    role: str
    name: str
    properties: dict[str, Any]


def _heard(node: dict[str, Any]) -> Heard:
    told = {each["name"]: each["value"].get("value") for each in node["properties"]}
    return Heard(node["role"]["value"], node.get("name", {}).get("value", ""), told)
