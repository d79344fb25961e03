"""Start-up as ratios of one alternating run: rows 1, 3 and 4 of the performance page.

    python benchmarks/start_up.py [ROUNDS]

Starts a lab, then times, turn by turn: a bare interpreter and ``input("admin:")`` as
yardsticks, exec to the first ``admin:`` on a pty, ``-c 'show itl'`` and
``-c 'show version active'``. Medians and ratios; exits 1 if a gate is missed.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

PYTHON = [sys.executable, "-I"]
CUCMSH = [*PYTHON, "-m", "cucmsh"]
SECONDS = 20


def run(words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started


def prompt(words: list[str]) -> float:
    """Seconds from exec to the first prompt on a fresh pty."""
    started = time.perf_counter()
    child, master = pty.fork()  # the pty is its controlling terminal, as in a login
    if child == 0:
        os.execv(words[0], words)
    seen = b""
    while b"admin:" not in seen:
        if not select.select([master], [], [], SECONDS)[0]:
            raise SystemExit(f"no prompt from {words}: {seen!r}")
        seen += os.read(master, 65536)
    took = time.perf_counter() - started
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(master)
    return took


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with subprocess.Popen([*CUCMSH, "lab", "--serve"], stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        config = json.loads(lab.stdout.readline())["publisher"]["config"]
        shell = [*CUCMSH, "--config", config]
        programs: dict[str, tuple[Callable[[list[str]], float], list[str]]] = {
            "bare": (run, [*PYTHON, "-c", "pass"]),
            "input": (prompt, [*PYTHON, "-c", "input('admin:')"]),
            "prompt": (prompt, shell),
            "show itl": (run, [*shell, "-c", "show itl"]),
            "show version": (run, [*shell, "-c", "show version active"]),
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        for number in range(rounds + 2):
            for name, (measure, words) in programs.items():
                took = measure(words)
                if number >= 2:  # the first two warm the caches
                    times[name].append(took)
        lab.terminate()
    missed = False
    gates = [("prompt", "input", 3.0), ("show itl", "bare", 6.0)]
    gates.append(("show version", "bare", 4.0))
    for name, yardstick, gate in gates:
        pairs = zip(times[name], times[yardstick], strict=True)
        ratio = median(ours / theirs for ours, theirs in pairs)
        missed |= ratio > gate
        print(
            f"{name:13} {median(times[name]) * 1000:6.1f} ms  "
            f"{ratio:5.2f} x {yardstick}  (gate {gate})"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
