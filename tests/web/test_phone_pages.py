"""Nodes, phones and previews, as a browser gets them."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import urlencode

import pytest

from cucmsh.layout import BROUGHT_KEYS
from cucmsh.phones.claims import Claim, Source
from cucmsh.services.phones.inventory import PAGE_PHONES
from cucmsh.services.phones.preview import RESTART, preview
from cucmsh.views.preview import preview_document
from tests.rigs.page import Browser
from tests.services.made_cluster import MadeCluster, foreign_key_file
from tests.web.phones_known import MARKUP, NOW, asked, digest, phone_name, record

pytestmark = pytest.mark.thorough


def named(text: str) -> list[str]:
    """The phones of a page, in its order."""
    return re.findall(r'href="/phones/one\?name=(SEP[0-9A-F]{12})"', text)


def test_nodes_are_what_show_itl_all_says(admin: Browser, cluster: MadeCluster) -> None:
    cluster.subscriber.service.is_running = False
    told = admin.get("/nodes").text
    found = json.loads(admin.get("/nodes.json").text)["result"]["nodes"]
    assert [each["name"] for each in found] == list(cluster.members)
    assert found[0]["md5"] == digest(cluster.publisher)
    assert found[0]["md5"] in told
    assert unescape(told).count(found[1]["reasons"][0]) == 1


def test_phones_are_found_by_state_node_and_name(
    admin: Browser, phones: MadeCluster
) -> None:
    record(phones.site, asked(0xA4, "ab" * 16, phones.subscriber.node.name))
    all_of_them = [phone_name(number) for number in (1, 2, 3, 0xA4)]
    for query, expected in (
        ("", all_of_them),
        ("state=match", all_of_them[:3]),
        ("state=mismatch", all_of_them[3:]),
        (f"node={phones.subscriber.node.name}", all_of_them[2:]),
        ("search=a4", all_of_them[3:]),
        ("search=%25", []),
        ("search=a4&state=match", []),
    ):
        told = admin.get(f"/phones?{query}")
        assert (told.status, named(told.text)) == (200, expected), query
        twin = json.loads(admin.get(f"/phones.json?{query}").text)["result"]
        assert [each["name"] for each in twin["phones"]] == expected


def test_counts_lead_to_their_phones(admin: Browser, phones: MadeCluster) -> None:
    record(phones.site, asked(4, "", phones.publisher.node.name))
    told = admin.get("/phones").text
    links = re.findall(r'<a href="([^"]*)"[^>]*>(\d+) (?:phones|[a-z-]+)</a>', told)
    assert [number for _, number in links] == ["4", "3", "0", "1", "0", "0"]
    for link, number in links:
        assert len(named(admin.get(unescape(link)).text)) == int(number)


def test_pages_go_on_with_the_same_filter(admin: Browser, phones: MadeCluster) -> None:
    node, many = phones.publisher.node.name, PAGE_PHONES + 7
    record(phones.site, *(asked(number, "", node) for number in range(10, 10 + many)))
    path, seen = f"/phones?{urlencode({'state': 'unknown', 'node': node})}", []
    while path:
        told = admin.get(path).text
        seen += named(told)
        found = re.search(r'<a href="([^"]*)" rel="next"', told)
        path = unescape(found.group(1)) if found else ""
    assert seen == [phone_name(number) for number in range(10, 10 + many)]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/phones?state=odd", 400),
        ("/phones?node=nobody", 400),
        ("/phones?page=0", 400),
        ("/phones?page=%C2%B2", 400),
        ("/phones?page=99", 400),
        ("/phones/one", 404),
        ("/phones/one?name=%00", 404),
        ("/phones/one?name=SEP0000000000FF", 404),
    ],
)
def test_what_is_not_there_is_one_sentence(
    admin: Browser, phones: MadeCluster, path: str, status: int
) -> None:
    assert phones
    told = admin.get(path)
    assert told.status == status
    assert 'role="alert"' in told.text


def test_without_an_inventory_the_page_says_how_to_get_one(admin: Browser) -> None:
    told = admin.get("/phones")
    assert (told.status, "nothing is known of phones yet" in told.text) == (200, True)
    assert json.loads(admin.get("/phones.json").text)["result"]["phones"] == []


def test_a_phone_has_its_history_the_latest_first(
    admin: Browser, phones: MadeCluster
) -> None:
    name = phone_name(1)
    alarm = Claim(name, Source.ALARM, NOW + 60, itl="ab" * 16, status=7, text="no")
    record(phones.site, alarm)
    found = json.loads(admin.get(f"/phones/one.json?name={name.lower()}").text)
    history = found["result"]["history"]
    assert [each["source"] for each in history] == ["alarm", "tftp-log"]
    assert history[0]["alarm_status"] == 7
    assert found["result"]["phone"]["states"] == ["mismatch"]
    told = admin.get(f"/phones/one?name={name}").text
    assert told.index("alarm") < told.index("tftp-log")


def test_markup_of_a_phone_is_shown_as_text(
    admin: Browser, phones: MadeCluster
) -> None:
    """The inventory takes it as it came; the page is where it must be escaped."""
    fields = ("address", "node", "file", "itl", "ctl", "model", "load", "text")
    for number, field in enumerate(fields, 10):
        by = Source.TFTP_LOG if field == "node" else Source.PAGE
        claim = Claim(phone_name(number), by, NOW)
        record(phones.site, claim._replace(**{field: MARKUP}))  # type: ignore[arg-type]
        told = admin.get(f"/phones/one?name={phone_name(number)}").text
        assert "<script" not in told
        assert "<b id" not in told
        assert (MARKUP if field != "ctl" else MARKUP[:8]) in unescape(told), field
    for path in ("/phones", "/map", "/preview?what=restart"):
        told = admin.get(path).text
        assert "<script" not in told
        assert "<b id" not in told
        assert '"><script>' in unescape(told)


@pytest.mark.parametrize(
    "path", ["/map", "/preview", "/phones", "/phones/one", "/nodes"]
)
def test_markup_of_an_address_is_shown_as_text(
    admin: Browser, phones: MadeCluster, path: str
) -> None:
    assert phones
    for name in ("what", "unit", "name", "file", "release", "state", "search", "node"):
        told = admin.get(f"{path}?{urlencode({name: MARKUP})}")
        assert told.status in (200, 400, 404)
        assert "<script" not in told.text


def test_a_preview_is_what_the_prompt_says(admin: Browser, phones: MadeCluster) -> None:
    twin = json.loads(admin.get("/preview.json?what=restart").text)["result"]
    assert twin == preview_document(
        phones.site.node.name, preview(phones.site, RESTART)
    )
    told = admin.get("/preview?what=restart").text
    assert "After restart" in told
    assert "nobody is locked out" in told
    assert "After" not in admin.get("/preview").text


def test_a_release_is_previewed_on_every_node(
    admin: Browser, phones: MadeCluster
) -> None:
    told = admin.get("/preview?what=release&release=12.5")
    assert told.status == 200
    for name in phones.members:
        assert re.search(rf"<h2>[^<]*{name}", told.text)


def test_a_saved_key_is_tried_and_one_of_elsewhere_is_for_the_prompt(
    admin: Browser, phones: MadeCluster
) -> None:
    home = phones.site.home
    home.write(f"{BROUGHT_KEYS}/own.p12", phones.key_file())
    home.write(f"{BROUGHT_KEYS}/other.p12", foreign_key_file("another one's"))
    told = admin.get("/preview?what=remotekey&file=own.p12")
    assert (told.status, "nobody is locked out" in told.text) == (200, True)
    refused = admin.get("/preview?what=remotekey&file=other.p12")
    assert refused.status != 200
    assert "at the prompt" in refused.text
    assert admin.get("/preview?what=remotekey&file=../x").status == 404
