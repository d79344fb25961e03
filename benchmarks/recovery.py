"""A backup and a restore beside ``tar | age | sftp`` by hand, on the same sshd.

    python -m benchmarks.recovery [--mebibytes 1024] [--files 20000] [--rounds 1]

docs/performance.md#backup-sets. Ours is ``utils disaster_recovery backup network`` and
``restore network`` from start to exit, in processes of their own: everything is read
back and compared, nothing plain is written beside its place. By hand nothing is read
back; so a third figure reads the file back by ``sftp`` and compares it. A cluster is
one publisher with so many phone files. Memory is our largest resident set.
Needs root (an sshd reads passwords as root only), tar, age and sftp.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Member, TftpBox
from tests.cli.test_rebuild import ABOUT
from tests.faults.backup import SFTP_PASSWORD, Backup

DEVICE = "utils disaster_recovery device add network weekly"
FOLDERS = 100


def fill(folder: Path, mebibytes: int, files: int) -> None:
    """So many files of the same size; their bytes cannot be compressed."""
    size = (mebibytes << 20) // files
    for number in range(files):
        inside = folder / f"d{number % FOLDERS}"
        inside.mkdir(exist_ok=True)
        (inside / f"SEP{number:012X}.cnf.xml").write_bytes(os.urandom(size))


class Cost(NamedTuple):
    """Seconds, and those of the processor that the programs of this side took."""

    wall: float
    processor: float

    def __add__(self, other: object) -> "Cost":
        assert isinstance(other, Cost)
        return Cost(self.wall + other.wall, self.processor + other.processor)

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.processor:.1f} s of the processor)"


def timed(work: Callable[[], object]) -> Cost:
    begun, used = time.monotonic(), processor_seconds()
    work()
    return Cost(time.monotonic() - begun, processor_seconds() - used)


def processor_seconds() -> float:
    """Of all programs that have ended; the sshd of both sides runs on."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Ours:
    """A publisher, and how much memory its last command took."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self.node = Member(folder, "pub", TftpBox(folder))
        made = self.node.call(
            *("init", "publisher", *ABOUT, *self.node.init_options),
            *("--secrets-fd", "FD"),
            secrets=f"{SECURITY}\n{CCM}\n",
        )
        assert made.returncode == 0, made.stderr
        self.kilobytes = 0

    def call(self, line: str, answers: str = "") -> str:
        words = [*self.node.program, "-c", line]
        with tempfile.TemporaryFile() as said:
            given = subprocess.PIPE
            child = subprocess.Popen(words, stdin=given, stdout=said, stderr=said)
            assert child.stdin
            child.stdin.write(answers.encode())
            child.stdin.close()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read().decode()
        assert child.returncode == 0, text
        self.kilobytes = used.ru_maxrss
        return text


def by_hand(backup: Backup, work: Path, source: Path) -> tuple[Cost, Cost, Cost]:
    """What sending, reading back with comparing, and restoring take by hand."""
    key = work / "hand"
    words = ["ssh-keygen", "-t", "ed25519", "-q", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True)
    server = backup.server("password", "publickey")
    keys = Path(server.folder, "authorized_keys")
    keys.write_text(key.with_suffix(".pub").read_text())
    keys.chmod(0o644)
    options = "-q -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null"
    sftp = f"sftp {options} -i {key} -P {server.port} -b -"
    there = f"{backup.account.name}@{server.host}"
    sent = f"{work}/sent.age"

    def send() -> None:
        packed = f'tar -C {source} -c . | age -r "$(cat {key}.pub)" > {sent}'
        put = f"echo 'put {sent} {backup.files}/by-hand.age' | {sftp} {there}"
        shell(f"{packed} && {put}")

    def look() -> None:
        get = f"echo 'get {backup.files}/by-hand.age {work}/back.age' | {sftp} {there}"
        shell(f"{get} && cmp {sent} {work}/back.age")

    def restore() -> None:
        get = f"echo 'get {backup.files}/by-hand.age {work}/again.age' | {sftp} {there}"
        out = work / "restored"
        out.mkdir()
        shell(f"{get} && age -d -i {key} {work}/again.age | tar -C {out} -x")

    return timed(send), timed(look), timed(restore)


def shell(line: str) -> None:
    subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], check=True, capture_output=True
    )


def round_of(folder: Path, mebibytes: int, files: int) -> list[float]:
    """Ratios of backup (to sending; and reading back) and restore; MiB twice."""
    folder.mkdir(mode=0o755)
    backup = Backup(folder / "backup")
    try:
        ours = Ours(folder / "pub")
        fill(ours.node.tftp.directory, mebibytes, files)
        server = backup.server("password")
        line = f"{DEVICE} {backup.files} {server.host}:{server.port} "
        answers = f"{SFTP_PASSWORD}\nyes\n"
        ours.call(line + backup.account.name, answers)
        back_up = timed(
            lambda: ours.call("utils disaster_recovery backup network UCM weekly")
        )
        memory = [ours.kilobytes / 1024]
        (manifest,) = backup.files.glob("*.xml")
        work = folder / "hand"
        work.mkdir()
        send, look, get = by_hand(backup, work, ours.node.tftp.directory)
        shutil.rmtree(work)
        for each in ours.node.tftp.directory.iterdir():
            shutil.rmtree(each)
        label = manifest.name[:19]
        line = f"utils disaster_recovery restore network pub {label} weekly"
        restore = timed(lambda: ours.call(line, "UCM\nyes\n"))
        memory.append(ours.kilobytes / 1024)
        ours.node.tftp.close()
    finally:
        backup.close()
    print(f"backup {back_up}, by hand {send} and {look} to look")
    print(f"restore {restore}, by hand {get}")
    pairs = ((back_up, send), (back_up, send + look), (restore, get))
    walls = [ours.wall / theirs.wall for ours, theirs in pairs]
    used = [ours.processor / theirs.processor for ours, theirs in pairs]
    return [*walls, *used, *memory]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.recovery")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        rounds = [
            round_of(Path(folder, str(number)), asked.mebibytes, asked.files)
            for number in range(asked.rounds)
        ]
    found = [median(each) for each in zip(*rounds, strict=True)]
    names = ("backup / send", "backup / send and look", "restore / by hand")
    for place, name in enumerate(names):
        used = f"{found[place + len(names)]:.2f} of the processor"
        print(f"{name}: {found[place]:.2f}, {used}")
    print(f"memory: backup {found[-2]:.0f} MiB, restore {found[-1]:.0f} MiB")
    return 0 if max(found[-2:]) < 200 else 1


if __name__ == "__main__":
    sys.exit(main())
