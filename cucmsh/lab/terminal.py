"""Processes of the lab's SSH sessions: on a terminal or on pipes, and their end.

The lab has threads, so a child is started with ``posix_spawn``: no Python runs between
fork and exec, and every descriptor of ours but 0, 1 and 2 is close-on-exec. The
controlling terminal costs no trampoline either: the child is made leader of a session
first, and a leader that opens a terminal without ``O_NOCTTY`` gets it as its own.

A child leads its own process group. It gets SIGHUP when its client goes, SIGKILL two
seconds later, and is always reaped by ``Child.wait``. Refuses nothing: what may run is
decided by the account (``ssh_session``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from collections.abc import Mapping, Sequence
from typing import NamedTuple

HANGUP_GRACE = 2.0
"""Seconds between SIGHUP and SIGKILL."""

LARGEST_WINDOW = 4096
"""Rows or columns; more is clamped (docs/security.md T5)."""

_DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGXFSZ,
)


class Window(NamedTuple):
    """A terminal's size in characters; 0 means that the client does not know."""

    rows: int
    columns: int

    def clamped(self) -> Window:
        return Window(min(self.rows, LARGEST_WINDOW), min(self.columns, LARGEST_WINDOW))


class Streams:
    """Our ends of a child's streams: descriptors, which do not block.

    On a terminal ``stdin`` and ``stdout`` are one descriptor and ``stderr`` is None.
    """

    def __init__(self, stdin: int, stdout: int, stderr: int | None) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._open = {stdin, stdout, *(() if stderr is None else (stderr,))}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)

    @property
    def is_terminal(self) -> bool:
        return self.stderr is None

    def resize(self, window: Window) -> None:
        """Tell the process the size of its terminal."""
        termios.tcsetwinsize(self.stdout, window.clamped())

    def close_stdin(self) -> None:
        """The end of the process's input, where it has a pipe."""
        if self.stdin in self._open:
            self._open.remove(self.stdin)
            os.close(self.stdin)

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())


class Child:
    """A started process; ``wait`` is called once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._is_reaped = False

    async def wait(self) -> int:
        """Wait for the end and reap. Returns the exit status, 128+n for signal n."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(self.pid)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        self._signal(signal.SIGHUP)  # what it left behind in its group
        _, status = os.waitpid(self.pid, 0)  # noqa: ASYNC222 - it has ended
        self._is_reaped = True
        code = os.waitstatus_to_exitcode(status)
        return 128 - code if code < 0 else code

    def hang_up(self) -> None:
        """SIGHUP to the child's group, and SIGKILL if it stays."""
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)  # a stopped process hears nothing else
        loop = asyncio.get_running_loop()
        loop.call_later(HANGUP_GRACE, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if not self._is_reaped:  # or the number may be somebody else's by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def start_on_terminal(
    argv: Sequence[str], environment: Mapping[str, str], window: Window
) -> tuple[Child, Streams]:
    """Start ``argv`` on a new terminal that is its controlling terminal.

    Raises:
        OSError: it cannot be started (``ValueError``: a NUL in ``argv``).
    """
    ours, theirs = os.openpty()
    streams = Streams(ours, ours, None)
    try:
        streams.resize(window)
        child = _spawn(
            argv,
            environment,
            [
                (os.POSIX_SPAWN_OPEN, 0, os.ttyname(theirs), os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ],
        )
    except (OSError, ValueError):
        streams.close()
        raise
    finally:
        os.close(theirs)
    return child, streams


def start_on_pipes(
    argv: Sequence[str], environment: Mapping[str, str]
) -> tuple[Child, Streams]:
    """Start ``argv`` on three pipes.

    Raises:
        OSError: it cannot be started (``ValueError``: a NUL in ``argv``).
    """
    stdin, to_child = os.pipe()
    from_child, stdout = os.pipe()
    errors_from_child, stderr = os.pipe()
    streams = Streams(to_child, from_child, errors_from_child)
    theirs = (stdin, stdout, stderr)
    try:
        child = _spawn(
            argv,
            environment,
            [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(theirs)],
        )
    except (OSError, ValueError):
        streams.close()
        raise
    finally:
        for end in theirs:
            os.close(end)
    return child, streams


def _spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[tuple[int, ...] | tuple[int, int, str, int, int]],
) -> Child:
    return Child(
        os.posix_spawn(
            argv[0],
            list(argv),
            dict(environment),
            file_actions=[*streams, *_closing_the_rest()],
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
    )


def _closing_the_rest() -> list[tuple[int, int]]:
    """Python's descriptors are close-on-exec; those that it inherited may not be."""
    rest = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is gone by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                rest.append((os.POSIX_SPAWN_CLOSE, int(name)))
    return rest
