"""The whole escape suite: every string in every way in, and all random keys.

    python -m tests.escape.sweep [--seed N] [--sequences N] [--lanes N] [WAY...]

As root, for the shipped sshd in a box of its own; needs strace. Prints a line for each
way in and exits 1 if anything did not hold. WAY is one of the six, or ``keys``.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.escape.attacks import ATTACKS
from tests.escape.modes import THROUGH_SSH
from tests.escape.node import Target
from tests.escape.rig import (
    SEQUENCES,
    WAYS,
    Tally,
    attack_by,
    mash_all,
    opened_server,
)
from tests.rigs.longer_check import exit_with


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.escape.sweep")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--sequences", type=int, default=SEQUENCES)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("ways", nargs="*", choices=[*WAYS, "keys", []], default=[])
    asked = parser.parse_args()
    ways = asked.ways or [*WAYS, "keys"]
    print(f"seed {asked.seed}, {len(ATTACKS)} attacks", flush=True)
    since = time.time()
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="cucmsh-escape-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        on_the_spot = [way for way in ways if way in WAYS and way not in THROUGH_SSH]
        through_ssh = [way for way in ways if way in THROUGH_SSH]
        with ThreadPoolExecutor(asked.lanes) as lanes:
            running = []
            if "keys" in ways:
                share = -(-asked.sequences // asked.lanes)
                targets = [_target(folder, f"keys{n}") for n in range(asked.lanes)]
                running += [
                    lanes.submit(mash_all, target, share, asked.seed + number)
                    for number, target in enumerate(targets)
                ]
            target = _target(folder, "strings")
            # One after the other: they share a target and its trace.
            tallies += [
                _shown(attack_by(way, ATTACKS, target, None)) for way in on_the_spot
            ]
            if through_ssh:
                with opened_server(folder / "box") as server:
                    tallies += [
                        _shown(attack_by(way, ATTACKS, target, server))
                        for way in through_ssh
                    ]
            tallies += [_shown(each.result()) for each in running]
    failures = [failure for tally in tallies for failure in tally.failures]
    count = sum(tally.number for tally in tallies)
    print(f"{count} in {time.time() - since:.0f} s: {len(failures)} did not hold")
    return 1 if failures else 0


def _target(folder: Path, name: str) -> Target:
    (folder / name).mkdir()
    return Target(folder / name)


def _shown(tally: Tally) -> Tally:
    print(tally, *tally.failures, sep="\n  ", flush=True)
    return tally


if __name__ == "__main__":
    exit_with(main)
