"""Pages of phones are asked for within bounds, and what they show is a claim."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.known import Known, Wanted
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.page_client import LARGEST, PageHost, fetch
from cucmsh.services.phones.poll import Polled, Target, poll
from tests.phones.sip_messages import ITL, NAME
from tests.rigs.loopback import LOOPBACK
from tests.services.made_cluster import MadeCluster, made_cluster

pytestmark = pytest.mark.loopback

SECONDS = 0.5
PAGE = (
    f"<html><title>Cisco IP Phone CP-8845 ( {NAME} )</title><table><tr>"
    f"<td><b> ITL signature</b></td><td></td><td><b>{ITL}</b></td></tr></table></html>"
)
Answer = Callable[[socket.socket], None]


def whole(status: str, *headers: str, body: str = "") -> bytes:
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(head).encode()


def sending(raw: bytes) -> Answer:
    return lambda to: to.sendall(raw)


def without_end(start: bytes, more: bytes, ended: threading.Event) -> Answer:
    """Sends on and on, a little at a time."""

    def answer(to: socket.socket) -> None:
        to.sendall(start)
        while not ended.wait(0.01):
            to.sendall(more)

    return answer


class Web:
    """A server of one answer."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.asked: list[bytes] = []
        self.answer: Answer = sending(b"")
        self._listening = socket.create_server((LOOPBACK, 0))
        self.where = PageHost(LOOPBACK, self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            peer, _ = self._listening.accept()
            with peer, suppress(OSError):
                if self.ended.is_set():
                    return
                self.asked.append(peer.recv(4096).partition(b"\r\n")[0])
                self.answer(peer)

    def close(self) -> None:
        self.ended.set()
        socket.create_connection((self.where.host, self.where.port)).close()
        self._thread.join()
        self._listening.close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


def test_a_page_is_fetched_with_the_address_that_gave_it(web: Web) -> None:
    web.answer = sending(whole("200 OK", body="hello"))
    found = fetch(web.where._replace(folder="/SEP1"), "/CGI?a=b")
    assert (found.status, found.body, found.address) == (200, b"hello", LOOPBACK)
    assert web.asked == [b"GET /SEP1/CGI?a=b HTTP/1.1"]


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b""),  # silence
        (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_page_that_never_ends_is_given_up(
    web: Web, start: bytes, more: bytes
) -> None:
    web.answer = without_end(start, more, web.ended)
    with pytest.raises(NoAnswerError, match="did not end in time"):
        fetch(web.where, "/", SECONDS)


def test_a_page_that_is_too_long_is_given_up(web: Web) -> None:
    web.answer = without_end(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * LARGEST, web.ended)
    with pytest.raises(ConnectionFailedError, match="more than"):
        fetch(web.where, "/")


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        whole("302 Found", "Location: http://192.0.2.1/"),
        whole("302 Found", "Location: https://127.0.0.1/"),
        whole("302 Found", "Location: file:///etc/passwd"),
        whole("302 Found", "Location: http://127.0.0.1:1/"),
        whole("302 Found", "Location: http://[::1"),
        whole("302 Found", "Location: /again"),
        whole("302 Found"),
    ],
)
def test_what_is_no_page_is_one_sentence(web: Web, raw: bytes) -> None:
    web.answer = sending(raw)
    with pytest.raises(ConnectionFailedError) as caught:
        fetch(web.where, "/")
    assert caught.value.message.isprintable()
    assert {line.split()[1] for line in web.asked} <= {b"/", b"/again"}


class Noting:
    def __init__(self) -> None:
        self.phones: list[Polled] = []

    def polled(self, phone: Polled) -> None:
        self.phones.append(phone)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return made_cluster(tmp_path)


def test_what_a_page_shows_is_recorded_and_the_rest_is_said(
    cluster: MadeCluster, web: Web
) -> None:
    web.answer = sending(whole("200 OK", body=PAGE))
    nobody = PageHost(LOOPBACK, 1)
    dialog = Noting()
    done = poll(cluster.site, [Target("", web.where), Target("", nobody)], dialog)
    assert (done.asked, done.read, done.failed) == (2, 1, 1)
    good, bad = dialog.phones
    assert good.claim is not None
    assert good.claim.itl == ITL
    assert "Connection refused" in bad.problem
    with open_inventory(cluster.site) as store:
        (phone,) = store.phones(Wanted(), Known(frozenset()))
    assert (phone.name, phone.itl, phone.itl_by) == (NAME, ITL, Source.PAGE)
    assert (phone.model, phone.address) == ("8845", LOOPBACK)


def test_without_a_name_it_asks_whom_the_inventory_knows(cluster: MadeCluster) -> None:
    with open_inventory(cluster.site) as store:
        # An address of documentation: nobody answers, and no name is asked for.
        claim = Claim(NAME, Source.REGISTER, 1, address="127.0.0.1")
        store.record([claim, claim._replace(phone="SEP000000000000", address="")], 9)
    dialog = Noting()
    done = poll(cluster.site, [], dialog)
    assert done.asked == 1
    assert dialog.phones[0].target.phone == NAME
    assert done.recorded.claims == 0
