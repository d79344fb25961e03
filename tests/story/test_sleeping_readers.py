"""Output that nobody drains never holds a change: a paused pipe, a frozen terminal."""

import fcntl
import json
import os
import pty
import select
import subprocess
import tty
from contextlib import suppress
from pathlib import Path

import pytest

from tests.rigs.lab import CUCMSH, Lab

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

PATIENCE = 10  # seconds, of a change


def audited(lab: Lab) -> list[dict[str, object]]:
    lines = Path(lab.publisher.home, "log", "audit").read_text().splitlines()
    return [json.loads(line) for line in lines]


def run(lab: Lab, stdout: int, stdin: int, *words: str) -> int:
    done = subprocess.run(
        [*CUCMSH, "--config", str(lab.publisher.config), "-c", *words],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=6 * PATIENCE,
    )
    assert b"Traceback" not in done.stderr
    return done.returncode


def fill(terminal: int) -> None:
    """Write until not a byte more is taken: the kernel moves what it took."""
    os.set_blocking(terminal, False)
    taken = 1
    while taken:
        taken = 0
        for size in (1024, 16, 1):  # little ones find room that large ones do not
            with suppress(BlockingIOError):
                while True:
                    taken += os.write(terminal, b"x" * size)
        select.select([], [terminal], [], 0.2)
    os.set_blocking(terminal, True)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_a_reset_whose_output_nobody_reads_is_done_and_logged(
    lab: Lab, more: list[str]
) -> None:
    before = lab.digests()
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * 4000)  # the question has room, the report has not
    answers, typed = os.pipe()
    os.write(typed, f"{lab.passwords.ccm}\n".encode())
    status = run(lab, writing, answers, "utils itl reset localkey", *more)
    assert status == 3  # done, and whoever asked does not know
    events = {str(each["event"]): each for each in audited(lab)[-2:]}
    assert events["command"]["status"] == 0
    said = events["unread"]["said"]
    assert isinstance(said, list)
    assert f"Cisco Tftp service restarted on host {lab.subscriber.name}" in said
    assert lab.passwords.ccm not in str(said)
    assert lab.digests() != before
    # The lock is free, and what lies there is whole.
    ccm = f"{lab.passwords.ccm}\n"
    again = lab.call(lab.publisher, "utils itl reset localkey", ccm)
    assert again.returncode == 0, again.stdout
    for descriptor in (reading, writing, answers, typed):
        os.close(descriptor)


def test_a_question_of_a_change_that_nobody_reads_ends_it(lab: Lab) -> None:
    before = lab.digests()
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    fill(theirs)
    answers, typed = os.pipe()  # no answer ever comes
    assert run(lab, theirs, answers, "set cert regen TVS") == 1
    assert lab.digests() == before
    for descriptor in (ours, theirs, answers, typed):
        os.close(descriptor)
