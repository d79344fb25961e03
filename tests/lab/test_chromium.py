"""A browser shows a phone's page as the lab serves it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from cucmsh.lab.phones.pages_server import page_address
from tests.lab.test_phone_pages import CONFIGURATION, NAME, served
from tests.phones.made_facts import HOSTILE, SHA1, made_facts
from tests.rigs.chromium import picture, shown

pytestmark = pytest.mark.loopback


def texts(document: str) -> list[str]:
    cells = re.findall(r"(?s)<td>(.*?)</td>", document)
    return [html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in cells]


def test_chromium_shows_the_lists_and_the_messages(tmp_path: Path) -> None:
    with served(made_facts("8845", "Trust List update failed")) as port:
        network = shown(f"http://127.0.0.1:{port}/{NAME}{CONFIGURATION}", tmp_path)
        status_url = page_address(port, NAME, "8845")
        status = shown(status_url, tmp_path)
        drawn = picture(status_url, tmp_path, tmp_path / "page.png")
    cells = texts(network)
    digest = cells[cells.index("ITL signature") + 1]
    assert digest.replace(" ", "").lower() == SHA1
    assert "[8:52:30am 10/01/19]\nTrust List update failed" in texts(status)
    assert drawn.startswith(b"\x89PNG")


def test_what_a_message_holds_stays_a_text(tmp_path: Path) -> None:
    with served(made_facts("7965", HOSTILE)) as port:
        document = shown(page_address(port, NAME, "7965"), tmp_path)
    assert "<script" not in document
    assert any("<script>alert(1)" in text for text in texts(document))
