"""Judges a session by what it did, not by what it showed: strace(1) and an allow-list.

Everything that the shell and its children executed, opened, connected to, renamed,
linked, made or removed is in a log; one line that the allow-list does not cover is an
escape, whatever the screen said (docs/security.md#escape-oracle).
What was tried counts, not only what succeeded.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

OPENS = ("open", "openat", "openat2", "creat")
CHANGES = (
    *("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link"),
    *("linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat"),
    *("truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat"),
)
NEVER = ("ptrace", "mount", "chroot", "setuid", "setresuid", "process_vm_writev")
RUNS = ("execve", "execveat")
CALLS = (*OPENS, *CHANGES, *RUNS, *NEVER, "connect", "bind")
LONGEST = 8192  # bytes of a string that strace prints
_LINE = re.compile(r"(?:(\d+) +)?([\d.]+) (\w+)\((.*)")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, $")
_WRITES = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|TMPFILE)")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class Event(NamedTuple):
    """One call: of which process, when (Unix time), its texts or paths, the line."""

    process: int
    at: float
    call: str
    paths: tuple[str, ...]
    rest: str


class Escape(NamedTuple):
    """What an allow-list does not cover."""

    at: float
    why: str


def traced(log: Path, words: list[str]) -> list[str]:
    """The argv that runs ``words`` with every call in question in ``log``."""
    options = ["-f", "-qq", "-ttt", "-y", "-s", str(LONGEST), "--seccomp-bpf"]
    calls = f"trace={','.join(f'?{call}' for call in CALLS)}"
    return [
        "strace",
        *options,
        "-e",
        calls,
        "-e",
        "signal=none",
        "-o",
        str(log),
        *words,
    ]


def events(log: Path) -> Iterator[Event]:
    """What is in a log; the second half of a call that was interrupted is left out."""
    for line in log.read_text(errors="surrogateescape").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        process, moment, call, rest = found.groups()
        paths, before = [], 0
        for text in _TEXT.finditer(rest):
            folder = _FOLDER.search(rest[before : text.start()])
            path = _plain(text[1])
            if folder and not path.startswith("/") and call not in RUNS:
                path = f"{_plain(folder[1])}/{path}"
            paths.append(path)
            before = text.end()
        yield Event(int(process or 0), float(moment), call, tuple(paths), rest)


def _plain(text: str) -> str:
    def plain(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes.fromhex(found[1].decode())
        if found[2]:
            return bytes([int(found[2], 8)])
        return _NAMED.get(found[3], found[3])

    raw = _ESCAPE.sub(plain, text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _clean(path: str) -> str:
    """The path without ``.`` and ``..``, which may lead anywhere."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/" + "/".join(parts)


class AllowList:
    """What a session may do on this machine.

    Args:
        programs: argvs that may be executed besides the shell's own.
        shell: the argv of the shell, up to its options.
        reads: folders, or files, that may be read besides the interpreter's.
        writes: folders below which files may be made, written, renamed and removed.
        doorman: paths of programs that come before the shell in the trace and may do
            what they like, such as sshd; what they execute is judged all the same.
    """

    def __init__(
        self,
        programs: Iterable[tuple[str, ...]],
        shell: tuple[str, ...],
        reads: Iterable[Path],
        writes: Iterable[Path],
        doorman: frozenset[str] = frozenset(),
    ) -> None:
        self._programs = set(programs)
        self._doorman = doorman
        self._shell = shell
        self._writes = tuple(f"{path}/" for path in writes)
        self._reads = (*_interpreter(), *map(str, reads), *self._writes)

    def allow(self, programs: Iterable[Sequence[str]]) -> None:
        """More argvs that may be executed."""
        self._programs |= {tuple(argv) for argv in programs}

    def judge(self, log: Path) -> list[Escape]:
        """Everything in the log that is not covered."""
        found = []
        inside: set[int] = set()
        for event in events(log):
            if event.call in RUNS and event.paths[:1] == self._shell[:1]:
                inside.add(event.process)
            is_judged = event.call in RUNS or event.process in inside
            if self._doorman and not is_judged:
                continue
            if why := self._why_not(event):
                found.append(Escape(event.at, why))
        return found

    def _why_not(self, event: Event) -> str:
        call, paths = event.call, event.paths
        shown = f"{call}({event.rest}"
        if call in NEVER:
            return shown
        if call in RUNS:
            return "" if self._may_run(paths) else shown
        if call in ("connect", "bind"):
            return "" if _is_near(event.rest) else shown
        path = _clean(paths[0]) if paths else ""
        if call in CHANGES:
            places = [_clean(each) for each in paths]
            return "" if all(map(self._may_write, places)) else shown
        if call == "creat" or _WRITES.search(event.rest.rpartition('"')[2]):
            return "" if self._may_write(path) or path in _DEVICES else shown
        return "" if self._may_read(path) else shown

    def _may_run(self, paths: tuple[str, ...]) -> bool:
        path, *argv = paths
        if path in self._doorman or (self._doorman and path == self._shell[0]):
            return True
        if argv[: len(self._shell)] == list(self._shell) and path == argv[0]:
            return True
        is_found = path == argv[0] or ("/" not in argv[0] and path.endswith(argv[0]))
        return tuple(argv) in self._programs and is_found

    def _may_write(self, path: str) -> bool:
        return f"{path}/".startswith(self._writes) or path.startswith("/dev/pts/")

    def _may_read(self, path: str) -> bool:
        if path in _SYSTEM or path in _DEVICES or path.startswith("/dev/pts/"):
            return True
        if _OF_PROCESSES.fullmatch(path):
            return True
        return f"{path}/".startswith(
            tuple(f"{each.rstrip('/')}/" for each in self._reads)
        )


def _is_near(rest: str) -> bool:
    """The name service's socket, or an address of this machine that was asked for."""
    if "AF_UNIX" in rest:
        return "nscd/socket" in rest
    if "AF_INET" not in rest:
        return "AF_UNSPEC" in rest or "AF_NETLINK" in rest
    return '"127.0.0.1"' in rest or '"::1"' in rest


def _interpreter() -> Iterator[str]:
    """Where Python, its modules and the libraries that they load are."""
    yield from (sys.prefix, sys.base_prefix + "/lib", sys.base_prefix + "/bin")
    yield from {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}
    # The linker looks below its folders; locales and terminals are looked up there.
    yield from ("/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/usr/share/locale")
    yield from ("/usr/share/zoneinfo", "/usr/lib/ssl")


_DEVICES = {"/dev/null", "/dev/tty", "/dev/urandom", "/dev/ptmx"}
# Exactly these: what the C library, OpenSSL and Python read on their way.
_SYSTEM = {
    *("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/passwd"),
    *("/etc/nsswitch.conf", "/etc/ssl/openssl.cnf", "/etc/host.conf", "/etc/hosts"),
    *("/etc/resolv.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols"),
    *("/proc/self/loginuid", "/proc/self/fd", "/proc/self/auxv", "/proc/meminfo"),
    *("/proc/sys/kernel/random/boot_id", "/proc/sys/vm/overcommit_memory"),
    *("/proc/sys/crypto/fips_enabled", "/proc/filesystems", "/proc/cpuinfo"),
    *("/proc/self/maps", "/proc/self/status", "/sys/devices/system/cpu/online"),
    *("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    "/opt/pyca/cryptography/openssl/openssl.cnf",  # where its OpenSSL looks for it
    *("/sys/fs/cgroup/cpu.max", "/proc/self/cgroup", "/proc/self/mountinfo"),
    "/sys/devices/system/cpu/possible",
    # `show status` and `utils service list` look at the machine.
    *("/proc", "/proc/loadavg", "/proc/stat", "/proc/uptime", "/run/utmp"),
    *("/var/run/utmp", "/etc/os-release", "/usr/lib/os-release", "/etc/timezone"),
}
# Whether a daemon runs: what `ps` shows everybody.
_OF_PROCESSES = re.compile("/proc/[0-9]+/(stat|comm|cmdline)")
