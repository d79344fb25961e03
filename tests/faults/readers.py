"""Phones that read while the list is replaced: docs/security.md F15.

    python -m tests.faults.readers                         1,000 readers, 50 resets
    python -m tests.faults.readers --readers 100 --resets 5 --nodes 2

Every reader fetches the list from a node over and over. Each answer must be a whole,
verifying list, and not an older one than was in place when the reader asked. A reader
whose server is restarted under it asks again, as a phone does; such reads are counted.
Exits 1 if any answer was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import time
from typing import NamedTuple, cast

from tests.faults.cluster import LIST_FILE, PUBLISHER, Cluster
from tests.faults.second_verifier import read
from tests.rigs.longer_check import exit_with
from tests.rigs.tftp_get import ACK, BLOCK, DATA, ERROR, RRQ
from tests.rigs.tftpd import Make

TIMEOUT_SECONDS = 1.0  # before a packet is repeated
GIVE_UP_SECONDS = 6.0
PAUSE_SECONDS = 0.5  # between two reads of a phone; the resets want the processor too


class Answer(NamedTuple):
    """One read: from whom, when it was asked for, and what came; empty for nothing."""

    node: str
    asked: float
    ended: float
    raw: bytes


class Summary(NamedTuple):
    """What all readers got."""

    reads: int
    unanswered: int
    wrong: list[str]


class _Download(asyncio.DatagramProtocol):
    def __init__(self, make: Make) -> None:
        self._peer = (make.host, make.port)
        self._got = b""
        self._expected = 1
        self._packet = RRQ.to_bytes(2) + f"{LIST_FILE}\0octet\0".encode()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.send()

    def send(self) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(self._packet, self._peer)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        kind, number = int.from_bytes(data[:2]), int.from_bytes(data[2:4])
        if self.done.done() or (kind == DATA and number != self._expected):
            return
        if kind == ERROR:
            self.done.set_result(b"")
        elif kind == DATA:
            self._got += data[4:]
            self._peer, self._expected = addr, self._expected + 1
            self._packet = ACK.to_bytes(2) + number.to_bytes(2)
            self.send()
            if len(data) < BLOCK + 4:
                self.done.set_result(self._got)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens for a moment: the repeat will tell."""


async def download(make: Make) -> bytes:
    """The list, or nothing if the server went away in the middle."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Download(make), local_addr=("127.0.0.1", 0)
    )
    try:
        for _ in range(int(GIVE_UP_SECONDS / TIMEOUT_SECONDS)):
            waiting = asyncio.shield(protocol.done)
            try:
                return bytes(await asyncio.wait_for(waiting, TIMEOUT_SECONDS))
            except TimeoutError:
                protocol.send()
        return b""
    finally:
        transport.close()


async def read_while(
    cluster: Cluster, readers: int, resets: int
) -> tuple[list[Answer], list[tuple[float, bytes]]]:
    """All answers, and each new list with the time at which its reset had ended."""
    makes = {PUBLISHER: cluster.service.make}
    makes |= {node.name: node.service.make for node in cluster.members}
    answers: list[Answer] = []
    ended = asyncio.Event()

    async def phone(name: str) -> None:
        while not ended.is_set():
            await asyncio.sleep(PAUSE_SECONDS * 2 * random.random())
            asked = time.monotonic()
            raw = await download(makes[name])
            answers.append(Answer(name, asked, time.monotonic(), raw))

    names = list(makes)
    phones = [
        asyncio.ensure_future(phone(names[number % len(names)]))
        for number in range(readers)
    ]
    lists = [(0.0, cluster.old)]
    for _ in range(resets):
        result = await asyncio.to_thread(cluster.call)
        assert result.status in (0, 3), result.transcript
        raw = (cluster.tftp / LIST_FILE).read_bytes()
        lists.append((time.monotonic(), raw))
    ended.set()
    await asyncio.gather(*phones)
    return answers, lists


def judge_reads(answers: list[Answer], lists: list[tuple[float, bytes]]) -> Summary:
    """Which answers were none of the lists, or older than they may be."""
    known = [raw for _, raw in lists]
    wrong = []
    for answer in answers:
        if not answer.raw:
            continue
        try:
            read(answer.raw)
            # A rerun may finish a list, which then stands here twice.
            place = len(known) - 1 - known[::-1].index(answer.raw)
        except (AssertionError, ValueError) as problem:
            wrong.append(f"{answer.node}: {len(answer.raw)} bytes, {problem}")
            continue
        oldest = max(at for at, (when, _) in enumerate(lists) if when <= answer.asked)
        if place < oldest:
            wrong.append(f"{answer.node}: list {place} when {oldest} was in place")
    unanswered = sum(not answer.raw for answer in answers)
    return Summary(len(answers), unanswered, wrong)


def run(cluster: Cluster, readers: int, resets: int) -> Summary:
    """Read with so many phones while so many resets go by."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return judge_reads(*asyncio.run(read_while(cluster, readers, resets)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.readers")
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--resets", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=2)
    options = parser.parse_args()
    cluster = Cluster(options.nodes)
    started = time.monotonic()
    try:
        summary = run(cluster, options.readers, options.resets)
    finally:
        cluster.close()
    for line in summary.wrong[:20]:
        print(line)
    print(
        f"{options.readers} readers, {options.resets} resets: {summary.reads} reads, "
        f"{summary.unanswered} asked again after a restart, {len(summary.wrong)} "
        f"wrong, {time.monotonic() - started:.0f} s"
    )
    return int(bool(summary.wrong))


if __name__ == "__main__":
    exit_with(main)
