"""TVS for the tests: pairs of keys and certificates, what is vouched for, a process.

As a program it is a TVS of its own under any Python that has ``ssl``, with nothing
installed: ``tvs.py PAIR MINIMUM WORKERS [LIMITS as JSON]``, on a free port that its
first line of errors names, until SIGTERM.
"""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cucmsh.errors import StoreError
from cucmsh.tvs.answering import Known
from cucmsh.tvs.contexts import Identity, TlsMinimum
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer
from tests.rigs.waiting import until

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
DEBIAN_PYTHON = "/usr/bin/python3"
ROLES = (0, 3)
ONE_DAY = 86400
UNREADABLE = b"unreadable"  # a serial number whose look-up fails


class Pair(NamedTuple):
    """A key with its certificate, in one file as TVS wants it, and in two."""

    pem: Path
    key: Path
    certificate: Path

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())


def make_pair(folder: Path, name: str, bits: int = 2048) -> Pair:
    """By openssl, which every server and client of the tests understands."""
    pair = Pair(*(folder / f"{name}{end}.pem" for end in ("", "-key", "-certificate")))
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        f"rsa:{bits}",
        "-nodes",
        "-days",
        "9",
    ]
    words += ["-subj", f"/C=US/O=Example/CN={name}", "-keyout", str(pair.key)]
    subprocess.run(
        [*words, "-out", str(pair.certificate)], check=True, capture_output=True
    )
    pair.pem.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    return pair


def certificate_in(pem: Path) -> bytes:
    """The certificate (DER) of a file that begins with a key."""
    text = pem.read_text()
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE") :])


def memory_of(pid: int) -> int:
    """What a process has for itself and in memory, in bytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    wanted = ("Private_Clean:", "Private_Dirty:")
    lines = [line.split() for line in text.splitlines()]
    return 1024 * sum(int(line[1]) for line in lines if line[0] in wanted)


class Vouching:
    """Vouches for one certificate, by its bytes or as ``CN=known`` of ``CN=known``."""

    SUBJECT = "CN=known"
    SERIAL = b"\1\2"

    def __init__(self, certificate: bytes) -> None:
        self.known = Known(certificate, ROLES, ONE_DAY)

    def verify(self, certificate: bytes) -> Known | None:
        if certificate == UNREADABLE:
            raise StoreError("the list cannot be read")
        return self.known if certificate == self.known.certificate else None

    def query(self, subject: str, issuer: str, serial: bytes) -> Known | None:
        if serial == UNREADABLE:
            raise StoreError("the list cannot be read")
        asked = (subject, issuer, serial)
        return self.known if asked == (self.SUBJECT,) * 2 + (self.SERIAL,) else None


class Process:
    """A TVS in a process of its own.

    Attributes:
        port: on 127.0.0.1.
        pid: of the process; workers are its children.
        lines: what it logged.
    """

    def __init__(self, running: subprocess.Popen[str], port: int) -> None:
        self._running = running
        self.port = port
        self.pid = running.pid
        self.lines: list[str] = []
        self._seen: set[int] = set()  # workers; a broken one may outlive its parent
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._running.stderr is not None
        self.lines.extend(iter(self._running.stderr.readline, ""))

    @property
    def is_running(self) -> bool:
        return self._running.poll() is None

    def children(self) -> list[int]:
        try:
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except FileNotFoundError:
            return []
        return [int(word) for word in text.split()]

    def workers(self, count: int) -> list[int]:
        """Their process ids, once there are so many."""
        until(lambda: len(self.children()) == count, "no such workers")
        found = self.children()
        self._seen.update(found)
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status, with every line that it logged read."""
        if self._running.poll() is None:
            self._running.send_signal(number)
        return self.end_by_itself()

    def clear_away(self) -> None:
        """End whatever is left of it, as after a test that failed."""
        self._running.kill()
        for pid in self._seen:
            with suppress(OSError):  # it is gone, as it should be
                if __file__.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        self.end_by_itself()

    def end_by_itself(self) -> int:
        status = self._running.wait(30)
        self._listener.join(30)
        if not self._listener.is_alive():  # else somebody has the other end yet
            assert self._running.stderr is not None
            self._running.stderr.close()
        return status


@contextmanager
def tvs_process(
    pair: Pair,
    minimum: TlsMinimum = "1.2",
    *,
    workers: int = 1,
    python: str = sys.executable,
    limits: Limits | None = None,
    descriptors: int = 0,
) -> Iterator[Process]:
    """Run one; its port answers once it is there."""
    words = [python, "-B", __file__, str(pair.pem), minimum, str(workers)]
    words.append(json.dumps((limits or Limits())._asdict()))
    if descriptors:
        words = ["prlimit", f"--nofile={descriptors}", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    assert running.stderr is not None
    first = running.stderr.readline()
    found = re.search(r"port (\d+)\.$", first.strip())
    assert found, first + running.stderr.read()
    process = Process(running, int(found[1]))
    try:
        yield process
    finally:
        process.clear_away()


def main() -> None:
    pair, minimum, workers, limits = sys.argv[1:]
    pem = Path(pair)

    def log(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    server = TvsServer(
        HOST,
        0,
        Vouching(certificate_in(pem)),
        identity=Identity(pem, "1.0" if minimum == "1.0" else "1.2"),
        limits=Limits(**json.loads(limits)),
        log=log,
    )
    server.serve(int(workers))


if __name__ == "__main__":
    main()
