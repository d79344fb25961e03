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


class Lab:
    """A running cluster; ``lab`` makes it.

    Attributes:
        directory: everything that it writes.
        known_hosts: a file in OpenSSH's form with the host keys of all its servers.
        publisher: the first node.
        subscribers: the others.
        backup: the SFTP server.
        passwords: the three of them.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        sftp = described["sftp"]
        self.directory = Path(described["directory"])
        self.known_hosts = Path(described["known_hosts"])
        self.publisher = _node(described["publisher"])
        self.subscribers = tuple(_node(each) for each in described["subscribers"])
        self.backup = BackupServer(**{**sftp, "directory": Path(sftp["directory"])})
        self.passwords = Passwords(**described["passwords"])
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

    def close_shells(self) -> None:
        """Close every child that this lab handed out."""
        for child in self._children:
            child.close(force=True)


@contextmanager
def lab(subscribers: int = 1, directory: str | Path = "") -> Iterator[Lab]:
    """A cluster for the length of the block.

    Args:
        subscribers: how many besides the publisher, 1 to 16.
        directory: where; kept at the end, and found again. A temporary one without.

    Raises:
        ServiceError: it did not start; the lab's own words are on standard error.
    """
    lifeline, held = os.pipe()  # it closes when we end, and ends the lab
    words = [*PROGRAM, "lab", "--serve", "--lifeline", str(lifeline)]
    words += ["--subscribers", str(subscribers)]
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
