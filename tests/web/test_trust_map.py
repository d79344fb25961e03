"""The trust map, as a browser gets it, and what phones do as it says."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from cucmsh.config.model import NodeRole, TftpAddress
from cucmsh.services.phones.preview import LOCAL_KEY, preview
from cucmsh.services.phones.takers import Holders, Way
from cucmsh.services.phones.trust_map import MappedList, trust_map
from cucmsh.services.site import Site
from cucmsh.views.preview import holders_documents
from cucmsh.web.svg import HEIGHT, MOST_ROWS, WIDTH, Picture, drawn, rows_of
from tests.rigs.page import Browser, page
from tests.services.made_cluster import JoinedBackends, MadeCluster
from tests.web.conftest import ADMIN, PASSWORD
from tests.web.phones_known import MARKUP, asked, digest, record

pytestmark = pytest.mark.thorough

SVG = "{http://www.w3.org/2000/svg}"
BRANCHES = 126


def drawing(text: str) -> ET.Element:
    """The picture of a page; by itself it is well-formed XML."""
    found = re.search(r"<svg .*</svg>", text, re.DOTALL)
    assert found
    return ET.fromstring(found.group())


def titles(text: str) -> list[str]:
    """What a screen reader says of each link of the picture, in its order."""
    links = drawing(text).iter(f"{SVG}a")
    return [str(link.findtext(f"{SVG}title")) for link in links]


def test_now_every_phone_takes_the_list_of_its_node(
    phones: MadeCluster, admin: Browser
) -> None:
    told = admin.get("/map").text
    assert "nobody is locked out" in told
    said = titles(told)
    for node in (phones.publisher.node.name, phones.subscriber.node.name):
        assert f"Nodes: {node}" in said
    groups = [each for each in said if each.startswith("directly: ")]
    assert [each.partition(";")[0] for each in groups] == [
        "directly: 2 phones",
        "directly: 1 phone",
    ]


@pytest.mark.parametrize(
    ("query", "way"),
    [
        ("what=restart", "directly"),
        ("what=regen&unit=CallManager", "through TVS"),
        ("what=localkey", "directly"),
        ("what=release&release=12.5", "directly"),
    ],
)
def test_what_if_is_what_the_preview_says(
    phones: MadeCluster, admin: Browser, query: str, way: str
) -> None:
    told = admin.get(f"/map?{query}").text
    assert "nobody is locked out" in told
    groups = [each for each in titles(told) if "phone" in each and ";" in each]
    assert groups[0].startswith(f"{way}: 2 phones" if "local" not in query else way)
    assert sum(int(each.split(": ")[1].split()[0]) for each in groups) == 3


def test_a_rename_is_shown_too(phones: MadeCluster, admin: Browser) -> None:
    phones.write_configurations()
    told = admin.get("/map?what=hostname&name=newpub")
    assert (told.status, "After hostname newpub" in told.text) == (200, True)


def test_who_is_locked_out_is_said_in_words_and_first(
    phones: MadeCluster, admin: Browser
) -> None:
    for member in phones.members.values():
        member.tvs_is_stopped = True
    told = admin.get("/map?what=regen&unit=CallManager").text
    assert "somebody is locked out" in told
    first = next(each for each in titles(told) if ": 2 phones" in each)
    assert first.startswith("locked out: ")
    assert 'class="bad">locked out</span>' in told


def test_the_twin_says_what_the_preview_says(
    phones: MadeCluster, admin: Browser
) -> None:
    found = json.loads(admin.get("/map.json?what=localkey").text)["result"]
    one = preview(phones.site, LOCAL_KEY)
    assert found["change"] == "localkey"
    assert found["lists"][0]["nodes"] == list(one.offer.nodes)
    assert found["lists"][0]["holders"] == holders_documents(one.holders)
    assert found["is_locking_out"] is one.is_locking_out


def test_nodes_that_a_change_leaves_alone_stay_as_they_are(phones: MadeCluster) -> None:
    now, then = trust_map(phones.site), trust_map(phones.site, "restart")
    other = phones.subscriber.node.name
    assert [each for each in now.lists if other in each.nodes] == [
        each for each in then.lists if other in each.nodes
    ]


def test_phones_are_counted_once(phones: MadeCluster) -> None:
    record(
        phones.site,
        asked(4, digest(phones.publisher), ""),  # nobody knows which node
        asked(5, digest(phones.publisher), "gone"),
        asked(6, "", phones.subscriber.node.name),
    )
    for change in ("", "restart", "localkey"):
        found = trust_map(phones.site, change)
        seen = sum(each.phones or 0 for row in found.lists for each in row.holders)
        silent = sum(row.silent for row in found.lists)
        assert (seen, silent, found.elsewhere) == (4, 1, 1), change


def test_a_node_that_gives_no_list_is_said(phones: MadeCluster, admin: Browser) -> None:
    phones.subscriber.service.is_running = False
    found = json.loads(admin.get("/map.json").text)["result"]
    assert [each["name"] for each in found["without"]] == [phones.subscriber.node.name]
    assert found["elsewhere"] == 1
    assert "no answer" in (told := admin.get("/map").text) or "error" in told


def test_a_node_that_serves_rubbish_is_said_and_its_phones_count(
    phones: MadeCluster, admin: Browser
) -> None:
    phones.subscriber.service.lies_with = b"<script>"
    found = json.loads(admin.get("/map.json").text)["result"]
    rubbish = next(each for each in found["lists"] if each["sha1"] is None)
    assert (rubbish["state"], rubbish["holders"]) == ("not verified", [])
    assert found["elsewhere"] == 1
    told = admin.get("/map").text
    assert "1 phones ask nodes that serve no list" in told
    assert "<script" not in told


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("what=nothing", 400),
        ("what=regen&unit=none", 400),
        ("what=hostname", 400),
        ("what=release&release=9", 400),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    admin: Browser, query: str, status: int
) -> None:
    for path in ("/map", "/preview"):
        told = admin.get(f"{path}?{query}")
        assert told.status == status
        assert "Traceback" not in told.text


def test_the_picture_is_a_list_of_links_and_nothing_of_it_is_inline_style(
    phones: MadeCluster, admin: Browser
) -> None:
    record(phones.site, asked(7, MARKUP, phones.publisher.node.name, model=MARKUP))
    told = admin.get("/map").text
    assert MARKUP not in told
    assert MARKUP in unescape(told)
    root = drawing(told)
    assert root.get("role") == "group"
    assert root.get("aria-labelledby") == root.find(f"{SVG}title").get("id")  # type: ignore[union-attr]
    ids = re.findall(r' id="([^"]*)"', told)
    assert len(ids) == len(set(ids))
    for each in root.iter():
        assert {"style", "onclick"}.isdisjoint(each.keys())
    for link in root.iter(f"{SVG}a"):
        target = str(link.get("href"))
        assert target.startswith("/phones") or target[1:] in ids, target
    items = [each for each in root.iter() if each.get("role") == "listitem"]
    assert items
    assert all(each.get("role") != "img" for each in root.iter())


def overlaps(picture: Picture) -> bool:
    places = sorted((box.x, box.y) for row in picture.rows for box in row.boxes)
    return any(
        one[0] == other[0] and other[1] - one[1] < HEIGHT
        for one, other in pairwise(places)
    )


def listed(number: int, ways: tuple[Way, ...]) -> MappedList:
    holders = tuple(
        Holders(f"list {place}", f"{place}", way, "why", f"n{number}", "8845", 100)
        for place, way in enumerate(ways)
    )
    signer = f"CN=n{number};O=x"
    return MappedList(
        (f"n{number}",), "current", None, signer, (signer, "CN=R"), (), holders
    )


@pytest.mark.parametrize("lists", [1, MOST_ROWS, MOST_ROWS + 1, 128])
@pytest.mark.parametrize("held", [0, 1, 5, 40])
def test_a_picture_of_any_size_can_be_read(lists: int, held: int) -> None:
    way = (*[Way.TVS] * 2, *[Way.DIRECT] * 38)
    mapped = [listed(number, way[:held]) for number in range(lists - 1)]
    mapped.append(listed(lists, (Way.LOCKED_OUT, *way[:held])))
    picture = drawn(rows_of(mapped))
    assert not overlaps(picture)
    assert len(picture.rows) == (lists if lists <= MOST_ROWS else 2)
    assert picture.height < MOST_ROWS * 7 * (HEIGHT + 40)
    for row in picture.rows:
        for box in row.boxes:
            assert 0 <= box.x <= picture.width - WIDTH
            assert 0 < box.y <= picture.height - HEIGHT
    assert sorted(name for row in picture.rows for name in row.row.nodes) == sorted(
        name for each in mapped for name in each.nodes
    )
    shown = sum(each.phones or 0 for row in picture.rows for each in row.row.groups)
    assert shown == 100 * (lists * held + 1)
    if lists > MOST_ROWS:  # the worst is on top, and is not lost among the others
        assert picture.rows[0].row.groups[0].way is Way.LOCKED_OUT


@pytest.fixture
def branches(cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The publisher of 128 nodes: all but one branch serve the publisher's list."""
    settings = cluster.site.settings
    pattern = cluster.subscriber.node
    lists = {
        f"branch{number}": cluster.publisher.raw if number else cluster.subscriber.raw
        for number in range(BRANCHES)
    }
    nodes = tuple(
        pattern._replace(
            name=name,
            role=NodeRole.REPLICA,
            services=("tftp",),
            tftp=TftpAddress(name, 69),
        )
        for name in lists
    )
    wide = settings.cluster._replace(nodes=(*settings.cluster.nodes, *nodes))
    read_back = JoinedBackends.read_back

    def answer(
        self: JoinedBackends, address: TftpAddress, name: str, timeout_seconds: float
    ) -> bytes:
        return lists.get(address.host) or read_back(self, address, name)

    monkeypatch.setattr(JoinedBackends, "read_back", answer)
    site = cluster.site.with_settings(settings._replace(cluster=wide))
    own, other = digest(cluster.publisher), digest(cluster.subscriber)
    record(
        site,
        *(
            asked(number, other if number % 10 == 3 else own, f"branch{number % 126}")
            for number in range(2000)
        ),
    )
    return site


def test_128_nodes_are_a_few_rows(branches: Site) -> None:
    with page(branches) as browser:
        assert browser.log_in(ADMIN, PASSWORD).status == 303
        told = browser.get("/map").text
    rows = drawing(told).findall(f".//{SVG}g[@role='listitem']/{SVG}g[@role='list']")
    assert len(rows) == 3  # the publisher's, the subscriber's, the stale branch's
    assert "branch125" in told
    found = trust_map(branches)
    seen = sum(each.phones or 0 for row in found.lists for each in row.holders)
    assert seen == 2000
