"""The pages of jobs: how far one is, its result, and its lines as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cucmsh.web.answers import answered, failure_of, wants_json
from cucmsh.web.jobs import Job
from cucmsh.web.log_in import LogIn, Show
from cucmsh.web.sessions import Session

Answer = Callable[[Request], Awaitable[Response]]


class JobPages:
    """What an action of a session did, or does; nobody else finds it.

    Args:
        log_in: knows whose a request is.
        show: shows a template.
    """

    def __init__(self, log_in: LogIn, show: Show) -> None:
        self._log_in = log_in
        self._show = show

    @property
    def routes(self) -> list[Route]:
        """Where they are: `/done/WORD`, and below it."""
        pages: dict[str, Callable[[Request, Job], Response]] = {
            "/events": self._follow,
            "/result": self._show_result,
            "/result.json": self._show_result,
            ".json": self._show_job,
            "": self._show_job,
        }
        return [
            Route(f"/done/{{word}}{end}", self._of_job(show), methods=["GET"])
            for end, show in pages.items()
        ]

    def _of_job(self, show: Callable[[Request, Job], Response]) -> Answer:
        async def answer(request: Request) -> Response:
            if await self._log_in.logged_in(request) is None:
                return self._log_in.ask(request)
            session: Session = request.state.session
            job = session.results.get(request.path_params["word"])
            if job is None:
                raise HTTPException(404, "That result is not kept any more.")
            return show(request, job)

        return answer

    def _show_job(self, request: Request, job: Job) -> Response:
        if not wants_json(request):
            return self._show(request, "job.html", job=job)
        shown = {"name": job.name, "is_running": job.is_running, "lines": job.lines}
        if job.problem is None:
            return answered(shown)
        return JSONResponse({**failure_of(job.problem).document, "result": shown})

    def _show_result(self, request: Request, job: Job) -> Response:
        if job.shown is None:
            raise HTTPException(404, "There is no result yet, or there was none.")
        if wants_json(request):
            return answered(job.shown.document, job.shown.status)
        return self._show(request, job.template, job.shown.status, **job.shown.values)

    def _follow(self, request: Request, job: Job) -> Response:
        seen = request.query_params.get("seen", "")
        events = job.follow(int(seen) if seen.isdecimal() else 0)
        return StreamingResponse(
            (_event(number, line) for number, line in _ended(events)),
            media_type="text/event-stream",
        )


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
