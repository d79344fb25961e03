"""An inventory of each kind of database, empty, and how to open it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.inventory.database import Inventory, open_inventory
from cucmsh.secret import Secret
from tests.rigs.postgresql import PostgreSql


class Place(NamedTuple):
    """Where an inventory is, and what opens one more connection to it."""

    url: str
    password: Secret | None
    open: Callable[[], Inventory]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A server for all tests that leave it running."""
    server = PostgreSql()
    yield server
    server.close()


@pytest.fixture
def in_postgresql(postgresql: PostgreSql) -> tuple[str, Secret | None]:
    postgresql.empty()
    return postgresql.url, postgresql.password


@pytest.fixture
def in_sqlite(tmp_path: Path) -> tuple[str, Secret | None]:
    return f"sqlite:///{tmp_path}/phones.sqlite", None


@pytest.fixture(
    params=["in_sqlite", pytest.param("in_postgresql", marks=pytest.mark.loopback)]
)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    url, password = request.getfixturevalue(request.param)
    opened: list[Inventory] = []

    def open_one() -> Inventory:
        opened.append(open_inventory(Secret(url), password))
        return opened[-1]

    yield Place(url, password, open_one)
    for inventory in opened:
        inventory.close()


@pytest.fixture
def inventory(place: Place) -> Inventory:
    return place.open()
