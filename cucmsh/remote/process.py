"""Runs fixed argv lists on this machine: the one module that imports ``subprocess``.

Never a shell, never a word that a user typed (docs/decisions/021).
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from cucmsh.errors import ServiceError
from cucmsh.remote.runner import Completed

MAX_OUTPUT = 1 << 20  # bytes of what a command printed that are looked at


_left: list[subprocess.Popen[bytes]] = []  # by leave_running, until they have ended


def leave_running(words: Sequence[str]) -> None:
    """Start a program that goes on by itself, without a terminal and an environment.

    Raises:
        ServiceError: it cannot be started.
    """
    _left[:] = [child for child in _left if child.poll() is None]
    try:
        child = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
    except OSError as problem:
        raise ServiceError(f"{words[0]} cannot be run: {problem.strerror}") from problem
    _left.append(child)


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
        output, stderr = os.memfd_create("output"), os.memfd_create("stderr")
        try:
            status = _run(words, timeout_seconds, output, stderr)
            return Completed(status, _text(output), _text(stderr))
        except OSError as problem:
            raise ServiceError(
                f"{words[0]} cannot be run: {problem.strerror}"
            ) from problem
        finally:
            os.close(output)
            os.close(stderr)

    def feed(
        self, words: Sequence[str], raw: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Give a program ``raw`` on standard input; take what it writes.

        It gets no environment and no terminal, and its complaints are dropped: they
        may hold what it was given, which goes through a pipe and nowhere else.

        Returns:
            The exit status (128 + n for signal n), and at most 1 MiB of output: the
            program cannot write more. One that takes longer than ``seconds`` is
            killed, with its children, and has the status of signal 9.

        Raises:
            ServiceError: it cannot be started.
        """
        output = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(output, MAX_OUTPUT)
            fcntl.fcntl(output, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
            status = _feed(words, raw, seconds, output)
            # The program moved our own position as it wrote.
            written = os.lseek(output, 0, os.SEEK_CUR)
            return status, os.pread(output, min(written, MAX_OUTPUT), 0)
        except OSError as problem:
            raise ServiceError(
                f"{words[0]} cannot be run: {problem.strerror}"
            ) from problem
        finally:
            os.close(output)


def _feed(words: Sequence[str], raw: bytes, seconds: float, output: int) -> int:
    with subprocess.Popen(
        list(words),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            child.communicate(raw, seconds)
        except subprocess.TimeoutExpired:
            _kill(child)
            child.wait()
        except BaseException:  # Ctrl-C: it must not go on alone
            _kill(child)
            raise
    return _status(child.returncode)


def _run(words: Sequence[str], seconds: float, output: int, stderr: int) -> int:
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=stderr,
        start_new_session=True,  # Ctrl-C at the prompt must not reach it
    ) as child:
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired as problem:
            _kill(child)
            raise ServiceError(
                f"{words[0]} did not end within {seconds:.0f} seconds"
            ) from problem
    return _status(status)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # it ended just now
        os.killpg(child.pid, signal.SIGKILL)


def _status(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned


def _text(descriptor: int) -> str:
    raw = os.pread(descriptor, MAX_OUTPUT, 0)
    return raw.decode(errors="replace").rstrip("\n")
