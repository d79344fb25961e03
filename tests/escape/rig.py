"""The suite itself: strings through each way in, keys, and the verdict on both."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import paramiko
import pexpect

from tests.cli.login.box import Box
from tests.escape.attacks import ATTACKS, Attack
from tests.escape.keys import mash
from tests.escape.modes import ON_THE_SPOT, THROUGH_SSH, Server, Way
from tests.escape.node import Target
from tests.escape.oracle import Escape

WAYS = (*ON_THE_SPOT, *THROUGH_SSH)
# What a way in raises when it breaks, which is for the tally and not for a traceback.
LOST = (OSError, EOFError, paramiko.SSHException, pexpect.ExceptionPexpect)
SHARE = 10  # of the strings: one part in so many is in the test run
SEQUENCES = 200_000


class Tally(NamedTuple):
    """What was done, and everything that did not hold."""

    what: str
    number: int
    seconds: float
    failures: tuple[str, ...]

    def __str__(self) -> str:
        held = "all held" if not self.failures else f"{len(self.failures)} DID NOT HOLD"
        return f"{self.what:10} {self.number:7} in {self.seconds:6.1f} s: {held}"


def chosen(seed: int) -> tuple[Attack, ...]:
    """A random tenth of the attacks."""
    count = -(-len(ATTACKS) // SHARE)
    return tuple(random.Random(seed).sample(ATTACKS, count))


def attack_all(
    way: Way, attacks: Sequence[Attack], escapes: Callable[[], Iterable[Escape]]
) -> Tally:
    """Give all strings to a way in; each escape is laid beside the string before it."""
    begun: list[tuple[float, str]] = []
    failures: list[str] = []
    since = time.time()
    for attack in attacks:
        begun.append((time.time(), attack.name))
        try:
            way.attack(attack.line)
        except (*LOST, AssertionError) as problem:
            failures.append(f"{way.name} {attack.name}: {problem!r}")
    try:
        way.close()
    except (*LOST, AssertionError) as problem:
        failures.append(f"{way.name}, at its end: {problem!r}")
    seconds = time.time() - since
    for escape in escapes():
        names = [name for at, name in begun if at <= escape.at]
        failures.append(f"{way.name} {names[-1] if names else '-'}: {escape.why}")
    return Tally(way.name, len(attacks), seconds, tuple(failures))


def mash_all(target: Target, count: int, seed: int) -> Tally:
    """Type random keys."""
    since, failures, taken = time.time(), [], 0
    try:
        taken, _ = mash(target, count, seed)
    except (*LOST, AssertionError) as problem:
        failures.append(f"keys of seed {seed}: {problem!r}")
    seconds = time.time() - since
    failures += [f"keys of seed {seed}: {escape.why}" for escape in target.escapes()]
    if (errors := target.home / "log" / "errors").exists():
        failures.append(f"keys of seed {seed} broke something: {errors.read_text()}")
    return Tally("keys", taken, seconds, tuple(failures))


@contextmanager
def opened_server(folder: Path) -> Iterator[Server]:
    """The shipped sshd; exec requests may change something."""
    folder.mkdir()
    with ExitStack() as ending:
        box = Box(folder)
        ending.callback(box.close)
        box.root(["sed", "-i", '1i exec = "all"', "/etc/cucmsh/cucmsh.toml"])
        server = Server(box, folder)
        ending.callback(server.close)
        yield server


def attack_by(
    name: str, attacks: Sequence[Attack], target: Target, server: Server | None
) -> Tally:
    """The strings through the way in of that name."""
    if name in ON_THE_SPOT:
        return attack_all(ON_THE_SPOT[name](target), attacks, target.escapes)
    assert server is not None
    return attack_all(THROUGH_SSH[name](server), attacks, server.escapes)
