"""What is open has one answer; its files hold too many nodes, never too few."""

from __future__ import annotations

import pytest

from cucmsh.errors import StoreError
from cucmsh.layout import JOURNAL, REPLICAS, SIGNING, START, facts_file
from cucmsh.services.records.open_work import drop_node, login_notice, open_work
from cucmsh.services.records.reset_journal import (
    OpenReset,
    begin_reset,
    end_reset,
    read_reset,
    settle_push,
)
from cucmsh.services.records.start_notes import note_start, note_unsigned, settle_start
from cucmsh.services.records.state import (
    Published,
    clear_keep_mark,
    recall,
    remember,
    set_keep_mark,
    write_published,
)
from cucmsh.services.records.waiting import note_waiting, open_waiting
from cucmsh.services.records.work import Work
from tests.services.made_cluster import MadeCluster

WHY = "it is (still) busy (very)"
SHA256 = "ab" * 32
RESET = OpenReset("remotekey", "", SHA256, "", ("test10sub", "branch1"), ("test10sub",))


def test_one_answer_names_all_that_is_open(cluster: MadeCluster) -> None:
    site = cluster.site
    own, since = site.node.name, site.clock.now().isoformat(timespec="seconds")
    set_keep_mark(site.home, SHA256)
    (proof,) = open_work(site)
    assert (proof.kind, list(proof.nodes)) == (Work.PROOF, [own])
    begin_reset(site, RESET)
    write_published(site.home, Published(SHA256, 1, "an earlier key signs"))
    note_start(site, "no disk")
    note_waiting(site, Work.PUSH, {"branch1": WHY})
    note_unsigned(site, "one failed")
    assert [
        (work.kind, dict(work.nodes), work.since, work.finish)
        for work in open_work(site)
    ] == [
        (
            Work.RESET,
            {"test10sub": "", "branch1": ""},
            since,
            "utils itl reset remotekey",
        ),
        (Work.COMPOSE, {own: "an earlier key signs"}, "", ""),
        (Work.START, {own: "no disk"}, since, "utils service restart Cisco Tftp"),
        (Work.PUSH, {"branch1": WHY}, since, "utils tftp sign"),
        (Work.SIGNING, {own: "one failed"}, since, "utils tftp sign"),
    ]
    assert login_notice(site).splitlines() == [work.line for work in open_work(site)]
    end_reset(site, RESET._replace(pending=()))
    clear_keep_mark(site.home, SHA256)
    write_published(site.home, Published(SHA256, 1))
    settle_start(site)
    note_waiting(site, Work.PUSH, {})
    note_unsigned(site, "")
    assert open_work(site) == []
    assert login_notice(site) == ""


def test_a_push_that_is_proven_counts_for_the_open_reset_to_its_list(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    begin_reset(site, RESET)
    settle_push(site, "other", ["branch1"], {})
    assert read_reset(site) == RESET._replace(at=open_work(site)[0].since)
    settle_push(site, SHA256, ["branch1"], {"branch2": WHY})
    reset, push = open_work(site)
    assert (list(reset.nodes), list(push.nodes)) == (["test10sub"], ["branch2"])
    settle_push(site, SHA256, ["test10sub"], {})
    assert open_work(site) == []


def test_a_push_that_dies_while_it_settles_leaves_its_replicas_named(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = cluster.site
    begin_reset(site, RESET)
    note_waiting(site, Work.PUSH, {"branch1": "the last push was not finished"})
    home = site.home
    write = home.write

    def full(name: str, raw: bytes, mode: int = 0o600) -> None:
        if name == facts_file(JOURNAL):
            raise StoreError("the disk is full")
        write(name, raw, mode)

    monkeypatch.setattr(type(home), "write", lambda _, *how: full(*how))
    with pytest.raises(StoreError, match="full"):
        settle_push(site, SHA256, ["branch1"], {})
    monkeypatch.undo()
    reset, push = open_work(site)
    assert list(reset.nodes) == ["test10sub", "branch1"]
    assert list(push.nodes) == ["branch1"]


def test_a_start_in_the_middle_of_a_reset_is_not_written_over(
    cluster: MadeCluster,
) -> None:
    """It holds no lock of the cluster; see docs/decisions/026."""
    site = cluster.site
    begin_reset(site, RESET)
    reset = read_reset(site)
    assert reset
    note_waiting(site, Work.PUSH, {"branch1": WHY})
    end_reset(site, reset._replace(pending=("test10sub",)))
    assert {work.kind: list(work.nodes) for work in open_work(site)} == {
        Work.RESET: ["test10sub"],
        Work.PUSH: ["branch1"],
    }
    end_reset(site, reset._replace(pending=()))
    assert [work.kind for work in open_work(site)] == [Work.PUSH]


def test_a_node_that_left_is_waited_for_by_nothing(cluster: MadeCluster) -> None:
    site = cluster.site
    begin_reset(site, RESET)
    note_waiting(site, Work.PUSH, {"branch1": WHY, "branch2": WHY})
    drop_node(site, "branch1")
    reset, push = open_work(site)
    assert (list(reset.nodes), list(push.nodes)) == (["test10sub"], ["branch2"])
    drop_node(site, "test10sub")
    drop_node(site, "branch2")
    assert open_work(site) == []


def test_a_name_with_a_bracket_is_told_from_its_reason(cluster: MadeCluster) -> None:
    site = cluster.site
    note_waiting(site, Work.PUSH, {"branch (old)": WHY, "branch": "silent"})
    drop_node(site, "branch")
    assert recall(site.home, REPLICAS)["names"] == ["branch (old)"]
    (work,) = open_waiting(site, Work.PUSH)
    line = work.line
    assert f": branch (old) ({WHY}). " in line
    drop_node(site, "branch (old)")
    assert open_waiting(site, Work.PUSH) == []


@pytest.mark.parametrize(
    "more", [{}, {"names": ["branch1"], "reasons": []}], ids=["earlier", "damaged"]
)
def test_what_an_earlier_version_wrote_is_read(
    cluster: MadeCluster, more: dict[str, object]
) -> None:
    site = cluster.site
    entries = [f"branch1 ({WHY})", "branch2 (silent)"]
    remember(site.home, REPLICAS, {"open": entries, "at": "then", **more})
    (work,) = open_waiting(site, Work.PUSH)
    line = work.line
    assert f"since then: branch1 ({WHY}), branch2 (silent). " in line
    drop_node(site, "branch2")
    kept = recall(site.home, REPLICAS)
    assert (kept["open"], kept["at"]) == (entries[:1], "then")
    assert (kept["names"], kept["reasons"]) == (["branch1"], [WHY])


def test_what_is_noted_may_hold_bytes_that_are_no_text(cluster: MadeCluster) -> None:
    """A name in Latin-1 (lone surrogates here), and every character that is odd."""
    site = cluster.site
    odd = 'Klingelt\udcf6ne \ud800\udfff \0\x7f"\\\n\U0010ffff'
    note_unsigned(site, odd)
    (work,) = open_work(site)
    assert "Klingelt\\udcf6ne \\ud800\\udfff" in work.line
    assert work.nodes[site.node.name].endswith(' \0\x7f"\\\n\U0010ffff')


def test_what_was_noted_without_a_time_says_so(cluster: MadeCluster) -> None:
    site = cluster.site
    for name in (START, SIGNING):
        remember(site.home, name, {"open": ["no disk"]})
    remember(site.home, REPLICAS, {"open": ["branch1 (silent)"]})
    found = open_work(site)
    assert len(found) == 3
    for work in found:
        assert "an unknown time: " in work.line
        assert work.since == ""
    drop_node(site, "branch2")
    assert [work.line for work in open_work(site)] == [work.line for work in found]
