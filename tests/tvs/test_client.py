"""What a client says of a server, whether it answers or not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from cucmsh.errors import TvsError
from cucmsh.tvs.client import AskError, Failure, ask, ask_async
from cucmsh.tvs.codec import Answer, QueryRequest, VerifyAnswer, VerifyRequest, encode
from cucmsh.tvs.contexts import Identity, server_context
from tests.rigs.tvs import HOST, ONE_DAY, ROLES, UNREADABLE, Pair, Vouching
from tests.tvs.conftest import Running, Start

pytestmark = pytest.mark.loopback

QUESTION = VerifyRequest(1001, "CP-8845", b"certificate")
KNOWN = QueryRequest(
    1001, "CP-8845", Vouching.SUBJECT, Vouching.SUBJECT, Vouching.SERIAL
)
SHORT = 1  # seconds; all that comes before the silence must fit
Ask = Callable[..., Answer]


def ask_in_a_loop(
    host: str, port: int, request: QueryRequest, **words: object
) -> Answer:
    return asyncio.run(ask_async(host, port, request, **words))  # type: ignore[arg-type]


BOTH = pytest.mark.parametrize("ask_it", [ask, ask_in_a_loop])


def anybody(_der: bytes) -> bool:
    return True


Script = Callable[[socket.socket], None]


@contextmanager
def stand_in(script: Script) -> Iterator[tuple[str, int]]:
    """A server that does what the script says with its one connection."""
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        with suppress(OSError), listener.accept()[0] as sock:
            sock.settimeout(10)
            script(sock)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def over_tls(pair: Pair, *answers: bytes, asked: list[bytes] | None = None) -> Script:
    """Shakes hands, reads a question, says something, and closes."""

    def script(sock: socket.socket) -> None:
        context = server_context(Identity(pair.pem))
        with context.wrap_socket(sock, server_side=True) as tls:
            raw = tls.recv(1000)
            if asked is not None:
                asked.append(raw)
            for each in answers:
                tls.sendall(each)
            if not answers:
                return
            with suppress(OSError):
                tls.recv(1)

    return script


@BOTH
def test_an_answer(ask_it: Ask, tvs: Running, pair: Pair) -> None:
    shown: list[bytes] = []

    def trust(der: bytes) -> bool:
        shown.append(der)
        return True

    answer = ask_it(*tvs.server.address, KNOWN, trust=trust)
    assert answer == (1001, True, pair.der, ROLES, ONE_DAY)
    assert shown == [pair.der]
    assert tvs.lines == []


@BOTH
def test_nobody_listens(ask_it: Ask) -> None:
    with socket.create_server((HOST, 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(AskError, match="cannot be connected to") as refused:
        ask_it(*address, QUESTION, trust=anybody)
    assert refused.value.failure is Failure.NO_CONNECTION
    assert refused.value.message.count(str(address[1])) == 1
    assert refused.value.message.endswith("Connection refused.")
    assert refused.value.advice


@BOTH
def test_no_such_host(ask_it: Ask) -> None:
    with pytest.raises(AskError) as refused:
        ask_it("nowhere.invalid", 2445, QUESTION, trust=anybody)
    assert refused.value.failure is Failure.NO_CONNECTION


@BOTH
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"220 mail ESMTP\r\n", "what it sends is no TLS"),
        (b"", "closed the connection in the TLS handshake"),
        (bytes.fromhex("15030100020246"), "allows no version of TLS"),
    ],
)
def test_no_handshake(ask_it: Ask, said: bytes, words: str) -> None:
    def script(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(said)

    with stand_in(script) as address, pytest.raises(AskError, match=words) as refused:
        ask_it(*address, QUESTION, trust=anybody)
    assert refused.value.failure is Failure.NO_HANDSHAKE


def silent(sock: socket.socket) -> None:
    while sock.recv(1000):
        pass


@BOTH
def test_silence_in_the_handshake(ask_it: Ask) -> None:
    with stand_in(silent) as address, pytest.raises(AskError) as refused:
        ask_it(*address, QUESTION, trust=anybody, timeout_seconds=SHORT)
    assert refused.value.failure is Failure.NO_HANDSHAKE
    assert "took too long" in refused.value.message


@BOTH
def test_nothing_is_asked_of_a_server_that_is_not_trusted(
    ask_it: Ask, pair: Pair
) -> None:
    asked: list[bytes] = []
    script = over_tls(pair, asked=asked)
    with stand_in(script) as address, pytest.raises(AskError) as refused:
        ask_it(*address, QUESTION, trust=lambda der: der != pair.der)
    assert refused.value.failure is Failure.NOT_TRUSTED
    assert "the list that is held" in refused.value.message
    assert not any(asked)


@BOTH
def test_closed_unanswered(ask_it: Ask, tvs: Running) -> None:
    unreadable = KNOWN._replace(serial=UNREADABLE)
    with pytest.raises(AskError, match="closed the connection unanswered") as refused:
        ask_it(*tvs.server.address, unreadable, trust=anybody)
    assert refused.value.failure is Failure.NO_ANSWER


@BOTH
def test_silence_after_the_question(ask_it: Ask, pair: Pair) -> None:
    begun = encode(VerifyAnswer(1001, False, (), 0))[:5]
    script = over_tls(pair, begun)
    with stand_in(script) as address, pytest.raises(AskError) as refused:
        ask_it(*address, QUESTION, trust=anybody, timeout_seconds=2 * SHORT)
    assert refused.value.failure is Failure.NO_ANSWER
    assert "took too long" in refused.value.message


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n",
        encode(VerifyAnswer(1002, False, (), 0)),
        encode(QUESTION),
        bytes.fromhex("57010400000003e9000407000101"),  # to a query
        bytes.fromhex("57010200000003e9000407000102"),  # neither known nor unknown
    ],
)
def test_what_is_no_answer_to_it(ask_it: Ask, pair: Pair, answer: bytes) -> None:
    script = over_tls(pair, answer)
    with stand_in(script) as address, pytest.raises(AskError) as refused:
        ask_it(*address, QUESTION, trust=anybody)
    assert refused.value.failure is Failure.BAD_ANSWER


@BOTH
def test_an_answer_in_pieces(ask_it: Ask, pair: Pair) -> None:
    raw = encode(VerifyAnswer(1001, True, ROLES, 60))
    script = over_tls(pair, *(raw[at : at + 1] for at in range(len(raw))))
    with stand_in(script) as address:
        answer = ask_it(*address, QUESTION, trust=anybody)
    assert answer == VerifyAnswer(1001, True, ROLES, 60)


def test_a_question_that_cannot_be_written_asks_nobody() -> None:
    with pytest.raises(TvsError, match="cannot carry"):
        ask(HOST, 1, QUESTION._replace(certificate=b""), trust=anybody)


@pytest.mark.thorough
def test_a_hundred_phones_ask_at_once(tvs: Running, pair: Pair) -> None:
    async def all_of_them() -> list[Answer]:
        questions = (
            ask_async(
                *tvs.server.address,
                KNOWN._replace(session=number),
                trust=lambda der: der == pair.der,
                timeout_seconds=30,
            )
            for number in range(100)
        )
        return await asyncio.gather(*questions)

    assert [each.session for each in asyncio.run(all_of_them())] == list(range(100))


@pytest.mark.parametrize("minimum", ["1.0", "1.2"])
def test_an_old_phone(start: Start, pair: Pair, minimum: str) -> None:
    running = start(Identity(pair.pem, "1.0" if minimum == "1.0" else "1.2"))
    if minimum == "1.0":
        assert ask(*running.server.address, KNOWN, trust=anybody, is_old=True).is_known
        return
    with pytest.raises(AskError, match="allows no version of TLS"):
        ask(*running.server.address, KNOWN, trust=anybody, is_old=True)
    running.logged("it speaks no version of TLS that is allowed here")


def test_no_warning_of_old_versions_reaches_anybody(
    recwarn: pytest.WarningsRecorder, pair: Pair
) -> None:
    context = server_context(Identity(pair.pem, "1.0"))
    assert context.options & ssl.OP_NO_SSLv3
    assert not recwarn.list
