"""What programs can ask of the page, as an OpenAPI document made of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cucmsh.web.pages import Action, File, LongAction, Page, Part

TITLE = "The page of a cucmsh node"
_ENVELOPE = {
    "type": "object",
    "required": ["error", "result", "schema"],
    "properties": {
        "schema": {"const": "cucmsh/1"},
        "result": {"type": ["object", "null"]},
        "error": {
            "type": ["object", "null"],
            "required": ["kind", "message", "advice"],
            "properties": {
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "advice": {"type": ["string", "null"]},
            },
        },
    },
}
_REFUSALS = {
    "400": "It is not understood.",
    "401": "Nobody is logged in.",
    "403": "The account, or this page, may not; or another page sent it.",
    "404": "There is no such thing.",
    "405": "Not by this method.",
    "409": "Somebody else is changing the same thing.",
    "413": "It is too long.",
    "421": "The Host is none of this node's names.",
    "422": "What was sent is no such thing.",
    "500": "It failed.",
}


def document(parts: Iterable[Part]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for part in parts:
        if isinstance(part, Page):
            paths.setdefault(f"{part.path}.json", {})["get"] = _get(part)
        elif isinstance(part, File):
            paths.setdefault(part.path, {})["get"] = _file(part)
        else:
            paths.setdefault(part.path, {})["post"] = _post(part)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1"},
        "components": {
            "schemas": {"Envelope": _ENVELOPE},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "cucmsh"}
            },
        },
        "security": [{"session": []}],
        "paths": paths,
    }


def _get(page: Page) -> dict[str, Any]:
    return {
        "summary": page.name or page.path.strip("/"),
        "parameters": _parameters(page.takes),
        "responses": {"200": _json("What the page shows."), **_refusals()},
    }


def _file(file: File) -> dict[str, Any]:
    answer = {"description": "The file.", "content": {"*/*": {}}}
    found = {
        "summary": file.path.strip("/"),
        "parameters": _parameters(file.takes),
        "responses": {"200": answer, **_refusals()},
    }
    return found if file.needs_log_in else {**found, "security": []}


def _post(action: Action | LongAction) -> dict[str, Any]:
    fields = {name: {"type": "string"} for name in ("token", *action.takes)}
    form = {"schema": {"type": "object", "required": ["token"], "properties": fields}}
    answers = {"200": _json("What it did."), "207": _json("What it did in part.")}
    if isinstance(action, LongAction):
        answers = {"303": {"description": "Location: how far it is."}}
    return {
        "summary": action.path.strip("/"),
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": form,
                "multipart/form-data": form,
            },
        },
        "responses": {**answers, **_refusals()},
    }


def _parameters(names: Iterable[str]) -> list[dict[str, Any]]:
    schema = {"type": "string"}
    return [{"name": name, "in": "query", "schema": schema} for name in names]


def _json(text: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Envelope"}}
    return {"description": text, "content": {"application/json": schema}}


def _refusals() -> dict[str, Any]:
    return {code: _json(text) for code, text in _REFUSALS.items()}
