"""``show itl all``: what each node serves, what is stale of it, and who is silent."""

from __future__ import annotations

from hashlib import md5, sha1
from pathlib import Path
from typing import Any, cast

import pytest

from cucmsh.config.model import TFTP
from cucmsh.layout import LIST_FILE
from cucmsh.pki.model import Unit
from cucmsh.release import RELEASES
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.nodes.service_control import restart_service
from cucmsh.shell.scripted import ScriptedDialog, ScriptedSession
from tests.commands.calls import GRAMMAR, Called, call, run
from tests.services.lists.test_release_histories import Silent
from tests.services.made_cluster import (
    PUBLISHER,
    SUBSCRIBER,
    MadeCluster,
    made_cluster,
    started_cluster,
)

pytestmark = pytest.mark.thorough

ALL = "show itl all"


@pytest.fixture
def three(tmp_path: Path) -> MadeCluster:
    """A publisher, a subscriber and a replica that has the publisher's list."""
    cluster = started_cluster(tmp_path, has_replica=True)
    cluster.replica.store.write(LIST_FILE, cluster.publisher.raw)
    return cluster


def states(called: Called) -> list[str]:
    """The last column of the table."""
    rows = called.text.partition("\n\n")[0].splitlines()[1:]
    return [row.rpartition("  ")[2] for row in rows]


def test_lists_that_differ_by_design_are_current(three: MadeCluster) -> None:
    three.clock.pass_seconds(3 * 3600)
    called = call(three.site, ALL)
    assert called.status == 0
    one, other = three.publisher.raw, three.subscriber.raw
    pub, sub = (sha1(raw).hexdigest() for raw in (one, other))
    assert called.text == (
        "Node       List      Signed by              Age  State\n"
        f"test10pub  {pub[:8]}  test10pub.joemar2.lab  3 h  current\n"
        f"test10sub  {sub[:8]}  test10sub.joemar2.lab  3 h  current\n"
        f"branch1    {pub[:8]}  test10pub.joemar2.lab  3 h  current\n"
        "\n"
        f"{pub[:8]}  test10pub, branch1\n"
        f"{md5(one).hexdigest()}(MD5)\n"
        f"{pub}(SHA1)\n"
        "\n"
        f"{sub[:8]}  test10sub\n"
        f"{md5(other).hexdigest()}(MD5)\n"
        f"{sub}(SHA1)\n"
    )


@pytest.mark.parametrize("keep_trust", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("whose", [PUBLISHER, SUBSCRIBER])
def test_lists_of_each_release_are_current_once_they_were_composed(
    tmp_path: Path, release: str, whose: str, keep_trust: bool
) -> None:
    cluster = made_cluster(tmp_path, keep_trust=keep_trust, release=release)
    members = (cluster.publisher, cluster.subscriber)

    def restart() -> None:
        for member in members:
            restart_service(member.site, TFTP, Silent())

    restart()
    assert states(call(cluster.site, ALL)) == ["current", "current"]
    regenerate(cluster.members[whose].site, Unit.CALL_MANAGER)
    assert "stale" in states(call(cluster.site, ALL))
    # With keep_trust an earlier key may sign; the list names the present one.
    restart()
    assert states(call(cluster.site, ALL)) == ["current", "current"]
    cluster.reset()
    assert states(call(cluster.site, ALL)) == ["current", "current"]


def test_one_list_of_all_after_a_reset_is_current(three: MadeCluster) -> None:
    three.reset()
    called = call(three.site, ALL)
    assert called.status == 0
    assert "  test10pub, test10sub, branch1" in called.text
    assert called.text.count("(SHA1)") == 1
    assert "ITLRECOVERY_test10pub.joemar2.lab" in called.text


@pytest.mark.parametrize("unit", [Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF])
def test_list_is_stale_until_it_names_what_was_regenerated(
    three: MadeCluster, unit: Unit
) -> None:
    regenerate(three.site, unit)
    called = call(three.site, ALL)
    assert called.status == 1
    # The subscriber's own list names the publisher's CallManager nowhere.
    is_everywhere = unit is not Unit.CALL_MANAGER
    others = "stale" if is_everywhere else "current"
    assert states(called) == ["stale", others, "stale"]
    reason = f"it does not name the present {unit} certificate of {PUBLISHER}."
    assert f"{PUBLISHER}: stale: {reason}" in called.lines
    assert (f"{SUBSCRIBER}: stale: {reason}" in called.lines) == is_everywhere
    three.publisher.start()
    three.subscriber.start()
    after = call(three.site, ALL)
    assert states(after) == ["current", "current", "stale"]
    assert f"branch1: stale: it is not the list of {PUBLISHER}." in after.lines
    assert "utils itl preview restart" in after.text
    strict = call(three.site, ALL, helpful=False)
    assert "utils itl preview restart" not in strict.text


def test_subscribers_own_key_is_asked_about_from_both_sides(
    three: MadeCluster,
) -> None:
    regenerate(three.subscriber.site, Unit.CALL_MANAGER)
    for site in (three.site, three.subscriber.site):
        assert states(call(site, ALL))[:2] == ["current", "stale"]


def test_recovery_key_that_no_list_names_yet(three: MadeCluster) -> None:
    regenerate(three.site, Unit.ITL_RECOVERY)
    called = call(three.site, ALL)
    assert states(called) == ["stale"] * 3
    assert f"present ITLRecovery certificate of {PUBLISHER}" in called.text


def test_dead_node_and_one_without_a_list_are_outcomes(three: MadeCluster) -> None:
    three.subscriber.is_dead = True
    (Path(three.replica.node.tftp_directory) / LIST_FILE).unlink()
    called = call(three.site, ALL)
    assert called.status == 3
    assert states(called) == ["current", "error", "no list"]
    assert "branch1: no list: it serves no list." in called.lines
    three.subscriber.is_dead = False
    assert call(three.site, ALL).status == 1


def test_this_nodes_own_service_is_asked_not_its_disk(three: MadeCluster) -> None:
    three.publisher.service.is_running = False
    called = call(three.site, ALL)
    assert called.status == 3
    assert states(called)[0] == "error"


@pytest.mark.parametrize("junk", [b"", b"no list", b"\x01" * 3000])
def test_junk_is_named_and_loses_nothing_else(three: MadeCluster, junk: bytes) -> None:
    three.subscriber.service.lies_with = junk
    called = call(three.site, ALL)
    assert called.status == 1
    assert states(called) == ["current", "not verified", "current"]
    assert f"{SUBSCRIBER}: not verified: it is no trust list: " in called.text


def test_flipped_bit_is_not_verified(three: MadeCluster) -> None:
    raw = bytearray(three.subscriber.raw)
    raw[-30] ^= 1
    three.subscriber.service.lies_with = bytes(raw)
    assert states(call(three.site, ALL))[1] == "not verified"


def test_list_of_another_cluster_is_from_elsewhere(
    three: MadeCluster, tmp_path: Path
) -> None:
    other = MadeCluster(tmp_path / "other")
    other.make()
    other.start()
    three.subscriber.service.lies_with = other.publisher.raw
    called = call(three.site, ALL)
    assert states(called)[1] == "from elsewhere"
    assert called.status == 1


def test_narrow_terminal_has_a_line_for_each_column(
    three: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedDialog, "columns", 40)
    lines = call(three.site, ALL).lines
    assert lines[0] == PUBLISHER
    assert lines[2] == "  Signed by: test10pub.joemar2.lab"
    assert all(len(line) <= 46 for line in lines)  # a SHA-1 with its label


def test_document(three: MadeCluster) -> None:
    three.clock.pass_seconds(90)
    session = ScriptedSession(GRAMMAR)
    with ScriptedDialog((), wants_json=True, session=session) as dialog:
        run(dialog, three.site, ALL)
    first, second, third = cast(Any, dialog.json)["nodes"]
    assert first["same_as"] == ["branch1"]
    assert third["same_as"] == [PUBLISHER]
    assert second["sha1"] == sha1(three.subscriber.raw).hexdigest()
    assert second["age_seconds"] == 90
    assert second["reasons"] == []
