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
from cucmsh.services.phones.poll import Poll, Polled, Target, poll
from cucmsh.services.site import Site
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


def in_a_lab(site: Site) -> Site:
    """Whose phones are on this machine."""
    return site.with_settings(site.settings._replace(lab="/nowhere"))


def know(site: Site, *claims: Claim) -> None:
    with open_inventory(site) as store:
        store.record(claims, 9)


SAID = Claim(NAME, Source.REGISTER, 1, address=LOOPBACK)
OTHER = "SEP000000000000"


def test_without_a_name_it_asks_whom_the_inventory_knows(cluster: MadeCluster) -> None:
    know(cluster.site, SAID, SAID._replace(phone=OTHER, address=""))
    dialog = Noting()
    done = poll(in_a_lab(cluster.site), [], dialog)
    assert done.asked == 1
    assert dialog.phones[0].target.phone == NAME
    assert done.recorded.claims == 0


def asked_by(
    site: Site, monkeypatch: pytest.MonkeyPatch, seconds: float = 60
) -> tuple[list[str], Poll]:
    """The addresses that a poll would ask; nobody is."""
    asked: list[str] = []

    def note(where: PageHost, *_: object) -> None:
        asked.append(where.host)
        raise ConnectionFailedError("nobody is there")

    monkeypatch.setattr("cucmsh.services.phones.poll.fetch", note)
    monkeypatch.setattr("cucmsh.services.phones.poll.ROUND_SECONDS", seconds)
    monkeypatch.setattr("cucmsh.services.phones.poll.WIDTH", 1)
    return asked, poll(site, [], Noting())


def test_a_stranger_sends_it_neither_here_nor_to_no_host(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = (
        *("127.0.0.1", "::1", "127.8.8.8", "169.254.169.254", "fe80::1", "224.0.0.1"),
        *("ff02::1", "0.0.0.0", "::", "255.255.255.255", "phones.example.org"),
        "::ffff:127.0.0.1",
    )
    everywhere = (*nowhere, "192.0.2.1", "2001:db8::1")
    know(
        cluster.site,
        *(
            SAID._replace(phone=f"SEP{number:012X}", address=address)
            for number, address in enumerate(everywhere)
        ),
    )
    asked, done = asked_by(cluster.site, monkeypatch)
    assert sorted(asked) == ["192.0.2.1", "2001:db8::1"]
    assert done.refused == len(nowhere)


def test_an_address_is_asked_once_and_first_where_a_page_was_shown(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(
        cluster.site,
        *(
            SAID._replace(phone=f"SEP{number:012X}", address=f"192.0.2.{number % 50}")
            for number in range(100)
        ),
        Claim(NAME, Source.PAGE, 1, address="192.0.2.77", itl=ITL),
    )
    asked, done = asked_by(cluster.site, monkeypatch)
    assert asked[0] == "192.0.2.77"
    assert len(asked) == len(set(asked)) == 51
    assert (done.asked, done.left) == (51, 0)


def test_a_round_ends_in_time_and_says_what_is_left(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(cluster.site, SAID._replace(address="192.0.2.1"))
    asked, done = asked_by(cluster.site, monkeypatch, seconds=0)
    assert not asked
    assert (done.asked, done.left, done.exit_status) == (0, 1, 3)


def test_a_page_of_another_phone_is_a_problem(cluster: MadeCluster, web: Web) -> None:
    web.answer = sending(whole("200 OK", body=PAGE))
    dialog = Noting()
    done = poll(cluster.site, [Target(OTHER, web.where)], dialog)
    assert (done.failed, done.recorded.claims) == (1, 0)
    assert NAME in dialog.phones[0].problem
