"""What is random in a test: its seed, and how many points it takes.

Every run takes a few other points; ``tests/run longer`` takes ten times as many of the
same tests. ``CUCMSH_SEED`` takes a seed again that a failure named.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
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
