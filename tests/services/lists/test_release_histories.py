"""Releases by which the publisher signs: does a phone still trust what is served now?

Each line of a table: a step, who signs what each node serves after it, and, by the
numbers of the steps after which they were served, the lists of that node whose holders
refuse it. Keys are named by node and unit; a number counts those made anew. Who takes
what is asked of ``holder``, which shares nothing with the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.config.model import TFTP
from cucmsh.errors import MissingFileError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.nodes.service_control import restart_service
from tests.faults.second_verifier import read
from tests.services.holder import takes
from tests.services.made_cluster import (
    PUBLISHER,
    SUBSCRIBER,
    Member,
    made_cluster,
    remote_plan,
)

pytestmark = pytest.mark.thorough

PUB, SUB = "pub", "sub"
NAMES = {PUBLISHER: PUB, SUBSCRIBER: SUB}
ITLR, CCM = "pub ITLRecovery", "pub CallManager"
NOBODY: frozenset[int] = frozenset()


class Silent:
    """A ``ServiceDialog`` of nobody."""

    def accepted(self) -> None:
        """Nobody is told."""

    def changing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def done(self) -> None:
        """Nobody is told."""

    def still_kept(self) -> None:
        """Nobody is told."""

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        assert names
        return nullcontext()


class Line(NamedTuple):
    """One line; see the module."""

    step: str
    pub: str
    sub: str
    pub_lost: frozenset[int] = NOBODY
    sub_lost: frozenset[int] = NOBODY


class Story:
    """A cluster, and everything that was ever served in it."""

    def __init__(self, root: Path, *, keep_trust: bool, release: str = "12.5") -> None:
        self.cluster = made_cluster(root, keep_trust=keep_trust, release=release)
        self.served: dict[str, list[bytes | None]] = {PUBLISHER: [], SUBSCRIBER: []}
        self._keys: dict[bytes, str] = {}
        self._number: dict[str, int] = {}
        self._saved = b""
        pub, sub = self.cluster.publisher, self.cluster.subscriber
        self.steps: dict[str, Callable[[], object]] = {
            "restart pub": lambda: self.restart(pub),
            "restart sub": lambda: self.restart(sub),
            "systemctl restarts sub": sub.start,
            "restart all": self._restart_all,
            "reset localkey": self._reset,
            "save the key": self._save,
            "reset remotekey": self._reset_with_saved_key,
            "pub goes away": lambda: setattr(pub, "is_dead", True),
            "pub comes back": lambda: setattr(pub, "is_dead", False),
            "sub goes away": lambda: setattr(sub, "is_dead", True),
            "sub comes back": lambda: setattr(sub, "is_dead", False),
            "release 10.0": lambda: self.cluster.set_release("10.0"),
            "release 12.5": lambda: self.cluster.set_release("12.5"),
        }
        for member in (pub, sub):
            for unit in (Unit.CALL_MANAGER, Unit.TVS, Unit.ITL_RECOVERY):
                name = f"regen {NAMES[member.node.name]} {unit}"
                self.steps[name] = partial(self._regen, member, unit)

    def take(self, step: str) -> None:
        self.cluster.clock.pass_seconds(1)
        self.look_at_keys()
        self.steps[step]()
        self.look_at_keys()
        for name, lists in self.served.items():
            lists.append(self._raw(name))

    def _raw(self, name: str) -> bytes | None:
        try:
            return self.cluster.members[name].raw
        except MissingFileError:
            return None

    def look_at_keys(self) -> None:
        for name, member in self.cluster.members.items():
            for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
                if unit in member.keys.units:
                    der = member.keys.certificate(unit).der
                    whose = f"{NAMES[name]} {unit}"
                    if der not in self._keys:
                        number = self._number[whose] = self._number.get(whose, 0) + 1
                        self._keys[der] = f"{whose} {number}" if number > 1 else whose

    def signer(self, name: str) -> str:
        raw = self.served[name][-1]
        return self._keys[read(raw).signed_by.certificate] if raw else "-"

    def lost(self, name: str) -> frozenset[int]:
        now = self.served[name][-1]
        return frozenset(
            at
            for at, held in enumerate(self.served[name])
            if held is not None and now is not None and not takes(held, now)
        )

    def line(self, step: str) -> Line:
        return Line(
            step,
            self.signer(PUBLISHER),
            self.signer(SUBSCRIBER),
            self.lost(PUBLISHER),
            self.lost(SUBSCRIBER),
        )

    def restart(self, member: Member) -> None:
        restart_service(member.site, TFTP, Silent())

    def _restart_all(self) -> None:
        for member in self.cluster.members.values():
            self.restart(member)

    def _regen(self, member: Member, unit: Unit) -> None:
        self.cluster.clock.pass_seconds(301)
        regenerate(member.site, unit)

    def _reset(self) -> None:
        self.cluster.apply(plan_local_reset(self.cluster.site))

    def _save(self) -> None:
        self._saved = self.cluster.site.home.read(RECOVERY_FILE)

    def _reset_with_saved_key(self) -> None:
        self.cluster.apply(remote_plan(self.cluster.site, self._saved))


def gone(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


FIRST = [Line("restart all", ITLR, ITLR)]
SUB_CCM = "sub CallManager"
# With ``keep_trust`` off as well as on.
HISTORIES: dict[str, list[Line]] = {
    "from 10.0 to 12.5, then regenerations": [
        Line("release 10.0", "-", "-"),
        Line("restart all", CCM, SUB_CCM),
        Line("release 12.5", CCM, SUB_CCM),
        Line("systemctl restarts sub", CCM, SUB_CCM),  # it was given none yet
        Line("restart all", ITLR, ITLR),
        Line("regen pub CallManager", ITLR, ITLR),
        Line("regen sub CallManager", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
    ],
    "from 12.5 back to 10.0": [
        *FIRST,
        Line("release 10.0", ITLR, ITLR),
        Line("restart all", CCM, SUB_CCM),
        Line("release 12.5", CCM, SUB_CCM),
        Line("restart all", ITLR, ITLR),
    ],
    "CallManager of the publisher, two restarts": [
        *FIRST,
        Line("regen pub CallManager", ITLR, ITLR),
        Line("restart pub", ITLR, ITLR),
        Line("restart sub", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
    ],
    "CallManager and TVS of the publisher at once": [
        *FIRST,
        Line("regen pub CallManager", ITLR, ITLR),
        Line("regen pub TVS", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
    ],
    "CallManager and TVS of both nodes at once, twice": [
        *FIRST,
        Line("regen pub CallManager", ITLR, ITLR),
        Line("regen sub CallManager", ITLR, ITLR),
        Line("regen pub TVS", ITLR, ITLR),
        Line("regen sub TVS", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
        Line("regen sub CallManager", ITLR, ITLR),
        Line("regen sub TVS", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
    ],
    "CallManager of the subscriber while the publisher is away": [
        *FIRST,
        Line("pub goes away", ITLR, ITLR),
        Line("regen sub CallManager", ITLR, ITLR),
        Line("restart sub", ITLR, ITLR),
        Line("pub comes back", ITLR, ITLR),
        Line("restart sub", ITLR, ITLR),
        Line("systemctl restarts sub", ITLR, ITLR),
    ],
    "the subscriber is away while the publisher changes": [
        *FIRST,
        Line("sub goes away", ITLR, ITLR),
        Line("regen pub TVS", ITLR, ITLR),
        Line("restart pub", ITLR, ITLR),
        Line("sub comes back", ITLR, ITLR),
        Line("systemctl restarts sub", ITLR, ITLR),
        Line("restart sub", ITLR, ITLR),
    ],
    "ITLRecovery came back from the backup server": [
        *FIRST,
        Line("save the key", ITLR, ITLR),
        Line("reset remotekey", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
    ],
}
# With it off: the document's ways to lose trust, and back.
LOSING: dict[str, list[Line]] = {
    "ITLRecovery regenerated, and restarts": [
        *FIRST,
        Line("regen pub ITLRecovery", ITLR, ITLR),
        Line("restart pub", f"{ITLR} 2", ITLR, gone(0, 1)),
        Line("restart sub", f"{ITLR} 2", f"{ITLR} 2", gone(0, 1), gone(0, 1, 2)),
        # Phones know CallManager still; those of the subscriber know only its own.
        Line("reset localkey", CCM, CCM, NOBODY, gone(0, 1, 2, 3)),
        Line("restart all", f"{ITLR} 2", f"{ITLR} 2", gone(0, 1), gone(0, 1, 2)),
    ],
    "ITLRecovery regenerated, and the saved one back": [
        *FIRST,
        Line("save the key", ITLR, ITLR),
        Line("regen pub ITLRecovery", ITLR, ITLR),
        Line("restart all", f"{ITLR} 2", f"{ITLR} 2", gone(0, 1, 2), gone(0, 1, 2)),
        Line("reset remotekey", ITLR, ITLR, gone(3), gone(3)),
        Line("restart all", ITLR, ITLR, gone(3), gone(3)),
    ],
    "localkey until the next restart": [
        *FIRST,
        Line("reset localkey", CCM, CCM, NOBODY, gone(0)),
        Line("restart pub", ITLR, CCM, NOBODY, gone(0)),
        Line("restart sub", ITLR, ITLR),
    ],
    "CallManager regenerated, then localkey": [
        *FIRST,
        Line("regen pub CallManager", ITLR, ITLR),
        Line("restart all", ITLR, ITLR),
        Line("reset localkey", f"{CCM} 2", f"{CCM} 2", gone(0, 1), gone(0, 1, 2)),
        Line("restart all", ITLR, ITLR),
    ],
}
# With it on: nobody is lost but by a reset that a person agreed to.
KEEPING: dict[str, list[Line]] = {
    "ITLRecovery regenerated, and restarts": [
        *FIRST,
        Line("regen pub ITLRecovery", ITLR, ITLR),
        Line("restart pub", CCM, ITLR),
        Line("restart sub", CCM, ITLR),
        Line("restart all", CCM, ITLR),
        Line("regen pub CallManager", CCM, ITLR),
        Line("restart all", CCM, ITLR),  # the earlier one: the first list knows no more
    ],
    "ITLRecovery twice": [
        *FIRST,
        Line("regen pub ITLRecovery", ITLR, ITLR),
        Line("restart all", CCM, ITLR),
        Line("regen pub ITLRecovery", CCM, ITLR),
        Line("restart all", CCM, ITLR),
        Line("regen sub TVS", CCM, ITLR),
        Line("restart all", CCM, ITLR),
    ],
    "localkey until the next restart": [
        *FIRST,
        Line("reset localkey", CCM, CCM, NOBODY, gone(0)),
        Line("restart all", ITLR, ITLR),
    ],
    "ITLRecovery regenerated, then the subscriber's CallManager": [
        *FIRST,
        Line("regen pub ITLRecovery", ITLR, ITLR),
        Line("restart all", CCM, ITLR),
        Line("regen sub CallManager", CCM, ITLR),
        Line("restart sub", CCM, ITLR),
        Line("systemctl restarts sub", CCM, ITLR),
    ],
}
ALL = [
    pytest.param(lines, keeps, id=f"{name}, {'keeping' if keeps else 'losing'}")
    for keeps, tables in (
        (False, HISTORIES | LOSING),
        (True, HISTORIES | KEEPING),
    )
    for name, lines in tables.items()
]


@pytest.mark.parametrize(("lines", "keep_trust"), ALL)
def test_who_takes_what_is_served_after_each_step(
    lines: list[Line], keep_trust: bool, tmp_path: Path
) -> None:
    story = Story(tmp_path, keep_trust=keep_trust)
    found = []
    for line in lines:
        story.take(line.step)
        found.append(story.line(line.step))
    assert found == lines
