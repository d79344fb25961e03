"""``lab phone``: what is typed, what the phones' process is asked, what is shown."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cucmsh.errors import MissingFileError, RefusedError, ServiceError, UsageError
from cucmsh.layout import LAB_FILE, LAB_PHONES_CONTROL
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.phones.inventory import phones_by_state
from cucmsh.services.site import Site
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.packs import load_pack
from cucmsh.shell.scripted import ScriptedDialog, ScriptedSession
from tests.services.callers import Notes
from tests.services.made_cluster import made_cluster

pytestmark = pytest.mark.loopback

GRAMMAR = Grammar(load_pack("cucmsh.lab.pack"))
NAME = "SEP02C188450001"
PAGE = f"http://127.0.0.1:1/{NAME}/"
PHONE: dict[str, Any] = {
    "name": NAME,
    "model": "8845",
    "family": "78xx/88xx",
    "address": "127.1.0.1",
    "is_plugged": True,
    "ctl": "none",
    "itl": "0f1e2d3c" * 5,
    "label": "1001",
    "load": "sip88xx.14-3-1",
    "now": 1000,
    "ctl_server": "",
    "itl_server": "test10pub.joemar2.lab",
    "digest": "sha1",
    "tftp_servers": ["test10pub.joemar2.lab"],
    "tvs": ["test10pub.joemar2.lab", "test10sub.joemar2.lab"],
    "settings": {"webAccess": "0"},
    "status": [
        "[8:52:30am 10/01/19] ITL installed",
        "[8:53:00am 10/01/19] Trust List update failed\x1b[2J",
    ],
    "alarms": [],
    "boots": [],
    "directory": "Host Not Found",
    "reasons": ["nobody whom it trusts signed ITLSEP02C188450001.tlv"],
}


class StandIn:
    """What the phones' process would answer, and what it was asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"phones": [PHONE]}
        stand = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                stand.asked.append(json.loads(self.rfile.readline()))
                self.wfile.write(json.dumps(stand.answer).encode() + b"\n")

        self.server = socketserver.UnixStreamServer(str(path), Handler)
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A node of a lab."""
    described = {"phones": [{"name": NAME, "model": "8845", "page": PAGE}]}
    (tmp_path / LAB_FILE).write_text(json.dumps(described))
    made = made_cluster(tmp_path).site
    return made.with_settings(made.settings._replace(lab=str(tmp_path)))


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[StandIn]:
    stand = StandIn(tmp_path / LAB_PHONES_CONTROL)
    yield stand
    stand.stop()


def typed(
    site: Site, line: str, *, wants_json: bool = False, status: int = 0
) -> ScriptedDialog:
    dialog = ScriptedDialog(wants_json=wants_json, session=ScriptedSession(GRAMMAR))
    parsed = GRAMMAR.parse(line)
    with dialog:
        done = parsed.command.function(dialog, site, *parsed.arguments)
    assert (done or 0) == status
    return dialog


def test_a_list_has_a_line_a_phone(site: Site, phones: StandIn) -> None:
    assert typed(site, "lab phone list").text == (
        f"{NAME}  8845  ITL 0f1e2d3c  "
        "[8:53:00am 10/01/19] Trust List update failed?[2J\n"
    )
    assert phones.asked == [{"verb": "wait"}]


def test_show_prints_the_messages_as_they_stand_on_the_screen(
    site: Site, phones: StandIn
) -> None:
    text = typed(site, f"lab phone show {NAME.lower()}").text
    assert phones.asked == [{"verb": "show", "names": [NAME]}]
    assert f"ITL:       {PHONE['itl']}(SHA1) from test10pub.joemar2.lab\n" in text
    assert "CTL:       not installed\n" in text
    assert f"Page:      {PAGE}\n" in text
    assert "Directory: Host Not Found\n" in text
    assert "Why:       nobody whom it trusts signed" in text
    assert text.endswith(
        "  [8:52:30am 10/01/19] ITL installed\n"
        "  [8:53:00am 10/01/19] Trust List update failed?[2J\n"
    )


@pytest.mark.parametrize("verb", ["reset", "restart", "erase", "unplug", "plug"])
def test_phones_are_told_by_name_or_all(site: Site, phones: StandIn, verb: str) -> None:
    typed(site, f"lab phone {verb} {NAME} sep02c179650001")
    typed(site, f"lab phone {verb} all")
    assert phones.asked == [
        {"verb": verb, "names": [NAME, "SEP02C179650001"]},
        {"verb": verb},
    ]


def test_a_clock_is_set_and_set_right(site: Site, phones: StandIn) -> None:
    typed(site, f"lab phone clock {NAME} 1970-01-02 00:01")
    typed(site, "lab phone clock all")
    assert phones.asked == [
        {"verb": "clock", "names": [NAME], "at": 86460},
        {"verb": "clock", "at": None},
    ]
    with pytest.raises(UsageError, match="from 1970 to 2099"):
        typed(site, f"lab phone clock {NAME} 1900-01-01")
    with pytest.raises(UsageError, match="is no time"):
        typed(site, f"lab phone clock {NAME} tomorrow")


def test_json_has_null_for_what_is_not_there(site: Site, phones: StandIn) -> None:
    dialog = typed(site, f"lab phone show {NAME}", wants_json=True)
    assert dialog.json == {"phones": [{**PHONE, "page": PAGE, "ctl": None}]}


def test_an_error_of_theirs_is_ours(site: Site, phones: StandIn) -> None:
    phones.answer = {"error": "there is no phone 'X'", "advice": "There are Y."}
    with pytest.raises(ServiceError, match="no phone 'X'") as raised:
        typed(site, "lab phone show X")
    assert raised.value.advice == "There are Y."


def test_a_page_that_cannot_be_read_is_named_and_nothing_is_recorded(
    site: Site, phones: StandIn
) -> None:
    with pytest.raises(MissingFileError) as raised:
        phones_by_state(site)
    assert "lab phone poll" in raised.value.advice
    dialog = typed(site, "lab phone poll", status=1)
    assert dialog.text.startswith(f"{NAME}: 127.0.0.1:1/{NAME}: ")
    assert "Asked: 1; 0 show their list, 0 show none, 1 could not be " in dialog.text
    assert "0 claims" in dialog.text
    found: Any = typed(site, "lab phone poll", wants_json=True, status=1).json
    assert found["phones"][0]["name"] == NAME
    assert phones.asked == [{"verb": "wait"}] * 2


def test_names_are_offered(site: Site, phones: StandIn) -> None:
    offered = GRAMMAR.parse(f"lab phone reset {NAME}").command.candidates["name"]
    assert list(offered(site)) == ["all", NAME]


def test_without_phones_it_says_how_to_have_some(site: Site) -> None:
    with pytest.raises(ServiceError) as raised:
        typed(site, "lab phone list")
    assert "--phones" in raised.value.advice
    offered = GRAMMAR.parse(f"lab phone show {NAME}").command.candidates["name"]
    assert list(offered(site)) == []


def test_a_node_of_no_lab_has_no_phones(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no node of a lab"):
        typed(made_cluster(tmp_path).site, "lab phone list")


def test_what_is_done_to_phones_is_recorded_and_a_looker_may_not(
    site: Site, phones: StandIn
) -> None:
    notes = Notes()
    admin = Caller(WayIn.PROMPT, "admin")
    typed(site.called_by(admin, notes), f"lab phone reset {NAME}")
    assert notes.kept == [("lab phone", "reset", NAME)]
    looker = Caller(WayIn.PROMPT, "guest", level=Privilege.READ)
    with pytest.raises(RefusedError, match="needs privilege level"):
        typed(site.called_by(looker, notes), f"lab phone erase {NAME}")
    assert len(phones.asked) == 1
    typed(site.called_by(looker, notes), "lab phone list")
