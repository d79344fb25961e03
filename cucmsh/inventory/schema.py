"""The tables, and which version of them a database has.

What was said (``sightings``) and the last word on each phone (``phones``) are written
together. An earlier version's database is brought up to date when it is opened; a later
one's is refused, for nobody knows what it means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    inspect,
    select,
    update,
)

from cucmsh.errors import StoreError
from cucmsh.phones.claims import UNPROVEN

VERSION = 2

TABLES = MetaData()


def _text(name: str, *, is_key: bool = False) -> Column[str]:
    return Column(name, String, primary_key=is_key, nullable=False)


def _number(name: str, *, is_key: bool = False) -> Column[int]:
    return Column(
        name, BigInteger, primary_key=is_key, nullable=False, autoincrement=False
    )


VERSIONS = Table("inventory", TABLES, Column("version", Integer, nullable=False))

# Each row: a statement, and when it was made first and last within one period. It
# bounds what a phone adds that starts every minute, or is looked at every day.
PERIOD_SECONDS = 30 * 86_400
SIGHTINGS = Table(
    "sightings",
    TABLES,
    _text("phone", is_key=True),  # empty: of an address without a name
    _number("period", is_key=True),
    _text("source", is_key=True),
    _text("address", is_key=True),
    _text("node", is_key=True),
    _text("itl", is_key=True),
    _text("ctl", is_key=True),
    _number("status", is_key=True),
    _text("text", is_key=True),
    # As it was said last: what says nothing of a list is one row, whatever the file.
    _text("file"),
    _text("model"),
    _text("load"),
    _number("first"),
    _number("last"),
    _number("turn"),  # which of two of the same second was recorded later
    sqlite_with_rowid=False,
)

# The last word on each thing, and when it was said. A column `X_at` decides about those
# behind it in its group.
GROUPS = (
    ("seen", "seen_by"),
    ("address_at", "address"),
    ("node_at", "node"),
    ("model_at", "model"),
    ("load_at", "load"),
    ("itl_at", "itl", "itl_by", "itl_node"),  # of pages and logs
    # Of alarms and REGISTERs, which make no phone safe (docs/decisions/031).
    ("said_at", "said_itl", "said_by"),
    ("ctl_at", "ctl"),
    ("status_at", "status"),
    ("text_at", "text"),
)
NUMBERS = {"status", *(group[0] for group in GROUPS)}
PHONES = Table(
    "phones",
    TABLES,
    _text("name", is_key=True),
    *(
        _number(name) if name in NUMBERS else _text(name)
        for group in GROUPS
        for name in group
    ),
    sqlite_with_rowid=False,
)

# Which names were seen at an address, and when last.
ADDRESSES = Table(
    "addresses",
    TABLES,
    _text("address", is_key=True),
    _text("phone", is_key=True),
    _number("at"),
    sqlite_with_rowid=False,
)


def version_of(connection: Connection) -> int:
    """The version of the database; 0 if it is empty.

    Raises:
        StoreError: a later version of cucmsh made it.
    """
    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    found = connection.execute(select(VERSIONS.c.version)).scalar()
    version = found if isinstance(found, int) else 0
    if version > VERSION:
        raise StoreError(
            f"a later version of cucmsh made this inventory (its tables are of version "
            f"{version}, and this one knows {VERSION})",
            "Install that version here, or name another database under [inventory].",
        )
    return version


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or those of an earlier version into ours.

    The caller holds whatever keeps others from doing the same.

    Raises:
        StoreError: see ``version_of``.
    """
    version = version_of(connection)
    if version == 0:
        TABLES.create_all(connection)
        connection.execute(insert(VERSIONS).values(version=VERSION))
        return
    for upgrade in UPGRADES[version - 1 :]:
        upgrade(connection)
    if version != VERSION:
        connection.execute(update(VERSIONS).values(version=VERSION))


def _part_what_was_said(connection: Connection) -> None:
    """From version 1, which had one last word on an ITL, whoever said it.

    What pages and logs said before is found among the sightings.
    """
    for column in (PHONES.c.said_at, PHONES.c.said_itl, PHONES.c.said_by):
        kind, empty = ("BIGINT", "0") if column.name in NUMBERS else ("VARCHAR", "''")
        connection.exec_driver_sql(
            f"ALTER TABLE phones ADD COLUMN {column.name} {kind} NOT NULL "
            f"DEFAULT {empty}"
        )
    itl = [PHONES.c[name] for name in ("itl_at", "itl", "itl_by")]
    said = [PHONES.c[name] for name in ("said_at", "said_itl", "said_by")]
    connection.execute(
        update(PHONES)
        .where(PHONES.c.itl_by.in_(UNPROVEN))
        .values({**dict(zip(said, itl, strict=True)), **_NO_WORD})
    )
    seen = SIGHTINGS.c
    words = select(seen.phone, seen.last, seen.itl, seen.source, seen.node)
    words = words.join(PHONES, seen.phone == PHONES.c.name).where(
        PHONES.c.said_by != "", seen.itl != "", seen.source.not_in(UNPROVEN)
    )
    names = ("phone", "itl_at", "itl", "itl_by", "itl_node")
    last = {
        word.phone: dict(zip(names, word, strict=True))
        for word in connection.execute(words.order_by(seen.last, seen.turn))
    }
    if last:
        changed: dict[Column[Any], Any] = {
            PHONES.c[name]: bindparam(f"new_{name}") for name in names[1:]
        }
        connection.execute(
            update(PHONES)
            .where(PHONES.c.name == bindparam("new_phone"))
            .values(changed),
            [
                {f"new_{name}": value for name, value in word.items()}
                for word in last.values()
            ],
        )


_NO_WORD = {
    PHONES.c.itl_at: 0,
    PHONES.c.itl: "",
    PHONES.c.itl_by: "",
    PHONES.c.itl_node: "",
}
# What brings a database of version 1 to 2, of 2 to 3, ...
UPGRADES: tuple[Callable[[Connection], object], ...] = (_part_what_was_said,)
