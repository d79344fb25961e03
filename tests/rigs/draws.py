"""What every run takes of many alike, and what the longer check takes.

Every run takes a few random points, others each time; ``tests/run longer`` takes ten
times as many of the same tests, and the cases that are marked ``longer``: those that
follow the same path as one of every run, and are held in this process as well.
``CUCMSH_SEED`` takes a seed again that a failure named.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest

Point = TypeVar("Point")

TIMES = int(os.environ.get("CUCMSH_DRAWS") or 1)


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of everything random, another one each time; a failure shows it."""
    found = int(os.environ.get("CUCMSH_SEED") or random.randrange(1 << 32))
    print(f"CUCMSH_SEED={found}")
    return found


def drawn(few: int) -> int:
    """How many are drawn where a run draws so few."""
    return few * TIMES


def draw(dice: random.Random, points: Sequence[Point], few: int) -> list[Point]:
    """So few of these, or more in the longer check, at most all; in random order."""
    return dice.sample(points, min(drawn(few), len(points)))


def cases(names: Iterable[str], *every_run: str) -> list[object]:
    """These cases, of which all but ``every_run`` are for the longer check.

    For ``pytest.mark.parametrize``. Refuses a case that is not there.
    """
    known = list(names)
    assert set(every_run) <= set(known), set(every_run) - set(known)
    return [
        name if name in every_run else pytest.param(name, marks=pytest.mark.longer)
        for name in known
    ]
