"""A subscriber that runs cucmsh behind a real sshd: its hooks are killed, and fail."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.faults import judge
from tests.faults.cluster import LIST_FILE, Cluster, Result, Subscriber
from tests.faults.kill_sweep import traced
from tests.faults.second_verifier import read
from tests.rigs.draws import draw, drawn

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

HOOK_CALLS = "openat,write,fsync,renameat,unlinkat,fchmod,mkdirat,vfork,sendto"
POINTS = 2
HookCall = tuple[str, int]


class HookCalls(NamedTuple):
    """The calls of the hooks of a reset.

    Attributes:
        all: each that changes something, in order.
        list_rename: which ``renameat`` puts the list into place.
    """

    all: list[HookCall]
    list_rename: int


TRACED = ["strace", "-f", "-b", "execve", "-qq"]


class Mixed:
    """A publisher, a subscriber and a replica, and what an undisturbed reset leaves."""

    def __init__(self) -> None:
        self.cluster = Cluster(1, has_subscriber=True)
        assert self.cluster.subscriber is not None
        self.subscriber: Subscriber = self.cluster.subscriber
        plain = self.cluster.call()
        assert plain.status == 0, plain.transcript
        self.known = set(self.cluster.snapshot())

    def in_front(self, *words: str) -> None:
        """Put a program in front of the subscriber's cucmsh."""
        self.subscriber.before = list(words)
        self.cluster.configure()

    def check(self, result: Result) -> judge.Lists:
        served = judge.check(self.cluster, self.cluster.olds, result)
        judge.check_words(result, served, self.cluster.olds)
        return served

    def assert_rerun_converges(self) -> None:
        self.in_front()
        rerun = self.cluster.call()
        judge.check_converged(self.cluster, rerun, self.cluster.olds, self.known)


@pytest.fixture(scope="module")
def made_mixed() -> Iterator[Mixed]:
    made = Mixed()
    yield made
    made.cluster.close()


@pytest.fixture
def mixed(made_mixed: Mixed) -> Mixed:
    made_mixed.cluster.restore()
    return made_mixed


def test_a_reset_brings_the_subscriber_the_publishers_list_and_a_start_undoes_it(
    mixed: Mixed,
) -> None:
    cluster, subscriber = mixed.cluster, mixed.subscriber
    own = subscriber.list_file.read_bytes()
    assert own != cluster.old
    result = cluster.call()
    assert result.status == 0, result.transcript
    assert len(set(mixed.check(result).values())) == 1
    new = (cluster.tftp / LIST_FILE).read_bytes()
    assert subscriber.list_file.read_bytes() == new
    assert read(new).is_reset
    # The list that it would compose names no key that holders of this one know.
    assert subscriber.service.answer("restart") == (0, "")
    assert subscriber.list_file.read_bytes() == new


def test_f01_a_kill_of_the_shell_in_the_middle_of_members_and_replicas_converges(
    mixed: Mixed, seed: int
) -> None:
    dice = random.Random(seed)
    total = len(traced(mixed.cluster).calls)
    for _ in range(drawn(POINTS)):
        mixed.cluster.restore()
        number, after = dice.randint(1, total), dice.random() < 0.5
        mixed.check(traced(mixed.cluster, number, after=after).result)
        mixed.assert_rerun_converges()


def test_f03_a_kill_at_any_call_of_a_subscribers_hook_costs_that_node_only(
    mixed: Mixed, hook_calls: HookCalls, seed: int
) -> None:
    dice = random.Random(seed)
    for name, number in draw(dice, hook_calls.all, POINTS):
        mixed.cluster.restore()
        inject = f"inject={name}:signal=KILL:when={number}"
        mixed.in_front(*TRACED, "-o", "/dev/null", "-e", inject)
        result = mixed.cluster.call()
        where = f"{name}:{number}, CUCMSH_SEED={seed}: {result.transcript}"
        served = mixed.check(result)
        assert judge.pending_in(result) <= {mixed.subscriber.name}, where
        replica = mixed.cluster.nodes[1]
        assert served[replica.name] not in mixed.cluster.olds, where
        mixed.assert_rerun_converges()


def test_f24_what_a_killed_hook_left_beside_the_list_is_swept_by_the_rerun(
    mixed: Mixed, hook_calls: HookCalls
) -> None:
    # The list's own; what is noted of it is renamed into place after it.
    inject = f"inject=renameat:signal=KILL:when={hook_calls.list_rename}"
    mixed.in_front(*TRACED, "-o", "/dev/null", "-e", inject)
    mixed.check(mixed.cluster.call())
    assert list(mixed.subscriber.tftp.glob(".cucmsh-*"))
    mixed.assert_rerun_converges()


@pytest.fixture(scope="module")
def hook_calls(made_mixed: Mixed) -> HookCalls:
    """Every call that changes something in any hook, and which of its name it is."""
    mixed = made_mixed
    mixed.cluster.restore()
    log = mixed.subscriber.folder / "calls"
    mixed.in_front(*TRACED, "-ff", "-o", str(log), "-e", f"trace={HOOK_CALLS}")
    result = mixed.cluster.call()
    assert result.status == 0, result.transcript
    found, list_rename = set(), 0
    for path in mixed.subscriber.folder.glob("calls.*"):
        seen: Counter[str] = Counter()
        for line in path.read_text().splitlines():
            name = line.partition("(")[0]
            seen[name] += 1
            if name != "openat" or "O_CREAT" in line:
                found.add((name, seen[name]))
            if name == "renameat" and LIST_FILE in line:
                list_rename = seen[name]
        path.unlink()
    mixed.in_front()
    assert len(found) > 10
    assert list_rename
    return HookCalls(sorted(found), list_rename)


def test_f14_a_subscriber_whose_service_does_not_restart_has_the_list_and_is_pending(
    mixed: Mixed,
) -> None:
    mixed.subscriber.service.fault = lambda verb: (0 if verb == "status" else 1, "")
    result = mixed.cluster.call()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {mixed.subscriber.name}
    assert read(mixed.subscriber.list_file.read_bytes()).is_reset
    mixed.subscriber.service.fault = None
    mixed.assert_rerun_converges()


def test_f10_a_subscriber_that_was_down_gets_certificate_and_list_from_the_rerun(
    mixed: Mixed,
) -> None:
    mixed.subscriber.sshd.stop()
    result = mixed.cluster.call()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {mixed.subscriber.name}
    mixed.subscriber.sshd.start()
    mixed.assert_rerun_converges()


def test_only_the_hook_runs_what_was_staged_whole(mixed: Mixed) -> None:
    """Bytes that changed on the way are refused by the node itself (I9)."""
    staging = mixed.subscriber.home / "state" / "staging"
    spoil = f'for f in "{staging}"/install-list-*; do [ -f "$f" ] && echo x >> "$f"; '
    spoil += 'done; exec "$@"'
    mixed.in_front("/bin/sh", "-c", spoil, "sh")
    result = mixed.cluster.call()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {mixed.subscriber.name}
    assert mixed.subscriber.list_file.read_bytes() in mixed.cluster.olds
    mixed.check(result)
    mixed.assert_rerun_converges()
