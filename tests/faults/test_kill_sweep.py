"""F1 and F22: killed at any system call, and killed again while recovering.

Random points in every run; ``python -m tests.faults.kill_sweep`` takes all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.adoption_sweep import AdoptionSweep
from tests.faults.command_sweep import CommandSweep
from tests.faults.kill_sweep import Sweep
from tests.faults.password_sweep import GuessSweep, PasswordSweep
from tests.faults.release_sweep import ReleaseSweep
from tests.faults.restore_sweep import RestoreSweep
from tests.rigs.draws import draw

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

SHELL_POINTS, SFTP_POINTS, NESTED_POINTS = 6, 3, 1


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweep]:
    made = Sweep(2)
    yield made
    made.close()


def test_f01_a_kill_at_any_call_of_the_shell_tears_nothing_and_a_rerun_converges(
    sweep: Sweep, seed: int
) -> None:
    dice = random.Random(seed)
    points = [point for point in sweep.points() if point.where == "shell"]
    assert len(points) > 200  # the reset is really what is counted
    failed = [sweep.take(point) for point in draw(dice, points, SHELL_POINTS)]
    assert not any(failed), f"CUCMSH_SEED={seed}: " + "\n".join(filter(None, failed))


def test_f03_a_kill_at_any_call_of_a_nodes_sftp_server_costs_that_node_only(
    sweep: Sweep, seed: int
) -> None:
    dice = random.Random(seed)
    points = [point for point in sweep.points() if point.where != "shell"]
    failed = [sweep.take(point) for point in draw(dice, points, SFTP_POINTS)]
    assert not any(failed), f"CUCMSH_SEED={seed}: " + "\n".join(filter(None, failed))


def test_f22_kills_during_the_recovery_from_a_kill_end_in_the_same_place(
    sweep: Sweep, seed: int
) -> None:
    dice = random.Random(seed)
    points = draw(dice, sweep.points(), NESTED_POINTS)
    failed = [sweep.take(point, dice) for point in points]
    assert not any(failed), f"CUCMSH_SEED={seed}: " + "\n".join(filter(None, failed))


@pytest.mark.parametrize(
    ("kind", "least", "count"),
    [
        *((AdoptionSweep, 50, 4), (PasswordSweep, 100, 3), (GuessSweep, 30, 2)),
        (RestoreSweep, 300, 3),
        (ReleaseSweep, 200, 3),
    ],
)
def test_a_kill_at_any_call_of_a_command_leaves_one_whole_state_and_a_rerun_finishes(
    kind: type[CommandSweep], least: int, count: int, seed: int
) -> None:
    with closing(kind()) as sweep:
        points = sweep.points()
        assert len(points) > least  # the change is really what is counted
        chosen = draw(random.Random(seed), points, count)
        failed = [sweep.take(point) for point in chosen]
    assert not any(failed), f"CUCMSH_SEED={seed}: " + "\n".join(filter(None, failed))
    assert not sweep.missed
