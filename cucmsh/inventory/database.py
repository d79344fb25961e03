"""The inventory: keeps claims in a database; see ``services.phones.store``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.exc import DBAPIError

from cucmsh.inventory.connect import SQLITE, as_store_error, connect, is_passing
from cucmsh.inventory.fold import Book, Rows, fold, nameless_addresses
from cucmsh.inventory.schema import (
    ADDRESSES,
    PHONES,
    SIGHTINGS,
    VERSION,
    bring_up_to_date,
    version_of,
)
from cucmsh.inventory.statements import Statements
from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.known import (
    Counts,
    HeldBy,
    Known,
    Phone,
    Recorded,
    Sighting,
    Wanted,
)
from cucmsh.secret import Secret

TRIES = 5
CHUNK = 2000  # rows that are read at once
MAKING = 7_227_415  # the advisory lock under which tables are made; a number of ours
TURNS_A_SECOND = 1_000_000

_Result = TypeVar("_Result")
_SOURCES = {source.value: source for source in Source}


def open_inventory(url: Secret, password: Secret | None) -> Inventory:
    """The database at that URL, with its tables; made if they are not there.

    Raises:
        StoreError: it cannot be reached, opened or made; or a later version made it.
    """
    return Inventory(connect(url, password)).prepared()


class Inventory:
    """See ``PhoneStore``. One process uses it from one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == SQLITE
        self._statements = Statements(engine.dialect)
        self._turn = 0

    def prepared(self) -> Self:
        """With its tables.

        Raises:
            StoreError: see ``open_inventory``.
        """
        try:
            with as_store_error(self._engine, "opened"):
                with self._engine.connect() as connection:
                    is_ready = version_of(connection) == VERSION
                if not is_ready:
                    self._write(self._make)
        except BaseException:
            self.close()
            raise
        return self

    def record(self, claims: Iterable[Claim], now: int) -> Recorded:
        given = claims if isinstance(claims, Sequence) else tuple(claims)
        if not given:
            return Recorded(0, 0)
        addresses = nameless_addresses(given)
        turn = max(self._turn, now * TURNS_A_SECOND)
        self._turn = turn + len(given)

        def put(connection: Connection) -> tuple[Rows, int]:
            book: Book = {}
            if addresses:
                found = connection.execute(self._statements.names_at(addresses))
                for address, phone, at in found:
                    book.setdefault(address, {})[phone] = at
            rows = fold(given, book, now, turn)
            added = connection.exec_driver_sql(
                self._statements.add_sightings, rows.sightings
            )
            new = added.rowcount
            known = rows.sightings if new < len(rows.sightings) else []
            for statement, each in (
                (self._statements.put_sightings, known),
                (self._statements.put_phones, rows.phones),
                (self._statements.put_addresses, rows.addresses),
            ):
                if each:
                    connection.exec_driver_sql(statement, each)
            return rows, new

        with as_store_error(self._engine, "written"):
            rows, new = self._write(put)
        return Recorded(len(given), len(rows.phones), rows.nameless, rows.ahead, new)

    def phones(self, wanted: Wanted, known: Known) -> Iterator[Phone]:
        with self._reading() as connection:
            found = connection.execute(
                self._statements.phones(wanted, known),
                execution_options={"yield_per": CHUNK},
            )
            for rows in found.partitions():
                yield from map(_phone, rows)

    def find(self, names: Iterable[str]) -> list[Phone]:
        with self._reading() as connection:
            found = connection.execute(self._statements.named(names))
            return [_phone(row) for row in found]

    def counts(
        self, known: Known, nodes: tuple[str, ...] = (), part: str = ""
    ) -> Counts:
        wanted = self._statements.counts(known, Wanted(nodes=nodes, part=part))
        with self._reading() as connection:
            return Counts(*connection.execute(wanted).one())

    def held(self, node: str = "") -> Sequence[HeldBy]:
        with self._reading() as connection:
            found = connection.execute(self._statements.held(node))
            return [HeldBy(*row) for row in found]

    def sightings(self, name: str, most: int = 100) -> Sequence[Sighting]:
        table = SIGHTINGS.c
        found = select(SIGHTINGS).where(table.phone == name)
        found = found.order_by(table.last.desc(), table.turn.desc()).limit(most)
        with self._reading() as connection:
            return [
                Sighting(
                    Claim(
                        *(row.phone, _SOURCES[row.source], row.last, row.address),
                        *(row.node, row.file, row.itl, row.ctl, row.status),
                        *(row.model, row.load, row.text),
                    ),
                    row.first,
                )
                for row in connection.execute(found)
            ]

    def latest(self, name: str) -> Sequence[Sighting]:
        found: dict[Source, Sighting] = {}
        for sighting in self.sightings(name, most=CHUNK):
            found.setdefault(sighting.claim.source, sighting)
        return list(found.values())

    def nameless(self, since: int) -> tuple[int, int]:
        table = SIGHTINGS.c
        found = select(func.count(), func.count(table.address.distinct()))
        found = found.where(table.phone == "", table.last >= since)
        with self._reading() as connection:
            claims, addresses = connection.execute(found).one()
            return claims, addresses

    def prune(self, before: int) -> int:
        def forget(connection: Connection) -> int:
            gone = connection.execute(
                delete(SIGHTINGS).where(SIGHTINGS.c.last < before)
            )
            connection.execute(delete(PHONES).where(PHONES.c.seen < before))
            connection.execute(delete(ADDRESSES).where(ADDRESSES.c.at < before))
            return gone.rowcount

        with as_store_error(self._engine, "written"):
            return self._write(forget)

    def close(self) -> None:
        self._engine.dispose()

    def _make(self, connection: Connection) -> None:
        if not self._is_sqlite:  # of SQLite, BEGIN IMMEDIATE keeps others out
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MAKING})"))
        bring_up_to_date(connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with as_store_error(self._engine, "read"), self._engine.connect() as connection:
            yield connection

    def _write(self, change: Callable[[Connection], _Result]) -> _Result:
        """Run one transaction; again, if another writer or an old connection broke it.

        When it returns, the change is on disk.
        """
        for left in reversed(range(TRIES)):
            try:
                with self._engine.begin() as connection:
                    if self._is_sqlite:
                        # At once, so that two writers wait for each other instead of
                        # one being refused half-way.
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                    return change(connection)
            except DBAPIError as problem:
                if not left or not is_passing(problem):
                    raise
        raise AssertionError("unreachable")


def _phone(row: Sequence[Any]) -> Phone:
    """A row of ``Statements.phones``: names of sources become sources."""
    return Phone._make(
        (
            *(*row[:6], _SOURCES[row[6]], *row[7:9], _SOURCES.get(row[9])),
            *(*row[10:13], _SOURCES.get(row[13]), *row[14:]),
        )
    )
