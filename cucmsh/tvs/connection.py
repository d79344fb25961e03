"""One connection of a TVS: TLS between buffers, answers, and its end.

TLS begins with the first byte that comes: a connection that says nothing costs a socket
and this object. What comes is read into one buffer that all connections share, and an
answer is sent before anything else is read, so that nobody can pile up answers.
"""

from __future__ import annotations

import socket
import ssl
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import StoreError, TvsError
from cucmsh.quoting import shown
from cucmsh.tvs.answering import Lookup, answer_to
from cucmsh.tvs.codec import Message, QueryRequest, Reader, VerifyRequest, encode
from cucmsh.tvs.contexts import reason_of
from cucmsh.tvs.limits import Limits

CHUNK = 1 << 15  # bytes: two records of TLS
_RECORD = 1 << 14  # bytes that one of them holds
_LAST_SECONDS = 2.0
"""How long the other side is listened to after we have ended, so that it can read what
was sent last: a socket that is closed with unread bytes in it takes that back."""
_LAST_BYTES = 1 << 18


class Surroundings(NamedTuple):
    """What the connections of a server share.

    Attributes:
        loop: that waits for them.
        lookup: what is vouched for.
        limits: of time.
        context: gives the one for the next handshake.
        log: takes one line.
        forget: is told of a connection that is closed.
        chunk: ``CHUNK`` bytes; what comes is read into them.
    """

    loop: AbstractEventLoop
    lookup: Lookup
    limits: Limits
    context: Callable[[], ssl.SSLContext]
    log: Callable[[str], None]
    forget: Callable[[Connection], None]
    chunk: memoryview


class Connection:
    """Answers one phone until it closes, breaks a rule, or runs out of time.

    Args:
        around: what all connections share.
        sock: accepted; does not block.
        peer: the address at the other end.

    Attributes:
        deadline: the loop's time at which it ends.
        peer: the address at the other end.
    """

    __slots__ = (
        "_around",
        "_asked",
        "_ending",
        "_fd",
        "_incoming",
        "_is_open",
        "_last_bytes",
        "_outgoing",
        "_reader",
        "_sock",
        "_tls",
        "_unsent",
        "deadline",
        "peer",
    )

    def __init__(self, around: Surroundings, sock: socket.socket, peer: str) -> None:
        self._around = around
        self._sock = sock
        self._fd = sock.fileno()
        self.peer = peer
        self.deadline = around.loop.time() + around.limits.handshake_seconds
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO
        self._outgoing: ssl.MemoryBIO
        self._is_open = False  # the handshake is done
        self._ending = ""  # how, once it is
        self._reader = Reader()
        self._asked: list[Message] = []
        self._unsent = b""
        self._last_bytes = _LAST_BYTES
        around.loop.add_reader(self._fd, self._readable)

    def close(self) -> None:
        """Close it at once. May be called twice."""
        if self._fd < 0:
            return
        loop = self._around.loop
        loop.remove_reader(self._fd)
        if self._unsent:
            loop.remove_writer(self._fd)
        self._fd = -1
        self._sock.close()
        self._around.forget(self)

    def time_is_up(self) -> None:
        """The deadline is over."""
        if self._tls is not None and not self._ending:
            if not self._is_open:
                self._handshake_failed("it did not finish in time")
            elif self._reader.is_within:
                self._log("a question was not whole in time")
            if self._is_open and not self._unsent:
                self._end()
        self.close()

    def _readable(self) -> None:
        chunk = self._around.chunk
        try:
            count = self._sock.recv_into(chunk)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._peer_closed()
        elif self._ending:
            self._last_bytes -= count
            if self._last_bytes <= 0:
                self.close()
        else:
            tls = self._tls or self._begin_tls()
            self._incoming.write(chunk[:count])
            self._advance(tls)

    def _begin_tls(self) -> ssl.SSLObject:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = self._around.context()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        return self._tls

    def _peer_closed(self) -> None:
        if self._tls is not None and not self._is_open and not self._ending:
            self._handshake_failed("it closed the connection")
        self.close()

    def _advance(self, tls: ssl.SSLObject) -> None:
        """Go on as far as it goes with what came, until something waits to be sent."""
        try:
            if not self._is_open:
                tls.do_handshake()
                self._is_open = True
                self._wait_for_a_question()
            while not self._unsent and self._fd >= 0:
                if not self._step(tls):
                    return
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as problem:
            if self._is_open:
                self._log(f"TLS broke: {reason_of(problem)}")
            else:
                self._handshake_failed(reason_of(problem))
            self._ending = "linger"
            self._flush()
        except TvsError as problem:
            self._log(problem.message)
            self._end("linger")
        except StoreError as problem:
            self._log(f"left unanswered, so that it asks another: {problem.message}")
            self._end("linger")

    def _step(self, tls: ssl.SSLObject) -> bool:
        """Answer, or read; whether that can be done again."""
        if self._asked:
            self._answer(tls, self._asked.pop(0))
        elif not (self._incoming.pending or tls.pending()):
            self._flush()  # reading would say so, and costs ten times as much
            return False
        elif raw := tls.read(_RECORD):
            self._take(raw)
        else:  # it said goodbye
            self._end()
            return False
        return True

    def _take(self, raw: bytes) -> None:
        was_within = self._reader.is_within
        self._asked = self._reader.take(raw)
        if self._reader.is_within and (self._asked or not was_within):
            around = self._around
            self.deadline = around.loop.time() + around.limits.message_seconds

    def _answer(self, tls: ssl.SSLObject, question: Message) -> None:
        if not isinstance(question, (VerifyRequest, QueryRequest)):
            raise TvsError("It sent an answer where a question belongs.")
        answer = answer_to(question, self._around.lookup)
        tls.write(encode(answer))
        if not self._reader.is_within:
            self._wait_for_a_question()
        self._flush()
        if not answer.is_known:
            self._log(f"{shown(question.device)} asked for {_what(question)}: unknown")

    def _wait_for_a_question(self) -> None:
        around = self._around
        self.deadline = around.loop.time() + around.limits.idle_seconds

    def _end(self, how: str = "close") -> None:
        """End TLS, and the connection once that is sent."""
        self._ending = how
        if self._tls is not None:
            with suppress(ssl.SSLError):  # it waits for the other side's goodbye
                self._tls.unwrap()
        self._flush()

    def _flush(self) -> None:
        """Send what there is. What does not go now goes before anything is read."""
        if self._tls is not None and self._outgoing.pending:
            self._send(self._outgoing.read())
        if self._ending and not self._unsent:
            self._ended()

    def _send(self, raw: bytes) -> None:
        try:
            sent = self._sock.send(raw)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(raw) and not self._unsent:
            self._around.loop.remove_reader(self._fd)
            self._around.loop.add_writer(self._fd, self._writable)
        self._unsent = raw[sent:]

    def _writable(self) -> None:
        self._send(self._unsent)
        if self._unsent or self._fd < 0:
            return
        self._around.loop.remove_writer(self._fd)
        self._around.loop.add_reader(self._fd, self._readable)
        if self._ending:
            self._flush()
        elif self._tls is not None:
            self._advance(self._tls)

    def _ended(self) -> None:
        """All is sent."""
        if self._ending == "close" or self._fd < 0:
            self.close()
            return
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        self.deadline = self._around.loop.time() + _LAST_SECONDS

    def _handshake_failed(self, why: str) -> None:
        self._log(f"the TLS handshake failed: {why}")

    def _log(self, what: str) -> None:
        self._around.log(f"{self.peer}: {what}")


def _what(question: VerifyRequest | QueryRequest) -> str:
    if isinstance(question, VerifyRequest):
        digest = sha256(question.certificate).hexdigest()
        return f"the certificate with SHA-256 {digest}"
    names = f"{shown(question.subject)} of {shown(question.issuer)}"
    return f"{names} with serial number {question.serial[:40].hex()}"
