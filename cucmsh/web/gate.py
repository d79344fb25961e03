"""What every request passes first, and what every answer carries.

Refused: a Host that is none of this node's names (421), which a page of the web that
resolves to this machine would send; a change that another site's page sends (403); a
body above ``MOST_BODY`` bytes (413) or slower than ``BODY_SECONDS`` (408).

Every answer has the strict policy: nothing from elsewhere, nothing inline, no frame, no
referrer for other sites, nothing kept by a cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 1 << 20
BODY_SECONDS = 20.0
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: Chromium then sends "Origin: null" with our own forms (measured).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_SAFE = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")  # none: typed, or a bookmark


class Gate:
    """See the module.

    Args:
        app: what is behind it.
        names: the hosts by which browsers may call this node, small letters.
        is_tls: whether browsers come by TLS.
    """

    def __init__(self, app: ASGIApp, names: Container[str], *, is_tls: bool) -> None:
        self._app = app
        self._names = names
        self._is_tls = is_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._is_tls:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded_send)
            return
        await self._app(scope, _Body(receive), guarded_send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if len(headers.getlist("host")) != 1 or _name_in(host) not in self._names:
            return _refused(421, "This node has another name. Use one of its own.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            return _refused(413, f"A request may have {MOST_BODY} bytes.")
        if scope["method"] not in _SAFE and not self._is_own(headers, host):
            return _refused(403, "This was sent by a page of another site.")
        return None

    def _is_own(self, headers: Headers, host: str) -> bool:
        """Browsers say which site sent it; what they do not say, a token must."""
        if headers.get("sec-fetch-site", "same-origin") not in _OWN_SITES:
            return False
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc.lower() == host


class _Body:
    """The request's body, not too long and not too slow."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._is_whole = False
        self._end = asyncio.get_running_loop().time() + BODY_SECONDS

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now says that the client went away
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "The request was too slow.") from None
        self._size += len(message.get("body", b""))
        if self._size > MOST_BODY:
            raise HTTPException(413, f"A request may have {MOST_BODY} bytes.")
        self._is_whole = not message.get("more_body", False)
        return message


def _name_in(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]


def _refused(status: int, why: str) -> PlainTextResponse:
    return PlainTextResponse(f"{why}\n", status)
