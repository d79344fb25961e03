"""Reading back through TFTP: the lab's service, nobody, and services that misbehave."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.cluster import tftp
from cucmsh.cluster.model import TftpAddress
from cucmsh.cluster.store import MAX_FILE_SIZE
from cucmsh.cluster.tftp import read_back
from cucmsh.errors import ConnectionFailedError, MissingFileError
from cucmsh.lab.tftp_server import TftpServer

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
SOON = 0.3  # seconds


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TftpServer]:
    service = TftpServer(HOST, 0, tmp_path)
    service.start()
    yield service
    service.stop()


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 5302, 100_000])
def test_bytes_come_back_as_they_are_served(
    server: TftpServer, tmp_path: Path, size: int
) -> None:
    raw = os.urandom(size)
    (tmp_path / "ITLFile.tlv").write_bytes(raw)
    assert read_back(TftpAddress(*server.address), "ITLFile.tlv") == raw


def test_missing_file_is_told_apart(server: TftpServer) -> None:
    with pytest.raises(MissingFileError, match=r"ITLFile\.tlv"):
        read_back(TftpAddress(*server.address), "ITLFile.tlv")


STRANGER = """
import sys
from cucmsh.cluster.model import TftpAddress
from cucmsh.cluster.tftp import read_back
from cucmsh.errors import MissingFileError
try:
    read_back(TftpAddress("127.0.0.1", int(sys.argv[1])), "ITLFile.tlv")
except MissingFileError as problem:
    print(problem)
"""


def test_missing_file_says_nothing_beside_the_error(server: TftpServer) -> None:
    # A process of its own: pytest has its hands in the logging of this one.
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, str(server.address[1])],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "has no ITLFile.tlv" in done.stdout
    assert not done.stderr


def test_file_without_end_is_cut_off(server: TftpServer, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(MAX_FILE_SIZE + 1))
    with pytest.raises(ConnectionFailedError, match="too large"):
        read_back(TftpAddress(*server.address), "large")


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[int], bytes]], TftpAddress]]:
    """A service that answers the n-th datagram with what the function gives."""
    threads = []
    listeners = []

    def start(answer: Callable[[int], bytes]) -> TftpAddress:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((HOST, 0))

        def serve() -> None:
            number = 0
            while True:
                datagram, client = listener.recvfrom(2000)
                if datagram == b"end":
                    return
                if raw := answer(number):
                    listener.sendto(raw, client)
                number += 1

        threads.append(threading.Thread(target=serve))
        listeners.append(listener)
        threads[-1].start()
        return TftpAddress(*listener.getsockname())

    yield start
    for thread, listener in zip(threads, listeners, strict=True):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"end", listener.getsockname())
        thread.join()
        listener.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tftp, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(tftp, "DOWNLOAD_SECONDS", 0.5)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3


def slowly(raw: bytes) -> bytes:
    threading.Event().wait(0.05)
    return raw


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"",
        lambda n: b"\0\3\0\1" + bytes(512) if n == 0 else b"",
        lambda _: b"\0\3\0\1" + bytes(512),
        lambda _: b"\0\3\0\7late",
        lambda n: slowly(b"\0\3" + (n + 1).to_bytes(2) + bytes(512)),
    ],
    ids=[
        "silence",
        "one block",
        "the same block for ever",
        "another block",
        "slow blocks",
    ],
)
def test_service_that_never_finishes_ends_in_time(
    answering: Callable[[Callable[[int], bytes]], TftpAddress],
    impatient: None,
    answer: Callable[[int], bytes],
) -> None:
    with pytest.raises(ConnectionFailedError, match="does not answer"):
        read_back(answering(answer), "ITLFile.tlv", SOON)


def test_port_where_nobody_listens_says_so(impatient: None) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind((HOST, 0))
        address = TftpAddress(*closed.getsockname())
    with pytest.raises(ConnectionFailedError, match=f"port {address.port}"):
        read_back(address, "ITLFile.tlv", SOON)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"\0", b"\0\0", b"\0\3", b"\0\3\0", b"\0\5", b"\0\5\0\2", b"\0\5\0\1\xff"),
        *(b"\0\6blksize\0abc\0", b"\0\6blksize", b"\0\6\xff\0\xff\0", b"\0\6x\0y\0"),
        *(b"\0\4\0\1", b"\0\1a\0octet\0", b"\xff\xff", b"junk", b"\0\5\0\0oops\0"),
    ],
)
def test_hostile_answer_is_an_error_of_ours(
    answering: Callable[[Callable[[int], bytes]], TftpAddress],
    impatient: None,
    raw: bytes,
) -> None:
    address = answering(lambda _: raw)
    with pytest.raises((ConnectionFailedError, MissingFileError)):
        read_back(address, "ITLFile.tlv", SOON)


def test_service_that_comes_up_late_is_waited_for(
    answering: Callable[[Callable[[int], bytes]], TftpAddress], impatient: None
) -> None:
    """A restart ends before the service answers."""
    whole = b"\0\3\0\1" + b"the list"
    address = answering(lambda number: b"" if number < 2 else whole)
    assert read_back(address, "ITLFile.tlv") == b"the list"


def test_service_without_options_gives_blocks_of_its_own_size(
    answering: Callable[[Callable[[int], bytes]], TftpAddress], impatient: None
) -> None:
    blocks = [b"\0\3\0\1" + bytes(512), b"\0\3\0\2end"]
    address = answering(lambda number: blocks[number] if number < 2 else b"")
    assert read_back(address, "ITLFile.tlv") == bytes(512) + b"end"


def test_service_that_refuses_options_is_asked_without(
    answering: Callable[[Callable[[int], bytes]], TftpAddress], impatient: None
) -> None:
    says = [b"\0\5\0\x08no options\0", b"\0\3\0\1whole"]
    address = answering(lambda number: says[number] if number < 2 else b"")
    assert read_back(address, "ITLFile.tlv") == b"whole"
