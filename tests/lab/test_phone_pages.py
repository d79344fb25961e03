"""The lab's page server: which requests it answers, and how long it waits for one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread
from typing import NamedTuple

import pytest

from cucmsh.lab.phones.pages_server import PageServer, page_address
from cucmsh.phones.facts import PhoneFacts
from tests.phones.made_facts import made_facts

pytestmark = pytest.mark.loopback

NAME = "SEP001122334455"
CONFIGURATION = "/CGI/Java/Serviceability?adapter=device.statistics.configuration"
EIGHT = made_facts("8845")
SECONDS = 15


class Answer(NamedTuple):
    status: int
    kind: str
    text: str


@contextmanager
def served(*phones: PhoneFacts, life_seconds: float = SECONDS) -> Iterator[int]:
    """The port of a server in a thread of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    loop = asyncio.new_event_loop()
    known = {facts.name: facts for facts in phones}
    server = PageServer(listener, known.get, lambda: known, life_seconds=life_seconds)
    loop.run_until_complete(server.start())
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def get(port: int, target: str, host: str = "", method: str = "GET") -> Answer:
    asking = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"Host": host} if host else {}
    asking.request(method, target, headers=headers)
    found = asking.getresponse()
    text = found.read().decode()
    asking.close()
    return Answer(found.status, found.headers.get("content-type", ""), text)


def test_a_phone_answers_by_path_and_by_host() -> None:
    with served(EIGHT) as port:
        by_path = get(port, f"/{NAME}{CONFIGURATION}")
        by_host = get(port, CONFIGURATION, f"{NAME}.localhost:{port}")
        listed = get(port, "/")
        xml = get(port, f"/{NAME}/DeviceLogX?2")
        address = page_address(port, NAME, "8845")
        status = get(port, address.removeprefix(f"http://127.0.0.1:{port}"))
    assert (by_path.status, by_host.status) == (200, 200)
    assert f'href="/{NAME}/CGI/' in by_path.text
    assert by_path.text.replace(f"/{NAME}/", "/") == by_host.text
    assert by_path.kind.startswith("text/html")
    assert xml.kind.startswith("text/xml")
    assert "ITL installed" in status.text
    assert f"/{NAME}/" in listed.text


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/", "evil.example", 421),
        (f"/{NAME}/", "evil.example:80", 421),
        ("/", "SEP00112233445.localhost", 421),
        ("/", "SEP998877665544", 404),
        ("/SEP998877665544/", "", 404),
        (f"/{NAME}/nothing", "", 404),
        (f"/{NAME}/../../etc/passwd", "", 404),
    ],
)
def test_what_is_no_phone_of_the_lab_is_refused(
    target: str, host: str, status: int
) -> None:
    with served(EIGHT) as port:
        answer = get(port, target, host)
    assert answer.status == status
    assert answer.kind.startswith("text/plain")


def test_a_page_that_is_turned_off_is_not_served() -> None:
    closed = EIGHT._replace(is_web_open=False)
    unplugged = EIGHT._replace(name="SEP001122334466", is_plugged=False)
    with served(closed, unplugged) as port:
        assert get(port, f"/{NAME}/").status == 403
        assert get(port, f"/{unplugged.name}/").status == 503


def test_nothing_is_changed_through_it() -> None:
    with served(EIGHT) as port:
        assert get(port, f"/{NAME}/", method="POST").status == 405


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_silent_client_is_let_go(sent: bytes) -> None:
    with (
        served(EIGHT, life_seconds=0.05) as port,
        socket.create_connection(("127.0.0.1", port), SECONDS) as asking,
    ):
        asking.sendall(sent)
        assert asking.recv(1) == b""


def test_an_endless_head_is_refused() -> None:
    with (
        served(EIGHT) as port,
        socket.create_connection(("127.0.0.1", port), SECONDS) as asking,
    ):
        asking.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (17 * 1024))
        assert b"400" in asking.recv(100)


def test_a_silent_client_keeps_nobody_waiting() -> None:
    with served(EIGHT) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        try:
            assert get(port, f"/{NAME}/").status == 200
        finally:
            for each in silent:
                each.close()
