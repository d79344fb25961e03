"""What programs are told of the page is so, whatever they send."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cucmsh.web.openapi import document
from cucmsh.web.server import PARTS
from tests.rigs.page import Browser
from tests.web.conftest import PASSWORD, VIEWER

pytestmark = pytest.mark.thorough

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
TOO_SLOW = [HealthCheck.too_slow]


def test_a_program_logs_in_and_out_without_reading_html(browser: Browser) -> None:
    token = json.loads(browser.get("/login.json").text)["result"]["token"]
    fields = {"username": VIEWER, "password": PASSWORD, "token": token}
    assert browser.post("/login", fields).status == 303
    told = json.loads(browser.get("/session.json").text)["result"]
    assert (told["account"], told["level"]) == (VIEWER, 0)
    assert browser.post("/logout", {"token": told["token"]}).status == 303
    assert browser.get("/session.json").status == 401


def test_the_document_names_every_part(admin: Browser) -> None:
    told = json.loads(admin.get("/openapi.json").text)
    assert told == json.loads(json.dumps(document(PARTS)))
    for part in PARTS:
        assert part.path in told["paths"] or f"{part.path}.json" in told["paths"]


def test_whatever_a_program_sends_is_answered_as_the_document_says(
    browser: Browser,
) -> None:
    """By somebody who may only look, so that nothing changes."""
    browser.log_in(VIEWER, PASSWORD)
    cookie = f"cucmsh={browser.cookies['cucmsh']}"
    headers = {"Cookie": cookie, "Accept": "application/json"}
    api = schemathesis.openapi.from_dict(document(PARTS))
    api.config.update(base_url=f"http://127.0.0.1:{browser.port}")
    for found in api.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(max_examples=3, deadline=None, suppress_health_check=TOO_SLOW)
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        check()
