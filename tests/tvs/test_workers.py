"""TVS as a process, and as several."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from pathlib import Path

import pytest

from cucmsh.tvs.client import ask
from cucmsh.tvs.codec import QueryRequest
from cucmsh.tvs.contexts import Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer
from tests.rigs.tvs import (
    DEBIAN_PYTHON,
    HOST,
    Pair,
    Process,
    Vouching,
    memory_of,
    tvs_process,
)
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback

KNOWN = QueryRequest(
    1001, "CP-8845", Vouching.SUBJECT, Vouching.SUBJECT, Vouching.SERIAL
)
SECONDS = 60  # a guard against a hang
LEAST_SHARE = 0.25
"""Of 120 connections to one of two workers; the kernel deals them out by chance, and
one of a million such lots has less."""


def ask_it(process: Process) -> None:
    assert ask(HOST, process.port, KNOWN, trust=lambda _der: True).is_known


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("python", [sys.executable, DEBIAN_PYTHON])
def test_two_workers_answer_and_end_with_the_first_process(
    pair: Pair, python: str
) -> None:
    with tvs_process(pair, workers=2, python=python) as process:
        workers = process.workers(2)
        for _ in range(10):
            ask_it(process)
        assert process.end() == 0
        assert not any(map(is_alive, workers))


def sockets_of(pid: int) -> int:
    folder = f"/proc/{pid}/fd"
    found = 0
    for name in os.listdir(folder):
        try:
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
        except OSError:
            continue
    return found


def test_each_of_two_workers_gets_its_share(pair: Pair) -> None:
    with tvs_process(pair, workers=2) as process, ExitStack() as stack:
        workers = process.workers(2)
        before = sum(map(sockets_of, workers))
        own = [sockets_of(pid) for pid in workers]
        for _ in range(120):
            sock = socket.create_connection((HOST, process.port), 10)
            stack.enter_context(sock)
        until(lambda: sum(map(sockets_of, workers)) >= before + 120, "all are accepted")
        taken = [sockets_of(pid) - n for pid, n in zip(workers, own, strict=True)]
        assert min(taken) >= LEAST_SHARE * 120, taken


def test_a_worker_that_dies_is_begun_again(pair: Pair) -> None:
    with tvs_process(pair, workers=2) as process:
        first, second = process.workers(2)
        os.kill(first, signal.SIGKILL)
        until(lambda: not is_alive(first), "it is gone")
        until(lambda: process.lines, "it is told")
        assert second in process.workers(2)
        for _ in range(10):
            ask_it(process)
        assert process.end() == 0
    assert "another takes its place" in "".join(process.lines)


def test_workers_that_die_again_and_again_end_the_service(pair: Pair) -> None:
    with tvs_process(pair, workers=2) as process:
        while process.is_running:
            for pid in process.children():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert process.end_by_itself() != 0
    assert "end as soon as they begin" in "".join(process.lines)


def test_workers_end_when_the_first_process_is_killed(pair: Pair) -> None:
    with tvs_process(pair, workers=2) as process:
        workers = process.workers(2)
        process.end(signal.SIGKILL)
        until(lambda: not any(map(is_alive, workers)), "a worker is left")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_ends_it_cleanly(
    pair: Pair, workers: int, number: signal.Signals
) -> None:
    with tvs_process(pair, workers=workers) as process, ExitStack() as stack:
        silent = socket.create_connection((HOST, process.port), 10)
        stack.enter_context(silent)
        ask_it(process)
        assert process.end(number) == 0
        assert silent.recv(1) == b""
    assert process.lines == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_ends_it_cleanly_as_soon_as_it_says_that_it_listens(
    pair: Pair, workers: int, number: signal.Signals
) -> None:
    def live() -> None:
        def log(line: str) -> None:
            if "listens" in line:
                os.kill(os.getpid(), number)

        identity = Identity(pair.pem)
        lookup = Vouching(pair.der)
        server = TvsServer(HOST, 0, lookup, identity=identity, limits=Limits(), log=log)
        server.serve(workers)

    process = get_context("fork").Process(target=live)
    process.start()
    process.join(SECONDS)
    assert process.exitcode == 0


def test_who_comes_while_no_descriptor_is_left_is_served_later(pair: Pair) -> None:
    limits = Limits(handshake_seconds=1)
    with tvs_process(pair, limits=limits, descriptors=16) as process:
        silent = [socket.create_connection((HOST, process.port), 10) for _ in range(20)]
        until(lambda: process.lines, "it is told")
        ask_it(process)
        for sock in silent:
            sock.close()
        assert process.end() == 0
    assert any("No connection is accepted for a moment" in x for x in process.lines)


def test_a_silent_connection_costs_little(pair: Pair) -> None:
    """310 KiB where TLS is made for each that is accepted."""
    with tvs_process(pair) as process, ExitStack() as stack:
        count = sockets_of(process.pid)
        ask_it(process)
        before = memory_of(process.pid)
        for _ in range(300):
            sock = socket.create_connection((HOST, process.port), 10)
            stack.enter_context(sock)
        until(lambda: sockets_of(process.pid) >= count + 300, "all are accepted")
        assert memory_of(process.pid) - before < 300 * 8 * 1024


@pytest.mark.longer
def test_ten_thousand_connections_leave_nothing(pair: Pair) -> None:
    with tvs_process(pair) as process:
        for _ in range(2_500):  # past the first two contexts
            ask_it(process)
        sockets = sockets_of(process.pid)  # the last one may stand yet
        before = memory_of(process.pid)
        for _ in range(10_000):
            ask_it(process)
        until(lambda: sockets_of(process.pid) <= sockets, "sockets are left")
        assert memory_of(process.pid) - before < 1 << 20
