"""Reads a file back through a node's TFTP service, over IPv4 or IPv6.

The proof that a node serves what was installed (docs/security.md I4). Sends
nothing, keeps nothing. An error quotes the server's own words, made printable; "no
answer" is said only where nothing came.
"""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, cycle, dropwhile, repeat
from time import monotonic
from typing import Any, NamedTuple

from cucmsh.config.model import TftpAddress
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
)
from cucmsh.quoting import shown
from cucmsh.resolve import Address, addresses_of
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.tftp.codec import (
    NOT_FOUND,
    UNKNOWN_TRANSFER,
    Download,
    ErrorPacket,
    ProtocolError,
    RefusalError,
)

RESEND_SECONDS = 1  # until a packet is sent again
TIMEOUT_SECONDS = 15  # for a service that is only just coming up again
DOWNLOAD_SECONDS = 30  # for a server that keeps talking and never ends
REFUSED_SECONDS = 0.2  # until a host where nobody listens is asked again
LARGEST_DATAGRAM = 1 << 16
# RFC 2348. A list is one large block, where blocks of 512 bytes are eleven, each a
# round trip. Where the network loses what is split into several packets, nothing comes,
# and blocks that need no splitting are asked for. Who answers no request with options,
# not even by an error, is asked without from time to time.
LARGE, WHOLE, PLAIN = 8192, 1428, None
FIRST_FORMS, LATER_FORMS = (LARGE, LARGE), (WHOLE, WHOLE, PLAIN)
# Of a packet in the middle of a transfer, before another form is tried.
MOST_REPEATS = {LARGE: 2, WHOLE: 5}
# Linux: what the network says of a packet (nobody listens there) reaches the socket.
IP_RECVERR, IPV6_RECVERR = 11, 25
CHECK_FILE = "Check that the TFTP service may read the file, and look into its log."


def read_back(
    address: TftpAddress, name: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> bytes:
    """The bytes that the TFTP service at ``address`` serves under ``name``.

    A name with several addresses is asked at each until one answers. A server that
    dislikes options is asked once more without.

    Args:
        address: where it should answer.
        name: the file.
        timeout_seconds: how long it may be silent.

    Raises:
        MissingFileError: it answers that it has no such file.
        NoAnswerError: it does not answer.
        ConnectionFailedError: there is no such host, nobody listens there, or what
            came is no whole file.
    """
    where = f"TFTP at {address.host} port {address.port}"
    try:
        found = addresses_of(*address, socket.SOCK_DGRAM, timeout_seconds)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        kind = NoAnswerError if isinstance(problem, TimeoutError) else None
        raise (kind or ConnectionFailedError)(
            f"{where} cannot be asked: {reason}", "Check the name."
        ) from problem
    client = _Client(where, name, found, timeout_seconds)
    try:
        return client.read()
    finally:
        client.close()


class _SilenceError(Exception):
    """A transfer that began went silent, or its server went away."""


class _Request(NamedTuple):
    """A request that was sent, and the socket that listens for its answer."""

    socket: socket.socket
    address: Address
    download: Download


class _Answer(NamedTuple):
    """What came first to one of the requests, and from where."""

    request: _Request
    datagram: bytes
    peer: tuple[Any, ...]


class _Client:
    """One read: requests are sent until one is answered, and that one is followed.

    Every request has a socket of its own, which stays open: an answer that took longer
    than a second counts, too.
    """

    def __init__(
        self, where: str, name: str, addresses: list[Address], patience: float
    ) -> None:
        self._where = where
        self._name = name
        self._addresses = addresses
        self._forms: Iterator[int | None] = chain(FIRST_FORMS, cycle(LATER_FORMS))
        self._patience = patience
        self._end = monotonic() + DOWNLOAD_SECONDS
        self._waited = 0.0  # seconds of silence
        self._selector = selectors.DefaultSelector()
        self._open: dict[tuple[Address, int | None], _Request] = {}
        self._has_begun = False  # a transfer
        self._problem: OSError | None = None  # what the network said last
        self._answer: RefusalError | ProtocolError | None = None  # and the server
        self._stranger = ""  # another address that sent something

    def close(self) -> None:
        for request in tuple(self._open.values()):
            self._drop(request)
        self._selector.close()

    def read(self) -> bytes:
        form = next(self._forms)
        while self._waited < self._patience:
            answer = self._ask_all(form)
            if answer is not None:
                content = self._follow(*answer)
                if content is not None:
                    return content
            elif not self._open:  # nobody listens at any address: a restart, perhaps
                self._check_end()
                self._selector.select(REFUSED_SECONDS)
                self._waited += REFUSED_SECONDS
                continue
            form = next(self._forms)
        raise self._failure() from (self._answer or self._problem)

    def _ask_all(self, form: int | None) -> _Answer | None:
        """The first answer to this form of the request, or to an earlier one."""
        for address in self._addresses:
            try:
                request = self._open.get((address, form)) or self._opened(address, form)
            except OSError as problem:  # such as: no IPv6 on this machine
                self._problem = problem
                continue
            try:
                request.socket.sendto(request.download.packet, address.where)
            except OSError as problem:  # such as: no route to that address
                self._problem = problem
                self._drop(request)  # no answer can come to it
                continue
            answer = self._first_answer()
            if answer is not None:
                return answer
        return None

    def _opened(self, address: Address, form: int | None) -> _Request:
        opened = socket.socket(address.family, socket.SOCK_DGRAM)
        opened.setblocking(False)
        is_v6 = address.family == socket.AF_INET6
        level = socket.IPPROTO_IPV6 if is_v6 else socket.IPPROTO_IP
        with suppress(OSError):
            opened.setsockopt(level, IPV6_RECVERR if is_v6 else IP_RECVERR, 1)
        download = Download(self._name, form, MAX_FILE_SIZE)
        request = _Request(opened, address, download)
        self._selector.register(opened, selectors.EVENT_READ, request)
        self._open[address, form] = request
        return request

    def _drop(self, request: _Request) -> None:
        self._open = {key: own for key, own in self._open.items() if own is not request}
        self._selector.unregister(request.socket)
        request.socket.close()

    def _first_answer(self) -> _Answer | None:
        until = monotonic() + RESEND_SECONDS
        while (left := min(until, self._end) - monotonic()) > 0:
            for key, _ in self._selector.select(left):
                request: _Request = key.data
                try:
                    datagram, peer = request.socket.recvfrom(LARGEST_DATAGRAM)
                except OSError as problem:
                    self._problem = problem
                    self._drop(request)
                    return None
                if peer[0] == request.address.where[0]:
                    return _Answer(request, datagram, peer)
                self._stranger = str(peer[0])
        self._check_end()
        self._waited += RESEND_SECONDS
        return None

    def _follow(
        self, request: _Request, datagram: bytes, peer: tuple[Any, ...]
    ) -> bytes | None:
        """The file; None where the transfer went silent, or is to be begun anew."""
        self._problem, self._has_begun = None, True
        form = request.download.block_size
        for other in tuple(self._open.values()):
            if other is not request:
                self._drop(other)
        try:
            return self._transfer(request, datagram, peer)
        except _SilenceError:
            if form is not PLAIN:  # that may be the only one which is left
                self._forms = dropwhile(lambda other: other == form, self._forms)
        except (RefusalError, ProtocolError) as problem:
            if isinstance(problem, ProtocolError):
                with suppress(OSError):
                    reply = ErrorPacket(problem.code, str(problem)).encode()
                    request.socket.sendto(reply, peer)
            self._answer = problem
            if form is PLAIN:
                raise self._failure() from problem
            # Whatever it has against options: without them, its answer counts.
            self._addresses, self._forms = [request.address], repeat(PLAIN)
        self._drop(request)
        return None

    def _transfer(
        self, request: _Request, datagram: bytes | None, peer: tuple[Any, ...]
    ) -> bytes:
        """The file that the datagram begins.

        Raises:
            _SilenceError: the server sends no more.
            RefusalError, ProtocolError: as ``Download.take``.
        """
        download, repeats = request.download, 0
        most = MOST_REPEATS.get(download.block_size or 0)
        until = monotonic() + RESEND_SECONDS
        while True:
            if datagram is None:
                repeats += 1
                self._waited += RESEND_SECONDS
                if self._waited >= self._patience or (most and repeats > most):
                    raise _SilenceError
                self._send(request, download.packet, peer)
                until = monotonic() + RESEND_SECONDS
            else:
                before = download.packet
                self._send(request, download.take(datagram), peer)
                if download.is_complete:
                    return download.content
                if download.packet != before:
                    self._answer = None  # what it had against options is past
                    repeats, until = 0, monotonic() + RESEND_SECONDS
            datagram = self._next(request, peer, until)

    def _send(self, request: _Request, packet: bytes, peer: tuple[Any, ...]) -> None:
        if packet:
            with suppress(OSError):  # is told at the next reading, or is silence
                request.socket.sendto(packet, peer)

    def _next(
        self, request: _Request, peer: tuple[Any, ...], until: float
    ) -> bytes | None:
        """The next datagram of this transfer; None when none came in time."""
        while (left := min(until, self._end) - monotonic()) > 0:
            if not self._selector.select(left):
                continue
            try:
                datagram, sender = request.socket.recvfrom(LARGEST_DATAGRAM)
            except OSError as problem:
                self._problem = problem
                raise _SilenceError from problem
            if sender == peer:
                return datagram
            if sender[0] == peer[0]:  # a request that was sent twice: one is enough
                reply = ErrorPacket(
                    UNKNOWN_TRANSFER, "another transfer is under way"
                ).encode()
                self._send(request, reply, sender)
        self._check_end()
        return None

    def _check_end(self) -> None:
        if monotonic() < self._end:
            return
        if self._answer is not None:
            raise self._failure() from self._answer
        raise ConnectionFailedError(
            f"{self._where} does not give {self._name} within "
            f"{DOWNLOAD_SECONDS:.0f} seconds",
            "Look into the log of the TFTP service.",
        )

    def _failure(self) -> CucmshError:
        """What was answered; silence only where nothing was."""
        answer, problem = self._answer, self._problem
        if isinstance(answer, RefusalError):
            words = shown(answer.text) if answer.text else "without a word"
            says = f"it says: error {answer.code}, {words}"
            if answer.code == NOT_FOUND:
                missing = f"{self._where} has no {self._name} ({says})"
                return MissingFileError(missing, CHECK_FILE)
            refused = f"{self._where} does not give {self._name}: {says}"
            return ConnectionFailedError(refused, CHECK_FILE)
        if answer is not None:
            return ConnectionFailedError(
                f"{self._where} answers, but not with {self._name}: it sent {answer}",
                "Check that it is a TFTP server, and look into its log.",
            )
        if problem is not None:
            reason = problem.strerror or str(problem)
            if problem.errno == errno.ECONNREFUSED:
                reason = "nobody listens there"
            return ConnectionFailedError(
                f"{self._where} does not answer: {reason}",
                "Check the address, and that the service runs.",
            )
        if self._stranger and not self._has_begun:
            return NoAnswerError(
                f"{self._where} does not answer, but {self._stranger} does",
                "Have the service answer from the address that it is asked at (bind it "
                "to that one), or name the other with `tftp`.",
            )
        what = "does not answer: nothing came"
        if self._has_begun:
            what = f"went silent in the middle of {self._name}: no more came"
        return NoAnswerError(
            f"{self._where} {what} in {self._waited:.0f} seconds",
            "Check the address, that the service runs, and the firewall.",
        )
