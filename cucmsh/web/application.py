"""The application: which page is where, who may see it, and what a failure looks like.

Log-in and log-out are here too: `/` shows the form to whoever is nobody yet.
"""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cucmsh.errors import (
    BusyError,
    CertificateError,
    CucmshError,
    MissingFileError,
    RefusedError,
    UsageError,
)
from cucmsh.secret import Secret
from cucmsh.services.caller import Privilege
from cucmsh.services.records.crash_log import crash_recorder
from cucmsh.services.site import Site
from cucmsh.web.gate import Gate
from cucmsh.web.jobs import Job
from cucmsh.web.node import PageNode
from cucmsh.web.openapi import document
from cucmsh.web.pages import Action, File, LongAction, Page, Part, Shown
from cucmsh.web.rendering import Templates
from cucmsh.web.sessions import Session, Sessions

Answer = Callable[[Request], Awaitable[Response]]
SCHEMA = "cucmsh/1"  # of the JSON twins, as of --json
_FORM_FIELDS = 50
_FORM_FILES = 2
# Passwords that are judged at once, each of which takes scrypt's time and memory; and
# of one address, so that it keeps no others out.
MOST_JUDGED, MOST_JUDGED_OF_ONE = 8, 3
_STATUSES: tuple[tuple[type[CucmshError], int], ...] = (
    (MissingFileError, 404),
    (UsageError, 400),
    (BusyError, 503),
    (BusyError, 409),
    (RefusedError, 403),
    (CertificateError, 422),
)
_OF_STATUS = {404: "There is no such page.", 405: "That cannot be done here."}


class PageApp:
    """All pages of one node.

    Args:
        node: whose they are.
        sessions: who is logged in.
        parts: what there is: pages, actions and files.
        is_secure: whether browsers come by TLS: the cookie is sent by TLS only then.
    """

    def __init__(
        self,
        node: PageNode,
        sessions: Sessions,
        parts: Sequence[Part],
        *,
        is_secure: bool,
    ) -> None:
        self._node = node
        self._sessions = sessions
        self._is_secure = is_secure
        self._parts = parts
        pages = [part for part in parts if isinstance(part, Page)]
        self._templates = Templates(
            (each.path, each.name) for each in pages if each.name
        )
        self._judged: Counter[str] = Counter()
        self._login_key = secrets.token_bytes(32)
        # A name with __Host- is taken from this host alone, and by TLS.
        self._cookie = "__Host-cucmsh" if is_secure else "cucmsh"
        self._before = f"{self._cookie}-login"

    def behind_gate(self, names: Sequence[str]) -> Gate:
        """The ASGI application.

        Args:
            names: the hosts by which browsers may call the node, in small letters.
        """
        app = Starlette(
            routes=[
                Route("/", self._home, methods=["GET"]),
                Route("/login", self._log_in, methods=["POST"]),
                Route("/login.json", self._before_log_in, methods=["GET"]),
                Route("/logout", self._log_out, methods=["POST"]),
                Route("/session.json", self._session, methods=["GET"]),
                Route("/openapi.json", self._openapi, methods=["GET"]),
                *(
                    Route(f"/done/{{word}}{end}", self._of_job(show), methods=["GET"])
                    for end, show in self._job_pages()
                ),
                *(route for part in self._parts for route in self._routes(part)),
                Mount("/static", StaticFiles(packages=[("cucmsh.web", "static")])),
            ],
            exception_handlers=dict.fromkeys(
                (HTTPException, CucmshError, ClientDisconnect, Exception),
                self._failed,
            ),
        )
        # Outside of all of it: what breaks off is answered with the same headers.
        return Gate(app, frozenset(names), is_tls=self._is_secure)

    def session_of(self, request: Request) -> Session | None:
        """Who sent it; None for nobody, and for who is logged in no more."""
        name = request.cookies.get(self._cookie, "")
        return self._sessions.find(name, self._node.account_mark) if name else None

    def site_of(self, request: Request, session: Session) -> Site:
        """The node, called by that session."""
        return self._node.of(session.account, session.level, _address(request))

    def show(
        self, request: Request, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page of HTML for whoever sent the request."""
        session: Session | None = getattr(request.state, "session", None)
        values.setdefault("token", session.token if session else "")
        body = self._templates.render(
            template,
            request.headers.get("accept-language", ""),
            here=request.url.path,
            node=self._node.settings.node.name,
            account=session.account if session else "",
            may_change=bool(session and self._may_change(session)),
            **values,
        )
        return HTMLResponse(body, status)

    def _may_change(self, session: Session) -> bool:
        return self._node.settings.web.changes and (session.level >= Privilege.CHANGE)

    def _job_pages(self) -> Iterator[tuple[str, Callable[[Request, Job], Response]]]:
        yield "/events", self._follow
        yield "/result", self._show_result
        yield "/result.json", self._show_result
        yield ".json", self._show_job
        yield "", self._show_job

    def _routes(self, part: Part) -> Iterator[Route]:
        if isinstance(part, LongAction):
            yield Route(part.path, self._beginning(part), methods=["POST"])
        elif isinstance(part, Action):
            yield Route(part.path, self._doing(part), methods=["POST"])
        elif isinstance(part, File):
            yield Route(part.path, self._giving(part), methods=["GET"])
        else:
            for path in (part.path, f"{part.path}.json"):
                yield Route(path, self._showing(part), methods=["GET"])

    def _showing(self, page: Page) -> Answer:
        async def answer(request: Request) -> Response:
            site = await self._logged_in(request)
            if site is None:
                return self._ask_to_log_in(request)
            found = await run_in_threadpool(page.find, site, _asked(request))
            return self._shown(request, page.template, found)

        return answer

    def _giving(self, file: File) -> Answer:
        async def answer(request: Request) -> Response:
            site = self._node.of_nobody(_address(request))
            if file.needs_log_in:
                named = await self._logged_in(request)
                if named is None:
                    return self._ask_to_log_in(request)
                site = named
            name, kind, raw = await run_in_threadpool(file.find, site, _asked(request))
            saved = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
            return Response(
                raw, media_type=kind, headers={"Content-Disposition": saved}
            )

        return answer

    def _doing(self, action: Action) -> Answer:
        async def answer(request: Request) -> Response:
            session, given = await self.form_of(request)
            site = self.site_of(request, session)
            found = await run_in_threadpool(action.do, site, given)
            if _wants_json(request):
                return self._shown(request, action.template, found)
            word = session.keep(Job.done(action.template, found))
            return RedirectResponse(f"/done/{word}/result", 303)

        return answer

    def _beginning(self, action: LongAction) -> Answer:
        async def answer(request: Request) -> Response:
            session, given = await self.form_of(request)
            site = self.site_of(request, session)
            job = Job(action.name, action.template)
            word = session.keep(job)
            job.start(lambda tell: action.do(site, given, tell), crash_recorder(site))
            return RedirectResponse(f"/done/{word}", 303)

        return answer

    def _of_job(self, show: Callable[[Request, Job], Response]) -> Answer:
        """A page of what an action of this session did, or does."""

        async def answer(request: Request) -> Response:
            if await self._logged_in(request) is None:
                return self._ask_to_log_in(request)
            session: Session = request.state.session
            job = session.results.get(request.path_params["word"])
            if job is None:
                raise HTTPException(404, "That result is not kept any more.")
            return show(request, job)

        return answer

    def _show_job(self, request: Request, job: Job) -> Response:
        if not _wants_json(request):
            return self.show(request, "job.html", job=job)
        told = job.problem
        error = _error(told.kind, told.message, told.advice) if told else None
        shown = {"name": job.name, "is_running": job.is_running, "lines": job.lines}
        return JSONResponse({"error": error, "result": shown, "schema": SCHEMA})

    def _show_result(self, request: Request, job: Job) -> Response:
        if job.shown is None:
            raise HTTPException(404, "There is no result yet, or there was none.")
        return self._shown(request, job.template, job.shown)

    def _follow(self, request: Request, job: Job) -> Response:
        seen = request.query_params.get("seen", "")
        events = job.follow(int(seen) if seen.isdecimal() else 0)
        return StreamingResponse(
            (_event(number, line) for number, line in _ended(events)),
            media_type="text/event-stream",
        )

    async def _logged_in(self, request: Request) -> Site | None:
        """The node for whoever is logged in; None for nobody."""
        session = await run_in_threadpool(self.session_of, request)
        if session is None:
            return None
        request.state.session = session
        return self.site_of(request, session)

    def _shown(self, request: Request, template: str, found: Shown) -> Response:
        if _wants_json(request):
            return _answered(found.document, found.status)
        return self.show(request, template, found.status, **found.values)

    def _ask_to_log_in(self, request: Request, problem: str = "") -> Response:
        if _wants_json(request):
            text = (
                "Log in first: POST username, password and the token of /login.json "
                "to /login, with its cookie."
            )
            return JSONResponse(_error_document(RefusedError.kind, text, None), 401)
        nonce = request.cookies.get(self._before, "") or secrets.token_urlsafe(32)
        wanted = request.url.path
        if request.url.query:
            wanted += f"?{request.url.query}"
        if wanted.startswith("/log"):
            wanted = request.query_params.get("next", "/")
        answer = self.show(
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

    async def _home(self, request: Request) -> Response:
        if await self._logged_in(request) is None:
            return self._ask_to_log_in(request)
        return self.show(request, "home.html")

    async def _before_log_in(self, request: Request) -> Response:
        """For programs: the token that /login takes with the cookie of this answer."""
        nonce = request.cookies.get(self._before, "") or secrets.token_urlsafe(32)
        answer = _answered({"token": self._login_token(nonce)})
        self._set_cookie(answer, self._before, nonce)
        return answer

    async def _session(self, request: Request) -> Response:
        """For programs: who is logged in, and the token of its forms."""
        if await self._logged_in(request) is None:
            return self._ask_to_log_in(request)
        session: Session = request.state.session
        told = {"account": session.account, "level": int(session.level)}
        return _answered({**told, "token": session.token})

    async def _openapi(self, request: Request) -> Response:
        if await self._logged_in(request) is None:
            return self._ask_to_log_in(request)
        return JSONResponse(document(self._parts))

    async def _log_in(self, request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=_FORM_FIELDS)
        nonce = request.cookies.get(self._before, "")
        given = _text(form, "token")
        if not nonce or not hmac.compare_digest(
            self._login_token(nonce).encode(), given.encode()
        ):
            return self._ask_to_log_in(
                request, "The form was too old, or of another page. Log in again."
            )
        account = _text(form, "username").strip()
        password = Secret(_text(form, "password"))
        try:
            level = await self._judge(account, password, _address(request))
        except RefusedError as refusal:
            return self._ask_to_log_in(request, refusal.message)
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

    async def _failed(self, request: Request, problem: Exception) -> Response:
        """An error as a page, or as the document that ``--json`` prints of it."""
        if isinstance(problem, HTTPException):
            status, text = problem.status_code, problem.detail
            text = _OF_STATUS.get(status, text) if text == _phrase(status) else text
            return self._told(request, status, UsageError.kind, text, None)
        if isinstance(problem, CucmshError):
            found = (code for kind, code in _STATUSES if isinstance(problem, kind))
            return self._told(
                request, next(found, 500), problem.kind, problem.message, problem.advice
            )
        if isinstance(problem, ClientDisconnect):  # nobody reads the answer
            return Response(status_code=400)
        crash_recorder(self._node.site)(problem)
        text = f"The page broke off: {type(problem).__name__}."
        return self._told(request, 500, CucmshError.kind, text, "See log/errors.")

    def _told(
        self, request: Request, status: int, kind: str, text: str, advice: str | None
    ) -> Response:
        if _wants_json(request):
            return JSONResponse(_error_document(kind, text, advice), status)
        return self.show(
            request, "problem.html", status, problem=text, advice=advice or ""
        )


def _answered(result: Mapping[str, object], status: int = 200) -> JSONResponse:
    found = {"error": None, "result": result, "schema": SCHEMA}
    return JSONResponse(found, status)


def _error_document(kind: str, text: str, advice: str | None) -> dict[str, object]:
    error = _error(kind, text, advice)
    return {"error": error, "result": None, "schema": SCHEMA}


def _error(kind: str, text: str, advice: str | None) -> dict[str, str | None]:
    return {"kind": kind, "message": text, "advice": advice or None}


def _ended(
    events: Iterator[tuple[int, str | None]],
) -> Iterator[tuple[int, str | None]]:
    """With one more at the end, whose number is -1."""
    yield from events
    yield -1, None


def _event(number: int, line: str | None) -> str:
    """As server-sent events have it; a comment keeps the connection."""
    if number < 0:
        return "event: end\ndata: end\n\n"
    return ": nothing new\n\n" if line is None else f"data: {line}\n\n"


def _phrase(status: int) -> str:
    """What Starlette says where nobody said more."""
    return HTTPStatus(status).phrase


def _asked(request: Request) -> dict[str, str]:
    """What the address says: its query, and values in its path."""
    return {**request.query_params, **request.path_params}


def _wants_json(request: Request) -> bool:
    if request.url.path.endswith(".json"):
        return True
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _text(form: FormData | Mapping[str, object], name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _own_path(wanted: str) -> str:
    """Where a log-in leads: a path of this page, whatever the form says."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and not parts.netloc and wanted.isprintable() else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
