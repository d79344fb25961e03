"""Two servers of the tests never meet on one port, whatever process starts them."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.house.product import ROOT
from tests.rigs import loopback
from tests.rigs.loopback import LOOPBACK, free_port

FEW = 24
TAKE_ALL = f"""
from tests.rigs import loopback
loopback.SERVER_PORTS = (int({{first}}), int({{first}}) + {FEW})
print(*(loopback.free_port() for _ in range({FEW // 4})), flush=True)
input()
"""


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> int:
    """The first of a few ports, of which all are then given."""
    port = free_port()
    monkeypatch.setattr(loopback, "SERVER_PORTS", (port, port + FEW))
    return port


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_taken_port_is_not_given(first: int, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((LOOPBACK, first + 1))
        given = {free_port() for _ in range(FEW // 2)}
    assert first + 1 not in given
    assert len(given) == FEW // 2


@pytest.mark.thorough
def test_other_process_is_given_others(first: int) -> None:
    words = [sys.executable, "-c", TAKE_ALL.format(first=first)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = {free_port() for _ in range(FEW // 2)}
        other.stdin.write("\n")
        other.stdin.flush()
    assert len(theirs) == FEW // 4
    assert not ours & theirs
