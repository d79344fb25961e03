"""A server of a lab that is slow: it answers, later, and stops at once all the same."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cucmsh.tvs.client import ask
from cucmsh.tvs.codec import QueryAnswer, QueryRequest
from cucmsh.tvs.contexts import Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer
from tests.rigs.tvs import HOST, Pair, Vouching, certificate_in

pytestmark = pytest.mark.loopback

NAMES = (Vouching.SUBJECT, Vouching.SUBJECT, Vouching.SERIAL)
QUESTION = QueryRequest(1001, "CP-8861-SEP001122334455", *NAMES)
SECONDS = 10


@contextmanager
def running(pair: Pair, delay: Callable[[], float]) -> Iterator[TvsServer]:
    server = TvsServer(
        HOST,
        0,
        Vouching(certificate_in(pair.pem)),
        identity=Identity(pair.pem, "1.2"),
        limits=Limits(handshake_seconds=5),
        log=lambda _: None,
        delay=delay,
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_delayed_answer_is_right(pair: Pair) -> None:
    seconds = 0.2
    with running(pair, lambda: seconds) as server:
        before = time.monotonic()
        answer = ask(
            *server.address, QUESTION, timeout_seconds=SECONDS, trust=lambda _: True
        )
        assert time.monotonic() - before >= seconds
    assert isinstance(answer, QueryAnswer)
    assert answer.is_known


def test_connections_that_wait_end_with_the_server(pair: Pair) -> None:
    asked = []

    def long() -> float:
        asked.append(True)
        return 1000.0

    with (
        running(pair, long) as server,
        socket.create_connection(server.address, SECONDS) as client,
    ):
        while not asked:
            client.settimeout(0.01)
            with pytest.raises(TimeoutError):
                client.recv(1)
        client.settimeout(SECONDS)
        server.stop()
        assert client.recv(1) == b""
