"""One lab in a process of its own, and what a test needs to know of it.

Refuses nothing that ``cucmsh lab`` does not refuse. The passwords are made for this lab
and are worth nothing outside of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pexpect

from cucmsh.errors import ServiceError
from cucmsh.testing.phones import Phone

PROGRAM = (sys.executable, "-I", "-m", "cucmsh")
PROMPT = "\r\nadmin:"  # the line break before it makes it no part of a text
ANSWER_SECONDS = 30  # what a child waits for text, unless told otherwise
STOP_SECONDS = 60
SIZE = (24, 80)


class Address(NamedTuple):
    """Where a server listens; the host is 127.0.0.1."""

    host: str
    port: int


class Node(NamedTuple):
    """A publisher or subscriber.

    Attributes:
        name: as the cluster calls it.
        ssh: user ``admin`` with the lab's ``passwords.admin`` gets ``admin:`` here.
        tftp: serves ITLFile.tlv.
        tvs: answers phones that do not know a signer, over TLS.
        http: gives phones by HTTP what TFTP serves.
        config: its configuration file, for ``cucmsh --config``.
        home: its keys and its state.
        tftp_directory: what its TFTP service serves.
    """

    name: str
    ssh: Address
    tftp: Address
    tvs: Address
    http: Address
    config: Path
    home: Path
    tftp_directory: Path


class BackupServer(NamedTuple):
    """The SFTP server for ``file get`` and ``utils itl reset remotekey``."""

    host: str
    port: int
    user: str
    password: str
    directory: Path

    def __repr__(self) -> str:
        return f"BackupServer({self.host!r}, {self.port!r})"  # test output is kept


class Passwords(NamedTuple):
    """``admin`` logs in, ``ccm`` allows resets, ``security`` opens ITLRecovery.p12."""

    admin: str
    ccm: str
    security: str

    def __repr__(self) -> str:
        return "Passwords()"


class LabError(ServiceError):
    """What the lab was asked for cannot be done, in its own words.

    Attributes:
        kind: the word for it, ``error.kind`` of docs/programs.md#errors.
    """

    def __init__(self, message: str, advice: str, kind: str) -> None:
        super().__init__(message, advice)
        self.kind = kind


class Lab:
    """A running cluster; ``lab`` makes it.

    Attributes:
        directory: everything that it writes.
        known_hosts: a file in OpenSSH's form with the host keys of all its servers.
        publisher: the first node.
        subscribers: the others.
        backup: the SFTP server.
        passwords: the three of them.
        phones: in the order of ``--phones``.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        sftp = described["sftp"]
        self.directory = Path(described["directory"])
        self.known_hosts = Path(described["known_hosts"])
        self.publisher = _node(described["publisher"])
        self.subscribers = tuple(_node(each) for each in described["subscribers"])
        self.backup = BackupServer(**{**sftp, "directory": Path(sftp["directory"])})
        self.passwords = Passwords(**described["passwords"])
        self.phones = tuple(Phone(each, self.directory) for each in described["phones"])
        self._children: list[pexpect.spawn[str]] = []

    def shell(self, node: Node | None = None) -> pexpect.spawn[str]:
        """A pexpect child on a terminal of its own, at ``admin:`` of the node.

        The publisher's without one. It waits ``ANSWER_SECONDS`` for text, sends
        without pexpect's delay, and is closed with the lab.

        Raises:
            ServiceError: no prompt came.
        """
        program, *words = PROGRAM
        child: pexpect.spawn[str] = pexpect.spawn(
            program,
            [*words, "--config", str((node or self.publisher).config)],
            env={"PATH": os.defpath, "TERM": "vt100", "LANG": "C.UTF-8"},
            dimensions=SIZE,
            timeout=ANSWER_SECONDS,
            encoding="utf-8",
        )
        child.delaybeforesend = None
        self._children.append(child)
        try:
            child.expect_exact(PROMPT)
        except pexpect.ExceptionPexpect as problem:
            raise ServiceError(f"no prompt; instead: {child.before!r}") from problem
        return child

    def run(self, line: str, node: Node | None = None) -> dict[str, Any]:
        """The ``result`` of one command that asks nothing, in its JSON.

        Args:
            line: as it is typed.
            node: whose; the publisher's without one.

        Raises:
            LabError: it failed; the message is its own.
        """
        words = [*PROGRAM, "--config", str((node or self.publisher).config)]
        done = subprocess.run(
            [*words, "-c", line, "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        try:
            document = json.loads(done.stdout)
        except ValueError as problem:
            raise ServiceError(f"no answer to {line!r}") from problem
        error = document["error"]
        if error is not None:
            raise LabError(error["message"], error["advice"] or "", error["kind"])
        return dict(document["result"])

    def states(self) -> dict[str, str]:
        """For each node, and ``backup``: running, paused or stopped."""
        nodes = self.run("lab node list")["nodes"]
        return {node["name"]: node["state"] for node in nodes}

    def stop_node(self, name: str) -> None:
        """End all servers of a node, as when its machine is off."""
        self.run(f"lab node stop {name}")

    def start_node(self, name: str) -> None:
        """End a stop, a pause, a delay and a partition."""
        self.run(f"lab node start {name}")

    def pause_node(self, name: str) -> None:
        """Let a node accept connections, and answer nobody."""
        self.run(f"lab node pause {name}")

    def delay_node(self, name: str, *, milliseconds: int) -> None:
        """Let a node answer each log-in and TFTP request so late; 0 ends it."""
        self.run(f"lab node delay {name} {milliseconds}")

    def partition_node(self, name: str) -> None:
        """Let no other node reach this one, nor it them."""
        self.run(f"lab node partition {name}")

    def pass_time(self, *, days: int = 0, seconds: int = 0) -> None:
        """Let time pass at once: hold timers end, certificates grow old."""
        self.run(f"lab clock forward {days * 86400 + seconds}s")

    def set_clock_wrong(self, name: str, *, seconds: int) -> None:
        """Set the clock of a node ahead, or behind (less than 0); no time passes."""
        way = "ahead" if seconds > 0 else "behind"
        self.run(f"lab clock {way} {abs(seconds)}s {name}")

    def set_clock_right(self) -> None:
        """Let all clocks show the real time."""
        self.run("lab clock right")

    def hold(self, *, is_on: bool) -> None:
        """Let regenerations wait for each other, or not."""
        self.run(f"lab hold {'on' if is_on else 'off'}")

    def snapshot(self, name: str) -> None:
        """Keep the whole lab under a name that no snapshot has."""
        self.run(f"lab snapshot {name}")

    def restore(self, name: str) -> None:
        """Put it back as it was then; failures and delays end."""
        self.run(f"lab restore {name}")

    def fail(self, failure: str, name: str = "") -> None:
        """Let something fail, at one node or wherever it can be (docs/lab.md)."""
        self.run(f"lab fail {failure} {name}".rstrip())

    def end_failures(self) -> None:
        """Let nothing fail that was asked to."""
        self.run("lab fail none")

    def close_shells(self) -> None:
        """Close every child that this lab handed out."""
        for child in self._children:
            child.close(force=True)


@contextmanager
def lab(
    subscribers: int | None = None,
    directory: str | Path = "",
    *,
    file: str | Path = "",
    has_hold: bool = True,
    phones: int | str = 0,
) -> Iterator[Lab]:
    """A cluster for the length of the block.

    Args:
        subscribers: how many besides the publisher, 1 to 16; without it one, or what
            the file says.
        directory: where; kept at the end, and found again. A temporary one without.
        file: names, ports, passwords and keys (docs/lab.md#from-a-file).
        has_hold: whether regenerations on one node wait for each other.
        phones: how many, or models with a number each, ``7965:2,8845:3``.

    Raises:
        ServiceError: it did not start; the lab's own words are on standard error.
    """
    lifeline, held = os.pipe()  # it closes when we end, and ends the lab
    words = [*PROGRAM, "lab", "--serve", "--lifeline", str(lifeline)]
    words += [] if subscribers is None else ["--subscribers", str(subscribers)]
    words += ["--from", str(file)] if file else []
    words += [] if has_hold else ["--no-hold"]
    words += ["--phones", str(phones)] if phones else []
    words += ["--dir", str(directory)] if directory else []
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=[lifeline],
        start_new_session=True,  # Ctrl-C is for the tests, which then end the lab
    ) as process:
        os.close(lifeline)
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise ServiceError(f"no lab; exit status {process.wait(STOP_SECONDS)}")
            cluster = Lab(json.loads(line))
            try:
                yield cluster
            finally:
                cluster.close_shells()
        finally:
            os.close(held)
            _await_end(process)


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # its nodes end with it


def _node(described: dict[str, Any]) -> Node:
    return Node(
        name=described["name"],
        ssh=Address(**described["ssh"]),
        tftp=Address(**described["tftp"]),
        tvs=Address(**described["tvs"]),
        http=Address(**described["http"]),
        config=Path(described["config"]),
        home=Path(described["home"]),
        tftp_directory=Path(described["tftp_directory"]),
    )
