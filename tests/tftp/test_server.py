"""The lab's TFTP service, asked by tftp-hpa, curl and bare sockets."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, ServiceError
from cucmsh.tftp.server import TftpServer
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"


@pytest.fixture
def served(tmp_path: Path) -> Path:
    directory = tmp_path / "tftp"
    directory.mkdir()
    (directory / "list").write_bytes(os.urandom(5314))
    (tmp_path / "secret").write_bytes(b"root:secret")
    return directory


@pytest.fixture
def server(served: Path) -> Iterator[TftpServer]:
    before = set(threading.enumerate())
    service = TftpServer(HOST, 0, served)
    service.start()
    yield service
    service.stop()
    # A thread that was told to end, paramiko's timers too, may take a moment.
    until(lambda: set(threading.enumerate()) <= before, "a thread is left")


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(5)
        yield one


def ask(
    client: socket.socket, server: TftpServer, datagram: bytes
) -> tuple[bytes, tuple[str, int]]:
    client.sendto(datagram, server.address)
    answer, peer = client.recvfrom(70000)
    return answer, peer


def read_request(name: str, *options: str, mode: str = "octet") -> bytes:
    return b"\0\1" + b"".join(f"{w}\0".encode() for w in (name, mode, *options))


def fetch(client: socket.socket, server: TftpServer, name: str) -> bytes:
    answer, peer = ask(client, server, read_request(name))
    return finish(client, answer, peer)


def finish(client: socket.socket, answer: bytes, peer: tuple[str, int]) -> bytes:
    content = b""
    while True:
        assert answer[:2] == b"\0\3", answer
        content += answer[4:]
        client.sendto(b"\0\4" + answer[2:4], peer)
        if len(answer) < 516:
            return content
        answer = client.recv(600)


def curl(server: TftpServer, name: str, *options: str) -> bytes:
    host, port = server.address
    return subprocess.run(
        ["curl", "-sS", "--max-time", "10", *options, f"tftp://{host}:{port}/{name}"],
        check=True,
        capture_output=True,
    ).stdout


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 5314, 512 * 300])
def test_whole_files_arrive_whatever_their_size(
    server: TftpServer, served: Path, tmp_path: Path, size: int
) -> None:
    content = os.urandom(size)
    (served / "sized").write_bytes(content)
    if size:  # curl takes a tsize of 0 for an error, whoever answers it
        assert curl(server, "sized") == content
    assert curl(server, "sized", "--tftp-no-options") == content
    for mode in ("octet", "netascii"):
        copy = tmp_path / mode
        host, port = server.address
        command = f"get sized {copy}"
        subprocess.run(
            ["tftp", "-m", mode, host, str(port), "-c", *command.split()],
            check=True,
            capture_output=True,
            timeout=20,
        )
        assert copy.read_bytes() == content


def test_block_size_is_negotiated_and_clamped(
    server: TftpServer, client: socket.socket
) -> None:
    asked = read_request("list", "BLKSIZE", "99999999", "tsize", "0")
    answer, peer = ask(client, server, asked)
    assert answer == b"\0\6blksize\x0065464\0tsize\x005314\0"
    client.sendto(b"\0\4\0\0", peer)
    assert len(client.recv(70000)) == 4 + 5314


@pytest.mark.parametrize("value", ["abc", "-1", "0", "7", "", "\N{SUPERSCRIPT TWO}"])
def test_senseless_block_size_is_never_answered_with_an_option(
    server: TftpServer, client: socket.socket, value: str
) -> None:
    answer, _ = ask(client, server, read_request("list", "blksize", value))
    assert answer[:2] in (b"\0\3", b"\0\5")


def test_writing_is_refused_and_touches_nothing(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    before = (served / "list").read_bytes()
    for name in ("list", "new", "folder/new"):
        answer, _ = ask(client, server, b"\0\2" + name.encode() + b"\0octet\0")
        assert answer[:4] == b"\0\5\0\2"
    assert [path.name for path in served.iterdir()] == ["list"]
    assert (served / "list").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/../secret",
        "folder/../../secret",
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "link",
        "linked/secret",
        "folder",
        "folder/",
        "fifo",
        "/",
        ".",
        "..",
        "missing",
        "list/x",
        "{outside}/secret",
        "{outside}/tftp/../secret",
        "a/" * 240,
    ],
)
def test_nothing_but_regular_files_of_the_directory_is_served(
    server: TftpServer, client: socket.socket, served: Path, name: str
) -> None:
    (served / "link").symlink_to("../secret")
    (served / "linked").symlink_to("..")
    (served / "folder").mkdir()
    os.mkfifo(served / "fifo")
    wanted = name.format(outside=served.parent)
    answer, _ = ask(client, server, read_request(wanted))
    assert answer[:2] == b"\0\5"
    assert fetch(client, server, "list") == (served / "list").read_bytes()


def test_leading_slash_means_the_directory(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    (served / "folder").mkdir()
    (served / "folder" / "inner").write_bytes(b"inside")
    assert fetch(client, server, "/folder/inner") == b"inside"


def test_nonsense_ends_neither_the_service_nor_a_running_transfer(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    answer, peer = ask(client, server, read_request("list"))
    dice = random.Random(7)
    whole = read_request("list", "blksize", "1024", "tsize", "0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(server.address)
        for opcode in range(8):
            for length in (*range(12), 600):
                other.send((bytes((0, opcode)) + dice.randbytes(length))[:length])
        for _ in range(300):
            place = dice.randrange(len(whole))
            other.send(whole[:place] + dice.randbytes(1) + whole[place + 1 :])
            other.send(whole[:place])
        other.send(read_request("list") + b"a\0b\0" * 120)
        other.send(b"")
    assert server.is_running
    assert finish(client, answer, peer) == (served / "list").read_bytes()


def test_nonsense_inside_a_transfer_ends_only_that_transfer(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    for nonsense in (
        b"",
        b"\0",
        b"\0\4\0",
        b"\0\3x",
        b"\0\6",
        b"\0\5\0\x63",
        b"\xff" * 9,
    ):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.settimeout(5)
            _, peer = ask(other, server, read_request("list"))
            other.sendto(nonsense, peer)
    assert fetch(client, server, "list") == (served / "list").read_bytes()


def test_stranger_cannot_disturb_a_transfer(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    answer, peer = ask(client, server, read_request("list"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\0\5\0\0stop\0", peer)
        stranger.sendto(b"\0\4\0\1", peer)
    assert finish(client, answer, peer) == (served / "list").read_bytes()


def test_lost_block_is_sent_again(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    first, peer = ask(client, server, read_request("list"))
    again, same = client.recvfrom(600)
    assert (first, peer) == (again, same)
    assert finish(client, again, peer) == (served / "list").read_bytes()


def test_client_says_when_the_last_packet_is_sent_again(
    server: TftpServer, client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.tftp.server.REPEAT_AFTER", 600.0)
    asked = read_request("list", "timeout", "1")
    first, peer = ask(client, server, asked)
    assert first == b"\0\6timeout\x001\0"
    assert client.recvfrom(600) == (first, peer)


def test_silent_client_is_given_up_after_five_repetitions(
    server: TftpServer, client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.tftp.server.REPEAT_AFTER", 0.02)
    first, peer = ask(client, server, read_request("list"))
    for _ in range(5):
        assert client.recvfrom(600) == (first, peer)
    client.connect(peer)
    until(lambda: is_closed(client), "the transfer is kept")


def is_closed(client: socket.socket) -> bool:
    """Whether nobody listens at the port that the client is connected to."""
    client.setblocking(False)
    try:
        client.send(b"\0\4\0\0")  # of no block that is awaited
        client.recv(600)
    except BlockingIOError:
        return False
    except ConnectionRefusedError:
        return True
    return False


def test_client_that_asks_again_from_its_port_is_served(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    _, before = ask(client, server, read_request("list"))
    answer, peer = ask(client, server, read_request("list"))
    assert peer != before  # a transfer of its own, not the old one's repetition
    assert finish(client, answer, peer) == (served / "list").read_bytes()


def test_list_renamed_into_place_reaches_a_running_transfer_whole_or_not_at_all(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    old, new = (served / "list").read_bytes(), os.urandom(5338)
    answer, peer = ask(client, server, read_request("list"))
    (served / "half").write_bytes(new)
    (served / "half").rename(served / "list")
    assert finish(client, answer, peer) == old
    assert fetch(client, server, "list") == new


def test_many_clients_are_served_while_one_says_nothing(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    ask(client, server, read_request("list"))
    wanted = hashlib.sha1((served / "list").read_bytes()).hexdigest()
    found: list[str] = []

    def one() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.settimeout(5)
            found.append(hashlib.sha1(fetch(mine, server, "list")).hexdigest())

    threads = [threading.Thread(target=one) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 32


def test_stop_is_prompt_and_start_comes_back_on_the_same_port(
    server: TftpServer, client: socket.socket, served: Path
) -> None:
    port = server.address
    for _ in range(3):
        ask(client, server, read_request("list"))  # a transfer under way
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 0.3
        assert not server.is_running
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect(port)
            asking.send(read_request("list"))
            with pytest.raises(ConnectionRefusedError):
                asking.recv(600)
        server.start()
        assert server.address == port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            assert fetch(asking, server, "list") == (served / "list").read_bytes()


def test_port_of_somebody_else_is_named(served: Path, client: socket.socket) -> None:
    client.bind((HOST, 0))
    port = client.getsockname()[1]
    service = TftpServer(HOST, port, served)
    with pytest.raises(ServiceError, match=f"{HOST}:{port}"):
        service.start()
    assert not service.is_running
    service.stop()


def test_restart_waits_for_a_port_that_somebody_borrowed(
    server: TftpServer, served: Path, client: socket.socket
) -> None:
    server.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as borrower:
        borrower.bind(server.address)
        given_back = threading.Timer(0.1, borrower.close)
        given_back.start()
        server.start()
        given_back.join()
    assert fetch(client, server, "list") == (served / "list").read_bytes()


def test_service_refuses_to_listen_beyond_this_machine(served: Path) -> None:
    with pytest.raises(RefusedError, match="loopback"):
        TftpServer("0.0.0.0", 0, served)
