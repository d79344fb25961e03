"""The statements: what is written, and how phones are found by what they hold.

One text serves both databases, but for the names of what makes rows of a list.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    Table,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from cucmsh.inventory.schema import ADDRESSES, GROUPS, PHONES, SIGHTINGS
from cucmsh.phones.known import Known, Phone, PhoneState, Wanted

SAID_LAST = ("last", "turn", "file", "model", "load")
_PHONE_COLUMNS = [PHONES.c[name] for name in Phone._fields]
# In the text, not a parameter: PostgreSQL could not group by it otherwise.
_NOTHING: ColumnElement[str] = literal_column("''")
# Alarms and REGISTERs count against a phone until a page or log says something later.
_IS_SAID = and_(PHONES.c.said_itl != _NOTHING, PHONES.c.said_at >= PHONES.c.itl_at)


class Statements:
    """Statements in the words of one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.add_sightings = self._insert_new(SIGHTINGS)
        self.put_sightings = self._upsert(SIGHTINGS, (SAID_LAST,))
        self.put_phones = self._upsert(PHONES, GROUPS)
        self.put_addresses = self._upsert(ADDRESSES)

    def phones(self, wanted: Wanted, known: Known) -> Select[Any]:
        """Those phones by name, the columns as in ``Phone``."""
        found = select(*_PHONE_COLUMNS).order_by(PHONES.c.name)
        found = _narrowed(found, wanted)
        if wanted.state is not None:
            found = found.where(self._is(wanted.state, known))
        if wanted.first:
            found = found.offset(wanted.first)
        return found.limit(wanted.most) if wanted.most else found

    def counts(self, known: Known, wanted: Wanted) -> Select[Any]:
        """One row: all, then those of each state in the order of ``PhoneState``."""
        each = (
            func.coalesce(func.sum(case((self._is(state, known), 1), else_=0)), 0)
            for state in PhoneState
        )
        found = select(func.count(), *each).select_from(PHONES)
        return _narrowed(found, wanted)

    def held(self, node: str) -> Select[Any]:
        """Phones that are alike, the columns as in ``HeldBy``."""
        said = case((_IS_SAID, PHONES.c.said_itl), else_=_NOTHING).label("said")
        alike = [*(PHONES.c[name] for name in ("itl", "ctl", "model", "node")), said]
        many = func.count().label("many")
        found = select(*alike, many, func.max(PHONES.c.seen)).group_by(*alike)
        found = found.order_by(many.desc(), *alike)
        return found.where(PHONES.c.node == node) if node else found

    def named(self, names: Iterable[str]) -> Select[Any]:
        """The phones of these names."""
        found = select(*_PHONE_COLUMNS).order_by(PHONES.c.name)
        return found.where(self._among(PHONES.c.name, list(names)))

    def names_at(self, addresses: Iterable[str]) -> Select[Any]:
        """Names that were seen at these addresses."""
        return select(ADDRESSES).where(
            self._among(ADDRESSES.c.address, list(addresses))
        )

    def _is(self, state: PhoneState, known: Known) -> ColumnElement[bool]:
        """As ``known.states_of`` says of one phone."""
        itl, said = PHONES.c.itl, PHONES.c.said_itl
        if state is PhoneState.STALE:
            return PHONES.c.seen < known.stale_before
        if state is PhoneState.NO_RECOVERY:
            said_so = and_(_IS_SAID, self._among(said, known.without_recovery))
            return or_(self._among(itl, known.without_recovery), said_so)
        is_served = self._among(itl, known.served)
        is_doubted = and_(_IS_SAID, not_(self._among(said, known.served)))
        if state is PhoneState.MATCH:
            return and_(is_served, not_(is_doubted))
        if state is PhoneState.UNKNOWN:
            return and_(itl == "", not_(is_doubted))
        return or_(and_(itl != "", not_(is_served)), is_doubted)

    def _among(
        self, column: ColumnElement[str], values: Collection[str]
    ) -> ColumnElement[bool]:
        """Whether it is one of the values, however many: they are one parameter."""
        listed = sorted(values)
        if self._dialect.name == "sqlite":
            rows = func.json_each(json.dumps(listed)).table_valued("value")
            return column.in_(select(rows.c.value))
        texts = postgresql.ARRAY(PHONES.c.name.type)
        return column == any_(bindparam(None, listed, type_=texts))

    def _insert_new(self, table: Table) -> str:
        """Insert a row; one that is there stays as it is, and is not counted."""
        statement = self._insert(table).on_conflict_do_nothing(
            index_elements=list(table.primary_key)
        )
        return str(statement.compile(dialect=self._dialect))

    def _insert(self, table: Table) -> Any:
        is_sqlite = self._dialect.name == "sqlite"
        return (sqlite.insert if is_sqlite else postgresql.insert)(table)

    def _upsert(self, table: Table, groups: Iterable[tuple[str, ...]] = ()) -> str:
        """Insert a row; of one that is there, replace what the new one knows better.

        That is a group of columns whose first one, a time, is not older here; the
        first time of all, if it is earlier; and columns of no group.
        """
        statement = self._insert(table)
        new = statement.excluded
        is_better: dict[str, ColumnElement[bool]] = {}
        for group in groups:
            is_not_older = new[group[0]] >= table.c[group[0]]
            is_better |= dict.fromkeys(group, is_not_older)
        if "first" in table.columns:
            is_better["first"] = new["first"] < table.c["first"]
        changed = {
            column.name: case((is_better[column.name], new[column.name]), else_=column)
            if column.name in is_better
            else new[column.name]
            for column in table.columns
            if not column.primary_key
        }
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_=changed
        )
        return str(statement.compile(dialect=self._dialect))


def _narrowed(found: Select[Any], wanted: Wanted) -> Select[Any]:
    """Of the phones that asked one of the nodes, with the part in their names."""
    if wanted.nodes:
        found = found.where(PHONES.c.node.in_(wanted.nodes))
    if wanted.part:
        part = wanted.part.upper()  # as names are
        found = found.where(PHONES.c.name.contains(part, autoescape=True))
    return found
