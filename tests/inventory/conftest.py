"""The inventories that keep one contract."""

from tests.rigs.inventories import (
    in_postgresql,
    in_sqlite,
    inventory,
    place,
    postgresql,
)

__all__ = ["in_postgresql", "in_sqlite", "inventory", "place", "postgresql"]
