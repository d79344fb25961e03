"""The processes of a lab: each is begun, told, paused, ended and begun again.

A member is a fork of the lab's own process, which has no threads, and ends when its
channel closes: the kernel closes it if the lab is killed. What it starts stays in its
process group, but for log-ins, so a pause is SIGSTOP to the group: its ports accept,
and nobody answers.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from cucmsh.errors import ServiceError
from cucmsh.lab.conditions import Conditions
from cucmsh.lab.gate import Gate

START_SECONDS = 60
STOP_SECONDS = 10
TELL_SECONDS = 10
READY = "ready"
DONE = "done"

fork = multiprocessing.get_context("fork")  # asyncssh is imported once, not N times

Serve = Callable[[Connection, Conditions], None]


class Run(StrEnum):
    """Whether a member runs."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class Member:
    """One process of the lab.

    Args:
        name: how people call it.

    Attributes:
        conditions: how it behaves, or shall when it runs again.
        state: whether it runs.
        channel: to it; None while it is stopped.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.conditions = Conditions()
        self.state = Run.STOPPED
        self._process: BaseProcess | None = None
        self.channel: Connection | None = None

    def launch(
        self,
        serve: Serve,
        others: Iterable[Connection],
        descriptors: Iterable[int],
    ) -> None:
        """Begin; ``await_ready`` follows.

        Args:
            serve: runs it, in the process, until the other end of the channel closes.
                It says ``READY``, or what is wrong, once, and obeys (see ``obey``).
            others: channels to other members, which the process must not hold.
            descriptors: what else it must not hold.
        """
        near, far = fork.Pipe()
        self._process = fork.Process(
            target=_run,
            args=(serve, far, self.conditions, [near, *others], [*descriptors]),
        )
        self._process.start()
        far.close()
        self.channel = near
        self.state = Run.RUNNING

    def await_ready(self) -> None:
        """Wait until it serves.

        Raises:
            ServiceError: it does not.
        """
        answer = f"{self.name} did not start"
        with contextlib.suppress(EOFError, OSError):
            if self.channel is not None and self.channel.poll(START_SECONDS):
                answer = self.channel.recv()
        if answer != READY:
            code = self._process.exitcode if self._process else None
            raise ServiceError(answer, f"exit code {code}")

    def tell(self, conditions: Conditions) -> None:
        """Let it behave so: now if it runs, else when it runs again.

        Raises:
            ServiceError: it does not answer.
        """
        self.conditions = conditions
        if self.state is not Run.RUNNING or self.channel is None:
            return
        answer = ""
        with contextlib.suppress(EOFError, OSError):
            self.channel.send(conditions)
            if self.channel.poll(TELL_SECONDS):
                answer = self.channel.recv()
        if answer != DONE:
            raise ServiceError(
                answer or f"{self.name} does not answer the lab",
                f"End it: `lab node stop {self.name}`.",
            )

    def pause(self) -> None:
        """Let it accept and answer nobody."""
        if self.state is Run.RUNNING:
            self._signal(signal.SIGSTOP)
            self.state = Run.PAUSED

    def go_on(self) -> None:
        """End a pause, and let it know what it was told meanwhile."""
        if self.state is Run.PAUSED:
            self._signal(signal.SIGCONT)
            self.state = Run.RUNNING
            self.tell(self.conditions)

    def hold_still(self) -> contextlib.AbstractContextManager[None]:
        """Let it do nothing for the length of the block."""

        @contextlib.contextmanager
        def held() -> Iterator[None]:
            self._signal(signal.SIGSTOP)
            try:
                yield
            finally:
                self._signal(signal.SIGCONT)

        if self.state is Run.RUNNING:
            return held()
        return contextlib.nullcontext()

    def ask_to_end(self) -> None:
        """Close its channel; ``await_end`` follows."""
        if self.channel is not None:
            self.channel.close()
        if self.state is Run.PAUSED:
            self._signal(signal.SIGCONT)

    def await_end(self) -> None:
        """Wait until it has ended, or end it."""
        if self._process is not None:
            self._process.join(STOP_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._process = self.channel = None
        self.state = Run.STOPPED

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def obey(channel: Connection, gate: Gate, conditions: Conditions) -> threading.Event:
    """Behave as the lab says from now on; the event is set when it is gone.

    For the process of a member, called once.
    """
    ended = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    gate.apply(conditions)

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                gate.apply(channel.recv())
                channel.send(DONE)
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    return ended


def _run(
    serve: Serve,
    channel: Connection,
    conditions: Conditions,
    channels: list[Connection],
    descriptors: list[int],
) -> None:
    os.setsid()  # the terminal's Ctrl-C is for the shell, not for the cluster
    # A child ends at SIGTERM; the handler it was forked with is the parent's.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The fork copied these from the parent: open here, they would keep the other
    # members' channels and ports, and the lab's lock, alive.
    for connection in channels:
        connection.close()
    for descriptor in descriptors:
        os.close(descriptor)
    serve(channel, conditions)
