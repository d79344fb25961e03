"""A node's files over HTTP: what phones and curl get, and what nobody does."""

from __future__ import annotations

import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.lab import http_server
from cucmsh.lab.conditions import TFTP_SILENT, Conditions
from cucmsh.lab.gate import Gate
from cucmsh.lab.http_server import HttpServer
from cucmsh.tftp.server import Conduct

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
LIST = bytes(range(256)) * 40
SECONDS = 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpServer]:
    served = tmp_path / "served"
    (served / "folder").mkdir(parents=True)
    (served / "ITLFile.tlv").write_bytes(LIST)
    (served / "empty").write_bytes(b"")
    (served / "folder" / "a b").write_bytes(b"inner")
    (tmp_path / "secret").write_bytes(b"secret")
    (served / "link").symlink_to(tmp_path / "secret")
    running = HttpServer(HOST, 0, served)
    running.start()
    yield running
    running.stop()


def talk(server: HttpServer, sent: bytes) -> bytes:
    """All that it answers until it closes; it need not wait for our end."""
    with socket.create_connection(server.address, SECONDS) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(1 << 16):
            answer += piece
    return answer


def get(server: HttpServer, name: str) -> bytes:
    host, port = server.address
    return talk(server, f"GET /{name} HTTP/1.1\r\nHost:{host}:{port}\r\n\r\n".encode())


def test_the_two_lines_of_a_phone_are_answered_as_the_original_does(
    server: HttpServer,
) -> None:
    head, _, content = get(server, "ITLFile.tlv").partition(b"\r\n\r\n")
    assert content == LIST
    first, *lines = head.split(b"\r\n")
    assert first == b"HTTP/1.1 200 OK"
    assert lines == [
        b"Content-length: %d" % len(LIST),
        b"Cache-Control: no-store",
        b"Content-type: */*",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "", "folder", "folder/", "empty", "link", "../secret"),
        *("folder/../../secret", "%2e%2e/secret", "a%00b", "%ff", ".", "//etc/passwd"),
    ],
)
def test_nothing_else_is_given_out(server: HttpServer, name: str) -> None:
    answer = get(server, name)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\nContent-length: 0\r\n")
    assert b"secret" not in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /folder/a%20b?x HTTP/1.0\r\n\r\n", 200),
        (b"POST / HTTP/1.1\r\nHost:a\r\nContent-Length:3\r\n\r\nabc", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET /" + b"a" * (17 << 10), 431),
        (b"GET / HTTP/1.1\r\nHost:a\r\n" + b"a:b\r\n" * 4000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_requests_that_no_phone_sends(
    server: HttpServer, sent: bytes, status: int
) -> None:
    assert talk(server, sent).startswith(b"HTTP/1.1 %d " % status)


def test_head_sends_no_file(server: HttpServer) -> None:
    answer = talk(server, b"HEAD /ITLFile.tlv HTTP/1.1\r\nHost:a\r\n\r\n")
    assert b"Content-length: %d" % len(LIST) in answer
    assert answer.endswith(b"\r\n\r\n")


def test_several_requests_of_one_connection_are_answered(server: HttpServer) -> None:
    request = b"GET /folder/a%20b HTTP/1.1\r\nHost:a\r\n\r\n"
    assert talk(server, request * 3).count(b"inner") == 3


def test_curl_gets_the_file(server: HttpServer) -> None:
    host, port = server.address
    url = f"http://{host}:{port}/ITLFile.tlv"
    argv = ["curl", "-sS", "--noproxy", "*", "--max-time", str(SECONDS), url]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == LIST


def test_a_client_that_says_nothing_is_closed(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.05)
    with socket.create_connection(server.address, SECONDS) as silent:
        silent.settimeout(SECONDS)
        assert silent.recv(1) == b""


def test_a_slow_request_is_not_waited_for_byte_by_byte(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.2)
    with socket.create_connection(server.address, SECONDS) as slow:
        slow.settimeout(0.01)
        with pytest.raises(OSError):  # noqa: PT012 - which call fails is the network's
            while True:
                slow.sendall(b"G")
                try:
                    assert slow.recv(1) == b""
                    raise ConnectionResetError
                except TimeoutError:
                    continue


class Told(Conduct):
    """Answers late, or nobody."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.is_silent = False

    @property
    def delay_seconds(self) -> float:
        return self.seconds

    def answers(self, client: tuple[str, int], table: str = "udp") -> bool:
        assert client[0] == HOST
        assert table == "tcp"
        return not self.is_silent


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[HttpServer, Told]]:
    (tmp_path / "ITLFile.tlv").write_bytes(LIST)
    conduct = Told()
    running = HttpServer(HOST, 0, tmp_path, conduct)
    running.start()
    yield running, conduct
    running.stop()


def test_a_delayed_answer_comes_though_it_is_later_than_clients_may_be(
    told: tuple[HttpServer, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, conduct = told
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.2)
    conduct.seconds = 0.3
    before = time.monotonic()
    assert get(server, "ITLFile.tlv").endswith(LIST)
    assert time.monotonic() - before >= conduct.seconds


def test_a_silent_service_takes_the_connection_and_answers_nobody(
    told: tuple[HttpServer, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, conduct = told
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.05)
    conduct.is_silent = True
    with socket.create_connection(server.address, SECONDS) as client:
        client.settimeout(SECONDS)
        client.sendall(b"GET /ITLFile.tlv HTTP/1.1\r\nHost:a\r\n\r\n")
        with suppress(ConnectionResetError):  # what was not read is in its way
            assert client.recv(1) == b""
    conduct.is_silent = False
    assert get(server, "ITLFile.tlv").endswith(LIST)


class _Counting(Conduct):
    """Knows how often each file was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def file_of(self, name: str) -> str:
        self.asked[name] += 1
        return name


@pytest.fixture
def large(tmp_path: Path) -> Iterator[tuple[HttpServer, Counter[str]]]:
    """A server of two files whose answers do not fit into a socket, and its count."""
    (tmp_path / "100k").write_bytes(b"x" * 100_000)
    (tmp_path / "4M").write_bytes(b"y" * http_server.MAX_FILE)
    conduct = _Counting()
    running = HttpServer(HOST, 0, tmp_path, conduct)
    running.start()
    yield running, conduct.asked
    running.stop()


def _reader(server: HttpServer) -> socket.socket:
    """One whose kernel keeps little of what it does not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(SECONDS)
    client.connect(server.address)
    return client


@pytest.mark.thorough
def test_who_reads_no_answer_gets_no_more_of_them_until_it_does(
    large: tuple[HttpServer, Counter[str]],
) -> None:
    server, asked = large
    request, many = b"GET /100k HTTP/1.1\r\nHost:a\r\n\r\n", 150
    with _reader(server) as client:
        client.sendall(request * many)
        client.shutdown(socket.SHUT_WR)
        # What came before these was looked at before them.
        for _ in range(3):
            get(server, "nothing")
        assert 0 < asked["/100k"] < many // 2
        with client.makefile("rb") as stream:
            answered = stream.read()
    assert asked["/100k"] == answered.count(b"200 OK") == many
    assert answered.count(b"x" * 100_000) == many


def test_who_reads_slowly_has_the_time_of_a_reader(
    large: tuple[HttpServer, Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = large
    with _reader(server) as client:
        with monkeypatch.context() as brief:
            brief.setattr(http_server, "READ_SECONDS", 0.05)
            client.sendall(b"GET /4M HTTP/1.0\r\n\r\n")
            client.recv(1, socket.MSG_PEEK)
            with socket.create_connection(server.address, SECONDS) as silent:
                assert silent.recv(1) == b""  # so long does it wait for a request
        with client.makefile("rb") as stream:
            assert stream.read().endswith(b"\n" + b"y" * http_server.MAX_FILE)


def test_who_does_not_read_at_all_is_hung_up_on(
    large: tuple[HttpServer, Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.1)
    server, _ = large
    with _reader(server) as client:
        client.sendall(b"GET /4M HTTP/1.1\r\nHost:a\r\n\r\n")
        client.recv(1, socket.MSG_PEEK)
        with socket.create_connection(server.address, SECONDS) as silent:
            assert silent.recv(1) == b""
        with client.makefile("rb") as stream:
            assert stream.read().count(b"y") < http_server.MAX_FILE


def test_more_clients_than_it_takes_are_told_that_it_is_busy(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "MOST_CONNECTIONS", 1)
    with socket.create_connection(server.address, SECONDS) as first:
        first.sendall(b"GET /nothing HTTP/1.1\r\nHost:a\r\n\r\n")
        assert first.recv(9) == b"HTTP/1.1 "
        assert talk(server, b"").startswith(b"HTTP/1.1 503 ")


def test_it_starts_again_on_the_same_port(server: HttpServer) -> None:
    address = server.address
    server.stop()
    with pytest.raises(OSError):
        socket.create_connection(address, SECONDS)
    server.start()
    server.start()
    assert server.address == address
    assert server.is_running
    assert b"200 OK" in get(server, "ITLFile.tlv")


def test_a_port_in_use_is_told(server: HttpServer, tmp_path: Path) -> None:
    other = HttpServer(*server.address, tmp_path)
    with pytest.raises(ServiceError, match="cannot listen"):
        other.start()


def test_the_world_is_not_listened_to(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        HttpServer("0.0.0.0", 0, tmp_path)


def test_the_gate_of_a_node_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "READ_SECONDS", 0.05)
    (tmp_path / "ITLFile.tlv").write_bytes(LIST)
    gate = Gate("", "")
    running = HttpServer(HOST, 0, tmp_path, gate)
    running.start()
    try:
        gate.conditions = Conditions(delay_ms=60)
        assert get(running, "ITLFile.tlv").endswith(LIST)
        gate.conditions = Conditions(failures=frozenset({TFTP_SILENT}))
        with suppress(ConnectionResetError):
            assert get(running, "ITLFile.tlv") == b""
    finally:
        running.stop()
