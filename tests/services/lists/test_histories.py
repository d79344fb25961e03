"""Histories of lists: does a phone still trust what is served now?

The tables, with what each of their lines says, are in ``histories``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.outcome import State
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.tags import Role
from tests.services.histories import HISTORIES
from tests.services.made_cluster import (
    MadeCluster,
    Member,
    accepts,
    foreign_key_file,
    remote_plan,
    started_cluster,
)

pytestmark = pytest.mark.thorough

REBUILT = "rebuild of the publisher"


class Steps:
    """What the tables' words do to a cluster.

    Attributes:
        was_asked: whether the last step needed a typed yes.
    """

    def __init__(self, cluster: MadeCluster) -> None:
        self._cluster = cluster
        self._saved: list[bytes] = []
        self.was_asked = False
        self.table: dict[str, Callable[[], object]] = {
            "start": cluster.start,
            "restart of the publisher": cluster.publisher.start,
            "reboot of the subscriber": self._reboot,
            "reset": lambda: self._reset(b""),
            "save the key": lambda: self._saved.append(cluster.key_file()),
            "reset with the saved key": lambda: self._reset(self._saved[0]),
            "reset with the later key": lambda: self._reset(self._saved[1]),
            "reset with a foreign key": lambda: self._reset(foreign_key_file()),
            "regen CallManager": lambda: self._regen(cluster.site, Unit.CALL_MANAGER),
            "regen TVS": lambda: self._regen(cluster.site, Unit.TVS),
            "regen ITLRecovery": lambda: self._regen(cluster.site, Unit.ITL_RECOVERY),
            "regen the subscriber's CallManager": lambda: self._regen(
                cluster.subscriber.site, Unit.CALL_MANAGER
            ),
            REBUILT: self._rebuild,
        }

    def take(self, step: str) -> None:
        self._cluster.clock.pass_seconds(1)
        self.was_asked = False
        self.table[step]()

    def _regen(self, site: Site, unit: Unit) -> None:
        self._cluster.clock.pass_seconds(301)
        assert all(outcome.is_done for outcome in regenerate(site, unit))

    def _reset(self, key_file: bytes) -> None:
        site = self._cluster.site
        plan = remote_plan(site, key_file) if key_file else plan_local_reset(site)
        self.was_asked = bool(plan.questions)
        report = self._cluster.apply(plan)[0]
        # A member whose own phones would be lost keeps its list until a release there.
        kept = [each for each in report.outcomes if each.state is State.PENDING]
        assert all("`utils itl trust release` on test10sub" in k.reason for k in kept)
        assert report.exit_status == (3 if kept else 0)
        assert not kept or site.settings.keep_trust

    def _reboot(self) -> None:
        self._cluster.clock.reboot()
        self._cluster.subscriber.start()

    def _rebuild(self) -> None:
        """New keys, the same passwords, the certificates from the subscriber."""
        site = self._cluster.site
        for folder in (site.settings.home, site.node.tftp_directory):
            shutil.rmtree(folder)
            Path(folder).mkdir(mode=0o700)
        self._cluster.make()
        with suppress(RefusedError):  # keep_trust: no key that phones of old lists know
            self._cluster.publisher.start()


@pytest.mark.parametrize("keep_trust", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("name", HISTORIES)
def test_lists_of_the_history_accept_what_is_served_now(
    name: str, keep_trust: bool, tmp_path: Path
) -> None:
    who, history = HISTORIES[name]
    cluster = started_cluster(tmp_path, keep_trust=keep_trust)
    steps, told = Steps(cluster), []
    served: list[TrustList | None] = []
    for number, (step, _, _) in enumerate(history):
        steps.take(step)
        served.append(served_by(cluster.members[who]))
        taken = takers(served)
        told.append(taken)
        if keep_trust and number and step != REBUILT and not steps.was_asked:
            assert number - 1 in taken  # no phone that follows is ever lost
    expected = [
        kept if keep_trust and kept is not None else original
        for _, original, kept in history
    ]
    assert told == expected


def served_by(member: Member) -> TrustList | None:
    try:
        return member.served
    except MissingFileError:
        return None


def takers(served: list[TrustList | None]) -> set[int]:
    """The numbers of the lists whose holders take the last one; nobody takes none."""
    last = served[-1]
    return {
        at for at, held in enumerate(served) if held and last and accepts(held, last)
    }


def follow(cluster: MadeCluster, steps: str) -> list[str]:
    """Take the steps; gives those after which the phones of a node were lost."""
    does = Steps(cluster)
    members = list(cluster.members.values())
    held = [member.served for member in members]
    lost = []
    for step in steps.split(", "):
        does.take(step)
        for number, member in enumerate(members):
            if accepts(held[number], member.served):
                held[number] = member.served
            else:
                lost.append(f"{step}: {member.site.node.name}")
    return lost


@pytest.mark.parametrize(
    "steps",
    [
        "regen CallManager, start, regen CallManager, start, reset, start",
        "regen CallManager, regen TVS, start, start",
        "regen ITLRecovery, regen CallManager, start, start",
        "reset, regen CallManager, start, regen ITLRecovery, start",
        "save the key, regen CallManager, start, reset with the saved key, start",
    ],
)
def test_no_phone_that_follows_is_lost_while_keep_trust_is_on(
    keeping: MadeCluster, steps: str
) -> None:
    assert follow(keeping, steps) == []


def test_the_same_steps_lose_phones_while_keep_trust_is_off(
    cluster: MadeCluster,
) -> None:
    lost = follow(cluster, "regen CallManager, start, reset, start")
    # The subscriber's next start goes back to its own key, which the publisher's
    # list does not name: those phones need TVS.
    assert lost == [f"start: {name}" for name in ("test10pub", "test10sub")]


def test_keep_trust_signs_with_the_recovery_key_and_says_so(
    keeping: MadeCluster,
) -> None:
    regenerate(keeping.site, Unit.CALL_MANAGER)
    said = keeping.publisher.start()
    assert keeping.publisher.signer == "CN=ITLRECOVERY_test10pub.joemar2.lab"
    assert said.startswith("composed ")
    assert "signed with the ITLRecovery key" in said


def test_an_earlier_key_signs_where_no_present_one_would_be_accepted(
    keeping: MadeCluster,
) -> None:
    before = keeping.publisher.served
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.clock.pass_seconds(301)
    regenerate(keeping.site, Unit.CALL_MANAGER)
    assert keeping.publisher.start().startswith("composed ")
    served = keeping.publisher.served
    assert accepts(before, served)
    roles = [record.role for record in served.records]
    assert roles.count(Role.SAST) == 2  # phones take no more
    serving = keeping.publisher.keys.certificate(Unit.CALL_MANAGER).der
    assert served.records[1].certificate == serving
    recovery = keeping.publisher.keys.certificate(Unit.ITL_RECOVERY).der
    assert recovery in {record.certificate for record in served.records}


def test_keep_trust_keeps_the_served_list_where_no_key_would_be_accepted(
    keeping: MadeCluster,
) -> None:
    before = keeping.publisher.raw
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.clock.pass_seconds(301)
    regenerate(keeping.site, Unit.CALL_MANAGER)
    for earlier in (f"{RECOVERY_FILE}.1", "security/CallManager/private.pem.1"):
        keeping.site.home.remove(earlier)
    assert keeping.publisher.start().startswith("kept ")
    assert keeping.publisher.raw == before
    assert "utils itl trust release" in login_notice(keeping.site)


def test_a_subscriber_keeps_the_served_list_while_its_phones_would_refuse(
    keeping: MadeCluster,
) -> None:
    before = keeping.subscriber.raw
    regenerate(keeping.subscriber.site, Unit.CALL_MANAGER)
    keeping.subscriber.site.home.remove("security/CallManager/private.pem.1")
    assert "the served list was kept" in keeping.subscriber.start()
    assert keeping.subscriber.raw == before
