"""Databases that are down, read-only, full, broken, of another version, or shared."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.inventory import schema
from cucmsh.inventory.connect import connect, place_of
from cucmsh.inventory.database import Inventory, open_inventory
from cucmsh.phones.claims import Source
from cucmsh.phones.known import Known, Wanted
from cucmsh.secret import Secret
from tests.inventory.claims import EARLIER, FOREIGN, NOON, OURS, name_of, said
from tests.rigs.inventories import Place
from tests.rigs.postgresql import PASSWORD, PostgreSql

pytestmark = pytest.mark.thorough
NOTHING_KNOWN = Known(frozenset())
WRITERS, BATCHES, BATCH = 3, 5, 40
BEGIN = """
import sys
from cucmsh.inventory.connect import connect
from cucmsh.inventory.database import open_inventory
from cucmsh.secret import Secret
from cucmsh.phones.claims import Claim, Source
url, password, number = (sys.stdin.readline().strip() for _ in range(3))
store = open_inventory(Secret(url), Secret(password) if password else None)

def said(number, at=0):
    return Claim(f"SEP{number:012X}", Source.PAGE, 1_780_000_000 + at, itl="a1" * 20)
"""
# Batches about phones of its own, and about those that all writers know, in two orders.
WRITER = f"""
for batch in range({BATCHES}):
    first = (int(number) * {BATCHES} + batch + 1) * {BATCH}
    own = [said(first + each, batch) for each in range({BATCH})]
    shared = [said(each, batch) for each in range({BATCH})]
    mixed = [*shared[::-1], *own] if int(number) % 2 else [*own, *shared]
    store.record(mixed, 1_780_000_000)
"""
# Records one phone after the other for ever, and says each number once it is recorded.
RECORDER = """
for number in range(1_000_000):
    store.record([said(number)], 1_780_000_000)
    print(number, flush=True)
"""


def count(inventory: Inventory) -> int:
    return inventory.counts(NOTHING_KNOWN).phones


def start(program: str, place: Place, number: int = 0) -> subprocess.Popen[str]:
    password = place.password.reveal() if place.password else ""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{BEGIN}{program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(f"{place.url}\n{password}\n{number}\n")
    process.stdin.flush()
    return process


def test_writers_at_once_lose_nothing(place: Place) -> None:
    """The first of them makes the tables."""
    writers = [start(WRITER, place, number) for number in range(WRITERS)]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    assert count(place.open()) == BATCH + WRITERS * BATCHES * BATCH


def test_what_was_said_to_be_recorded_survives_a_kill(place: Place) -> None:
    with start(RECORDER, place) as recorder:
        assert recorder.stdout
        told = [recorder.stdout.readline() for _ in range(20)]
        recorder.send_signal(signal.SIGKILL)
        told += [line for line in recorder.stdout if line.endswith("\n")]
    assert count(place.open()) >= int(told[-1]) + 1


def test_of_a_call_that_breaks_off_nothing_is_kept(inventory: Inventory) -> None:
    bad = said(2)._replace(phone="SEP-none")
    with pytest.raises(ValueError, match="no name of a phone"):
        inventory.record([said(1), bad], NOON)
    assert count(inventory) == 0
    assert inventory.record([said(1)], NOON).phones == 1


def test_a_later_version_is_refused_in_words(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(schema, "VERSION", schema.VERSION + 1)
        place.open()
    with pytest.raises(StoreError, match="a later version of cucmsh made this") as told:
        place.open()
    assert "Install that version" in told.value.advice


def test_an_inventory_of_version_1_is_brought_up_to_date(place: Place) -> None:
    """It had one last word on an ITL: of 1 an alarm's, of 2 a page's, of 3 both."""
    inventory = place.open()
    inventory.record(
        [
            said(1, 1, Source.ALARM, itl=OURS),
            *(said(2, 1, Source.ALARM, itl=FOREIGN), said(2, 2, itl=OURS)),
            *(said(3, 1, Source.TFTP_LOG, itl=EARLIER), said(3, 0, itl=FOREIGN)),
            said(3, 2, Source.ALARM, itl=OURS),
        ],
        NOON,
    )
    wanted = inventory.find([name_of(number) for number in (1, 2, 3)])
    made_version_1(place)
    found = place.open().find([name_of(number) for number in (1, 2, 3)])
    # What an alarm said before the page is not looked for: it does not count.
    wanted[1] = wanted[1]._replace(said_itl="", said_at=0, said_by=None)
    assert found == wanted
    assert place.open().counts(Known(frozenset({OURS})))[:4] == (3, 1, 1, 1)


def made_version_1(place: Place) -> None:
    """The tables as that version had them, with what it would have written."""
    engine = connect(Secret(place.url), place.password)
    with engine.begin() as connection:
        run = connection.exec_driver_sql
        run(
            "UPDATE phones SET itl_at = said_at, itl = said_itl, itl_by = said_by, "
            "itl_node = '' WHERE said_at > itl_at"
        )
        for column in ("said_at", "said_itl", "said_by"):
            run(f"ALTER TABLE phones DROP COLUMN {column}")
        run("UPDATE inventory SET version = 1")
    engine.dispose()


def test_sqlite_is_its_owners_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "phones.sqlite"
        store = open_inventory(Secret(f"sqlite:///{path}"), None)
        store.record([said(1)], NOON)
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(
        ("phones.sqlite", "phones.sqlite-wal", "phones.sqlite-shm"), 0o600
    )
    store.close()


@pytest.mark.parametrize("fault", ["folder", "no folder", "garbage"])
def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path, fault: str) -> None:
    path = tmp_path / ("none/x" if fault == "no folder" else "x")
    if fault == "folder":
        path.mkdir()
    elif fault == "garbage":
        path.write_text("garbage" * 1000)
    with pytest.raises(StoreError, match=r"phones, .*, cannot be opened: \w") as told:
        open_inventory(Secret(f"sqlite:///{path}"), None)
    assert "[inventory]" in told.value.advice


def test_a_disk_that_is_full_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    store = open_inventory(Secret(f"sqlite:///{path}"), None)
    store.record([said(1)], NOON)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        with pytest.raises(StoreError, match=r"cannot be written: .*(full|I/O)"):
            store.record([said(number) for number in range(5000)], NOON)
    finally:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    store.close()
    store = open_inventory(Secret(f"sqlite:///{path}"), None)
    assert count(store) == 1
    store.close()


def test_a_writer_that_holds_on_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.inventory.connect.BUSY_SECONDS", 0.01)
    path = tmp_path / "x"
    store = open_inventory(Secret(f"sqlite:///{path}"), None)
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="cannot be written: database is locked"):
            store.record([said(1)], NOON)
        assert not list(store.phones(Wanted(), NOTHING_KNOWN))  # a reader never waits
        other.rollback()
    other.close()
    assert store.record([said(1)], NOON).phones == 1
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hidden@h/d?password=hidden",
        "postgresql://u@h/d?sslkey=/k&sslpassword=hidden",
        "postgresql://u@h/d?SSLPassword=hidden&options=-c%20x%3Dhidden",
        "postgresql://u@h/d?oauth_client_secret=hidden&application_name=a",
        "postgresql://u@h/d?passwd=hidden&passwd=hidden",
    ],
)
def test_a_message_names_the_database_and_no_secret(url: str) -> None:
    shown = place_of(connect(Secret(url), Secret("hidden, too")))
    assert shown == "postgresql://u:***@h/d"


@pytest.mark.loopback
def test_a_server_that_went_and_came_back_loses_nothing() -> None:
    """A server of its own: the others' stays up."""
    server = PostgreSql()
    try:
        store = open_inventory(Secret(server.url), server.password)
        store.record([said(1)], NOON)
        server.stop()
        with pytest.raises(StoreError, match=r"phones, postgresql://cucmsh:\*\*\*@/"):
            store.record([said(2)], NOON)
        with pytest.raises(StoreError, match="cannot be read: "):
            count(store)
        server.start()
        assert store.record([said(2)], NOON).phones == 1
        assert count(store) == 2
        store.close()
    finally:
        server.close()


@pytest.mark.loopback
def test_a_server_that_takes_no_writes_is_one_sentence(postgresql: PostgreSql) -> None:
    postgresql.empty()
    open_inventory(Secret(postgresql.url), postgresql.password).close()
    postgresql.run("ALTER ROLE cucmsh SET default_transaction_read_only = on")
    try:
        store = open_inventory(Secret(postgresql.url), postgresql.password)
        assert count(store) == 0
        with pytest.raises(StoreError, match=r"cannot be written: .*read-only"):
            store.record([said(1)], NOON)
        store.close()
    finally:
        postgresql.run("ALTER ROLE cucmsh RESET default_transaction_read_only")


@pytest.mark.loopback
@pytest.mark.parametrize("wrong", ["password", "no password", "port"])
def test_a_login_that_fails_tells_no_password(
    postgresql: PostgreSql, wrong: str
) -> None:
    url = postgresql.url.replace(
        "port=5432", "port=5433" if wrong == "port" else "port=5432"
    )
    password = (
        None
        if wrong == "no password"
        else Secret(PASSWORD if wrong == "port" else "wrong-secret")
    )
    with pytest.raises(StoreError, match="cannot be opened: ") as told:
        open_inventory(Secret(url), password)
    said_all = f"{told.value.message} {told.value.advice} {told.value.__cause__}"
    assert "wrong-secret" not in said_all
    assert PASSWORD not in said_all
    assert "\n" not in told.value.message


def test_a_password_in_the_url_is_in_no_message() -> None:
    url = "postgresql://cucmsh:hidden@/x?host=/nowhere/at/all&password=hidden"
    with pytest.raises(StoreError) as told:
        open_inventory(Secret(url), None)
    assert "hidden" not in told.value.message
