"""Pairs that live as long as the process, and a server for each test."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.tvs.answering import Lookup
from cucmsh.tvs.contexts import Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer
from tests.rigs.tvs import HOST, Pair, Vouching, make_pair
from tests.rigs.waiting import until


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("pair"), "tvs")


@pytest.fixture(scope="session")
def other_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="session")
def small_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("small"), "small", 1024)


@pytest.fixture(scope="session")
def locked_pair(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The key under a password."""
    pem = tmp_path_factory.mktemp("locked") / "locked.pem"
    words = ["openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in"]
    locked = subprocess.run(
        [*words, str(pair.key)], check=True, capture_output=True
    ).stdout
    pem.write_bytes(locked + pair.certificate.read_bytes())
    return pair._replace(pem=pem)


class Running(NamedTuple):
    """A server, and the lines that it logged."""

    server: TvsServer
    lines: list[str]

    def logged(self, words: str) -> None:
        """Wait until a line has these words."""
        until(
            lambda: any(words in line for line in self.lines), f"{words}: {self.lines}"
        )


Start = Callable[..., Running]


@pytest.fixture
def start(pair: Pair) -> Iterator[Start]:
    """Start servers: of another identity, or of limits that are given by name."""
    before = set(threading.enumerate())
    running = []

    def one(
        identity: Identity | None = None,
        lookup: Lookup | None = None,
        **limits: int,
    ) -> Running:
        lines: list[str] = []
        server = TvsServer(
            HOST,
            0,
            lookup or Vouching(pair.der),
            identity=identity or Identity(pair.pem),
            limits=Limits()._replace(**limits),
            log=lines.append,
        )
        server.start()
        running.append(server)
        return Running(server, lines)

    yield one
    for server in running:
        server.stop()
    until(lambda: set(threading.enumerate()) <= before, "a thread is left")


@pytest.fixture
def tvs(start: Start) -> Running:
    return start()


@pytest.fixture
def copy_of_pair(pair: Pair, tmp_path: Path) -> Path:
    """A file with the pair, that a test may replace."""
    path = tmp_path / "private.pem"
    path.write_bytes(pair.pem.read_bytes())
    return path
