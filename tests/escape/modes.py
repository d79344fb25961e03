"""The six ways in, each as something that an attack's line can be given to.

``pty``, ``pexpect`` and ``shell`` type many lines into one session and open another one
when it ends; ``exec``, ``subsystem`` and ``command`` (``-c``) are one process a line.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import paramiko
import pexpect

from tests.escape.node import Target
from tests.faults.account import Account
from tests.faults.sshd import Sshd, make_key

PROMPT = b"admin:"
SECONDS = 20  # a guard against a hang
PATIENCE = 0.25  # seconds until a session is asked to come back to its prompt
# The end of a paste, in which Ctrl-C is a letter; a pager's quit; whatever else it is.
BACK = b"\x1b[201~q\x03"
STILL = 0.003  # seconds in which nothing more follows a prompt
CHUNK = 1 << 16
ENVIRONMENT = {"PATH": os.defpath, "TERM": "xterm", "LANG": "C.UTF-8"}
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

    def __init__(self, target: Target) -> None:
        self.target = target
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
        for at in range(0, len(raw), 512):
            while self.is_open and (piece := self.poll(0)) is not None:
                self._take(piece)
            if self.is_open:
                self.write(raw[at : at + 512])

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
            piece = self.poll(STILL if at_prompt(self.seen) else PATIENCE)
            if piece is None:
                return at_prompt(self.seen)
            self._take(piece)
        return False

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

    def write(self, raw: bytes) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """Hang up, and see how it ended."""
        raise NotImplementedError


class Pty(Typed):
    """On a pty of ours, byte for byte."""

    name = "pty"

    def start(self) -> None:
        words = self.target.words()
        self._child, self._master = pty.fork()
        if self._child == 0:
            os.execvpe(words[0], words, ENVIRONMENT)
        termios.tcsetwinsize(self._master, (24, 80))

    def poll(self, wait: float) -> bytes | None:
        if not select.select([self._master], [], [], wait)[0]:
            return None
        try:
            return os.read(self._master, CHUNK)
        except OSError:  # EIO: nobody is there any more
            return b""

    def write(self, raw: bytes) -> None:
        with suppress(OSError):
            os.write(self._master, raw)

    def end(self) -> None:
        os.close(self._master)
        status = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        assert status >= 0, f"a session ended by signal {-status}"


class Pexpect(Typed):
    """With pexpect's own words, as programs do it: LF ends a line."""

    name = "pexpect"
    enter = b""

    def attack(self, line: bytes) -> None:
        self.settle()
        self.seen = b""
        self._child.sendline(line)
        self.settle()

    def start(self) -> None:
        command, *words = self.target.words()
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            command, words, env=ENVIRONMENT, dimensions=(24, 80), timeout=SECONDS
        )
        self._child.delaybeforesend = None

    def poll(self, wait: float) -> bytes | None:
        try:
            return bytes(self._child.read_nonblocking(CHUNK, wait))
        except pexpect.TIMEOUT:
            return None
        except pexpect.EOF:
            return b""

    def write(self, raw: bytes) -> None:
        with suppress(OSError):
            self._child.send(raw)

    def end(self) -> None:
        self._child.close(force=True)
        assert self._child.signalstatus in (None, 1), self._child.signalstatus


class Server:
    """A real sshd whose forced command is the traced shell.

    A helper program writes each session's trace into a file of its own; the account is
    ours, for it must be able to read the code.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        folder.mkdir()
        script = folder / "forced"
        words = [*target.words()]
        log = words.index("-o") + 1
        first, last = shlex.join(words[: log]), shlex.join(words[log + 1 :])
        traces = target.folder / "traces"
        script.write_text(f'#!/bin/sh\nexec {first} {traces}/ssh-$$ {last}\n')
        script.chmod(0o755)
        key = folder / "key"
        public = make_key(key)
        lines = [f"ForceCommand {script}", "AcceptEnv LC_* PYTHON* CUCMSH_*"]
        account = Account(folder, is_ours=True)
        self.sshd = Sshd(folder / "sshd", account, public, first=lines)
        self._user = account.name
        self._key = paramiko.Ed25519Key.from_private_key_file(str(key))
        self._client: paramiko.Transport | None = None

    def channel(self) -> paramiko.Channel:
        """A session channel; one connection is used for many."""
        if self._client is None or not self._client.is_active():
            self._client = paramiko.Transport((self.sshd.host, self.sshd.port))
            self._client.connect(username=self._user, pkey=self._key)
        channel = self._client.open_session(timeout=SECONDS)
        channel.settimeout(SECONDS)
        return channel

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self.sshd.stop()


class Shell(Typed):
    """Through sshd, with a terminal."""

    name = "shell"

    def __init__(self, target: Target, server: Server) -> None:
        super().__init__(target)
        self._server = server

    def start(self) -> None:
        self._channel = self._server.channel()
        self._channel.get_pty("xterm", 80, 24)
        self._channel.invoke_shell()

    def poll(self, wait: float) -> bytes | None:
        self._channel.settimeout(max(wait, 0.001))
        try:
            return self._channel.recv(CHUNK)
        except TimeoutError:
            return None

    def write(self, raw: bytes) -> None:
        self._channel.settimeout(SECONDS)
        with suppress(OSError):
            self._channel.sendall(raw)

    def end(self) -> None:
        self._channel.close()


class Exec:
    """``ssh host LINE``: the line is one word of the protocol, and may hold anything."""

    name = "exec"

    def __init__(self, server: Server) -> None:
        self._server = server

    def attack(self, line: bytes) -> None:
        channel = self._server.channel()
        try:
            with suppress(paramiko.SSHException):  # sshd may refuse, too
                self.request(channel, line)
                channel.shutdown_write()
                while channel.recv(CHUNK):
                    pass
                assert channel.recv_exit_status() in (0, 1, 2, 3, 130, 255)
        finally:
            channel.close()

    def request(self, channel: paramiko.Channel, line: bytes) -> None:
        channel.exec_command(line)

    def close(self) -> None:
        """The server is somebody else's."""


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
        words = self._target.words("-c")
        done = subprocess.run(
            [*words, line.partition(b"\0")[0]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=ENVIRONMENT,
            timeout=SECONDS,
        )
        assert done.returncode in (0, 1, 2, 3), (done.returncode, done.stderr)
        assert b"Traceback" not in done.stdout + done.stderr

    def close(self) -> None:
        """Nothing is left open."""


WAYS = ("pty", "pexpect", "shell", "exec", "subsystem", "command")
THROUGH_SSH: dict[str, Callable[[Target, Server], Way]] = {
    "shell": Shell,
    "exec": lambda _, server: Exec(server),
    "subsystem": lambda _, server: Subsystem(server),
}
ON_THE_SPOT: dict[str, Callable[[Target], Way]] = {
    "pty": Pty,
    "pexpect": Pexpect,
    "command": Command,
}
