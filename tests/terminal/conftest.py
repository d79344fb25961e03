"""One toy shell, two terminals: every scenario runs on both.

`fake` is a pty pair with the session in a thread of this process; `real` is a process
on a terminal of its own, driven as any client would drive it. Both answer to the same
words, those of pexpect. Nothing sleeps: everything awaits text or an end.
"""

import importlib.util
import io
import os
import pty
import re
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest
from pexpect.fdpexpect import fdspawn

from tests.rigs.terminal import hang_up, open_raw_terminal

TOY = Path(__file__).with_name("toy_shell.py")
PROJECT = Path(__file__).parents[2]
PROMPT = "admin:"
IDLE_SECONDS = 0.6
SECONDS = 10  # for one answer; only a failure waits so long


def load_toy() -> Any:
    spec = importlib.util.spec_from_file_location("toy_shell", TOY)
    assert spec is not None
    assert spec.loader is not None
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    return toy


class Client:
    """What a person or program at the other end can do and see."""

    def __init__(self, ends: Any, log: io.BytesIO) -> None:
        self.ends = ends
        self.log = log
        ends.logfile_read = log
        ends.delaybeforesend = None

    def send(self, text: str | bytes) -> None:
        self.ends.send(text)

    def await_text(self, text: str) -> str:
        """Wait for the text; return what came before it since the last one."""
        try:
            self.ends.expect_exact(text.encode())
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(
                f"no {text!r} in the rest of\n{self.log.getvalue()!r}"
            ) from error
        return str(self.ends.before.decode())

    def await_prompt(self) -> str:
        return self.await_text(f"\r\n{PROMPT}").replace("\r\n", "\n")

    def call(self, line: str) -> str:
        """Send a line as most clients do; return its echo and output."""
        self.send(f"{line}\r")
        return self.await_prompt()

    def await_end(self) -> int:
        """Read to the end; return the exit status."""
        self.ends.expect(pexpect.EOF, timeout=SECONDS)
        return self.status()

    def hand_over(self) -> None:
        """Press what only a person presses, and wait for the editor."""
        self.send("\x01")
        self.await_text("\x1b[?2004h")

    def status(self) -> int:
        raise NotImplementedError

    def hang_up(self) -> None:
        raise NotImplementedError

    @property
    def raw(self) -> bytes:
        """Everything the session has sent so far."""
        return self.log.getvalue()

    @property
    def shown(self) -> str:
        """The same as text, without what an editor draws with."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw.decode())

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.ends.child_fd)[3] & termios.ECHO)


class FakeClient(Client):
    """The session in a thread, on the slave side of a pty pair."""

    def __init__(self, toy: Any, idle: float | None = None) -> None:
        master, self._slave = pty.openpty()
        termios.tcsetwinsize(master, (24, 80))
        self._status: int | None = None
        session = toy.toy_session(self._slave, self._slave, idle)

        def run() -> None:
            self._status = session.run()
            with suppress(termios.error):  # hung up: nothing left to look at
                settings = termios.tcgetattr(self._slave)
                self.echo_at_end = bool(settings[3] & termios.ECHO)
            os.close(self._slave)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        super().__init__(fdspawn(master, timeout=SECONDS), io.BytesIO())

    def status(self) -> int:
        self._thread.join(SECONDS)
        assert self._status is not None, "the session goes on"
        return self._status

    def hang_up(self) -> None:
        self.ends.close()


class RealClient(Client):
    """The toy program on a terminal of its own."""

    def __init__(self, *arguments: str, term: str = "vt100") -> None:
        environment = {"PYTHONPATH": str(PROJECT), "TERM": term, "PATH": os.defpath}
        words = [sys.executable, str(TOY), *arguments]
        child = open_raw_terminal(words, environment=environment, seconds=SECONDS)
        super().__init__(child, io.BytesIO())

    def status(self) -> int:
        self.ends.wait()
        assert self.ends.exitstatus is not None, f"signal {self.ends.signalstatus}"
        return int(self.ends.exitstatus)

    def hang_up(self) -> None:
        hang_up(self.ends)


@pytest.fixture(params=["fake", "real"])
def opened(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A session that nobody has waited for yet."""
    client = FakeClient(load_toy()) if request.param == "fake" else RealClient()
    yield client
    if not client.ends.closed:
        client.hang_up()
    client.status()


@pytest.fixture(params=["fake", "real"])
def idle_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A session at its first prompt that waits IDLE_SECONDS for a key."""
    client: Client
    if request.param == "fake":
        client = FakeClient(load_toy(), IDLE_SECONDS)
    else:
        client = RealClient("--idle", str(IDLE_SECONDS))
    client.await_prompt()
    yield client
    if not client.ends.closed:
        client.hang_up()
    client.status()


@pytest.fixture
def client(opened: Client) -> Client:
    """A session at its first prompt."""
    opened.await_prompt()
    return opened


@pytest.fixture
def open_real() -> Iterator[Callable[..., RealClient]]:
    """Make real sessions, for what needs signals or a process of its own."""
    made: list[RealClient] = []

    def open_one(*arguments: str, term: str = "vt100") -> RealClient:
        made.append(RealClient(*arguments, term=term))
        return made[-1]

    yield open_one
    for each in made:
        if not each.ends.closed:
            each.ends.kill(signal.SIGKILL)
            each.hang_up()


@pytest.fixture
def real_client(open_real: Callable[..., RealClient]) -> RealClient:
    """A real session at its first prompt."""
    client = open_real()
    client.await_prompt()
    return client
