"""Who is logged in: the form, the cookie, and what a form of ours has to hold."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site
from cucmsh.web.answers import Failure, address, answered, wants_json
from cucmsh.web.node import PageNode
from cucmsh.web.sessions import Session, Sessions

_FORM_FIELDS = 50
_FORM_FILES = 2
# Passwords that are judged at once, each of which takes scrypt's time and memory; and
# of one address, so that it keeps no others out.
MOST_JUDGED, MOST_JUDGED_OF_ONE = 8, 3


class Show(Protocol):
    """Makes a page of a template, for whoever sent the request."""

    def __call__(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> Response: ...


class LogIn:
    """Lets accounts in and out, and knows whose a request is.

    Args:
        node: whose accounts they are.
        sessions: who is logged in.
        show: shows the form.
        is_secure: whether browsers come by TLS: the cookie is sent by TLS only then.
    """

    def __init__(
        self, node: PageNode, sessions: Sessions, show: Show, *, is_secure: bool
    ) -> None:
        self._node = node
        self._sessions = sessions
        self._show = show
        self._is_secure = is_secure
        self._judged: Counter[str] = Counter()
        self._login_key = secrets.token_bytes(32)
        # A name with __Host- is taken from this host alone, and by TLS.
        self._cookie = "__Host-cucmsh" if is_secure else "cucmsh"
        self._before = f"{self._cookie}-login"

    @property
    def routes(self) -> list[Route]:
        """Where they do it."""
        return [
            Route("/login", self._log_in, methods=["POST"]),
            Route("/login.json", self._before_log_in, methods=["GET"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/session.json", self._session, methods=["GET"]),
        ]

    def session_of(self, request: Request) -> Session | None:
        """Who sent it; None for nobody, and for who is logged in no more."""
        name = request.cookies.get(self._cookie, "")
        return self._sessions.find(name, self._node.account_mark) if name else None

    def site_of(self, request: Request, session: Session) -> Site:
        """The node, called by that session."""
        return self._node.of(session.account, session.level, address(request))

    async def logged_in(self, request: Request) -> Site | None:
        """The node for whoever is logged in; None for nobody."""
        session = await run_in_threadpool(self.session_of, request)
        if session is None:
            return None
        request.state.session = session
        return self.site_of(request, session)

    def ask(self, request: Request, problem: str = "") -> Response:
        """The form, which leads back to what was wanted; JSON for a program."""
        if wants_json(request):
            text = "Log in first: POST username, password and the token of /login.json "
            text += "to /login, with its cookie."
            refusal = Failure(401, RefusedError.kind, problem or text)
            return JSONResponse(refusal.document, refusal.status)
        nonce = request.cookies.get(self._before, "") or secrets.token_urlsafe(32)
        wanted = request.url.path
        if request.url.query:
            wanted += f"?{request.url.query}"
        if wanted.startswith("/log"):
            wanted = request.query_params.get("next", "/")
        answer = self._show(
            request,
            "login.html",
            200 if wanted == "/" and not problem else 401,
            problem=problem,
            next=wanted,
            token=self._login_token(nonce),
        )
        self._set_cookie(answer, self._before, nonce)
        return answer

    def _login_token(self, nonce: str) -> str:
        """What the form of a browser with that cookie holds."""
        return hmac.new(self._login_key, nonce.encode(), "sha256").hexdigest()

    async def _before_log_in(self, request: Request) -> Response:
        """For programs: the token that /login takes with the cookie of this answer."""
        nonce = request.cookies.get(self._before, "") or secrets.token_urlsafe(32)
        answer = answered({"token": self._login_token(nonce)})
        self._set_cookie(answer, self._before, nonce)
        return answer

    async def _session(self, request: Request) -> Response:
        """For programs: who is logged in, and the token of its forms."""
        if await self.logged_in(request) is None:
            return self.ask(request)
        session: Session = request.state.session
        told = {"account": session.account, "level": int(session.level)}
        return answered({**told, "token": session.token})

    async def _log_in(self, request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=_FORM_FIELDS)
        nonce = request.cookies.get(self._before, "")
        given = _text(form, "token")
        if not nonce or not hmac.compare_digest(
            self._login_token(nonce).encode(), given.encode()
        ):
            return self.ask(
                request, "The form was too old, or of another page. Log in again."
            )
        account = _text(form, "username").strip()
        password = Secret(_text(form, "password"))
        try:
            level = await self._judge(account, password, address(request))
        except RefusedError as refusal:
            return self.ask(request, refusal.message)
        mark = await run_in_threadpool(self._node.account_mark, account)
        self._sessions.end(request.cookies.get(self._cookie, ""))
        name = self._sessions.begin(account, level, mark)
        answer = RedirectResponse(_own_path(_text(form, "next")), 303)
        self._set_cookie(answer, self._cookie, name)
        answer.delete_cookie(self._before, secure=self._is_secure, httponly=True)
        return answer

    async def _judge(self, account: str, password: Secret, address: str) -> Privilege:
        """Let an account in, where not too many ask for that already."""
        now = self._judged
        if now.total() >= MOST_JUDGED or now[address] >= MOST_JUDGED_OF_ONE:
            raise HTTPException(503, "Too many log in just now. Try again.")
        now[address] += 1
        try:
            return await run_in_threadpool(
                self._node.log_in, account, password, address
            )
        finally:
            now[address] -= 1
            if not now[address]:
                del now[address]

    async def _log_out(self, request: Request) -> Response:
        await self.form_of(request)
        self._sessions.end(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(self._cookie, secure=self._is_secure, httponly=True)
        return answer

    async def form_of(self, request: Request) -> tuple[Session, dict[str, str | bytes]]:
        """What a form of a page of ours sent, and whose it is; a file as its bytes.

        Raises:
            RefusedError: nobody is logged in, or another page sent it.
        """
        session = await run_in_threadpool(self.session_of, request)
        if session is None:
            raise HTTPException(401, "You are not logged in. Nothing was changed.")
        request.state.session = session
        given: dict[str, str | bytes] = {}
        async with request.form(max_files=_FORM_FILES, max_fields=_FORM_FIELDS) as form:
            for name, value in form.multi_items():
                given[name] = value if isinstance(value, str) else await value.read()
        if not session.has_token(_text(given, "token")):
            raise HTTPException(
                403, "The form is not of this session. Nothing was changed."
            )
        return session, given

    def _set_cookie(self, answer: Response, name: str, value: str) -> None:
        answer.set_cookie(
            name, value, secure=self._is_secure, httponly=True, samesite="strict"
        )


def _text(form: FormData | Mapping[str, object], name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _own_path(wanted: str) -> str:
    """Where a log-in leads: a path of this page, whatever the form says."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and not parts.netloc and wanted.isprintable() else "/"
