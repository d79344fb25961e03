"""The page of a node on a port of its own, and a browser without a screen."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

from cucmsh.app import admit_to_page
from cucmsh.config.web import WebSettings
from cucmsh.services.site import Site
from cucmsh.web.server import Held, serve
from tests.rigs.loopback import LOOPBACK

FORM = "application/x-www-form-urlencoded"
LAB = WebSettings(changes=True, tls=False)  # as a lab has it


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def cookies(self) -> list[str]:
        """Each ``Set-Cookie``."""
        return self.headers.get("set-cookie", "").split("\n")


class Browser:
    """Keeps cookies and follows nothing by itself.

    Args:
        port: of the page.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(
        self,
        method: str,
        path: str,
        body: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        sent = {"Host": f"{LOOPBACK}:{self.port}", **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            connection.request(method, path, body.encode(), sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            told: dict[str, str] = {}
            for name, value in answer.getheaders():
                key = name.lower()
                told[key] = f"{told[key]}\n{value}" if key in told else value
        finally:
            connection.close()
        found = Answer(answer.status, told, text)
        for line in found.cookies:
            name, _, value = line.partition(";")[0].partition("=")
            if name and "Max-Age=0" in line:
                self.cookies.pop(name, None)
            elif name:
                self.cookies[name] = value
        return found

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, "", headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """A form; header names have ``_`` for ``-``."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.ask(
            "POST", path, urlencode(fields), {"Content-Type": FORM, **named}
        )

    def token(self, path: str = "/") -> str:
        """That of the first form of a page."""
        found = re.search(r'name="token" value="([^"]*)"', self.get(path).text)
        assert found, path
        return unescape(found.group(1))

    def log_in(self, account: str, password: str) -> Answer:
        """By the form of the first page."""
        fields = {"username": account, "password": password, "token": self.token()}
        return self.post("/login", fields)


@contextmanager
def page(site: Site, settings: WebSettings = LAB) -> Iterator[Browser]:
    """The page of a node; it runs for the body."""
    shown = site.with_settings(site.settings._replace(own_web=settings, lab="lab"))
    with page_of(lambda: shown) as browser:
        yield browser


@contextmanager
def page_of(open_site: Callable[[], Site]) -> Iterator[Browser]:
    """The same of what that opens, whenever the configuration changes."""
    listener = socket.create_server((LOOPBACK, 0), backlog=64)
    ended = threading.Event()
    thread = threading.Thread(
        target=serve, args=(open_site, admit_to_page, Held(listener, ended))
    )
    thread.start()
    try:
        yield Browser(listener.getsockname()[1])
    finally:
        ended.set()
        thread.join()
        listener.close()
