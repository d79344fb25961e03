"""A replica has one publisher; another one takes it over only when a person says so."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, StoreError
from cucmsh.layout import LIST_FILE, replica_manifest, replica_publisher
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.replica_records import (
    Publisher,
    claim,
    digest_of_file,
    let_go,
    ourselves,
    read_manifest,
    read_publisher,
)
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.site import Site
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster, started_cluster
from tests.services.replica_boxes import Box, BoxStore, with_boxes

OLD_ONLY, BOTH = "SEP1.cnf.xml", "SEP2.cnf.xml"
STRAY = "SEP3.cnf.xml.sgn"


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(str(tmp_path / "branch1"), "branch1", 7001)


@pytest.fixture
def old(cluster: MadeCluster, box: Box) -> Site:
    """The publisher that brought its files to the replica."""
    site = prepared(cluster, box, OLD_ONLY, BOTH)
    assert push(site).problems == {}
    return site


@pytest.fixture
def rebuilt(tmp_path: Path, old: Site, box: Box) -> Site:
    """Another publisher of the same name and password, which is not the old one."""
    made = started_cluster(tmp_path / "rebuilt")
    site = prepared(made, box, BOTH)
    assert own_id(site) != own_id(old)
    return site


def prepared(made: MadeCluster, box: Box, *names: str) -> Site:
    made.site.home.remove("state/node.toml")  # all made clusters are copies of one
    site = with_boxes(made, box)
    for name in names:
        Path(site.tftp.root, name).write_bytes(f"<{name}/>".encode())
    sign_files(site, choose(site))
    return site


def tree(box: Box) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for root in (box.files.root, box.account.root)
        for path in Path(root).rglob("*")
        if path.is_file()
    }


def test_id_is_kept_and_survives_another_name(cluster: MadeCluster) -> None:
    first = own_id(cluster.site)
    settings = cluster.site.settings
    renamed = settings.node._replace(name="other")
    nodes = tuple(
        renamed if node.name == settings.node.name else node
        for node in settings.cluster.nodes
    )
    there = settings.cluster._replace(nodes=nodes)
    settings = settings._replace(node=renamed, cluster=there)
    again = called(Site(settings, cluster.clock, cluster.site.backends))
    assert own_id(again) == first
    assert len(first) == 32


@pytest.mark.thorough
def test_another_publisher_is_refused_and_changes_nothing(
    rebuilt: Site, old: Site, box: Box
) -> None:
    before = tree(box)
    problem = push(rebuilt).problems["branch1"]
    assert "belongs to another publisher" in problem
    assert own_id(old)[:12] in problem
    assert "cucmsh node add branch1" in problem
    assert tree(box) == before


@pytest.mark.thorough
def test_taken_over_it_serves_nothing_old_but_what_nobody_brought(
    rebuilt: Site, old: Site, box: Box
) -> None:
    box.files.write(STRAY, b"by hand")
    taken_from = read_publisher(box.account, box.node)
    assert taken_from == ourselves(old)
    claim(rebuilt, box.account, box.node, taken_from)
    assert push(rebuilt).problems == {}
    assert sorted(os.listdir(box.files.root)) == [LIST_FILE, f"{BOTH}.sgn", STRAY]
    for name in (LIST_FILE, f"{BOTH}.sgn"):
        assert box.files.read(name) == rebuilt.tftp.read(name)
    # The old one comes back, and is refused in its turn.
    before = tree(box)
    assert "another publisher" in push(old).problems["branch1"]
    assert tree(box) == before


@pytest.mark.thorough
def test_file_that_somebody_changed_since_is_left(
    rebuilt: Site, old: Site, box: Box
) -> None:
    box.files.write(f"{OLD_ONLY}.sgn", b"by hand")
    claim(rebuilt, box.account, box.node, ourselves(old))
    assert push(rebuilt).problems == {}
    assert box.files.read(f"{OLD_ONLY}.sgn") == b"by hand"


@pytest.mark.thorough
@pytest.mark.usefixtures("old")
def test_only_the_publisher_that_was_shown_can_be_replaced(
    rebuilt: Site, box: Box
) -> None:
    for agreed in (None, Publisher("f" * 32, "third.example.org")):
        with pytest.raises(RefusedError, match="another publisher"):
            claim(rebuilt, box.account, box.node, agreed)


@pytest.mark.thorough
@pytest.mark.parametrize("raw", [b"", b"junk", b"{}", b"[]", b'{"id": "a\\u001b"}'])
def test_record_that_cannot_be_read_is_nobody_s_to_take_unasked(
    old: Site, box: Box, raw: bytes
) -> None:
    box.account.write(replica_publisher(box.node.tftp_directory), raw)
    assert "cannot be read" in push(old).problems["branch1"]
    claim(old, box.account, box.node, read_publisher(box.account, box.node))
    assert push(old).problems == {}


@pytest.mark.parametrize(
    "raw", [b'{"id": "", "name": "x"}', b'{"id": "x", "name": "a\\u001b[2J"}']
)
def test_record_with_an_impossible_id_or_name_is_unreadable(
    old: Site, box: Box, raw: bytes
) -> None:
    box.account.write(replica_publisher(box.node.tftp_directory), raw)
    assert "cannot be read" in push(old).problems["branch1"]


@pytest.mark.thorough
def test_released_replica_can_be_taken_unasked(
    rebuilt: Site, old: Site, box: Box
) -> None:
    let_go(rebuilt, box.account, box.node)  # not theirs to give up
    assert read_publisher(box.account, box.node) == ourselves(old)
    let_go(old, box.account, box.node)
    assert push(rebuilt).problems == {}
    assert read_publisher(box.account, box.node) == ourselves(rebuilt)


def test_hostile_list_of_files_reaches_nothing_outside(old: Site, box: Box) -> None:
    outside = Path(box.files.root).parent / "outside"
    outside.write_bytes(b"precious")
    entry = [digest_of_file(b"precious"), 8, 0]
    listed = {"../outside": entry, str(outside): entry, "a/../../outside": entry}
    packed = zlib.compress(json.dumps(listed).encode())
    box.account.write(replica_manifest(box.node.tftp_directory), packed)
    assert push(old).problems == {}
    assert outside.exists()


def test_old_file_that_cannot_be_removed_is_told_and_tried_again(
    old: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (OLD_ONLY, f"{OLD_ONLY}.sgn"):
        Path(old.tftp.root, name).unlink()

    def refuse(_: BoxStore, name: str) -> None:
        raise StoreError(f"{name}: Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(BoxStore, "remove", refuse)
        problem = push(old).problems["branch1"]
        assert f"{OLD_ONLY}.sgn: it is gone here and served there" in problem
    assert f"{OLD_ONLY}.sgn" in read_manifest(box.account, box.node)
    assert push(old).problems == {}
    assert f"{OLD_ONLY}.sgn" not in os.listdir(box.files.root)


@pytest.mark.thorough
def test_what_a_push_that_died_left_half_done_is_known_by_both_digests(
    old: Site, box: Box
) -> None:
    """It died before its first rename; then the file is gone here."""
    Path(old.tftp.root, OLD_ONLY).write_bytes(b"<new/>")
    sign_files(old, choose(old))
    box.done.clear()
    box.breaks_at = 4  # list and file read, file staged, record written
    assert push(old).problems
    assert box.writes() == []
    entry = read_manifest(box.account, box.node)[f"{OLD_ONLY}.sgn"]
    assert entry.earlier
    box.breaks_at = -1
    for name in (OLD_ONLY, f"{OLD_ONLY}.sgn"):
        Path(old.tftp.root, name).unlink()
    assert push(old).problems == {}
    assert f"{OLD_ONLY}.sgn" not in os.listdir(box.files.root)
