"""Asks a TVS one question: as a phone does, one connection for each.

The server shows its certificate first; nothing is asked of one that is not trusted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import cache

from cucmsh.errors import TvsError
from cucmsh.resolve import addresses_of
from cucmsh.tvs.codec import (
    Answer,
    QueryAnswer,
    QueryRequest,
    Reader,
    Request,
    VerifyAnswer,
    encode,
)
from cucmsh.tvs.contexts import client_context, reason_of

TIMEOUT = 5.0  # seconds, for connecting, the handshake and the answer together
_CHUNK = 1 << 14

Trust = Callable[[bytes], bool]
"""Is given the server's certificate (DER), and says whether it is the TVS of the list
that is held."""


class Failure(StrEnum):
    """What became of a question without an answer."""

    NO_CONNECTION = "no connection"
    NO_HANDSHAKE = "no handshake"
    NOT_TRUSTED = "not trusted"
    NO_ANSWER = "no answer"
    BAD_ANSWER = "bad answer"


class AskError(TvsError):
    """A TVS gave no answer, or none that can be used; the message says why.

    Attributes:
        failure: how far it came.
    """

    def __init__(self, failure: Failure, place: str, why: str) -> None:
        super().__init__(f"TVS on {place}: {why}.", _ADVICE[failure])
        self.failure = failure


_ADVICE = {
    Failure.NO_CONNECTION: "Look at `utils service list` there, and at the port.",
    Failure.NO_HANDSHAKE: "Look at `tls_minimum` and at the log of that TVS.",
    Failure.NOT_TRUSTED: (
        "Its certificate is not that of TVS in the list. A restart of TFTP there makes "
        "a list that has it."
    ),
    Failure.NO_ANSWER: "Look at the log of that TVS.",
    Failure.BAD_ANSWER: "What listens there is no TVS, or another one.",
}


def ask(  # noqa: PLR0913 - where, what, and what is allowed
    host: str,
    port: int,
    request: Request,
    *,
    trust: Trust,
    timeout_seconds: float = TIMEOUT,
    is_old: bool = False,
) -> Answer:
    """The answer of one TVS.

    Args:
        host: where it listens.
        port: likewise.
        request: the question.
        trust: is asked about the server's certificate before anything is sent.
        timeout_seconds: for all of it.
        is_old: speak TLS 1.0 and nothing newer, as 79xx and 894x phones do.

    Raises:
        AskError: there is no answer, or none that can be used.
        TvsError: the question cannot be written.
    """
    question = _Question(f"{host}, port {port}", request, trust, is_old=is_old)
    last = time.monotonic() + timeout_seconds

    def left() -> float:
        seconds = last - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    try:
        with _connected(host, port, left) as sock:
            while question.answer is None:
                sock.settimeout(left())
                sock.sendall(question.to_send())
                sock.settimeout(left())
                question.take(sock.recv(_CHUNK))
            _say_goodbye(sock, question)
    except OSError as problem:
        raise question.failed(problem) from problem
    return question.answer


async def ask_async(  # noqa: PLR0913 - the same
    host: str,
    port: int,
    request: Request,
    *,
    trust: Trust,
    timeout_seconds: float = TIMEOUT,
    is_old: bool = False,
) -> Answer:
    """The same as ``ask``, for many phones in one loop. ``host`` is an address.

    Raises:
        AskError: there is no answer, or none that can be used.
        TvsError: the question cannot be written.
    """
    question = _Question(f"{host}, port {port}", request, trust, is_old=is_old)
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        async with asyncio.timeout(timeout_seconds):
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, (host, port))
                while question.answer is None:
                    await loop.sock_sendall(sock, question.to_send())
                    question.take(await loop.sock_recv(sock, _CHUNK))
                _say_goodbye(sock, question)
    except OSError as problem:
        raise question.failed(problem) from problem
    return question.answer


def _connected(host: str, port: int, left: Callable[[], float]) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    problem = OSError()
    for family, where in addresses_of(host, port, socket.SOCK_STREAM, left()):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left())
            sock.connect(where)
        except OSError as found:
            sock.close()
            problem = found
        else:
            return sock
    raise problem


def _say_goodbye(sock: socket.socket, question: _Question) -> None:
    """Nobody waits for its arrival."""
    with suppress(OSError):
        sock.setblocking(False)
        sock.send(question.goodbye())


class _Question:
    """One question from the first byte to the answer, between buffers.

    Attributes:
        answer: once it is there.
    """

    def __init__(
        self, place: str, request: Request, trust: Trust, *, is_old: bool
    ) -> None:
        self._place = place
        self._request = request
        self._raw = encode(request)
        self._trust = trust
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = _context(is_old=is_old)
        self._tls = context.wrap_bio(self._incoming, self._outgoing)
        self._reader = Reader()
        self._is_begun = False
        self._is_asked = False
        self.answer: Answer | None = None

    def to_send(self) -> bytes:
        """What goes to the server now; possibly nothing."""
        if not self._is_begun:
            self._is_begun = True
            self._shake_hands()
        return self._outgoing.read()

    def take(self, raw: bytes) -> None:
        """What came from the server; nothing is its end.

        Raises:
            AskError: no answer will come, or it is none that can be used.
        """
        if not raw:
            raise self._ended()
        self._incoming.write(raw)
        if not self._is_asked:
            self._shake_hands()
        if self._is_asked:
            self._listen()

    def goodbye(self) -> bytes:
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        return self._outgoing.read()

    def failed(self, problem: OSError) -> AskError:
        """What a socket's error means, at this point."""
        if not self._is_begun:
            why = f"it cannot be connected to: {_words(problem)}"
            return self._error(Failure.NO_CONNECTION, why)
        if not self._is_asked:
            why = f"the TLS handshake failed: {_words(problem)}"
            return self._error(Failure.NO_HANDSHAKE, why)
        return self._error(Failure.NO_ANSWER, f"no answer: {_words(problem)}")

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as problem:
            why = f"the TLS handshake failed: {reason_of(problem)}"
            raise self._error(Failure.NO_HANDSHAKE, why) from problem
        certificate = self._tls.getpeercert(binary_form=True)
        if certificate is None or not self._trust(certificate):
            why = "its certificate is not that of a TVS in the list that is held"
            raise self._error(Failure.NOT_TRUSTED, why)
        self._tls.write(self._raw)
        self._is_asked = True

    def _listen(self) -> None:
        while self.answer is None:
            try:
                raw = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as problem:
                why = f"no answer: {reason_of(problem)}"
                raise self._error(Failure.NO_ANSWER, why) from problem
            if not raw:
                raise self._ended()
            try:
                answers = self._reader.take(raw)
            except TvsError as problem:
                raise self._error(Failure.BAD_ANSWER, problem.message) from problem
            if answers:
                self.answer = self._checked(answers[0])

    def _checked(self, answer: object) -> Answer:
        is_query = isinstance(self._request, QueryRequest)
        wanted = QueryAnswer if is_query else VerifyAnswer
        if not isinstance(answer, wanted) or answer.session != self._request.session:
            why = "it answered something that was not asked"
            raise self._error(Failure.BAD_ANSWER, why)
        return answer

    def _ended(self) -> AskError:
        if not self._is_asked:
            why = "it closed the connection in the TLS handshake"
            return self._error(Failure.NO_HANDSHAKE, why)
        return self._error(Failure.NO_ANSWER, "it closed the connection unanswered")

    def _error(self, failure: Failure, why: str) -> AskError:
        return AskError(failure, self._place, why.removesuffix("."))


def _words(problem: OSError) -> str:
    if isinstance(problem, TimeoutError):
        return "it took too long"
    is_of_library = isinstance(problem, (socket.gaierror, ssl.SSLError))
    if problem.errno and not is_of_library:  # asyncio puts the address into its words
        return os.strerror(problem.errno)
    return problem.strerror or str(problem) or type(problem).__name__


@cache
def _context(*, is_old: bool) -> ssl.SSLContext:
    return client_context(is_old=is_old)
