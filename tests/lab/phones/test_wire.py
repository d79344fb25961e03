"""How a lab phone asks for files, of servers good and bad."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.lab.http_server import HttpServer
from cucmsh.lab.phones import wire
from cucmsh.lab.phones.wire import Fetched, Outcome, fetch_http, fetch_tftp
from cucmsh.tftp.server import TftpServer

pytestmark = pytest.mark.loopback

HOST, OWN = "127.0.0.1", "127.1.0.7"
NAME = "ITLSEP02C188450001.tlv"
CONTENT = bytes(range(256)) * 33  # a whole number of blocks, and a bit
Talk = Callable[[socket.socket], None]


@pytest.fixture
def served(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_bytes(CONTENT)
    (tmp_path / "even").write_bytes(CONTENT[: 512 * 4])
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path


def by_http(port: int, name: str = NAME) -> Fetched:
    return asyncio.run(fetch_http((HOST, port), name, OWN))


def by_tftp(port: int, name: str = NAME) -> Fetched:
    return asyncio.run(fetch_tftp((HOST, port), name, OWN))


@pytest.fixture
def http(served: Path) -> Iterator[int]:
    server = HttpServer(HOST, 0, served)
    server.start()
    yield server.address[1]
    server.stop()


@pytest.fixture
def tftp(served: Path) -> Iterator[int]:
    server = TftpServer(HOST, 0, served)
    server.start()
    yield server.address[1]
    server.stop()


def test_both_ways_bring_the_file(http: int, tftp: int) -> None:
    for name in (NAME, "even"):
        found = by_http(http, name), by_tftp(tftp, name)
        assert found[0] == found[1]
        assert found[0].is_here
    assert by_http(http).content == CONTENT


def test_a_missing_file_is_missing(http: int, tftp: int) -> None:
    assert by_http(http, "nothing").outcome is Outcome.MISSING
    assert by_tftp(tftp, "nothing").outcome is Outcome.MISSING


def test_a_file_of_no_bytes(http: int, tftp: int) -> None:
    assert by_http(http, "empty").outcome is Outcome.MISSING
    assert by_tftp(tftp, "empty") == Fetched(Outcome.HERE)


def tcp_server(talk: Talk) -> tuple[int, threading.Thread]:
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        with listener, listener.accept()[0] as client:
            talk(client)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


def test_its_request_has_two_lines_and_comes_from_its_own_address() -> None:
    seen: list[object] = []

    def talk(client: socket.socket) -> None:
        seen.append(client.getpeername()[0])
        seen.append(client.recv(1 << 16))
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\nok")
        seen.append(client.recv(1))

    port, thread = tcp_server(talk)
    assert by_http(port).content == b"ok"
    thread.join()
    request = f"GET /{NAME} HTTP/1.1\r\nHost:{HOST}:{port}\r\n\r\n".encode()
    assert seen == [OWN, request, b""]  # and the phone closes


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Outcome.MISSING),
        (b"HTTP/1.1 503 Busy\r\n\r\n", Outcome.MISSING),
        (b"HTTP/1.1 500 No\r\nContent-length: 0\r\n\r\n", Outcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", Outcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-length: -1\r\n\r\nabc", Outcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-length: 4\r\n\r\nabc", Outcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-length: 2097153\r\n\r\n", Outcome.BROKEN),
        (
            b"HTTP/1.1 200 OK\r\nContent-length: %s\r\n\r\n" % (b"9" * 5000),
            Outcome.BROKEN,
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Outcome.BROKEN),
        (b"\r\n\r\n", Outcome.BROKEN),
        (b"x" * (9 << 10), Outcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\n", Outcome.SILENT),
        (b"", Outcome.SILENT),
    ],
)
def test_answers_that_are_no_file(answer: bytes, outcome: Outcome) -> None:
    def talk(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(answer)

    port, thread = tcp_server(talk)
    found = by_http(port)
    thread.join()
    assert (found.outcome, found.content) == (outcome, b"")


def test_a_server_that_says_nothing_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HTTP_SECONDS", 0.05)
    with socket.create_server((HOST, 0)) as listener:
        assert by_http(listener.getsockname()[1]).outcome is Outcome.SILENT


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HOST, 0))
        return int(holder.getsockname()[1])


def test_where_nobody_listens_it_is_known_at_once() -> None:
    port = closed_port()
    assert by_http(port).outcome is Outcome.SILENT
    found = by_tftp(port)
    assert found.outcome is Outcome.SILENT
    assert found.problem != "TFTP timeout"  # the network says so


def test_a_file_that_is_too_large_is_not_waited_for() -> None:
    def talk(client: socket.socket) -> None:
        client.recv(1 << 16)
        size = wire.MAX_DOWNLOAD + 1
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-length: %d\r\n\r\n" % size)
        assert client.recv(1) == b""  # the phone closes

    port, thread = tcp_server(talk)
    found = by_http(port)
    thread.join()
    assert found == Fetched(Outcome.BROKEN, problem="a file that is too large")


def test_a_silent_tftp_server_is_asked_again_and_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "REPEAT_SECONDS", 0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        found = by_tftp(silent.getsockname()[1])
        assert found == Fetched(Outcome.SILENT, problem="TFTP timeout")
        request = b"\0\1" + NAME.encode() + b"\0octet\0"  # without options
        silent.setblocking(False)
        for _ in range(1 + wire.MOST_REPEATS):
            assert silent.recv(1 << 16) == request
        with pytest.raises(BlockingIOError):
            silent.recv(1 << 16)


def test_a_tftp_server_that_sends_nonsense_is_broken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))

        def talk() -> None:
            _, client = server.recvfrom(1 << 16)
            server.sendto(b"\0\6blksize\x008192\0", client)  # nobody asked for it

        thread = threading.Thread(target=talk)
        thread.start()
        assert by_tftp(server.getsockname()[1]).outcome is Outcome.BROKEN
        thread.join()
