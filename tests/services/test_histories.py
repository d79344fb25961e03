"""Histories of lists as tables: does a phone still trust what is served now?

Each line of a history is a step and the lists that would accept what is served after
it, by the numbers of the steps after which they were served. A phone that fetched at
step 3 and slept since is list 3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.pki.model import Unit
from cucmsh.services.regenerate import regenerate
from tests.services.made_cluster import (
    MadeCluster,
    accepts,
    foreign_key_file,
    made_cluster,
)

History = list[tuple[str, set[int]]]

RESET_AND_BACK: History = [
    ("start", {0}),
    ("reset", {0, 1}),
    ("start", {0, 1, 2}),
    ("reset", {0, 1, 2, 3}),
]
LOST_AND_FOUND: History = [
    ("start", {0}),
    ("regen CallManager", {0, 1}),
    ("start", {2}),  # the trouble of the story: phones that hold 0 and 1 are lost
    ("reset", {0, 1, 2, 3}),  # and the cure
    ("start", {2, 3, 4}),  # undone
]
TVS_ALONE_LOSES_NOBODY: History = [
    ("start", {0}),
    ("regen TVS", {0, 1}),
    ("start", {0, 1, 2}),
    ("reset", {0, 1, 2, 3}),
]
RECOVERY_KEY_CHANGED: History = [
    ("start", {0}),
    ("save the key", {0, 1}),
    ("regen ITLRecovery", {0, 1, 2}),
    ("reset", {3}),  # too soon: no phone has the new key yet (the plan asks first)
    ("reset with the saved key", {0, 1, 2, 4}),
    ("start", {0, 1, 2, 3, 4, 5}),
]
RECOVERY_KEY_CHANGED_IN_ORDER: History = [
    ("start", {0}),
    ("save the key", {0, 1}),
    ("regen ITLRecovery", {0, 1, 2}),
    ("start", {0, 1, 2, 3}),  # CallManager signs, so the new key reaches the phones
    ("regen CallManager", {0, 1, 2, 3, 4}),
    ("start", {5}),
    ("reset", {3, 4, 5, 6}),
    ("reset with the saved key", {0, 1, 2, 7}),
]
FOREIGN_KEY: History = [
    ("start", {0}),
    ("save the key", {0, 1}),
    ("reset with a foreign key", {2}),
    ("start", {0, 1, 2, 3}),
    ("reset with the saved key", {0, 1, 4}),
]
HISTORIES = {
    "reset and back": RESET_AND_BACK,
    "lost and found": LOST_AND_FOUND,
    "tvs alone loses nobody": TVS_ALONE_LOSES_NOBODY,
    "recovery key changed": RECOVERY_KEY_CHANGED,
    "recovery key changed in order": RECOVERY_KEY_CHANGED_IN_ORDER,
    "foreign key": FOREIGN_KEY,
}


def steps_of(cluster: MadeCluster) -> dict[str, Callable[[], object]]:
    saved: list[bytes] = []

    def regen(unit: Unit) -> None:
        cluster.clock.pass_seconds(301)
        assert all(outcome.is_done for outcome in regenerate(cluster.site, unit))

    def reset(key_file: bytes) -> None:
        assert cluster.reset(key_file).exit_status == 0

    return {
        "start": cluster.start,
        "reset": lambda: reset(b""),
        "save the key": lambda: saved.append(cluster.key_file()),
        "reset with the saved key": lambda: reset(saved[0]),
        "reset with a foreign key": lambda: reset(foreign_key_file()),
        "regen CallManager": lambda: regen(Unit.CALL_MANAGER),
        "regen TVS": lambda: regen(Unit.TVS),
        "regen ITLRecovery": lambda: regen(Unit.ITL_RECOVERY),
    }


@pytest.mark.parametrize("name", HISTORIES)
def test_lists_of_the_history_accept_what_is_served_now(
    name: str, tmp_path: Path
) -> None:
    cluster = made_cluster(tmp_path)
    steps, served, told = steps_of(cluster), [], []
    for step, _ in HISTORIES[name]:
        cluster.clock.pass_seconds(1)
        steps[step]()
        served.append(cluster.publisher.served)
        told.append(
            {number for number, held in enumerate(served) if accepts(held, served[-1])}
        )
    assert told == [accepting for _, accepting in HISTORIES[name]]


def follow(cluster: MadeCluster, steps: str) -> list[str]:
    """Take the steps; gives those after which the phones of a node were lost."""
    does = steps_of(cluster)
    members = list(cluster.members.values())
    held = [member.served for member in members]
    lost = []
    for step in steps.split(", "):
        cluster.clock.pass_seconds(1)
        does[step]()
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


def test_keep_trust_keeps_the_served_list_where_no_key_would_be_accepted(
    keeping: MadeCluster,
) -> None:
    before = keeping.publisher.raw
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.clock.pass_seconds(301)
    regenerate(keeping.site, Unit.CALL_MANAGER)
    assert keeping.publisher.start().startswith("kept ")
    assert keeping.publisher.raw == before


def test_a_subscriber_keeps_the_served_list_while_its_phones_would_refuse(
    keeping: MadeCluster,
) -> None:
    before = keeping.subscriber.raw
    regenerate(keeping.subscriber.site, Unit.CALL_MANAGER)
    assert "the served list was kept" in keeping.subscriber.start()
    assert keeping.subscriber.raw == before
