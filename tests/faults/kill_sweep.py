"""Kills a reset at every point and looks: docs/security.md F1, F3 and F22.

    python -m tests.faults.kill_sweep                  all points, eight nodes
    python -m tests.faults.kill_sweep --remote         the same with a fetched key
    python -m tests.faults.kill_sweep --points 40 --nodes 2 [--seed N]

A point is a system call that changes something, made by the shell after its first
question was answered (``tracer``: before the call, and when it returns), or by a
node's ``sftp-server`` (``strace``: before the call; the answer to each request is a
call too, and being killed before it is being killed after the work). After each kill
the one check function must hold, and one rerun must bring everybody to the same list.
``--nested N`` takes N random points and kills the reruns as well, three deep. Exits 1
if anything did not hold, and prints each such point; ``--point`` takes it again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.faults import judge
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import (
    ANSWERS,
    ENVIRONMENT,
    RESET,
    SECONDS,
    Cluster,
    Result,
)
from tests.faults.key_files import own, pack
from tests.rigs.longer_check import exit_with

if TYPE_CHECKING:
    Tasks = multiprocessing.Queue["Task | None"]
    Answers = multiprocessing.Queue["str | int"]

TRACER = Path(__file__).with_name("tracer.py")
DEPTH = 3
SFTP_CALLS = "openat,write,fsync,fchmod,chmod,rename,link,unlink,ftruncate"


class Point(NamedTuple):
    """Where to kill.

    Attributes:
        where: ``shell``, or the name of a system call of a node's ``sftp-server``.
        number: which one, counted from 1.
        after: when the call returns, not before it is made.
    """

    where: str
    number: int
    after: bool = False

    def __str__(self) -> str:
        return f"{self.where}:{self.number}:{'after' if self.after else 'before'}"


def read_point(text: str) -> Point:
    where, number, when = text.split(":")
    return Point(where, int(number), when == "after")


class Traced(NamedTuple):
    """A command under the tracer: how it ended, and how many calls it had made."""

    result: Result
    calls: list[str]


class Command(NamedTuple):
    """What is run, its first question, and all answers."""

    line: str
    question: str
    answers: str


LOCAL = Command(RESET, "Enter CCM Administrator password :", ANSWERS)


def traced(
    cluster: Cluster,
    number: int = 0,
    *,
    after: bool = False,
    only: str = "",
    command: Command = LOCAL,
) -> Traced:
    """Run a command of the publisher, killed at one of its calls.

    Args:
        cluster: the cluster.
        number: of the call, from 1; 0 kills it at none.
        after: when the call returns, not before it is made.
        only: count the calls of that name only.
        command: which.
    """
    words = cluster.words(command.line)
    return under_tracer(words, command, number, after=after, only=only)


def under_tracer(
    words: list[str], command: Command, number: int, *, after: bool, only: str = ""
) -> Traced:
    """As ``traced``, for any program: ``command`` has its question and its answers."""
    job = {
        "words": words,
        "prompt": command.question,
        "answers": command.answers,
        "only": only,
        "number": number,
        "after": after,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(TRACER), json.dumps(job)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    result = Result(report["status"], report["said"], report["complaint"])
    return Traced(result, [name for _, name in report["calls"]])


class Sweep:
    """A cluster and what an undisturbed reset does on it.

    Args:
        nodes: how many replicas.
        remote: with a key from a backup server, which is then installed (step S7a).
    """

    def __init__(self, nodes: int, *, remote: bool = False) -> None:
        self.cluster = Cluster(nodes)
        self.missed = 0  # kills that came too late: the command had ended
        self._backup = Backup(self.cluster.folder / "backup") if remote else None
        self._command = self._remote(self._backup) if self._backup else LOCAL
        self.calls: list[str] = []
        for _ in range(2):  # the first one makes what is made once
            self.cluster.restore()
            plain = traced(self.cluster, command=self._command)
            assert plain.result.status == 0, plain.result.transcript
            self.calls = plain.calls
        self.known = set(self.cluster.snapshot())

    def _remote(self, backup: Backup) -> Command:
        """A reset with the present key, packed anew, from a server that is known."""
        cluster, server = self.cluster, backup.server("password")
        saved = backup.files / "ITLRecovery.p12"
        present = cluster.home / "security" / "ITLRecovery" / saved.name
        saved.write_bytes(pack(*own(present.read_bytes())))
        backup.account.owns(saved)
        line = f"utils itl reset remotekey {server.host}:{server.port} "
        line += f"{backup.account.name} {saved}"
        first = cluster.call(line, f"{SFTP_PASSWORD}\nyes\n{ANSWERS}")
        assert first.status == 0, first.transcript
        known = cluster.home / "state" / "known_hosts"
        cluster.before[known] = cluster.snapshot()[known]
        answers = f"{SFTP_PASSWORD}\n{ANSWERS}"
        return Command(line, "Enter Sftp password :", answers)

    def points(self) -> list[Point]:
        """All of them, in the order of the calls."""
        shell = [
            Point("shell", number, after)
            for number in range(1, len(self.calls) + 1)
            for after in (False, True)
        ]
        return shell + self._sftp_points()

    def take(self, point: Point, dice: random.Random | None = None) -> str:
        """Kill there, look, rerun, look; gives what did not hold, or nothing.

        Args:
            point: where.
            dice: kill the reruns too, at calls that it picks.
        """
        cluster = self.cluster
        try:
            cluster.restore()
            self._kill(point, lists=1)
            if dice:
                for _ in range(dice.randint(1, DEPTH - 1)):
                    self._kill(self._any_point(dice), lists=DEPTH)
            rerun = cluster.call(self._command.line, self._command.answers)
            judge.check_converged(cluster, rerun, cluster.old, self.known)
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            return f"{point}: {problem}"
        return ""

    def close(self) -> None:
        if self._backup:
            self._backup.close()
        self.cluster.close()

    def _kill(self, point: Point, lists: int) -> None:
        cluster = self.cluster
        if point.where == "shell":
            ended = traced(
                cluster, point.number, after=point.after, command=self._command
            ).result
            self.missed += ended.status >= 0
        else:
            inject = f"inject={point.where}:signal=KILL:when={point.number}"
            sshd = cluster.members[0].sshd
            sshd.sftp_runs(f"strace -qq -o /dev/null -e {inject}")
            ended = cluster.call(self._command.line, self._command.answers)
            sshd.sftp_runs("")
        served = judge.check(cluster, cluster.old, ended)
        judge.check_words(ended, served, cluster.old)
        fresh = {*served.values(), *judge.lists_on_disk(cluster).values()}
        assert len(fresh - {cluster.old}) <= lists, "more than one new list"

    def _any_point(self, dice: random.Random) -> Point:
        return Point("shell", dice.randint(1, len(self.calls)), dice.random() < 0.5)

    def _sftp_points(self) -> list[Point]:
        """The changing calls of the first node's servers, one server a session."""
        cluster = self.cluster
        cluster.restore()
        node = cluster.members[0]
        node.sshd.sftp_runs(f"strace -qq -o {node.folder}/calls.$$ -e {SFTP_CALLS}")
        done = cluster.call(self._command.line, self._command.answers)
        assert done.status == 0, done.transcript
        node.sshd.sftp_runs("")
        found = set()
        for path in node.folder.glob("calls.*"):
            seen: Counter[str] = Counter()
            for line in path.read_text().splitlines():
                name = line.partition("(")[0]
                seen[name] += 1
                if name != "openat" or "O_CREAT" in line:
                    found.add(Point(name, seen[name]))
            path.unlink()
        return sorted(found)


class Task(NamedTuple):
    """One point, with the seed of its nested kills; -1 for none."""

    point: Point
    seed: int


def work(nodes: int, remote: bool, tasks: Tasks, answers: Answers) -> None:
    """Take tasks until there are none; one answer each."""
    sweep = Sweep(nodes, remote=remote)
    try:
        while (task := tasks.get()) is not None:
            dice = random.Random(task.seed) if task.seed >= 0 else None
            answers.put(sweep.take(task.point, dice))
        answers.put(sweep.missed)
    finally:
        sweep.close()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_sweep")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--remote", action="store_true", help="with a fetched key")
    parser.add_argument("--points", type=int, default=0, help="so many random ones")
    parser.add_argument("--nested", type=int, default=0, help="so many nested ones")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--jobs", type=int, default=2, help="clusters side by side")
    parser.add_argument("--point", type=read_point, action="append", default=[])
    return parser.parse_args()


def choose(options: argparse.Namespace) -> list[Task]:
    """The tasks that were asked for."""
    if options.point:
        return [Task(point, -1) for point in options.point]
    sweep = Sweep(options.nodes, remote=options.remote)
    try:
        points = sweep.points()
    finally:
        sweep.close()
    print(f"{len(points)} points on {options.nodes} nodes; seed {options.seed}")
    dice = random.Random(options.seed)
    if options.nested:
        picked = dice.choices(points, k=options.nested)
        return [Task(point, dice.randrange(1 << 32)) for point in picked]
    if options.points:
        points = dice.sample(points, min(options.points, len(points)))
    return [Task(point, -1) for point in points]


def main() -> int:
    options = read_options()
    started = time.monotonic()
    chosen = choose(options)
    tasks: Tasks = multiprocessing.Queue()
    answers: Answers = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(
            target=work, args=(options.nodes, options.remote, tasks, answers)
        )
        for _ in range(options.jobs)
    ]
    for worker in workers:
        worker.start()
    for task in [*chosen, *[None] * options.jobs]:
        tasks.put(task)
    bad = missed = 0
    for number in range(1, len(chosen) + options.jobs + 1):
        answer = answers.get(timeout=SECONDS)
        if isinstance(answer, int):  # a worker has ended
            missed += answer
        elif answer:
            bad += 1
            print(answer, flush=True)
        if number % 50 == 0:
            passed = time.monotonic() - started
            print(f"{number} of {len(chosen)}, {passed:.0f} s", flush=True)
    for worker in workers:
        worker.join()
    passed = time.monotonic() - started
    print(
        f"{len(chosen)} kills ({missed} came after the end), {bad} did not hold, "
        f"{passed:.0f} s"
    )
    return int(bad > 0)


if __name__ == "__main__":
    exit_with(main)
