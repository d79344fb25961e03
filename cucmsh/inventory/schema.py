"""The tables, and which version of them a database has.

What was said (``sightings``) and the last word on each phone (``phones``) are written
together. An earlier version's database is brought up to date when it is opened; a later
one's is refused, for nobody knows what it means.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    update,
)

from cucmsh.errors import StoreError

VERSION = 1
# What brings a database of version 1 to 2, of 2 to 3, ...
UPGRADES: tuple[Callable[[Connection], object], ...] = ()

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
    ("itl_at", "itl", "itl_by", "itl_node"),
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
