"""F20: terminals that hang up, are one letter wide, unknown, or not there at all."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping

import pexpect
import pytest

from tests.faults import judge
from tests.faults.cluster import (
    ANSWERS,
    CCM,
    CUCMSH,
    ENVIRONMENT,
    RESET,
    Cluster,
    Result,
)
from tests.faults.test_network import assert_rerun_converges
from tests.rigs.terminal import Terminal, open_terminal
from tests.rigs.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.loopback, pytest.mark.terminal]

SECONDS = 60
QUESTION = "Enter CCM Administrator password :"
WORKING = "Transferring new reset ITL file"


class Session(Terminal):
    """The publisher's shell on a terminal."""

    def __init__(
        self, cluster: Cluster, environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        child = open_terminal(
            [*CUCMSH, "--config", str(cluster.config)],
            environment={**ENVIRONMENT, **environment},
            size=size,
            seconds=SECONDS,
        )
        super().__init__(child)

    def hang_up(self) -> None:
        """The other end of the line goes away; the program has ended then."""
        os.close(self.child.child_fd)
        self.child.closed = True
        until(lambda: not self.child.isalive(), "it does not end")

    def enter(self, line: str) -> None:
        self.send(f"{line}\r")


@pytest.fixture
def prompts(cluster: Cluster) -> Iterator[Prompts]:
    made = Prompts(cluster)
    yield made
    for each in made.opened:
        if not each.child.closed:
            each.child.kill(signal.SIGKILL)
            each.hang_up()


class Prompts:
    """Opens shells of the publisher; the test ends them."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.opened: list[Session] = []

    def __call__(self, size: tuple[int, int] = (24, 80), **environment: str) -> Session:
        environment = {"TERM": "vt100", **environment}
        self.opened.append(Session(self.cluster, environment, size))
        return self.opened[-1]


@pytest.mark.parametrize(
    ("size", "environment"),
    [
        ((1, 1), {}),
        ((24, 80), {"TERM": "nothing-like-it"}),
        ((24, 80), {"TERM": "dumb"}),
        ((24, 80), {"TERM": ""}),
        ((24, 80), {"LANG": "C", "LC_ALL": "C"}),
        ((24, 80), {"LANG": "xx_YY.nowhere", "PYTHONUTF8": "0"}),
    ],
    ids=["1 by 1", "unknown", "dumb", "empty", "no UTF-8", "no locale"],
)
def test_f20_a_reset_works_on_any_terminal(
    prompts: Prompts, size: tuple[int, int], environment: dict[str, str]
) -> None:
    prompt = prompts(size, **environment)
    prompt.await_text("admin:")
    prompt.enter(RESET)
    prompt.await_text(QUESTION)
    prompt.enter(CCM)
    prompt.await_text("\nadmin:")
    assert judge.TRACEBACK not in prompt.seen
    assert CCM not in prompt.seen
    prompt.enter("quit")
    prompt.child.expect(pexpect.EOF)
    served = judge.check(prompts.cluster, prompts.cluster.old)
    assert len(set(served.values())) == 1
    assert prompts.cluster.old not in served.values()


@pytest.mark.parametrize("moment", ["prompt", "question", "work"])
def test_f20_a_line_that_hangs_up_leaves_everything_whole(
    prompts: Prompts, moment: str
) -> None:
    cluster = prompts.cluster
    prompt = prompts()
    prompt.await_text("admin:")
    if moment != "prompt":
        prompt.enter(RESET)
        prompt.await_text(QUESTION)
    if moment == "work":
        prompt.enter(CCM)
        prompt.await_text(WORKING)
    prompt.hang_up()
    served = judge.check(cluster, cluster.old)
    if moment != "work":
        assert set(served.values()) == {cluster.old}
    assert_rerun_converges(cluster)


@pytest.mark.parametrize("said", ["", "y", f"{CCM}"], ids=["none", "part", "no Enter"])
def test_f20_input_that_ends_before_the_answer_starts_nothing(
    cluster: Cluster, said: str
) -> None:
    result = cluster.call(answers=said)
    served = judge.check(cluster, cluster.old, result)
    assert judge.TRACEBACK not in result.transcript
    if result.status != 0:
        assert set(served.values()) == {cluster.old}


def test_f20_an_output_that_nobody_reads_any_more_stops_no_reset_halfway(
    cluster: Cluster,
) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            cluster.words(RESET),
            input=ANSWERS,
            stdout=writes,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=SECONDS,
            env=ENVIRONMENT,
        )
    finally:
        os.close(writes)
    result = Result(done.returncode, "", done.stderr)
    served = judge.check(cluster, cluster.old, result)
    assert len(set(served.values())) == 1  # not begun, or done
    assert_rerun_converges(cluster)


def test_f20_a_reader_that_goes_away_during_the_work_stops_no_reset_halfway(
    cluster: Cluster,
) -> None:
    with subprocess.Popen(
        cluster.words(RESET),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(ANSWERS.encode())
        running.stdin.close()
        while WORKING.encode() not in running.stdout.readline():
            assert running.poll() is None
        running.stdout.close()
        complaint = running.stderr.read().decode()
        status = running.wait(SECONDS)
    result = Result(status, "", complaint)
    served = judge.check(cluster, cluster.old, result)
    assert len(set(served.values())) == 1, result.transcript
    assert_rerun_converges(cluster)


def test_f20_standard_input_that_is_closed_starts_nothing(cluster: Cluster) -> None:
    words = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *cluster.words(RESET)]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=ENVIRONMENT,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    assert judge.TRACEBACK not in result.transcript
    assert result.status != 0
    assert set(judge.check(cluster, cluster.old, result).values()) == {cluster.old}
