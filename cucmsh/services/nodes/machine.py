"""This machine, by /proc, statvfs and a few files of /etc. Runs no program.

What cannot be read is None, or empty, and nothing stands for it: whoever shows it
leaves it out. In a container most of it is the host's, as `top` shows it there too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

SAMPLE_SECONDS = 0.25  # between two looks at the processor's counters
_UTMP_ENTRY = 384  # bytes, glibc's on 64-bit Linux (utmp(5))
_USER_PROCESS = 7
_UTMP_USER = slice(44, 76)
_ZONES = "/zoneinfo/"
_CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq")


class Processor(NamedTuple):
    """Per cent of the last moment, of all processors together."""

    idle: float
    system: float
    user: float
    iowait: float
    irq: float
    soft: float


class Memory(NamedTuple):
    """Kibibytes, as /proc/meminfo counts them."""

    total: int
    free: int
    cached: int
    shared: int
    buffers: int

    @property
    def used(self) -> int:
        """What is not free, caches included, as the original counts."""
        return self.total - self.free


class Disk(NamedTuple):
    """A file system, in kibibytes as `df` counts them: free is what others may use."""

    total: int
    free: int
    used: int

    @property
    def percent(self) -> int:
        """How full it is, rounded up, as `df` does."""
        whole = self.used + self.free
        return -(-100 * self.used // whole) if whole else 0


class Machine:
    """Reads one machine.

    Args:
        root: where its files lie; another folder in tests.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root

    def operating_system(self) -> str:
        """Its name and version, as /etc/os-release has them; empty if it has none."""
        for name in ("etc/os-release", "usr/lib/os-release"):
            for line in self._read(name).splitlines():
                if line.startswith("PRETTY_NAME="):
                    return line.partition("=")[2].strip().strip("\"'")
        return ""

    def zone(self) -> str:
        """The name of its time zone, ``America/New_York``; empty if it has no name."""
        with suppress(OSError):  # no link: the other file may say it
            target = os.readlink(os.path.join(self._root, "etc/localtime"))
            if _ZONES in target:
                return target.partition(_ZONES)[2]
        return self._read("etc/timezone").strip()

    def users(self) -> int | None:
        """How many are logged in, by utmp; None where none is kept."""
        try:
            with open(os.path.join(self._root, "run/utmp"), "rb") as file:
                raw = file.read()
        except OSError:
            return None
        entries = (raw[at : at + _UTMP_ENTRY] for at in range(0, len(raw), _UTMP_ENTRY))
        return sum(
            int.from_bytes(entry[:2], "little") == _USER_PROCESS
            and bool(entry[_UTMP_USER].strip(b"\0"))
            for entry in entries
        )

    def load(self) -> tuple[float, float, float] | None:
        """The load averages of the last 1, 5 and 15 minutes."""
        words = self._read("proc/loadavg").split()[:3]
        try:
            one, five, fifteen = (float(word) for word in words)
        except ValueError:
            return None
        return one, five, fifteen

    def processor(self, seconds: float = SAMPLE_SECONDS) -> Processor | None:
        """What the processors do now: waits ``seconds`` between two looks."""
        before = self._counters()
        time.sleep(seconds)
        after = self._counters()
        if not before or not after:
            return None
        spent = {name: max(after[name] - before[name], 0) for name in after}
        whole = sum(spent.values())
        if not whole:  # counters stand still, as in some containers
            return None
        share = {name: 100 * ticks / whole for name, ticks in spent.items()}
        return Processor(
            idle=share["idle"],
            system=share["system"],
            user=share["user"] + share["nice"],
            iowait=share["iowait"],
            irq=share["irq"],
            soft=share["softirq"],
        )

    def memory(self) -> Memory | None:
        """What /proc/meminfo says."""
        found = {}
        for line in self._read("proc/meminfo").splitlines():
            name, _, rest = line.partition(":")
            with suppress(ValueError, IndexError):  # a line of another form
                found[name] = int(rest.split()[0])
        names = ("MemTotal", "MemFree", "Cached", "Shmem", "Buffers")
        if not all(name in found for name in names):
            return None
        return Memory(*(found[name] for name in names))

    def disk(self, path: str) -> Disk | None:
        """The file system that ``path`` lies on; None where nothing lies."""
        try:
            found = os.statvfs(path)
        except OSError:
            return None
        total, free, unused = (
            blocks * found.f_frsize // 1024
            for blocks in (found.f_blocks, found.f_bavail, found.f_bfree)
        )
        return Disk(total, free, total - unused)

    def runs(self, program: str) -> bool:
        """Whether a daemon of that name is seen; one that is not may run all the same.

        A daemon is started by the first process, or is it: what a person started is no
        service. sshd's processes for its sessions outlive it and do not count: they
        call themselves ``sshd: account``.
        """
        return any(
            name == program and not _is_session(line, program)
            for name, line in self._processes()
        )

    def _processes(self) -> Iterator[tuple[str, str]]:
        """The name of each daemon that can be seen, and its command line."""
        numbers: list[str] = []
        with suppress(OSError):  # a /proc that nobody may look into
            numbers = os.listdir(os.path.join(self._root, "proc"))
        for number in filter(str.isdecimal, numbers):
            _, _, status = self._read(f"proc/{number}/stat").rpartition(") ")
            if status.split(" ")[1:2] in (["0"], ["1"]):  # whose child it is
                name = self._read(f"proc/{number}/comm").strip()
                yield name, self._read(f"proc/{number}/cmdline").replace("\0", " ")

    def _counters(self) -> dict[str, int]:
        words = self._read("proc/stat").partition("\n")[0].split()
        try:
            counts = [int(word) for word in words[1 : 1 + len(_CPU_FIELDS)]]
        except ValueError:
            return {}
        if words[:1] != ["cpu"] or len(counts) < len(_CPU_FIELDS):
            return {}
        return dict(zip(_CPU_FIELDS, counts, strict=True))

    def _read(self, name: str) -> str:
        try:
            path = os.path.join(self._root, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""


def _is_session(line: str, program: str) -> bool:
    return line.startswith(f"{program}: ") and "[listener]" not in line
