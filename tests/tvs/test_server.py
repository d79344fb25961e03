"""What a server answers, and whom it does not; over real sockets and TLS."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from cucmsh.errors import CertificateError, ServiceError
from cucmsh.tvs import contexts
from cucmsh.tvs.answering import Known
from cucmsh.tvs.client import ask
from cucmsh.tvs.codec import (
    HEAD_SIZE,
    MOST_BODY,
    Message,
    QueryAnswer,
    QueryRequest,
    Reader,
    VerifyAnswer,
    VerifyRequest,
    encode,
)
from cucmsh.tvs.contexts import Identity, client_context
from cucmsh.tvs.limits import Limits
from tests.rigs.tvs import (
    HOST,
    ONE_DAY,
    ROLES,
    UNREADABLE,
    Pair,
    Vouching,
    memory_of,
    tvs_process,
)
from tests.rigs.waiting import until
from tests.tvs.conftest import Running, Start

pytestmark = pytest.mark.loopback

DEVICE = "CP-8861-SEP001122334455"
KNOWN = QueryRequest(1001, DEVICE, Vouching.SUBJECT, Vouching.SUBJECT, Vouching.SERIAL)
SECONDS = 10


class Phone:
    """A client that does step by step what a test says."""

    def __init__(self, running: Running, *, buffer: int = 0) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(SECONDS)
        if buffer:  # bytes of answers that wait in the kernel, about
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.connect(running.server.address)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client_context(is_old=False)
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self._reader = Reader()
        self.heard: list[Message] = []

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send()
                self._receive()
            else:
                self.send()
                return

    def send(self) -> None:
        self.sock.sendall(self.outgoing.read())

    def _receive(self) -> bool:
        raw = self.sock.recv(1 << 16)
        self.incoming.write(raw)
        if not raw:
            self.incoming.write_eof()
        return bool(raw)

    def say(self, *raw: bytes) -> None:
        for each in raw:
            self.tls.write(each)
            self.send()

    def hear(self, count: int = 1) -> list[Message]:
        """So many messages; fewer where the server ended."""
        while len(self.heard) < count:
            try:
                raw = self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                self._receive()
                continue
            if not raw:
                break
            self.heard += self._reader.take(raw)
        found, self.heard = self.heard[:count], self.heard[count:]
        return found

    def is_ended(self) -> bool:
        """Wait for the server's end; whether it was said in TLS."""
        try:
            assert self.hear() == []
        except ssl.SSLEOFError:
            return False
        return self.sock.recv(1) == b""


@contextmanager
def phone(running: Running, *, buffer: int = 0) -> Iterator[Phone]:
    made = Phone(running, buffer=buffer)
    try:
        with made.sock:
            made.shake_hands()
            yield made
    finally:
        made.sock.close()


@contextmanager
def bare(running: Running, source: str = "") -> Iterator[socket.socket]:
    address = running.server.address
    where = (source, 0) if source else None
    with socket.create_connection(address, SECONDS, source_address=where) as sock:
        yield sock


def last_of(sock: socket.socket) -> bytes:
    """Everything up to the end; a reset would raise."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def is_served(running: Running) -> bool:
    answer = ask(*running.server.address, KNOWN, trust=lambda _der: True)
    return answer.is_known


def test_a_query_is_answered_with_the_certificate(tvs: Running, pair: Pair) -> None:
    with phone(tvs) as one:
        one.say(encode(KNOWN))
        assert one.hear() == [QueryAnswer(1001, True, pair.der, ROLES, ONE_DAY)]
    assert tvs.lines == []


def test_a_verify_is_answered_without_it(tvs: Running, pair: Pair) -> None:
    with phone(tvs) as one:
        one.say(encode(VerifyRequest(1002, DEVICE, pair.der)))
        assert one.hear() == [VerifyAnswer(1002, True, ROLES, ONE_DAY)]


def test_unknown_is_an_answer_and_a_line(tvs: Running) -> None:
    with phone(tvs) as one:
        one.say(
            encode(VerifyRequest(7, "ATA\x1b[2J", b"stranger")),
            encode(KNOWN._replace(session=8, serial=b"\x0a")),
        )
        assert one.hear(2) == [
            VerifyAnswer(7, False, (), 0),
            QueryAnswer(8, False, b"", (), 0),
        ]
    tvs.logged("'CN=known' of 'CN=known' with serial number 0a: unknown")
    assert all(line.isprintable() for line in tvs.lines)
    assert len(tvs.lines) == 2


class ByName(Vouching):
    """Finds another certificate of that issuer and serial number."""

    def verify(self, _certificate: bytes) -> Known | None:
        return self.known


def test_a_look_up_by_names_alone_verifies_nothing(start: Start) -> None:
    with phone(start(lookup=ByName(b"another"))) as one:
        one.say(encode(VerifyRequest(7, DEVICE, b"presented")))
        assert one.hear() == [VerifyAnswer(7, False, (), 0)]


def test_the_connection_stays_open_after_an_answer_until_it_is_idle(
    start: Start,
) -> None:
    running = start(idle_seconds=1)
    with phone(running) as one:
        for session in range(3):
            one.say(encode(KNOWN._replace(session=session)))
            assert [each.session for each in one.hear()] == [session]
        assert one.is_ended()
    assert running.lines == []


def test_question_goodbye_and_end_at_once_are_answered(tvs: Running) -> None:
    with phone(tvs) as one:
        one.tls.write(encode(KNOWN))
        with suppress(ssl.SSLWantReadError):
            one.tls.unwrap()
        one.send()
        one.sock.shutdown(socket.SHUT_WR)
        answer = last_of(one.sock)
        assert len(answer) > len(one.tls.getpeercert(binary_form=True) or b"")
    assert tvs.lines == []


def test_many_questions_in_one_packet_are_all_answered(tvs: Running) -> None:
    with phone(tvs) as one:
        one.say(b"".join(encode(KNOWN._replace(session=each)) for each in range(50)))
        assert [each.session for each in one.hear(50)] == list(range(50))


@pytest.mark.thorough
def test_who_reads_no_answer_is_read_no_further_and_loses_none(tvs: Running) -> None:
    count = 8_000
    questions = b"".join(encode(KNOWN._replace(session=each)) for each in range(count))
    with phone(tvs, buffer=4096) as one:
        one.sock.setblocking(False)
        one.tls.write(questions)
        unsent = one.outgoing.read()
        with suppress(BlockingIOError):
            while unsent:
                unsent = unsent[one.sock.send(unsent) :]
        assert is_served(tvs)
        sessions: list[int] = []
        one.sock.settimeout(SECONDS)
        while len(sessions) < count:
            if unsent:
                unsent = unsent[one.sock.send(unsent[:4096]) :]
            sessions += [each.session for each in one.hear(1)]
        assert sessions == list(range(count))


@pytest.mark.thorough
def test_who_reads_no_answer_fills_no_memory(pair: Pair) -> None:
    """What it sends stays in its own machine's buffers, and the kernel's."""
    raw = encode(KNOWN._replace(device="x" * 4000)) * 100
    with tvs_process(pair) as process:
        address = HOST, process.port
        assert ask(*address, KNOWN, trust=lambda _der: True).is_known
        before = memory_of(process.pid)
        with socket.create_connection(address, SECONDS) as sock:
            tls = client_context(is_old=False).wrap_socket(sock)
            tls.settimeout(0.3)  # until nothing is taken any more
            with suppress(TimeoutError):
                for _ in range(100):
                    tls.sendall(raw)
            assert memory_of(process.pid) - before < 4 << 20
            tls.close()


def test_a_store_that_cannot_be_read_closes_unanswered(tvs: Running) -> None:
    for question in (
        KNOWN._replace(serial=UNREADABLE),
        VerifyRequest(1, DEVICE, UNREADABLE),
    ):
        with phone(tvs) as one:
            one.say(encode(question))
            assert one.is_ended()
    tvs.logged("left unanswered, so that it asks another: the list cannot be read")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "first byte is 0x47"),
        (encode(KNOWN)[:1] + b"\2" + encode(KNOWN)[2:], "version is 2"),
        (encode(KNOWN)[:10] + bytes(143), "element 0"),
        (encode(VerifyAnswer(1, False, (), 0)), "where a question belongs"),
    ],
)
def test_what_is_no_question_ends_the_connection(
    tvs: Running, raw: bytes, words: str
) -> None:
    with phone(tvs) as one:
        one.say(raw)
        assert one.is_ended()
    tvs.logged(words)
    assert is_served(tvs)


@pytest.mark.thorough
def test_the_largest_question_is_answered_however_it_comes(tvs: Running) -> None:
    raw = encode(VerifyRequest(1, "", b"c" * (65535 - 7)))
    assert len(raw) == HEAD_SIZE + MOST_BODY
    with phone(tvs) as one:
        one.say(raw)
        assert one.hear() == [VerifyAnswer(1, False, (), 0)]
        one.say(*(raw[at : at + 1] for at in range(50)), raw[50:])
        assert one.hear() == [VerifyAnswer(1, False, (), 0)]


def test_every_start_of_a_question_ends_cleanly(start: Start) -> None:
    running = start(message_seconds=0.2)
    raw = encode(KNOWN)
    phones = []
    for cut in (1, 9, 10, 11, len(raw) - 1):
        one = Phone(running)
        phones.append(one)
        one.shake_hands()
        one.say(raw[:cut])
    for one in phones:
        with one.sock:
            assert one.is_ended()
    running.logged("not whole in time")
    assert len(running.lines) == len(phones)


def test_a_question_that_trickles_in_has_no_more_time_than_another(
    start: Start,
) -> None:
    running = start(message_seconds=0.3)
    with phone(running) as one:
        one.sock.settimeout(0.05)
        raw, sent = encode(KNOWN), 0
        with suppress(ConnectionError):
            while sent < len(raw):
                one.say(raw[sent : sent + 1])
                sent += 1
                with suppress(TimeoutError):
                    if one.sock.recv(1):
                        break
        assert sent < len(raw)
    running.logged("not whole in time")


def test_silence_ends_without_a_line(start: Start) -> None:
    running = start(handshake_seconds=0.2)
    with bare(running) as sock:
        assert last_of(sock) == b""
    assert running.lines == []


def hello(*, is_old: bool = False) -> bytes:
    outgoing = ssl.MemoryBIO()
    tls = client_context(is_old=is_old).wrap_bio(ssl.MemoryBIO(), outgoing)
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_half_a_hello_ends_with_a_line(start: Start) -> None:
    running = start(handshake_seconds=1)
    raw = hello()
    with ExitStack() as stack:
        begun = [stack.enter_context(bare(running)) for _ in range(4)]
        for sock, cut in zip(begun, (1, 5, 60, -1), strict=True):
            sock.sendall(raw[:cut])
        assert [last_of(sock) for sock in begun] == [b""] * 4
    running.logged("the TLS handshake failed: it did not finish in time")
    assert len(running.lines) == 4


def test_who_goes_in_the_handshake_is_told(tvs: Running) -> None:
    with bare(tvs) as sock:
        sock.sendall(hello())
    tvs.logged("the TLS handshake failed: it closed the connection")


def test_an_old_client_gets_the_alert_and_the_log_the_reason(tvs: Running) -> None:
    with bare(tvs) as sock:
        sock.sendall(hello(is_old=True))
        assert last_of(sock) == bytes.fromhex("15030100020246")
    tvs.logged("failed: it speaks no version of TLS that is allowed here")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: tvs\r\n\r\n", "it speaks HTTP, not TLS"),
        (encode(KNOWN), "what it sends is no TLS"),
        (bytes(300), "what it sends is no TLS"),
        (b"GET /" + b"x" * 200_000, "it speaks HTTP, not TLS"),
    ],
)
def test_plain_text_gets_a_clean_end(tvs: Running, raw: bytes, words: str) -> None:
    with bare(tvs) as sock:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        assert len(last_of(sock)) in (0, 7)  # nothing, or an alert
    tvs.logged(words)
    assert len(tvs.lines) == 1


def test_a_reset_in_the_middle_is_no_trouble(tvs: Running) -> None:
    for steps in range(3):
        one = Phone(tvs)
        if steps:
            one.shake_hands()
        if steps > 1:
            one.say(encode(KNOWN)[:20])
        linger = (1).to_bytes(4, "little") + bytes(4)
        one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        one.sock.close()
    assert is_served(tvs)


def test_too_many_from_one_address_are_closed_before_tls(start: Start) -> None:
    running = start(connections_per_address=2)
    with bare(running, "127.0.0.9") as first, bare(running, "127.0.0.9"):
        for _ in range(2):
            with bare(running, "127.0.0.9") as third:
                assert last_of(third) == b""
        running.logged("127.0.0.9: refused: it has 2 connections")
        assert len(running.lines) == 1
        assert is_served(running)  # from another address
        first.close()
        until(lambda: _is_let_in(running, "127.0.0.9"), "there is room again")


def _is_let_in(running: Running, source: str) -> bool:
    with bare(running, source) as sock, suppress(OSError):
        sock.sendall(hello())
        return bool(sock.recv(1))
    return False


def test_too_many_in_all_are_closed_and_told_once(start: Start) -> None:
    running = start(connections=3)
    with bare(running), bare(running), bare(running) as last:
        for source in ("127.0.0.7", "127.0.0.8", "127.0.0.9"):
            with bare(running, source) as sock:
                assert last_of(sock) == b""
        assert len(running.lines) == 1
        assert "refused: 3 connections are open" in running.lines[0]
        last.close()
        until(lambda: _is_let_in(running, "127.0.0.9"), "there is room again")


def certificate_of(running: Running) -> bytes:
    with phone(running) as one:
        return one.tls.getpeercert(binary_form=True) or b""


def put(path: Path, content: bytes) -> None:
    """As ours write: another file under its name."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def test_another_certificate_is_served_from_the_next_handshake_on(
    start: Start, copy_of_pair: Path, pair: Pair, other_pair: Pair
) -> None:
    running = start(Identity(copy_of_pair))
    with phone(running) as standing:
        put(copy_of_pair, other_pair.pem.read_bytes())
        assert certificate_of(running) == other_pair.der
        standing.say(encode(KNOWN))
        assert len(standing.hear()) == 1
        assert standing.tls.getpeercert(binary_form=True) == pair.der
    assert len(running.lines) == 1
    assert "another certificate" in running.lines[0]


@pytest.mark.thorough
def test_a_pair_that_does_not_do_never_takes_the_place_of_one_that_does(
    start: Start, copy_of_pair: Path, pair: Pair, other_pair: Pair
) -> None:
    running = start(Identity(copy_of_pair, "1.0"))
    key, certificate = pair.key.read_bytes(), other_pair.certificate.read_bytes()
    for content, words in (
        (key + certificate, "the key belongs to another certificate"),
        (b"nothing", "holds no key"),
        (certificate, "holds no key"),
    ):
        put(copy_of_pair, content)
        for _ in range(3):
            assert certificate_of(running) == pair.der
        assert words in running.lines[-1]
        assert "goes on with the one before" in running.lines[-1]
    assert len(running.lines) == 3
    copy_of_pair.unlink()
    assert certificate_of(running) == pair.der
    assert "No such file" in running.lines[-1]
    put(copy_of_pair, other_pair.pem.read_bytes())
    assert certificate_of(running) == other_pair.der


@pytest.mark.parametrize("minimum", ["1.0", "1.2"])
def test_a_small_key_is_not_served_whatever_the_version(
    start: Start, small_pair: Pair, minimum: contexts.TlsMinimum
) -> None:
    with pytest.raises(CertificateError, match="too small") as refused:
        start(Identity(small_pair.pem, minimum))
    assert "set cert regen TVS" in refused.value.advice


def test_a_key_with_a_password_asks_nobody(start: Start, locked_pair: Pair) -> None:
    with pytest.raises(CertificateError, match="password"):
        start(Identity(locked_pair.pem))


@pytest.mark.thorough
def test_a_context_is_made_anew_before_it_remembers_too_much(
    start: Start, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    monkeypatch.setattr(contexts, "HANDSHAKES_PER_CONTEXT", 3)
    made: list[Identity] = []
    real = contexts.server_context

    def counted(identity: Identity) -> ssl.SSLContext:
        made.append(identity)
        return real(identity)

    monkeypatch.setattr(contexts, "server_context", counted)
    running = start()
    for _ in range(10):
        assert certificate_of(running) == pair.der
    assert len(made) == 1 + 3
    assert running.lines == []


def test_a_port_that_is_taken_is_told(tvs: Running, pair: Pair) -> None:
    other = type(tvs.server)(
        *tvs.server.address,
        Vouching(pair.der),
        identity=Identity(pair.pem),
        limits=Limits(),
        log=tvs.lines.append,
    )
    for workers in (1, 2):
        with pytest.raises(ServiceError, match="in use"):
            other.serve(workers)


def test_it_stops_with_connections_open_and_starts_on_the_same_port(
    tvs: Running,
) -> None:
    address = tvs.server.address
    with phone(tvs) as one, bare(tvs) as silent:
        tvs.server.stop()
        assert last_of(silent) == b""
        assert last_of(one.sock) is not None
    tvs.server.stop()
    tvs.server.start()
    tvs.server.start()
    assert tvs.server.address == address
    assert is_served(tvs)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.thorough
def test_three_hundred_connections_leave_no_descriptor(tvs: Running) -> None:
    assert is_served(tvs)
    before = descriptors()
    for number in range(300):
        kind = number % 3
        if kind == 0:
            assert is_served(tvs)
        elif kind == 1:
            with bare(tvs) as sock:
                sock.sendall(hello(is_old=True))
                last_of(sock)
        else:
            with bare(tvs) as sock:
                sock.sendall(hello()[:40])
    until(lambda: descriptors() <= before, "descriptors are left")
