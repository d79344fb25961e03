"""The application: which page is where, who may see it, what a failure looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cucmsh.errors import CucmshError
from cucmsh.services.caller import Privilege
from cucmsh.services.records.crash_log import crash_recorder
from cucmsh.web.answers import Failure, address, answered, asked, failure_of, wants_json
from cucmsh.web.gate import Gate
from cucmsh.web.job_pages import JobPages
from cucmsh.web.jobs import Job
from cucmsh.web.log_in import LogIn
from cucmsh.web.node import PageNode
from cucmsh.web.openapi import document
from cucmsh.web.pages import Action, File, LongAction, Page, Part, Shown
from cucmsh.web.rendering import Templates
from cucmsh.web.sessions import Session, Sessions

Answer = Callable[[Request], Awaitable[Response]]


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
        self._is_secure = is_secure
        self._parts = parts
        pages = [part for part in parts if isinstance(part, Page)]
        self._templates = Templates(
            (each.path, each.name) for each in pages if each.name
        )
        self._log_in = LogIn(node, sessions, self.show, is_secure=is_secure)

    def behind_gate(self, names: Sequence[str]) -> Gate:
        """The ASGI application.

        Args:
            names: the hosts by which browsers may call the node, in small letters.
        """
        app = Starlette(
            routes=[
                Route("/", self._home, methods=["GET"]),
                *self._log_in.routes,
                Route("/openapi.json", self._openapi, methods=["GET"]),
                *JobPages(self._log_in, self.show).routes,
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
            site = await self._log_in.logged_in(request)
            if site is None:
                return self._log_in.ask(request)
            found = await run_in_threadpool(page.find, site, asked(request))
            return self._shown(request, page.template, found)

        return answer

    def _giving(self, file: File) -> Answer:
        async def answer(request: Request) -> Response:
            site = self._node.of_nobody(address(request))
            if file.needs_log_in:
                named = await self._log_in.logged_in(request)
                if named is None:
                    return self._log_in.ask(request)
                site = named
            name, kind, raw = await run_in_threadpool(file.find, site, asked(request))
            saved = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
            return Response(
                raw, media_type=kind, headers={"Content-Disposition": saved}
            )

        return answer

    def _doing(self, action: Action) -> Answer:
        async def answer(request: Request) -> Response:
            session, given = await self._log_in.form_of(request)
            site = self._log_in.site_of(request, session)
            found = await run_in_threadpool(action.do, site, given)
            if wants_json(request):
                return self._shown(request, action.template, found)
            word = session.keep(Job.done(action.template, found))
            return RedirectResponse(f"/done/{word}/result", 303)

        return answer

    def _beginning(self, action: LongAction) -> Answer:
        async def answer(request: Request) -> Response:
            session, given = await self._log_in.form_of(request)
            site = self._log_in.site_of(request, session)
            if any(kept.is_running for kept in session.results.values()):
                raise HTTPException(
                    409, "Something of yours is running still. Nothing was begun."
                )
            job = Job(action.name, action.template)
            word = session.keep(job)
            job.start(lambda tell: action.do(site, given, tell), crash_recorder(site))
            return RedirectResponse(f"/done/{word}", 303)

        return answer

    def _shown(self, request: Request, template: str, found: Shown) -> Response:
        if wants_json(request):
            return answered(found.document, found.status)
        return self.show(request, template, found.status, **found.values)

    async def _home(self, request: Request) -> Response:
        if await self._log_in.logged_in(request) is None:
            return self._log_in.ask(request)
        return self.show(request, "home.html")

    async def _openapi(self, request: Request) -> Response:
        if await self._log_in.logged_in(request) is None:
            return self._log_in.ask(request)
        return JSONResponse(document(self._parts))

    async def _failed(self, request: Request, problem: Exception) -> Response:
        """An error as a page, or as the document that ``--json`` prints of it."""
        if isinstance(problem, ClientDisconnect):  # nobody reads the answer
            return Response(status_code=400)
        if isinstance(problem, HTTPException | CucmshError):
            found = failure_of(problem)
        else:
            crash_recorder(self._node.site)(problem)
            text = f"The page broke off: {type(problem).__name__}."
            found = Failure(500, CucmshError.kind, text, "See log/errors.")
        if wants_json(request):
            return JSONResponse(found.document, found.status)
        values = {"problem": found.text, "advice": found.advice}
        return self.show(request, "problem.html", found.status, **values)
