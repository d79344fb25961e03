"""TVS beside ``openssl s_server`` and threads: docs/performance.md row 21 and row 22.

    python -m benchmarks.tvs [--rounds 60] [--answers 20]

All servers stand at once, with one RSA-2048 certificate, and are asked in turns by one
client: TLS 1.2, ECDHE, one question for each connection, then goodbye. Counted is the
processor time of the server's processes, by their own clocks. ``s_server`` shakes hands
and is asked nothing. The server of threads (``tvs_threads``) answers the same verify as
ours. Two workers are compared with one, asked by two clients at once, and each must do
its share. With 200 silent clients connected the wall time of an answer is compared with
that without them, on the same server. Medians of ratios; exits 1 if one is refused.
"""

import argparse
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cucmsh.tvs.codec import QueryRequest, VerifyRequest, encode
from tests.rigs.loopback import LOOPBACK, free_port, listens
from tests.rigs.tvs import Pair, Process, Vouching, make_pair, memory_of, tvs_process
from tests.rigs.waiting import until

DEVICE = "CP-8861-SEP001122334455"
CIPHER = "ECDHE-RSA-AES256-GCM-SHA384"
SILENT = 200
SETTLED_SECONDS = 0.02  # the last goodbye is handled after the client has gone


class Server(NamedTuple):
    """Something to shake hands with.

    Attributes:
        port: on 127.0.0.1.
        processes: their ids; what they need is counted.
        question: what it is asked; None for the handshake alone.
        clients: how many ask at once.
    """

    port: int
    processes: list[int]
    question: bytes | None
    clients: int = 1

    def seconds(self) -> list[float]:
        """Processor time so far, of each process with its threads."""
        return [time.clock_gettime(~pid << 3 | 2) for pid in self.processes]


class Row(NamedTuple):
    """A row of docs/performance.md: its figure, what it shall be, what is refused."""

    number: str
    what: str
    figure: float
    goal: float
    refused: float

    def verdict(self) -> str:
        if self.figure <= self.goal:
            return "ok"
        return "above the goal" if self.figure <= self.refused else "MISSED"


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHER)
    return context


CONTEXT = client_context()


def visit(server: Server) -> None:
    """Connect, shake hands, ask, hear, say goodbye."""
    with socket.create_connection((LOOPBACK, server.port), 30) as sock:
        tls = CONTEXT.wrap_socket(sock)
        if server.question is not None:
            tls.sendall(server.question)
            answer = tls.recv(1 << 14)
            assert answer[10:14] == b"\7\0\1\0", answer
        tls.setblocking(False)
        with suppress(OSError):  # it would wait for the server's goodbye
            tls.unwrap()
        tls.close()


def cost(server: Server, answers: int) -> list[float]:
    """Processor seconds of each of its processes for so many visits."""

    def ask() -> None:
        for _ in range(answers // server.clients):
            visit(server)

    before = server.seconds()
    threads = [threading.Thread(target=ask) for _ in range(server.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(SETTLED_SECONDS)
    return [now - then for now, then in zip(server.seconds(), before, strict=True)]


@contextmanager
def program(port: int, *words: str) -> Iterator[int]:
    """Run a server; its process id once it listens."""
    running = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: listens(LOOPBACK, port), f"{words[0]} listens")
        yield running.pid
    finally:
        running.kill()
        running.communicate()


class Servers(NamedTuple):
    """All that are compared."""

    handshakes: Server
    one: Server
    threads: Server
    one_verify: Server
    one_busy: Server
    two_busy: Server


@contextmanager
def servers(pair: Pair) -> Iterator[Servers]:
    names = Vouching.SUBJECT, Vouching.SUBJECT
    query = encode(QueryRequest(1001, DEVICE, *names, Vouching.SERIAL))
    verify = encode(VerifyRequest(1001, DEVICE, pair.der))
    with ExitStack() as stack:

        def started(port: int, *words: str) -> list[int]:
            return [stack.enter_context(program(port, *words))]

        def ours(workers: int) -> Process:
            return stack.enter_context(tvs_process(pair, workers=workers))

        s_port, t_port = free_port(), free_port()
        words = ["openssl", "s_server", "-accept", f"{LOOPBACK}:{s_port}", "-quiet"]
        words += ["-cert", str(pair.certificate), "-key", str(pair.key)]
        s_server = Server(s_port, started(s_port, *words), None)
        words = [sys.executable, "-m", "benchmarks.tvs_threads", str(t_port)]
        threads = Server(t_port, started(t_port, *words, str(pair.pem)), verify)
        first, second = ours(1), ours(2)
        yield Servers(
            s_server,
            Server(first.port, [first.pid], query),
            threads,
            Server(first.port, [first.pid], verify),
            Server(first.port, [first.pid], query, clients=2),
            Server(second.port, second.workers(2), query, clients=2),
        )


def compare(all_of_them: Servers, rounds: int, answers: int) -> list[Row]:
    """Row 21, from rounds in which each server has its turn."""
    taken: dict[str, list[float]] = {name: [] for name in Servers._fields}
    shares = [0.0, 0.0]
    for server in all_of_them:
        cost(server, 20)  # warms caches
    for _ in range(rounds):
        for name, server in all_of_them._asdict().items():
            found = cost(server, answers)
            taken[name].append(sum(found))
            if name == "two_busy":
                shares = [a + b for a, b in zip(shares, found, strict=True)]
    for name, seconds in taken.items():
        print(f"{name:12} {median(seconds) / answers * 1e6:7.0f} us an answer")

    def ratio(ours: str, theirs: str) -> float:
        pairs = zip(taken[ours], taken[theirs], strict=True)
        return median(one / other for one, other in pairs)

    least = min(shares) / sum(shares)
    print(f"of two workers one did {least:.0%}")
    handshakes = ratio("one", "handshakes")
    threads = ratio("one_verify", "threads")
    workers = ratio("two_busy", "one_busy")
    return [
        Row("21", "query, in handshakes of s_server", handshakes, 1.25, 1.6),
        Row("21", "verify, in those of threads", threads, 1, 1.1),
        Row("21", "two workers' answer, in one's", workers, 1.1, 1.2),
        Row("21", "the busier of two workers does", 1 - least, 0.6, 0.6),
    ]


def beside_silence(server: Server, rounds: int, answers: int) -> Row:
    """Row 22: the wall time of answers beside silent clients, and without them."""

    def wall() -> float:
        before = time.perf_counter()
        for _ in range(answers):
            visit(server)
        return time.perf_counter() - before

    def silent() -> float:
        with ExitStack() as stack:
            before = memory_of(server.processes[0])
            for _ in range(SILENT):
                address = (LOOPBACK, server.port)
                stack.enter_context(socket.create_connection(address, 30))
            found = wall()
            sizes.append((memory_of(server.processes[0]) - before) / SILENT)
        return found

    sizes: list[float] = []
    ratios = []
    for number in range(rounds):
        turns: list[Callable[[], float]] = [wall, silent]
        order = turns if number % 2 else turns[::-1]
        found = {turn: turn() for turn in order}
        ratios.append(found[silent] / found[wall])
    print(f"a silent client costs {max(sizes) / 1024:.1f} KiB at most")
    what = f"an answer beside {SILENT} silent clients"
    return Row("22", what, median(ratios), 1.1, 1.3)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tvs")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--answers", type=int, default=20)
    options = parser.parse_args()
    version = subprocess.run(
        ["openssl", "version"], check=True, capture_output=True, text=True
    )
    print(f"{ssl.OPENSSL_VERSION} here, {version.stdout.strip()} in s_server")
    with tempfile.TemporaryDirectory() as folder:
        pair = make_pair(Path(folder), "tvs")
        with servers(pair) as all_of_them:
            rows = compare(all_of_them, options.rounds, options.answers)
            rows.append(
                beside_silence(all_of_them.one, options.rounds, options.answers)
            )
    for row in rows:
        print(
            f"row {row.number} {row.what:40} {row.figure:7.3f}  "
            f"(goal {row.goal}, refused above {row.refused})  {row.verdict()}"
        )
    return int(any(row.verdict() == "MISSED" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
