"""Kills the shell at one exact system call (ptrace(2)): before it, or when it returns.

    python tracer.py JOB

``JOB`` is JSON: ``words`` (argv), ``prompt`` (what the program writes before it reads
the first answer), ``answers``, ``only`` (the name of the calls that count; all if it
is empty), ``number`` (of the call to kill at; 0 only counts) and ``after`` (true: when
the call returns). Prints one line of JSON: the exit status, what
was said, and the calls that were counted, as ``[thread, name]`` in their order.

Why not ``strace``: its counters are for each thread, so a program with a thread for
each node cannot be stopped at its n-th call. Counted are the calls that change
something anywhere, of all threads together, from the moment in which the first
question is answered; so no interpreter start-up is counted or slowed down. What the
program starts (service commands) is let go: a real service manager does not die with
its client.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# ptrace(2), from linux/ptrace.h
SEIZE, INTERRUPT, LISTEN = 0x4206, 0x4207, 0x4208
CONTINUE_TO_CALL, DETACH, CALL_INFO = 24, 17, 0x420E
GOOD, FORK, VFORK, CLONE, EXITKILL = 1, 2, 4, 8, 1 << 20
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_STOP = 1, 2, 3, 128
WALL = 0x40000000
ENTRY, EXIT = 1, 2

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# Names and numbers of the calls that change something (asm/unistd.h).
CALLS = {
    "x86_64": "write 1, open 2, pwrite64 18, writev 20, connect 42, sendto 44, "
    "sendmsg 46, shutdown 48, fork 57, vfork 58, execve 59, flock 73, fsync 74, "
    "fdatasync 75, truncate 76, ftruncate 77, rename 82, mkdir 83, rmdir 84, link 86, "
    "unlink 87, symlink 88, chmod 90, fchmod 91, fchown 93, openat 257, mkdirat 258, "
    "fchownat 260, unlinkat 263, renameat 264, linkat 265, fchmodat 268, "
    "fallocate 285, sendmmsg 307, renameat2 316",
    "aarch64": "flock 32, mkdirat 34, unlinkat 35, linkat 37, renameat 38, "
    "truncate 45, ftruncate 46, fallocate 47, fchmod 52, fchmodat 53, fchownat 54, "
    "fchown 55, openat 56, write 64, writev 66, pwrite64 68, fsync 82, fdatasync 83, "
    "connect 203, sendto 206, shutdown 210, sendmsg 211, execve 221, sendmmsg 269, "
    "renameat2 276",
}
OPENING = {"open": 1, "openat": 2}  # which argument holds the flags


class _CallInfo(ctypes.Structure):
    """struct ptrace_syscall_info, as far as a system call entry fills it."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 3),
        ("architecture", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, thread: int, address: int = 0, data: Any = 0) -> bool:
    """False if the thread is gone, which a kill makes true at any time."""
    return bool(_libc.ptrace(request, thread, address, data) != -1)


def _names() -> dict[int, str]:
    """The counted calls of this machine by their numbers."""
    pairs = (entry.split() for entry in CALLS[platform.machine()].split(", "))
    return {int(number): name for name, number in pairs}


class Trace:
    """The traced program.

    Args:
        process: its number; it is ours, and runs.
        number: of the counted call to kill at; 0 for none.
        after: kill when that call returns, not before it is made.
        only: the name of the calls that count; all of them if it is empty.
    """

    def __init__(
        self, process: int, number: int, *, after: bool, only: str = ""
    ) -> None:
        self.calls: list[tuple[int, str]] = []
        self._process = process
        self._number = number
        self._after = after
        self._names = {
            code: name for code, name in _names().items() if only in ("", name)
        }
        self._doomed = 0  # the thread to kill at its next return
        options = GOOD | FORK | VFORK | CLONE | EXITKILL
        for task in os.listdir(f"/proc/{process}/task"):
            assert _ptrace(SEIZE, int(task), 0, options), os.strerror(
                ctypes.get_errno()
            )
            _ptrace(INTERRUPT, int(task))

    def run(self) -> int:
        """Follow the program to its end; gives its wait status."""
        while True:
            thread, status = os.waitpid(-1, WALL)
            if os.WIFSTOPPED(status):
                self._stopped(thread, status)
            elif thread == self._process:
                return status

    def _stopped(self, thread: int, status: int) -> None:
        number, event = os.WSTOPSIG(status), status >> 16
        if not os.path.exists(f"/proc/{self._process}/task/{thread}"):
            _ptrace(DETACH, thread)  # a child that is about to run something else
        elif number == signal.SIGTRAP | 0x80:
            self._at_call(thread)
            _ptrace(CONTINUE_TO_CALL, thread)
        elif event == EVENT_STOP and number in (signal.SIGSTOP, signal.SIGTSTP):
            _ptrace(LISTEN, thread)
        else:
            deliver = 0 if event or number == signal.SIGTRAP else number
            _ptrace(CONTINUE_TO_CALL, thread, 0, deliver)

    def _at_call(self, thread: int) -> None:
        info = _CallInfo()
        size = ctypes.sizeof(info)
        if not _ptrace(CALL_INFO, thread, size, ctypes.byref(info)):
            return
        if info.op == EXIT and thread == self._doomed:
            os.kill(self._process, signal.SIGKILL)
        if info.op != ENTRY or not (name := self._counted(info)):
            return
        self.calls.append((thread, name))
        if len(self.calls) == self._number:
            if self._after:
                self._doomed = thread
            else:
                os.kill(self._process, signal.SIGKILL)

    def _counted(self, info: _CallInfo) -> str:
        name = self._names.get(info.number, "")
        if name in OPENING and not info.arguments[OPENING[name]] & WRITING:
            return ""
        return name


def main() -> int:
    job = json.loads(sys.argv[1])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with subprocess.Popen(
            job["words"], stdin=subprocess.PIPE, stdout=out, stderr=err
        ) as program:
            assert program.stdin is not None
            _await(job["prompt"].encode(), out.fileno(), program)
            trace = Trace(
                program.pid, job["number"], after=job["after"], only=job["only"]
            )
            program.stdin.write(job["answers"].encode())
            program.stdin.close()
            status = os.waitstatus_to_exitcode(trace.run())
            program.returncode = status  # it is waited for
        report = {
            "status": status,
            "said": os.pread(out.fileno(), 1 << 20, 0).decode(errors="replace"),
            "complaint": os.pread(err.fileno(), 1 << 20, 0).decode(errors="replace"),
            "calls": trace.calls,
        }
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


def _await(prompt: bytes, descriptor: int, program: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while prompt not in os.pread(descriptor, 1 << 16, 0):
        assert program.poll() is None, "the program ended before its question"
        assert time.monotonic() < deadline, "the program does not ask"
        time.sleep(0.002)
    # It reads the answer now, or will do so at once.
    Path(f"/proc/{program.pid}/task").stat()


if __name__ == "__main__":
    sys.exit(main())
