"""Whatever happens after an adoption: nobody is lost whom nobody gave up.

The steps are random, the lists real, and the phones the oracle's: some follow every
start, others slept since the day of the adoption.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.pki.model import Unit
from cucmsh.services.lists.give_up_phones import GiveUpPlan, release_trust
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.trustlist.model import TrustList
from tests.faults.second_verifier import read
from tests.services import holder
from tests.services.adoption.test_starts import Newcomer, Start, certutils, cucm
from tests.services.made_cluster import cheap_questions

pytestmark = pytest.mark.thorough

STEPS = ("restart", "regen CallManager", "regen ITLRecovery", "reset", "release")
WAYS: tuple[tuple[Callable[[], Start], str], ...] = (
    (certutils, "SAST and TFTP"),
    (lambda: cucm(10), "ITLRecovery.p12"),
)


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


class History:
    """A node, and what phones hold: the lists of all starts, unless given up."""

    def __init__(self, folder: Path, way: int) -> None:
        start, handed = WAYS[way]
        self.node = Newcomer(folder, start())
        self.node.adopt(handed)
        self._handed = handed
        self._first = self.node.start.files["ITLFile.tlv"]
        self.held = [self._first]
        self.restart()

    def take(self, step: str) -> None:
        self.node.cluster.clock.pass_seconds(1)
        if step == "restart":
            self.restart()
        elif step == "release":
            self._release()
        elif step == "reset":
            self._reset()
        elif step == "adopt again":
            plan = self.node.adopt(self._handed)
            # Given up before, and not any more, unless no key is known to all: then the
            # plan said that they stay lost.
            if self._first not in self.held and not plan.is_locking_out:
                self.held.append(self._first)
        else:
            self.node.regenerate(Unit(step.removeprefix("regen ")))

    def restart(self) -> None:
        self.node.member.start()
        self._look()

    def _look(self) -> None:
        served = self.node.member.raw
        lost = [
            at for at, held in enumerate(self.held) if not holder.takes(held, served)
        ]
        assert lost == []
        if served not in self.held:
            self.held.append(served)

    def _reset(self) -> None:
        """A reset that has nothing to ask; one that asks is not gone on with."""
        try:
            plan = plan_local_reset(self.node.member.site)
        except RefusedError:
            return
        if not plan.questions:
            self.node.cluster.apply(plan)
            self._look()

    def _release(self) -> None:
        """Those are given up whom the plan shows to a person, and nobody else."""
        shown: list[TrustList] = []

        def agree(plan: GiveUpPlan) -> None:
            shown.extend(refusal.kept.trust_list for refusal in plan.given_up)

        try:
            release_trust(self.node.member.site, agree)
        except RefusedError:
            return
        gone = [tokens_of(each.raw) for each in shown]
        self.held = [held for held in self.held if tokens_of(held) not in gone]
        self.restart()


def tokens_of(raw: bytes) -> frozenset[bytes]:
    """Who may sign for holders of this list; the history counts those as one."""
    return frozenset(at.certificate for at in holder.tokens(read(raw)))


@settings(max_examples=15, deadline=None)
@given(
    way=st.integers(0, len(WAYS) - 1),
    steps=st.lists(st.sampled_from((*STEPS, "adopt again")), max_size=8),
)
def test_nobody_is_lost_whom_nobody_gave_up(way: int, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder, "new"), way)
        for step in steps:
            try:
                history.take(step)
            except CucmshError as refusal:
                raise AssertionError(f"{step}: {refusal.message}") from refusal
        history.restart()
