"""The German catalogue: whole, nothing stale, and what its compiled twin holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from cucmsh import web
from cucmsh.web.certificates import COLUMNS, HOWS
from cucmsh.web.pages import LongAction, Page
from cucmsh.web.resets import VERBS
from cucmsh.web.server import PARTS
from tests.rigs.page import Browser
from tests.web.conftest import ADMIN, PASSWORD

ROOM = Path(web.__file__).parent
PO = ROOM / "locale/de/LC_MESSAGES/page.po"
# Texts that a template has from a page.
STATES = ("valid", "watch", "expires soon", "expired", "cannot be read")


def texts() -> set[str]:
    found = {"Start", *HOWS, *VERBS, *STATES, *(name for name, _ in COLUMNS.values())}
    found |= {part.name for part in PARTS if isinstance(part, Page | LongAction)}
    for path in sorted((ROOM / "templates").glob("*.html")):
        tree = Environment(autoescape=True).parse(path.read_text())
        for _, _, text in extract_from_ast(tree, ("_",)):
            found |= {text} if isinstance(text, str) else set()
    return found - {""}


def catalogue() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, "de")


def test_every_text_is_translated_and_none_is_stale() -> None:
    told = {str(each.id): str(each.string) for each in catalogue() if each.id}
    assert sorted(texts() - set(told)) == []
    assert sorted(set(told) - texts()) == []
    assert [text for text, german in told.items() if not german] == []


def test_the_compiled_twin_is_of_this_catalogue() -> None:
    """`pybabel compile -d cucmsh/web/locale -D page` makes it."""
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = {each.id: each.string for each in read_mo(file) if each.id}
    assert compiled == {each.id: each.string for each in catalogue() if each.id}


@pytest.mark.thorough
def test_a_german_browser_is_answered_in_german_and_the_original_in_english(
    browser: Browser,
) -> None:
    german = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
    first = browser.get("/", **german)
    assert '<html lang="de">' in first.text
    assert "Anmelden" in first.text
    assert browser.log_in(ADMIN, PASSWORD).status == 303
    table = browser.get("/certificates", **german).text
    assert "Zertifikate aller Knoten, das zuerst ablaufende oben" in table
    assert "Tage übrig" in table
    fields = {"unit": "CallManager", "agree": "yes", "token": browser.token()}
    done = browser.post("/certificates/regenerate", fields)
    assert done.status == 303
    held = browser.get("/certificates/regenerate?unit=TVS", **german).text
    assert "regnerating" in re.sub(r"\s+", " ", held)
    assert "Verbleibende Haltezeit:" in held
    english = browser.get("/certificates", **{"Accept-Language": "fr"})
    assert "Certificates of all nodes" in english.text
