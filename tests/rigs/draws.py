"""What every run takes of many alike, and what the longer check takes.

Every run takes a few random points and cases, others each time; ``tests/run longer``
takes all cases and ten times as many points. The rest of a table may wait for it where
its cases go one way through the code and differ in the data. ``CUCMSH_SEED`` takes a
seed again that a failure named.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest

Point = TypeVar("Point")

# Set before xdist starts its workers, which must all collect the same cases.
SEED = int(os.environ.setdefault("CUCMSH_SEED", str(random.randrange(1 << 32))))
TIMES = int(os.environ.get("CUCMSH_DRAWS") or 1)


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of everything random; a failure shows it."""
    print(f"CUCMSH_SEED={SEED}")
    return SEED


def drawn(few: int) -> int:
    """How many are drawn where a run draws so few."""
    return few * TIMES


def draw(dice: random.Random, points: Sequence[Point], few: int) -> list[Point]:
    """So few of these, or more in the longer check, at most all; in random order.

    Refuses an empty table: a test that loops over it would prove nothing.
    """
    assert points
    return dice.sample(points, min(drawn(few), len(points)))


def some(cases: Iterable[object], few: int) -> list[object]:
    """All these cases, of which all but a random few are marked ``longer``.

    For ``pytest.mark.parametrize``; a case of several values is a tuple. Refuses a
    table that has no more than so few.
    """
    all_cases = list(cases)
    assert few < len(all_cases)
    taken = set(random.Random(SEED).sample(range(len(all_cases)), few))
    return [
        case
        if at in taken
        else pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.longer
        )
        for at, case in enumerate(all_cases)
    ]
