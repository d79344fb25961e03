"""Answers that all parts of the page give alike: JSON, and what a failure looks like.

The document of a program is the one of ``--json``: error, result and schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from cucmsh.errors import (
    BusyError,
    CertificateError,
    CucmshError,
    MissingFileError,
    RefusedError,
    UsageError,
)

SCHEMA = "cucmsh/1"  # of the JSON twins, as of --json
_STATUSES: tuple[tuple[type[CucmshError], int], ...] = (
    (MissingFileError, 404),
    (UsageError, 400),
    (BusyError, 503),
    (RefusedError, 403),
    (CertificateError, 422),
)
_OF_STATUS = {404: "There is no such page.", 405: "That cannot be done here."}


class Failure(NamedTuple):
    """What went wrong.

    Attributes:
        status: of the answer.
        kind: a word of docs/programs.md#errors.
        text: one sentence.
        advice: what to do; empty if nothing.
    """

    status: int
    kind: str
    text: str
    advice: str = ""

    @property
    def document(self) -> dict[str, object]:
        """For a program."""
        error = {"kind": self.kind, "message": self.text, "advice": self.advice or None}
        return {"error": error, "result": None, "schema": SCHEMA}


def failure_of(problem: HTTPException | CucmshError) -> Failure:
    """The failure that an error is."""
    if isinstance(problem, CucmshError):
        found = (code for kind, code in _STATUSES if isinstance(problem, kind))
        return Failure(
            next(found, 500), problem.kind, problem.message, problem.advice or ""
        )
    status, text = problem.status_code, problem.detail
    if text == HTTPStatus(status).phrase:  # nobody said more
        text = _OF_STATUS.get(status, text)
    return Failure(status, UsageError.kind, text)


def answered(result: Mapping[str, object], status: int = 200) -> JSONResponse:
    """A result for a program."""
    return JSONResponse({"error": None, "result": result, "schema": SCHEMA}, status)


def wants_json(request: Request) -> bool:
    """Whether a program asks: by the address, or by what it accepts."""
    if request.url.path.endswith(".json"):
        return True
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def asked(request: Request) -> dict[str, str]:
    """What the address says: its query, and values in its path."""
    return {**request.query_params, **request.path_params}


def address(request: Request) -> str:
    """From where it came."""
    return request.client.host if request.client else ""
