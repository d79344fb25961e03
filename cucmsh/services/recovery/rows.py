"""Small tables of this node, JSON: backup devices, and schedules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.services.site import Site

_Row = TypeVar("_Row")


def read_rows(
    site: Site, name: str, made: Callable[[Mapping[str, Any]], _Row]
) -> list[_Row]:
    """All rows, in the order in which they were added.

    Args:
        site: this node.
        name: of the file, below the home.
        made: makes one of what is kept.

    Raises:
        RefusedError: the file is damaged.
    """
    try:
        raw = site.home.read(name)
    except MissingFileError:
        return []
    try:
        return [made(row) for row in json.loads(raw)]
    except (ValueError, KeyError, TypeError) as problem:
        raise RefusedError(
            f"{name} cannot be read", "Remove the file, and add what was in it anew."
        ) from problem


def write_rows(site: Site, name: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Keep them; the caller holds the node's lock."""
    site.home.write(name, json.dumps(list(rows)).encode())
