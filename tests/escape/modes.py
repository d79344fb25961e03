"""The six ways in, each as something that an attack's line can be given to.

``pty``, ``pexpect`` and ``shell`` type many lines into one session and open another one
when it ends; ``exec``, ``subsystem`` and ``command`` (``-c``) are one process a line.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import paramiko
import pexpect

from tests.cli.login.box import ADMIN, LOGIN, Box
from tests.cli.login.box import PYTHON as BOX_PYTHON
from tests.escape.node import Target
from tests.escape.oracle import RUNS, AllowList, Escape, events, traced
from tests.rigs.sshd import SSHD
from tests.rigs.terminal import hang_up, open_raw_terminal

PROMPT = b"admin:"
# Debian's PAM greets before our program is there: pam_motd runs /etc/update-motd.d.
PAM = (
    *("/bin/sh", "/usr/bin/env", "/etc/update-motd.d/", "/usr/bin/uname"),
    *(f"/usr/{folder}/run-parts" for folder in ("bin", "sbin", "local/bin")),
    "/usr/local/sbin/run-parts",
)
SECONDS = 90  # a guard against a hang, on a machine that has much to do
PATIENCE = 0.25  # seconds until a session is asked to come back to its prompt
# The end of a paste, in which Ctrl-C is a letter; a pager's quit; whatever else it is.
BACK = b"\x1b[201~q\x03"
STILL = 0.003  # seconds in which nothing more follows a prompt
CHUNK = 1 << 16
ENVIRONMENT = {"PATH": os.defpath, "TERM": "xterm", "LANG": "C.UTF-8"}
# A terminal is open in the parent for a moment; what is forked then would keep it open,
# and its session would never be seen to end.
_FORKING = threading.Lock()
_DRAWING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Way(Protocol):
    """Gives lines to the shell."""

    name: str

    def attack(self, line: bytes) -> None: ...

    def close(self) -> None: ...


def at_prompt(seen: bytes) -> bool:
    """Whether the last thing that was shown is a prompt."""
    return _DRAWING.sub(b"", seen[-400:]).endswith(PROMPT)


class Typed:
    """A session that is typed into, through whatever leads to it.

    Attributes:
        sessions: how many were opened.
        seen: the end of what the present one has shown.
    """

    name = ""
    enter = b"\r"

    def __init__(self) -> None:
        self.seen = b""
        self.sessions = 0
        self.is_open = False

    def attack(self, line: bytes) -> None:
        self.settle()
        self.seen = b""
        self.put(line + self.enter)
        self.settle()

    def settle(self) -> None:
        """Be at a prompt: of this session, or of a new one if it has ended."""
        deadline = time.monotonic() + SECONDS
        while not self._is_settled():
            assert time.monotonic() < deadline, f"no prompt after {self.seen!r}"
            if self.is_open:
                self.put(BACK)

    def put(self, raw: bytes) -> None:
        """Type, while reading what is shown: neither side may wait for the other."""
        while raw and self.is_open:
            while self.is_open and self.listen(0):
                pass
            if self.is_open:
                taken = self.write(raw[:512])
                raw = raw[taken:]
                if not taken:
                    self.listen(STILL)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.end()

    def _is_settled(self) -> bool:
        if not self.is_open:
            self.start()
            self.is_open = True
            self.seen = self.poll(SECONDS) or b""
            self.sessions += 1
        while self.is_open:
            if not self.listen(STILL if at_prompt(self.seen) else PATIENCE):
                return at_prompt(self.seen)
        return False

    def listen(self, wait: float) -> bool:
        """Take what is shown within so many seconds; tell if there was anything."""
        piece = self.poll(wait)
        if piece is not None:
            self._take(piece)
        return piece is not None

    def _take(self, piece: bytes) -> None:
        self.seen = self.seen[-2000:] + piece
        if not piece:
            self.close()

    def start(self) -> None:
        """Open a session."""
        raise NotImplementedError

    def poll(self, wait: float) -> bytes | None:
        """What is shown within so many seconds: None for nothing, empty for an end."""
        raise NotImplementedError

    def write(self, raw: bytes) -> int:
        """Type as much as can be typed now; how much that was."""
        raise NotImplementedError

    def end(self) -> None:
        """Hang up, and see how it ended."""
        raise NotImplementedError


def _written(write: Callable[[], int], length: int) -> int:
    try:
        return write()
    except (BlockingIOError, TimeoutError):
        return 0
    except OSError:  # nobody reads it any more, which `poll` will tell
        return length


class Pty(Typed):
    """On a pty of ours, byte for byte."""

    name = "pty"

    def __init__(
        self, target: Target, environment: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        super().__init__()
        self.target = target
        self._environment = environment
        self.child = -1

    def start(self) -> None:
        words = self.target.words()
        with _FORKING:
            self.child, self._master = pty.fork()
            if self.child == 0:
                os.execvpe(words[0], words, self._environment)
        termios.tcsetwinsize(self._master, (24, 80))
        os.set_blocking(self._master, False)

    def poll(self, wait: float) -> bytes | None:
        if not select.select([self._master], [], [], wait)[0]:
            return None
        try:
            return os.read(self._master, CHUNK)
        except OSError:  # EIO: nobody is there any more
            return b""

    def write(self, raw: bytes) -> int:
        return _written(lambda: os.write(self._master, raw), len(raw))

    def end(self) -> None:
        os.close(self._master)
        status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        assert status >= 0, f"a session ended by signal {-status}"


class Pexpect(Typed):
    """With pexpect's own words, as programs do it: LF ends a line."""

    name = "pexpect"

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target

    def attack(self, line: bytes) -> None:
        self.settle()
        self.seen = b""
        self.put(line + self._child.linesep)
        self.settle()

    def start(self) -> None:
        words = self.target.words()
        self._child: Any = open_raw_terminal(
            words, environment=ENVIRONMENT, seconds=SECONDS
        )
        os.set_blocking(self._child.child_fd, False)

    def poll(self, wait: float) -> bytes | None:
        try:
            return bytes(self._child.read_nonblocking(CHUNK, wait))
        except pexpect.TIMEOUT:
            return None
        except pexpect.EOF:
            return b""

    def write(self, raw: bytes) -> int:
        return _written(lambda: int(self._child.send(raw)), len(raw))

    def end(self) -> None:
        hang_up(self._child)
        assert self._child.signalstatus is None, self._child.signalstatus


class Server:
    """The shipped sshd in a box of its own, traced as a whole, and who logs in to it.

    What sshd does on its own is its business; every program that it executes is
    judged, and everything that our login program does.
    """

    def __init__(self, box: Box, folder: Path) -> None:
        self._box = box
        self._log = folder / "ssh"
        self._server = box.sshd(before=traced(self._log, []))
        self._key = paramiko.Ed25519Key.from_private_key_file(str(box.key))
        self.allowed = AllowList(
            [("true",), (BOX_PYTHON, "-I", "-m", "cucmsh.pki.sandbox_worker")],
            (LOGIN,),
            reads=[Path(path) for path in ("/opt", LOGIN, "/etc/cucmsh")],
            writes=[Path(path) for path in ("/var/lib/cucmsh", "/srv/tftp")],
            doorman=frozenset({SSHD}),
        )
        self._learn()

    def _learn(self) -> None:
        """What an innocent login executes before it gets to us: PAM's greeting."""
        for way in (Exec(self), Shell(self)):
            way.attack(b"show version active")
            way.close()
        innocent = [event.paths for event in events(self._log) if event.call in RUNS]
        strange = {path for path, *_ in innocent} - {SSHD, LOGIN}
        assert not [path for path in strange if not path.startswith(PAM)], strange
        self.allowed.allow(argv for _, *argv in innocent)

    @property
    def port(self) -> int:
        return self._server.port

    def connect(self) -> paramiko.Transport:
        client = paramiko.Transport(("127.0.0.1", self._server.port))
        client.connect(username=ADMIN, pkey=self._key)
        return client

    def escapes(self) -> list[Escape]:
        return self.allowed.judge(self._log)

    def bound(self) -> list[str]:
        """What was listened on, by sshd as well: a forwarded agent has a socket."""
        return [event.rest for event in events(self._log) if event.call == "bind"]

    def executed(self) -> set[str]:
        """The programs that were executed, for a look at the trace itself."""
        return {event.paths[0] for event in events(self._log) if event.call in RUNS}

    def close(self) -> None:
        self._server.close()


class Line:
    """One connection, opened again when the server ends it; channels on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: paramiko.Transport | None = None

    def channel(self) -> paramiko.Channel:
        if self._client is None or not self._client.is_active():
            self._client = self._server.connect()
        channel = self._client.open_session(timeout=SECONDS)
        channel.settimeout(SECONDS)
        return channel

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


class Shell(Typed):
    """Through sshd, with a terminal."""

    name = "shell"

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._line = Line(server)

    def start(self) -> None:
        self._channel = self._line.channel()
        self._channel.get_pty("xterm", 80, 24)
        self._channel.invoke_shell()

    def poll(self, wait: float) -> bytes | None:
        self._channel.settimeout(max(wait, 0.001))
        try:
            return self._channel.recv(CHUNK)
        except TimeoutError:
            return None

    def write(self, raw: bytes) -> int:
        self._channel.settimeout(0)
        return _written(lambda: self._channel.send(raw), len(raw))

    def end(self) -> None:
        self._channel.close()
        self._line.close()


class Exec:
    """``ssh host LINE``: one word of the protocol, that may hold anything."""

    name = "exec"

    def __init__(self, server: Server) -> None:
        self._line = Line(server)

    def attack(self, line: bytes) -> None:
        channel = self._line.channel()
        try:
            # sshd itself refuses a subsystem it does not know, and hangs up on a NUL
            with suppress(paramiko.SSHException, EOFError):
                self.request(channel, line)
                channel.shutdown_write()
                while channel.recv(CHUNK):
                    pass
                assert channel.recv_exit_status() in (-1, 0, 1, 2, 3, 255)
        finally:
            channel.close()

    def request(self, channel: paramiko.Channel, line: bytes) -> None:
        channel.exec_command(line)

    def close(self) -> None:
        self._line.close()


class Subsystem(Exec):
    """``ssh -s host LINE``; sshd hands what it knows to the forced command."""

    name = "subsystem"

    def request(self, channel: paramiko.Channel, line: bytes) -> None:
        name: str = line  # type: ignore[assignment]  # paramiko sends bytes as well
        channel.invoke_subsystem(name)


class Command:
    """``cucmsh -c LINE``; a line ends at its NUL there, as every word of a call."""

    name = "command"

    def __init__(self, target: Target) -> None:
        self._target = target

    def attack(self, line: bytes) -> None:
        status, said = self.call(line)
        assert status in (0, 1, 2, 3), (status, said)
        assert b"Traceback" not in said

    def call(
        self, line: bytes, environment: Mapping[str, str] = ENVIRONMENT
    ) -> tuple[int, bytes]:
        """The status, and all that was said."""
        done = subprocess.run(
            [*self._target.words("-c"), line.partition(b"\0")[0]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env=environment,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout

    def close(self) -> None:
        """Nothing is left open."""


ON_THE_SPOT: dict[str, Callable[[Target], Way]] = {
    "pty": Pty,
    "pexpect": Pexpect,
    "command": Command,
}
THROUGH_SSH: dict[str, Callable[[Server], Way]] = {
    "shell": Shell,
    "exec": Exec,
    "subsystem": Subsystem,
}
