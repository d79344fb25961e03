"""The line that grows while a lab starts: for a person, plain, and only there."""

from __future__ import annotations

import os
import pty

from cucmsh.lab.progress import Progress


def steps(fd: int) -> None:
    progress = Progress("Starting", fd)
    progress.step("keys")
    progress.step("servers")
    progress.end()
    progress.end()


def test_a_person_sees_one_plain_line() -> None:
    ours, theirs = pty.openpty()
    try:
        steps(theirs)
        seen = os.read(ours, 4096)
    finally:
        os.close(theirs)
        os.close(ours)
    assert seen == b"Starting: keys, servers\r\n"


def test_a_program_sees_nothing() -> None:
    ours, theirs = os.pipe()
    steps(theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        assert stream.read() == b""


def test_nothing_is_ended_that_did_not_begin() -> None:
    ours, theirs = pty.openpty()
    try:
        Progress("Starting", theirs).end()
        os.write(theirs, b"next")
        assert os.read(ours, 4096) == b"next"
    finally:
        os.close(theirs)
        os.close(ours)
