"""One command of a publisher, killed at each of the calls that change something."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod

from tests.faults.cluster import CUCMSH, Cluster, Result, run_program
from tests.faults.kill_sweep import Point, Traced


class CommandSweep(ABC):
    """A publisher, and what holds of it after each kill.

    Attributes:
        name: of its points.
        status: exit status of an undisturbed run.
        has_subscriber: whether the publisher has one.
        calls: the names of the calls that an undisturbed run makes.
        point: where the last kill was.
        missed: kills that came too late: the command had ended.
    """

    name: str
    status = 0
    has_subscriber = False

    def __init__(self) -> None:
        self.cluster = Cluster(0, has_subscriber=self.has_subscriber)
        self.missed = 0
        self.prepare()
        self.cluster.before = self.cluster.snapshot()
        for _ in range(2):  # the first one makes what is made once
            self.cluster.restore()
            ended, self.calls = self.traced(0)
            assert ended.status == self.status, ended.transcript

    @abstractmethod
    def prepare(self) -> None:
        """Make of the new publisher what the command is run on."""

    @abstractmethod
    def traced(self, number: int, *, after: bool = False) -> Traced:
        """Run the command, killed at that call (from 1; 0 kills it at none)."""

    @abstractmethod
    def look(self, ended: Result) -> None:
        """Assert what holds after a kill; run it again, and look again."""

    def points(self) -> list[Point]:
        """All of them, in the order of the calls."""
        return [
            Point(self.name, number, after)
            for number in range(1, len(self.calls) + 1)
            for after in (False, True)
        ]

    def take(self, point: Point) -> str:
        """Kill there and look; gives what did not hold, or nothing."""
        self.point = point
        try:
            self.cluster.restore()
            ended, _ = self.traced(point.number, after=point.after)
            self.missed += ended.status >= 0
            self.look(ended)
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            return f"{point}: {problem}"
        return ""

    def close(self) -> None:
        self.cluster.close()

    def run(self, *words: str, given: str = "") -> Result:
        """The program with these words, and that on its standard input."""
        config = str(self.cluster.config)
        return run_program([*CUCMSH, "--config", config, *words], given)

    def login(self) -> str:
        """What somebody who logs in is told."""
        return self.run(given="quit\n").said


def take_all(kind: type[CommandSweep]) -> int:
    """Take every point, print what did not hold; 1 if something did not."""
    sweep = kind()
    try:
        points = sweep.points()
        print(f"{kind.name}: {len(points)} points", flush=True)
        broken = [fault for point in points if (fault := sweep.take(point))]
    finally:
        sweep.close()
    print("\n".join(broken))
    print(
        f"{len(points)} kills ({sweep.missed} came after the end), {len(broken)} did "
        "not hold"
    )
    return int(bool(broken))
