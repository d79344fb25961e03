"""Start-up as ratios of one run: docs/performance.md row 1 to row 6, row 20.

    python -m benchmarks.start_up [ROUNDS]

Needs the test environment. Starts a lab and an sshd of its own, then times program and
yardstick turn by turn: exec to the first prompt on a pty beside ``input("admin:")``;
exec to a completed word (its Tab is sent at once) beside a minimal prompt_toolkit
session; single commands beside a bare interpreter, with their memory; the shipped login
as a forced command beside ``echo admin:``; our SSH library beside plain paramiko; 1,000
commands in one session beside bash. cucmsh is started as production does it, by a file
that calls ``main`` or ``login``. Medians of ratios; exits 1 if one is refused. Needs
root, for the account of the login.
"""

import argparse
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pexpect

from tests.cli.login.box import FORCED, Box
from tests.rigs.loopback import LOOPBACK

PYTHON = [sys.executable, "-I"]
WRAPPER = "from cucmsh.__main__ import main\nmain()\n"
MINIMAL = "from prompt_toolkit import PromptSession\nPromptSession().prompt('admin:')"
SECONDS = 20
BASH_PROMPT = "# " if os.geteuid() == 0 else "$ "
COMMANDS = 1000
TYPED = b"sho\t"  # and what it becomes:
COMPLETED = b"admin:show"


class Gate:
    """What a figure shall be, and above what it is refused.

    Args:
        goal: the figure of the performance page.
        refused: the most that is let through; the goal where nothing else is said.
    """

    def __init__(self, goal: float, refused: float = 0.0) -> None:
        self.goal = goal
        self.refused = refused or goal

    def verdict(self, figure: float) -> str:
        """The gate in words, and how the figure stands to it."""
        if figure <= self.goal:
            word = "ok"
        else:
            word = "above the goal" if figure <= self.refused else "MISSED"
        return f"(goal {self.goal}, refused above {self.refused})  {word}"


class Row(NamedTuple):
    """A row of docs/performance.md: ours and a yardstick, timed in turns.

    ``ours`` and ``theirs`` give seconds; ``divide`` is how many rounds less to do.
    """

    number: str
    what: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    gate: Gate
    divide: int = 1


def run(words: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started


def until_seen(words: Sequence[str], seen: bytes, typed: bytes = b"") -> float:
    """Seconds from exec until it has printed ``seen`` on a fresh pty."""
    started = time.perf_counter()
    child, master = pty.fork()  # the pty is its controlling terminal, as in a login
    if child == 0:
        os.execv(words[0], list(words))
    os.write(master, typed)
    said = b""
    while seen not in said:
        if not select.select([master], [], [], SECONDS)[0]:
            raise SystemExit(f"no {seen!r} from {words}: {said!r}")
        said += os.read(master, 65536)
    took = time.perf_counter() - started
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(master)
    return took


def per_command(words: Sequence[str], prompt: str, line: str) -> float:
    """Seconds a command, of many in one session."""
    child = pexpect.spawn(words[0], list(words[1:]), timeout=SECONDS)
    child.delaybeforesend = None
    try:
        child.expect_exact(prompt)
        started = time.perf_counter()
        for _ in range(COMMANDS):
            child.sendline(line)
            child.expect_exact(line)
            child.expect_exact(prompt)
        return (time.perf_counter() - started) / COMMANDS
    finally:
        child.close(force=True)


def memory(words: Sequence[str]) -> float:
    """Peak resident memory, MiB. A small parent: a fork's own peak counts too."""
    program = (
        "import os,sys\n"
        "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
        "child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)\n"
        "print(os.wait4(child, 0)[2].ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        [*PYTHON, "-S", "-c", program, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr) / 1024


class Login:
    """Two servers for one account, whose forced command is our program or ``echo``.

    The account, its ground and the program are those of `cucmsh init --sshd`, on a box
    of its own: the login looks at its ground, as it does in production. No PAM: what
    a machine has in it is nobody's figure.
    """

    def __init__(self, folder: Path) -> None:
        self._box = Box(folder)
        options = ["-o", "UsePAM=no"]
        echo = [*options, "-o", "ForceCommand=echo admin:"]
        self._servers = {
            "shell": self._box.sshd(*options),
            "echo": self._box.sshd(*echo),
        }

    def seconds(self, name: str) -> float:
        options = self._box.options(self._servers[name].port)
        kex = ["-o", "KexAlgorithms=curve25519-sha256"]
        where = f"{FORCED}@{LOOPBACK}"
        return until_seen(["/usr/bin/ssh", *options, *kex, "-tt", where], b"admin:")

    def close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._box.close()


def measure(rows: Sequence[Row], rounds: int) -> dict[str, list[float]]:
    """The ratios of every row; the first two rounds warm the caches."""
    ratios: dict[str, list[float]] = {}
    for number in range(rounds + 2):
        for row in rows:
            if number % row.divide:
                continue
            ratio = row.ours() / row.theirs()
            if number >= 2 or row.divide > 1:
                ratios.setdefault(row.what, []).append(ratio)
    return ratios


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start_up")
    parser.add_argument("rounds", type=int, nargs="?", default=15)
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        wrapper = folder / "cucmsh.py"
        wrapper.write_text(WRAPPER)
        program = [*PYTHON, str(wrapper)]
        house = folder / "lab"
        house.mkdir()
        words = [*program, "lab", "--serve", "--dir", str(house)]
        lab = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE))
        stack.callback(lab.terminate)
        assert lab.stdout is not None
        config = json.loads(lab.stdout.readline())["publisher"]["config"]
        shell = [*program, "--config", config]
        bare = [*PYTHON, "-c", "pass"]
        (folder / "box").mkdir()
        login = Login(folder / "box")
        stack.callback(login.close)
        itl, version = [*shell, "-c", "show itl"], [*shell, "-c", "show version active"]
        bash = ["/bin/bash", "--norc", "--noprofile", "-i"]

        def command(number: str, words: list[str], gate: Gate) -> Row:
            text = f"{words[-1]}, in python -c pass"
            return Row(number, text, lambda: run(words), lambda: run(bare), gate)

        rows = [
            Row(
                "1",
                "first prompt, in input('admin:')",
                lambda: until_seen(shell, b"admin:"),
                lambda: until_seen([*PYTHON, "-c", "input('admin:')"], b"admin:"),
                Gate(5.0, 5.5),
            ),
            Row(
                "2",
                "a completed word, in prompt_toolkit's first prompt",
                lambda: until_seen(shell, COMPLETED, TYPED),
                lambda: until_seen([*PYTHON, "-c", MINIMAL], b"admin:"),
                Gate(1.15, 1.4),
            ),
            command("3", itl, Gate(7.0, 7.5)),
            command("4", version, Gate(5.0, 5.5)),
            Row(
                "5",
                "login to the prompt, in ssh -tt host 'echo admin:'",
                lambda: login.seconds("shell"),
                lambda: login.seconds("echo"),
                Gate(1.25, 1.4),
            ),
            Row(
                "6",
                "our SSH library, in import paramiko",
                lambda: run([*PYTHON, "-c", "import cucmsh.remote.ssh.client"]),
                lambda: run([*PYTHON, "-c", "import paramiko"]),
                Gate(0.75, 0.9),
            ),
            Row(
                "20",
                f"a command of {COMMANDS} in one session, in bash's",
                lambda: per_command(shell, "admin:", "set cli pagination off"),
                lambda: per_command(bash, BASH_PROMPT, "echo done"),
                Gate(1.5, 3),
                divide=5,
            ),
        ]
        ratios = measure(rows, rounds)
        figures = [
            (row.number, row.what, median(ratios[row.what]), row.gate) for row in rows
        ]
        figures += [
            ("3", "show itl, MiB", memory(itl), Gate(28)),
            ("4", "show version, MiB", memory(version), Gate(18, 19)),
        ]
    missed = False
    for number, what, figure, gate in figures:
        missed |= figure > gate.refused
        print(f"row {number:2} {what:54} {figure:6.2f}  {gate.verdict(figure)}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
