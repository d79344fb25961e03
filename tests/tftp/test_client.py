"""Reading back through TFTP: the lab's service, nobody, and services that misbehave."""

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Self

import pytest

from cucmsh.config.model import TftpAddress
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
)
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.tftp import client as tftp
from cucmsh.tftp.client import read_back
from cucmsh.tftp.server import TftpServer

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
from cucmsh.config.model import TftpAddress
from cucmsh.tftp.client import read_back
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


Reply = Callable[[bytes], bytes]


@pytest.fixture
def server_of() -> Iterator[Callable[[Reply], TftpAddress]]:
    """A service that answers each datagram with what the function gives."""
    with ExitStack() as stack:

        def start(reply: Reply) -> TftpAddress:
            kind = (socket.AF_INET, socket.SOCK_DGRAM)
            listener = stack.enter_context(socket.socket(*kind))
            listener.bind((HOST, 0))

            def serve() -> None:
                while True:
                    datagram, client = listener.recvfrom(2000)
                    if datagram == b"end":
                        return
                    if raw := reply(datagram):
                        listener.sendto(raw, client)

            thread = threading.Thread(target=serve)
            thread.start()
            stack.callback(thread.join)
            stack.callback(listener.sendto, b"end", listener.getsockname())
            return TftpAddress(*listener.getsockname())

        yield start


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tftp, "RESEND_SECONDS", 0.1)
    monkeypatch.setattr(tftp, "DOWNLOAD_SECONDS", 0.5)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3


def slowly(raw: bytes) -> bytes:
    threading.Event().wait(0.05)
    return raw


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: b"", "does not answer: nothing came"),
        (
            lambda n: b"\0\3\0\1" + bytes(512) if n == 0 else b"",
            "went silent in the middle of ITLFile.tlv",
        ),
        (lambda _: b"\0\3\0\1" + bytes(512), "went silent in the middle"),
        (lambda _: b"\0\3\0\7late", "went silent in the middle"),
        (
            lambda n: slowly(b"\0\3" + (n + 1).to_bytes(2) + bytes(512)),
            "does not give ITLFile.tlv within",
        ),
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
    told: str,
) -> None:
    with pytest.raises(ConnectionFailedError, match=told):
        read_back(answering(answer), "ITLFile.tlv", SOON)


@pytest.mark.parametrize("lost", [0, 1], ids=["the request", "an acknowledgement"])
def test_lost_packet_is_sent_again_long_before_the_wait_is_over(
    server_of: Callable[[Reply], TftpAddress], lost: int
) -> None:
    """With the seconds that ship: whoever waits for two still has a second try."""
    seen: list[bytes] = []
    blocks = {b"\0\1": b"\0\3\0\1" + bytes(512), b"\0\4": b"\0\3\0\2end"}

    def reply(datagram: bytes) -> bytes:
        seen.append(datagram)
        return b"" if len(seen) == lost + 1 else blocks[datagram[:2]]

    assert read_back(server_of(reply), "ITLFile.tlv", 2) == bytes(512) + b"end"
    assert seen[lost] == seen[lost + 1]


def test_port_where_nobody_listens_says_so(impatient: None) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind((HOST, 0))
        address = TftpAddress(*closed.getsockname())
    nobody = f"port {address.port} does not answer: nobody listens there"
    with pytest.raises(ConnectionFailedError, match=nobody):
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


@pytest.mark.parametrize(
    "first",
    [
        *(b"\0\5\0\x08no options\0", b"\0\5\0\0odd request\0", b"\0\5\0\4\0"),
        *(b"\0\5\0\1not with options\0", b"\0\6", b"\0\6blksize\x009000\0"),
        *(b"\0\6blksize\x007\0", b"\0\6tsize\x005\0", b"junk"),
    ],
)
def test_service_that_dislikes_options_is_asked_once_more_without(
    server_of: Callable[[Reply], TftpAddress], first: bytes
) -> None:
    asked = []

    def reply(datagram: bytes) -> bytes:
        if datagram.startswith(b"\0\1"):
            asked.append(datagram)
            return first if len(asked) == 1 else b"\0\3\0\1whole"
        return b""

    assert read_back(server_of(reply), "ITLFile.tlv") == b"whole"
    assert asked == [
        b"\0\1ITLFile.tlv\0octet\0blksize\x008192\0",
        b"\0\1ITLFile.tlv\0octet\0",
    ]


@pytest.mark.parametrize(
    ("code", "words", "told", "error"),
    [
        (0, b"Permission denied", "error 0, 'Permission denied'", None),
        (2, b"cannot access \x1b[2Jx", r"error 2, 'cannot access \x1b[2Jx'", None),
        (3, b"", "error 3, without a word", None),
        (1, b"File not found", "error 1, 'File not found'", MissingFileError),
    ],
)
def test_what_was_answered_is_told_in_the_servers_words(
    server_of: Callable[[Reply], TftpAddress],
    code: int,
    words: bytes,
    told: str,
    error: type[CucmshError] | None,
) -> None:
    raw = b"\0\5" + code.to_bytes(2) + words + b"\0"
    with pytest.raises(error or ConnectionFailedError) as refused:
        read_back(server_of(lambda _: raw), "ITLFile.tlv")
    assert told in refused.value.message
    assert refused.value.message.isprintable()
    assert not isinstance(refused.value, NoAnswerError)


def test_silence_to_every_request_with_options_ends_in_one_without(
    server_of: Callable[[Reply], TftpAddress], impatient: None
) -> None:
    address = server_of(lambda raw: b"" if b"blksize" in raw else b"\0\3\0\1whole")
    assert read_back(address, "ITLFile.tlv") == b"whole"


def test_error_that_is_followed_by_silence_is_what_is_told(
    server_of: Callable[[Reply], TftpAddress], impatient: None
) -> None:
    address = server_of(lambda raw: b"\0\5\0\0why\0" if b"blksize" in raw else b"")
    with pytest.raises(ConnectionFailedError, match="error 0, 'why'"):
        read_back(address, "ITLFile.tlv", SOON)


def test_answer_that_is_later_than_the_second_request_counts(
    server_of: Callable[[Reply], TftpAddress], impatient: None
) -> None:
    asked = []

    def reply(datagram: bytes) -> bytes:
        asked.append(datagram)
        if len(asked) == 1:
            threading.Event().wait(0.15)  # the client has asked again by now
        return b"\0\3\0\1whole"

    assert read_back(server_of(reply), "ITLFile.tlv") == b"whole"


@pytest.mark.parametrize("first", ["nobody listens", "silent", "no route"])
def test_name_with_two_addresses_is_asked_at_each(
    server: TftpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    impatient: None,
    first: str,
) -> None:
    (tmp_path / "ITLFile.tlv").write_bytes(b"whole")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        address = other.getsockname()
        if first == "nobody listens":
            other.close()
        if first == "no route":
            address = ("100::1", address[1], 0, 0)  # RFC 6666: nobody is there
        found = [
            (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", address),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", server.address),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert read_back(TftpAddress("both.lab", 69), "ITLFile.tlv") == b"whole"


def test_address_that_nothing_can_be_sent_to_is_given_up(impatient: None) -> None:
    # Port 0 is refused by the system itself, as an address without a route is.
    start = time.monotonic()
    with pytest.raises(ConnectionFailedError, match="does not answer: Invalid"):
        read_back(TftpAddress(HOST, 0), "ITLFile.tlv", SOON)
    assert time.monotonic() - start < tftp.DOWNLOAD_SECONDS


def test_answer_from_another_address_is_not_called_silence(impatient: None) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        asked.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.2", 0))

        def answer() -> None:
            _, peer = asked.recvfrom(600)
            other.sendto(b"\0\3\0\1whole", peer)

        thread = threading.Thread(target=answer)
        thread.start()
        address = TftpAddress(*asked.getsockname())
        with pytest.raises(NoAnswerError, match=r"not answer, but 127\.0\.0\.2 does$"):
            read_back(address, "ITLFile.tlv", SOON)
        thread.join()


def test_what_a_server_has_against_options_is_no_reason_later(
    monkeypatch: pytest.MonkeyPatch,
    server_of: Callable[[Reply], TftpAddress],
) -> None:
    """It refuses options, then begins without and goes silent."""

    def reply(datagram: bytes) -> bytes:
        if b"blksize" in datagram:
            return b"\0\5\0\x08no options\0"
        is_request = datagram[:2] == b"\0\1"
        return b"\0\3\0\1" + bytes(512) if is_request else b""

    monkeypatch.setattr(tftp, "RESEND_SECONDS", 0.05)
    with pytest.raises(NoAnswerError, match="went silent in the middle"):
        read_back(server_of(reply), "ITLFile.tlv", SOON)


def test_name_that_is_none_says_so() -> None:
    with pytest.raises(ConnectionFailedError, match="cannot be asked") as failed:
        read_back(TftpAddress("no.such.host.invalid", 69), "ITLFile.tlv", SOON)
    assert "name" in failed.value.advice


def test_resolver_that_takes_its_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NoAnswerError):
        read_back(TftpAddress("slow.lab", 69), "ITLFile.tlv", SOON)
    over.set()


class Wire:
    """Between a client and a TFTP service: counts, loses and repeats datagrams.

    Args:
        server: what it leads to.
        copies: how many of the n-th datagram, of either side, arrive.
    """

    def __init__(self, server: tuple[str, int], copies: Callable[[int], int]) -> None:
        self._server = server
        self._copies = copies
        self.seen: list[bytes] = []
        self.sent = 0  # datagrams of the client
        self.address = ("", 0)
        self._ours = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "abc"]
        for one in self._ours:
            one.bind((HOST, 0))

    def __enter__(self) -> Self:
        self.address = self._ours[0].getsockname()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours[0].sendto(b"end", self.address)
        self._thread.join()
        for one in self._ours:
            one.close()

    def _run(self) -> None:
        first, near, far = self._ours  # for requests, to the client, to the server
        client, peer = ("", 0), self._server
        while True:
            for one in select.select(self._ours, [], [])[0]:
                raw, sender = one.recvfrom(70_000)
                if raw == b"end":
                    return
                number = len(self.seen)
                self.seen.append(raw)
                if one is far:
                    peer = sender
                    for _ in range(self._copies(number)):
                        near.sendto(raw, client)
                    continue
                self.sent += 1
                copies = self._copies(number)
                if one is first:  # two would be two transfers, whose ports it hides
                    client, peer = sender, self._server
                    copies = min(copies, 1)
                for _ in range(copies):
                    far.sendto(raw, peer)


@pytest.mark.parametrize("size", [5302, 8191, 8192])
def test_list_comes_in_two_round_trips(
    server: TftpServer, tmp_path: Path, size: int
) -> None:
    """A request, and an acknowledgement of the option; the last one is not awaited."""
    raw = os.urandom(size)
    (tmp_path / "ITLFile.tlv").write_bytes(raw)
    with Wire(server.address, lambda _: 1) as wire:
        assert read_back(TftpAddress(*wire.address), "ITLFile.tlv") == raw
        assert wire.sent <= 3 + (size == 8192)


@pytest.mark.parametrize(
    "copies",
    [
        lambda _: 2,
        lambda number: 0 if number % 3 == 1 else 1,
        lambda number: Random(number).choice([0, 1, 1, 3]),
        lambda number: number > 1,
    ],
    ids=["all twice", "a third is lost", "lost and repeated", "the first are lost"],
)
def test_lost_and_repeated_packets_change_no_byte(
    server: TftpServer,
    tmp_path: Path,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    copies: Callable[[int], int],
) -> None:
    monkeypatch.setattr(tftp, "DOWNLOAD_SECONDS", 2.9)
    monkeypatch.setattr("cucmsh.tftp.server.REPEAT_AFTER", 0.05)  # ours: 0.1
    raw = os.urandom(20_000)
    (tmp_path / "ITLFile.tlv").write_bytes(raw)
    with Wire(server.address, copies) as wire:
        assert read_back(TftpAddress(*wire.address), "ITLFile.tlv") == raw


def test_packets_of_another_port_are_told_off_and_count_for_nothing(
    impatient: None,
) -> None:
    kind = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*kind) as true, socket.socket(*kind) as other:
        true.bind((HOST, 0))
        other.bind((HOST, 0))
        other.settimeout(5)
        told = []

        def serve() -> None:
            _, client = true.recvfrom(600)
            true.sendto(b"\0\3\0\1" + bytes(512), client)
            assert true.recv(600) == b"\0\4\0\1"
            other.sendto(b"\0\3\0\2false", client)
            told.append(other.recv(600))
            true.sendto(b"\0\3\0\2true", client)

        thread = threading.Thread(target=serve)
        thread.start()
        address = TftpAddress(*true.getsockname())
        assert read_back(address, "ITLFile.tlv") == bytes(512) + b"true"
        thread.join()
        assert told[0][:4] == b"\0\5\0\5"
