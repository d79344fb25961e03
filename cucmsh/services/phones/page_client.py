"""Fetches a page from a phone, or from what claims to be one, within bounds.

All of it ends by a moment that nothing stretches, however slowly the other side sends.
Nothing is followed to another host, and to no other protocol.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.hosts import host_port

PAGE_SECONDS = 8.0  # for one page, everything included
LARGEST = 512 * 1024  # bytes
MOST_REDIRECTS = 2


class PageHost(NamedTuple):
    """Where a phone's page is.

    Attributes:
        host: name or address.
        port: TCP.
        folder: what stands before each path, such as ``/SEP0011223344AA``; or empty.
    """

    host: str
    port: int = 80
    folder: str = ""

    @property
    def shown(self) -> str:
        """As a message names it."""
        return host_port(self.host, self.port) + self.folder


class Fetched(NamedTuple):
    """An answer: its status, its body, and the address that gave it."""

    status: int
    body: bytes
    address: str


def fetch(where: PageHost, path: str, seconds: float = PAGE_SECONDS) -> Fetched:
    """The page at that path.

    Raises:
        NoAnswerError: it did not come in time, or does not end.
        ConnectionFailedError: nobody answers there, or with no HTTP, or with a page
            that is too long, or it sends elsewhere.
    """
    until = monotonic() + seconds
    target = where.folder + path
    for _ in range(MOST_REDIRECTS + 1):
        found = _once(where, target, until)
        if isinstance(found, Fetched):
            return found
        target = found
    raise ConnectionFailedError(f"{where.shown} sends from page to page without end")


def _once(where: PageHost, target: str, until: float) -> Fetched | str:
    """The answer, or the path on the same host that it sends to."""
    left = max(0.1, until - monotonic())
    connection = HTTPConnection(where.host, where.port, timeout=left)
    watch: Timer | None = None
    try:
        connection.connect()
        # The library lets go of its socket before a body is read, and we do not.
        watch = Timer(max(0.1, until - monotonic()), _cut, [connection.sock])
        watch.daemon = True
        watch.start()
        connection.request("GET", target, headers={"Connection": "close"})
        address = str(connection.sock.getpeername()[0])
        response = connection.getresponse()
        if 300 <= response.status < 400:
            return _elsewhere(where, response)
        body = response.read(LARGEST + 1)
    except (OSError, HTTPException, ValueError) as problem:
        if monotonic() >= until or isinstance(problem, TimeoutError):
            raise NoAnswerError(
                f"the page of {where.shown} did not end in time"
            ) from problem
        said = getattr(problem, "strerror", None) or "that is no HTTP"
        raise ConnectionFailedError(f"{where.shown}: {said}") from problem
    finally:
        if watch is not None:
            watch.cancel()
        connection.close()
    if monotonic() >= until:  # cut off: what came is a piece
        raise NoAnswerError(f"the page of {where.shown} did not end in time")
    if response.length and len(body) <= LARGEST:
        raise ConnectionFailedError(f"the page of {where.shown} broke off")
    if len(body) > LARGEST:
        raise ConnectionFailedError(
            f"the page of {where.shown} has more than {LARGEST} bytes"
        )
    return Fetched(response.status, body, address)


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _elsewhere(where: PageHost, response: HTTPResponse) -> str:
    said = response.getheader("Location", "")[:2048]
    parts = urlsplit(said)
    if parts.scheme == "https":
        raise ConnectionFailedError(
            f"{where.shown} shows its page over HTTPS only, which is not read",
            "Set webProtocol to 0 in its configuration, or leave it out.",
        )
    is_here = not parts.netloc or (
        (parts.hostname or "") == where.host.lower()
        and (parts.port or 80) == where.port
    )
    if (
        not is_here
        or parts.scheme not in ("", "http")
        or not parts.path.startswith("/")
    ):
        raise ConnectionFailedError(
            f"{where.shown} sends to another place, which is not followed"
        )
    return parts.path + (f"?{parts.query}" if parts.query else "")
