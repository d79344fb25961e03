"""``show itl phones``, and what dangerous commands say of phones."""

from __future__ import annotations

import csv
import sys
from hashlib import md5, sha1
from typing import Any

import pytest

from cucmsh import views
from cucmsh.errors import CancelledError, MissingFileError, UsageError
from cucmsh.layout import PHONES
from cucmsh.phones.claims import NOT_INSTALLED, Source
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.phones.inventory import PAGE_PHONES, phones_by_state
from cucmsh.services.phones.open_store import open_inventory
from tests.commands.calls import call, dialog_with, run, with_renamed_subscriber
from tests.inventory.claims import FOREIGN, name_of, said
from tests.services.made_cluster import SUBSCRIBER, MadeCluster

pytestmark = pytest.mark.thorough
SHOW = "show itl phones"
REGENERATE = "Proceed with regeneration (yes|no)? "
DAY = 24 * 3600


def sha1_of(raw: bytes) -> str:
    return sha1(raw, usedforsecurity=False).hexdigest()


def say(
    cluster: MadeCluster, number: int, itl: str, days: int = 0, **more: Any
) -> None:
    """The page of that phone showed that ITL, so many days ago."""
    now = int(cluster.clock.now().timestamp())
    claim = said(number, itl=itl, **more)._replace(at=now - days * DAY)
    asked = claim._replace(source=Source.TFTP_LOG, itl="")  # what says which node
    with open_inventory(cluster.site) as store:
        store.record([asked, claim] if claim.node else [claim], now)


@pytest.fixture
def seen(keeping: MadeCluster) -> MadeCluster:
    """Phones 1 and 2 hold what nodes serve, 3 the list before, 4 a strange one, 5 none.

    Of phone 6 the model is known, and 4 was not seen for long.
    """
    before = keeping.publisher.raw
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.publisher.start()
    keeping.subscriber.start()
    held = md5(keeping.publisher.raw, usedforsecurity=False).hexdigest()
    say(keeping, 1, held, model="7965", node=keeping.publisher.node.name)
    say(keeping, 2, sha1_of(keeping.subscriber.raw), node="test10sub")
    say(keeping, 3, sha1_of(before), 1, model="8845", address="192.0.2.3")
    say(keeping, 4, FOREIGN, 40, text="=1+1")
    say(keeping, 5, NOT_INSTALLED)
    say(keeping, 6, "", model="8861")
    return keeping


def test_who_holds_what_is_shown(seen: MadeCluster) -> None:
    called = call(seen.site, SHOW)
    pub, sub = seen.publisher.node.name, seen.subscriber.node.name
    assert called.lines[0] == (
        "6 phones: 2 match, 3 mismatch, 1 unknown; 1 stale, 1 no-recovery"
    )
    rows = {line.split()[0]: line for line in called.lines if line.startswith("SEP")}
    assert rows[name_of(1)].endswith("  match")
    assert "shows" in rows[name_of(1)]
    assert rows[name_of(3)].endswith("mismatch, no-recovery")
    assert rows[name_of(4)].endswith("mismatch, stale")
    assert "(page)" in rows[name_of(6)]
    assert f"served by {pub} now; signed by CN=" in called.text
    assert f"served by {sub} now" in called.text
    assert "without the present ITLRecovery" in called.text
    assert "a list that is not known here" in called.text
    assert "no list" in called.text


@pytest.mark.parametrize(
    ("words", "phones"),
    [
        ("match", [1, 2]),
        ("match test10sub", [2]),
        ("mismatch", [3, 4, 5]),
        ("unknown", [6]),
        ("stale all", [4]),
        ("no-recovery", [3]),
        ("test10sub 1", [2]),
        ("all", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_phones_of_a_state_and_node_are_shown(
    seen: MadeCluster, words: str, phones: list[int]
) -> None:
    called = call(seen.site, f"{SHOW} {words}")
    shown = [line.split()[0] for line in called.lines if line.startswith("SEP")]
    assert shown == [name_of(number) for number in phones]


@pytest.mark.parametrize("name", ["newsub", SUBSCRIBER])
@pytest.mark.parametrize("form", [f"{SHOW} {{}}", f"{SHOW} csv match {{}}"])
def test_phones_of_a_renamed_node_are_those_of_both_names(
    seen: MadeCluster, name: str, form: str
) -> None:
    site = with_renamed_subscriber(seen.site, "newsub")
    shown = "\n".join(call(site, form.format(name)).lines)
    assert name_of(2) in shown
    assert name_of(1) not in shown


def test_pages_are_turned(cluster: MadeCluster) -> None:
    for number in range(PAGE_PHONES + 1):
        say(cluster, number, FOREIGN)
    first, second = call(cluster.site, SHOW), call(cluster.site, f"{SHOW} mismatch 2")
    assert first.text.count("SEP") == PAGE_PHONES
    assert f"Page 1 of 2; {PAGE_PHONES + 1} phones in all." in first.lines
    assert [line.split()[0] for line in second.lines if "SEP" in line] == [
        name_of(PAGE_PHONES)
    ]
    for wrong in ("3", "0", "x2 1", "test10sub x"):
        with pytest.raises(UsageError):
            call(cluster.site, f"{SHOW} {wrong}")
    with pytest.raises(UsageError) as refused:
        call(cluster.site, f"{SHOW} foo")
    assert "no-recovery. `show itl phones csv`" in refused.value.advice


def test_csv_is_read_by_others_and_computes_nothing(seen: MadeCluster) -> None:
    rows = list(csv.DictReader(call(seen.site, f"{SHOW} csv").lines))
    assert [row["name"] for row in rows] == [name_of(n) for n in range(1, 7)]
    assert (rows[2]["model"], rows[2]["state"]) == ("8845", "mismatch no-recovery")
    assert (rows[2]["worth"], rows[2]["source"]) == ("shows", "page")
    assert rows[3]["text"] == "'=1+1"
    only = call(seen.site, f"{SHOW} csv unknown").lines
    assert [line.partition(",")[0] for line in only if "SEP" in line] == [name_of(6)]


def test_document_has_what_is_known(seen: MadeCluster) -> None:
    shown = phones_by_state(seen.site)
    document = views.phones_document("pub", shown)
    phones = document["phones"]
    assert isinstance(phones, list)
    assert phones[0]["states"] == ["match"]
    assert phones[3]["itl"] == FOREIGN
    assert phones[5]["itl"] is None
    lists = document["lists"]
    assert isinstance(lists, list)
    assert [known["has_recovery"] for known in lists].count(False) == 1


def test_without_a_record_nothing_is_shown_and_nothing_loaded(
    cluster: MadeCluster,
) -> None:
    with pytest.raises(MissingFileError, match="nothing is known of phones"):
        call(cluster.site, SHOW)
    called = call(cluster.site, "set cert regen TVS", [(REGENERATE, "yes")])
    assert "phones" not in called.text.split(REGENERATE)[0]


def test_a_dangerous_command_says_who_holds_the_list(seen: MadeCluster) -> None:
    seen.clock.pass_seconds(301)
    called = call(seen.site, "set cert regen TVS", [(REGENERATE, "yes")])
    asked_before = called.text.split(REGENERATE)[0]
    assert (
        "2 of 6 phones asked for the present ITL, or one of the same keys, or show it; "
        f"4 did not: {name_of(3)}, {name_of(4)}, {name_of(5)}, {name_of(6)}\n"
    ) in asked_before
    called = call(seen.site, "utils service restart Cisco Tftp")
    assert "phones asked for the present ITL" in called.lines[0]
    called = call(seen.site, "utils service restart Cisco Tftp", helpful=False)
    assert "phones" not in called.text


def test_an_inventory_that_cannot_be_read_costs_one_line(
    cluster: MadeCluster,
) -> None:
    with open(f"{cluster.site.settings.home}/{PHONES}", "w", encoding="ascii") as file:
        file.write("no database, for all that is here" * 100)
    called = call(cluster.site, "utils service restart Cisco Tftp")
    assert called.lines[0].startswith("What phones hold is not known: the inventory of")
    assert called.lines[0].endswith("file is not a database")
    assert called.status == 0


def test_holders_of_what_is_given_up_are_counted(keeping: MadeCluster) -> None:
    before = keeping.publisher.raw
    regenerate(keeping.site, Unit.CALL_MANAGER)
    keeping.publisher.start()
    say(keeping, 1, sha1_of(before), 3)
    say(keeping, 2, sha1_of(keeping.publisher.raw))
    question = "Do you want to give them up (yes/no)? "
    with dialog_with([(question, "no")]) as dialog, pytest.raises(CancelledError):
        run(dialog, keeping.site, "utils itl trust release")
    assert (
        "1 of 2 phones asked for an ITL whose holders take the next one, or show it; "
        "1 did not, and has not been seen since 2014-02-23: SEP000000000001"
    ) in dialog.text
    assert "How many phones these are is not known" not in dialog.text


def test_sources_are_marked_for_what_they_are_worth(cluster: MadeCluster) -> None:
    now = int(cluster.clock.now().timestamp())
    with open_inventory(cluster.site) as store:
        store.record(
            [
                said(number, source=source, itl=FOREIGN)._replace(at=now)
                for number, source in enumerate(Source)
            ],
            now,
        )
    called = call(cluster.site, SHOW)
    said_by = [line[35:45].strip() for line in called.lines if line.startswith("SEP")]
    assert said_by == ["asked for", "was sent", "shows", "said", "said"]
    assert "sqlalchemy" in sys.modules


def test_an_alarm_that_nobody_confirms_is_said_in_words(seen: MadeCluster) -> None:
    held = sha1_of(seen.publisher.raw)
    for number in (1, 3, 6, 7):  # matches, holds another one, nothing said of it, new
        say(seen, number, held, source=Source.ALARM)
    say(seen, 2, FOREIGN, source=Source.ALARM)
    called = call(seen.site, SHOW)
    assert called.lines[0] == (
        "7 phones: 1 match, 4 mismatch, 2 unknown; 1 stale, 1 no-recovery"
    )
    rows = {line.split()[0]: line for line in called.lines if line.startswith("SEP")}
    told = f"; said by an alarm: {held[:8]}, not confirmed"
    assert rows[name_of(1)].endswith("  match")
    assert rows[name_of(3)].endswith(f"mismatch, no-recovery{told}")
    assert rows[name_of(6)].endswith(f"unknown{told}")
    assert rows[name_of(7)].endswith(f"unknown{told}")
    assert f"{FOREIGN[:8]}   said " in rows[name_of(2)]
    assert f"\n{held[:8]}  served by {seen.publisher.node.name} now" in called.text
    rows_of_csv = list(csv.DictReader(call(seen.site, f"{SHOW} csv").lines))
    assert [row["unconfirmed"] for row in rows_of_csv] == (
        ["", "", held, "", "", held, held]
    )
    document = views.phones_document("pub", phones_by_state(seen.site))
    phones = document["phones"]
    assert isinstance(phones, list)
    assert (phones[5]["itl"], phones[5]["unconfirmed_itl"]) == (None, held)
    assert (phones[1]["itl"], phones[1]["source"]) == (FOREIGN, "alarm")


def test_alarms_are_not_counted_before_a_dangerous_command(seen: MadeCluster) -> None:
    for number in (3, 4, 5, 6, 7):
        say(seen, number, sha1_of(seen.publisher.raw), source=Source.ALARM)
    called = call(seen.site, "utils service restart Cisco Tftp")
    assert called.lines[0].startswith("2 of 7 phones asked for the present ITL")


@pytest.mark.parametrize("wrong", ["mismach all 1", "mismach", "match 1 2"])
def test_what_is_no_state_is_said(seen: MadeCluster, wrong: str) -> None:
    with pytest.raises(UsageError, match=r"mismach|nothing may follow"):
        call(seen.site, f"{SHOW} {wrong}")
