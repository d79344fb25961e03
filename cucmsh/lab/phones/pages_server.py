"""The web pages of all phones of a lab, on one port of 127.0.0.1.

A phone is named by the path (``/SEP001122334455/...``) or by the Host of the request
(``SEP001122334455.localhost``, which browsers take to this machine); ``/`` alone lists
them. Another Host is refused, so that no page of the web reads them under a name of its
own. A connection lives ``LIFE_SECONDS`` at most, whatever its
client does or leaves.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterable
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cucmsh.phones.facts import PhoneFacts
from cucmsh.phones.families import family_of
from cucmsh.phones.pages import page, status_page

LIFE_SECONDS = 20.0
CONNECTIONS = 256  # more are answered with 503
HEAD_BYTES = 16 * 1024

_HOSTS = frozenset({"127.0.0.1", "localhost"})
_NAME = re.compile(r"SEP[0-9A-F]{12}")

Find = Callable[[str], PhoneFacts | None]
Names = Callable[[], Iterable[str]]


def page_address(port: int, name: str, model: str) -> str:
    """The URL of a phone's status messages."""
    family = family_of(model)
    place = status_page(family.name if family else "")
    return f"http://127.0.0.1:{port}/{name}{place}"


class PageServer:
    """Serves in the running event loop from ``start`` to ``stop``.

    Args:
        listener: a TCP socket bound to a port of 127.0.0.1; it is closed at the end.
        find: the phone of a name as it is now; None without one.
        names: of all phones.
        life_seconds: how long a connection may last.
    """

    def __init__(
        self,
        listener: socket.socket,
        find: Find,
        names: Names,
        *,
        life_seconds: float = LIFE_SECONDS,
    ) -> None:
        self._listener = listener
        self._life_seconds = life_seconds
        self._state = ServerState()
        self._config = Config(
            page_app(find, names),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            limit_concurrency=CONNECTIONS,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        self._config.load()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, sock=self._listener)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()

    def _connection(self) -> H11Protocol:
        return _ShortConnection(self._config, self._state, self._life_seconds)


class _ShortConnection(H11Protocol):
    """uvicorn's connection, which would wait for its first request for ever."""

    def __init__(self, config: Config, state: ServerState, life_seconds: float) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._life_seconds = life_seconds
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(self._life_seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


def page_app(find: Find, names: Names) -> Starlette:
    """The application: an answer for each address of each phone."""

    async def answer(request: Request) -> Response:
        host = request.headers.get("host", "").rpartition(":")[0].lower()
        host = host or request.headers.get("host", "").lower()
        asked = request.url.path
        named = host.removesuffix(".localhost").upper()
        prefix = ""
        if not _NAME.fullmatch(named):
            if host not in _HOSTS:
                return _refused(421, f"No phone is called {host!r} here.")
            if asked == "/":
                return _index(names(), find)
            named, _, rest = asked[1:].partition("/")
            prefix, asked = f"/{named}", f"/{rest}"
        if request.url.query:
            asked += f"?{request.url.query}"
        facts = find(named)
        if facts is None:
            return _refused(404, f"No phone is called {named!r} in this lab.")
        return _of_phone(facts, asked, prefix)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET"])])


def _of_phone(facts: PhoneFacts, asked: str, prefix: str) -> Response:
    if not facts.is_plugged:
        return _refused(503, f"{facts.name} has no power.")
    if not facts.is_web_open:
        return _refused(
            403, f"{facts.name} serves no page: its configuration says webAccess 1."
        )
    found = page(facts, asked, prefix)
    if found is None:
        return _refused(404, f"{facts.name} has no page at {asked!r}.")
    return Response(found.body, media_type=found.kind)


def _index(names: Iterable[str], find: Find) -> Response:
    """Every phone and the way to its page."""
    rows = []
    for name in names:
        facts = find(name)
        if facts is not None:
            shown = escape(f"{name} {facts.model}")
            rows.append(f'<li><a href="/{escape(name)}/">{shown}</a></li>')
    body = f"<title>Phones of the lab</title><ul>{''.join(rows)}</ul>"
    return HTMLResponse(f"<!DOCTYPE html><html>{body}</html>")


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)
