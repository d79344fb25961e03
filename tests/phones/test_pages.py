"""The lab's pages have the form of real ones, and scrapers of real ones read them."""

from __future__ import annotations

import html
import itertools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.facts import PhoneFacts, StatusLine
from cucmsh.phones.page_reader import join, read_page
from cucmsh.phones.pages import HTML, SERVICEABILITY, XML, page, status_page
from tests.phones.made_facts import HOSTILE, MODELS, NOW, SHA1, made_facts

NETWORK = f"{SERVICEABILITY}device.statistics.configuration"
DEVICE = f"{SERVICEABILITY}device.statistics.device"
DEBUG = f"{SERVICEABILITY}device.trace.display.alarm"
TWINS = ("/DeviceInformationX", "/NetworkConfigurationX", "/DeviceLogX?2")


def text_of(facts: PhoneFacts, target: str) -> str:
    found = page(facts, target)
    assert found is not None
    return found.body.decode()


def network_of(model: str) -> str:
    return "/NetworkConfiguration" if model == "7940" else NETWORK


class TestForm:
    def test_8845_writes_as_it_was_seen(self) -> None:
        text = text_of(made_facts("8845"), NETWORK)
        pairs = " ".join(SHA1[at : at + 2].upper() for at in range(0, 40, 2)) + " "
        for label, value in (
            ("Host name", "SEP001122334455"),
            ("TFTP server 1", "pub&#x2D;1.example.com"),
            ("CUCM server1", "pub&#x2D;1.example.com  Active"),
            ("CTL file", "Not installed"),
            ("ITL file", "Installed"),
            ("ITL signature", pairs),
            ("TVS", "pub&#x2D;1.example.com"),
        ):
            row = (
                f"<TR><TD><B> {label}</B></TD><td width=20></TD>"
                f"<TD><B>{value}</B></TD></TR>"
            )
            assert row in text
        assert '<TABLE BORDER="0" CELLSPACING="10" CELLPADDING="0">' in text
        assert "Cisco IP Phone CP-8845 ( SEP001122334455 )" in text

    def test_a_7841_has_capitals_and_a_7965_shows_md5(self) -> None:
        assert "> ITL Signature<" in text_of(made_facts("7841"), NETWORK)
        old = text_of(made_facts("7965"), NETWORK)
        assert "Cisco Unified IP Phone CP-7965G ( SEP001122334455 )" in old
        assert "<B> Unified CM 1</B>" in old
        assert len(read_page(old.encode()).itl) == 32

    def test_a_7940_has_other_addresses_and_no_itl(self) -> None:
        facts = made_facts("7940")
        assert page(facts, DEVICE) is None
        text = text_of(facts, "/NetworkConfiguration")
        assert "<B>CallManager 1</B>" in text
        assert "ITL " not in text
        assert status_page("7940") == "/DeviceLog?2"

    @pytest.mark.parametrize("model", MODELS)
    def test_the_xml_of_all_but_79xx_is_xml(self, model: str) -> None:
        for target in TWINS:
            text = text_of(made_facts(model, HOSTILE), target)
            if model == "7965" and "Log" in target:
                with pytest.raises(ET.ParseError):
                    ET.fromstring(text)
                text = text.replace(text.splitlines()[0], "")
            root = ET.fromstring(text)
            assert len(root) > 0
            assert all(len(child) == 0 for child in root)

    def test_what_is_not_there_is_no_page(self) -> None:
        for target in ("", "/x", f"{SERVICEABILITY}x", "/DeviceLogX?7", "/deviceinfo"):
            assert page(made_facts("8845"), target) is None

    def test_links_stand_below_the_prefix(self) -> None:
        found = page(made_facts("8845"), "/", "/SEP001122334455")
        assert found is not None
        links = re.findall(r'href="([^"]*)"', found.body.decode())
        assert len(links) == 4
        for link in links:
            below = html.unescape(link).removeprefix("/SEP001122334455")
            assert page(made_facts("8845"), below) is not None

    def test_the_debug_display_shows_the_alarm(self) -> None:
        text = html.unescape(text_of(made_facts("8845"), DEBUG))
        assert "[8:52:30am 10/01/19]\nDeviceTLInfo DeviceName=SEP001122334455" in text
        assert "ITL_Signature=0F 1E 2D" in text
        assert "StatusCode=3" in text

    @pytest.mark.parametrize(
        ("at", "shown"),
        [(-5, "12:00:00am 01/01/70"), (1 << 60, "6:28:15am 02/07/06")],
    )
    def test_a_clock_that_is_wrong_is_shown(self, at: int, shown: str) -> None:
        facts = made_facts("8845")._replace(now=at, status=(StatusLine(at, "x"),))
        status = html.unescape(text_of(facts, status_page(facts.family)))
        assert f"[{shown}]\nx" in status
        assert "<B> Time</B>" in text_of(facts, "/")

    def test_settings_of_the_running_configuration_are_shown(self) -> None:
        text = text_of(made_facts("8845"), NETWORK)
        shown = re.findall(r"<B> (\w+ access enabled|Span to PC port)</B>.*?<B>", text)
        assert shown == ["Web access enabled", "SSH access enabled", "Span to PC port"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.add(tag)


@pytest.mark.parametrize("model", MODELS)
def test_no_text_becomes_a_tag(model: str) -> None:
    facts = made_facts(model, HOSTILE)._replace(
        label=HOSTILE, load=HOSTILE, tvs=(HOSTILE,), itl_server=HOSTILE
    )
    for target in ("/", network_of(model), status_page(facts.family), *TWINS):
        found = page(facts, target)
        assert found is not None
        assert found.body.isascii()
        assert b"\x1b" not in found.body
        if found.kind == HTML:
            tags = _Tags()
            tags.feed(found.body.decode())
            assert "script" not in tags.tags
        else:
            assert found.kind == XML
            assert b"<script" not in found.body


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("itl", [SHA1, SHA1[:32], NOT_INSTALLED])
def test_our_reader_reads_them(model: str, itl: str) -> None:
    facts = made_facts(model, "Trust List Updated")._replace(itl=itl)
    pages = [
        text_of(facts, target)
        for target in ("/", network_of(model), status_page(facts.family), *TWINS)
    ]
    said = join(read_page(text.encode()) for text in pages)
    assert said.name == facts.name
    assert said.model == model
    assert said.load == facts.load
    assert said.itl == ("" if model == "7940" else itl)
    assert said.tftp_servers == facts.tftp_servers
    assert said.trust_line.endswith(" Trust List Updated")
    if model != "7940" and itl != NOT_INSTALLED:
        assert said.tvs == facts.tvs


class TestPublishedScrapers:
    """Written from what they read, not from their code (docs/formats.md#pages)."""

    @pytest.mark.parametrize("model", ["8845", "7841", "9971", "7965"])
    def test_rows_by_their_labels(self, model: str) -> None:
        """Cells in the order of the page; the one behind a label is its value."""
        text = text_of(made_facts(model), NETWORK)
        cells = [html.unescape(c).strip() for c in re.findall(r"<B>(.*?)</B>", text)]
        values = dict(itertools.pairwise(cells))
        by_label = {label.lower(): value for label, value in values.items()}
        assert by_label["itl file"] == "Installed"
        assert by_label["itl signature"].replace(" ", "").lower() in SHA1
        assert by_label["ctl file"].lower() == "not installed"
        assert by_label["tvs"] == "sub.example.com"  # the last of two

    @pytest.mark.parametrize("model", ["8845", "7841"])
    def test_the_last_line_about_trust_or_itl(self, model: str) -> None:
        """A time in brackets, a line end, the message: the last ten are looked at."""
        facts = made_facts(model)._replace(
            status=(
                StatusLine(NOW, "ITL installed"),
                StatusLine(NOW, "Trust List updated"),
                StatusLine(NOW, "TFTP timeout"),
            )
        )
        text = re.sub("<[^>]*>", "_", html.unescape(text_of(facts, status_page(""))))
        lines = re.findall(r"\d\d?:\d\d:\d\d[ap]m \d\d/\d\d/\d\d\]\n([^_]*)", text)
        about = [x for x in lines[-10:] if re.search("trust|itl", x, re.IGNORECASE)]
        assert about[-1] == "Trust List updated"

    def test_the_last_line_of_a_79xx(self) -> None:
        text = html.unescape(text_of(made_facts("7965"), status_page("79xx")))
        found = re.findall(r"(\d{1,2}:\d\d:\d\d[ap]) ([^<]*)", text)
        assert found == [("8:52:30a", "ITL installed")]

    @pytest.mark.parametrize("model", MODELS)
    def test_the_end_of_a_cell_in_small_letters(self, model: str) -> None:
        facts = made_facts(model, "Trust List update failed")
        text = html.unescape(text_of(facts, status_page(facts.family)))
        cells = [c.strip().lower() for c in re.findall(r"(?s)<TD>(.*?)</TD>", text)]
        assert any(cell.endswith("trust list update failed") for cell in cells)

    def test_a_log_as_a_table_of_its_elements(self) -> None:
        root = ET.fromstring(text_of(made_facts("8845"), "/DeviceLogX?2"))
        assert root.tag == "DeviceLog"
        (line,) = [child.text for child in root if child.tag == "status"]
        assert line is not None
        found = re.search(r"\d{1,2}:\d\d:\d\d\s*\w\w\s*(\d\d/\d\d/\d\d)\]\s*(.+)", line)
        assert found is not None
        assert found.groups() == ("10/01/19", "ITL installed")
