"""Runs configured argv lists on this machine: the one door to ``subprocess``.

Never a shell, never a word that a user typed (design decision 21).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from cucmsh.cluster.runner import Completed
from cucmsh.errors import ServiceError

MAX_OUTPUT = 1 << 20  # bytes of what a command printed that are looked at


class LocalRunner:
    """See ``Runner``; the child gets no terminal and no standard input."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        if not words:
            raise ServiceError(
                "no command is configured for this",
                "Add it to the node's service_commands.",
            )
        # Not pipes: a daemon that the command leaves behind would hold them open, and
        # we would wait for the daemon.
        output, complaint = os.memfd_create("output"), os.memfd_create("complaint")
        try:
            status = _run(words, timeout_seconds, output, complaint)
            return Completed(status, _text(output), _text(complaint))
        except OSError as problem:
            raise ServiceError(
                f"{words[0]} cannot be run: {problem.strerror}"
            ) from problem
        finally:
            os.close(output)
            os.close(complaint)


def _run(words: Sequence[str], seconds: float, output: int, complaint: int) -> int:
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=complaint,
        start_new_session=True,  # Ctrl-C at the prompt must not reach it
    ) as child:
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired as problem:
            with suppress(ProcessLookupError):  # it ended just now
                os.killpg(child.pid, signal.SIGKILL)
            raise ServiceError(
                f"{words[0]} did not end within {seconds:.0f} seconds"
            ) from problem
    return status if status >= 0 else 128 - status


def _text(descriptor: int) -> str:
    raw = os.pread(descriptor, MAX_OUTPUT, 0)
    return raw.decode(errors="replace").rstrip("\n")
