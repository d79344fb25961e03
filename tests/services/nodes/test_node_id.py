"""What is kept about a node still means it when its name was changed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cucmsh.config.model import Node
from cucmsh.errors import BusyError
from cucmsh.layout import (
    JOURNAL,
    NODES,
    REPLICAS,
    facts_file,
    trusted_folder,
    trusted_id,
)
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.list_records import own_records
from cucmsh.services.nodes import node_id
from cucmsh.services.nodes.node_id import (
    ids_by_name,
    known_ids,
    learn,
    own_id,
    renamed,
    with_ids,
)
from cucmsh.services.outcome import State
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import drop_node, login_notice
from cucmsh.services.records.reset_journal import read_reset
from cucmsh.services.records.state import recall, remember
from cucmsh.services.records.waiting import note_waiting, open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from tests.services.made_cluster import (
    PUBLISHER,
    REPLICA,
    SUBSCRIBER,
    MadeCluster,
    started_cluster,
)

NEW = "shop1"


@pytest.fixture
def whole(tmp_path: Path) -> MadeCluster:
    """A publisher, a subscriber and a replica; ``keep_trust`` is on."""
    return started_cluster(tmp_path, keep_trust=True, has_replica=True)


def with_names(site: Site, names: dict[str, str]) -> Site:
    """The same node after names were changed in its configuration, and nothing else."""

    def called(node: Node) -> Node:
        return node._replace(name=names.get(node.name, node.name))

    cluster = site.settings.cluster
    cluster = cluster._replace(nodes=tuple(map(called, cluster.nodes)))
    settings = site.settings._replace(cluster=cluster, node=called(site.node))
    return Site(settings, site.clock, site.backends)


def rename(made: MadeCluster, old: str, new: str) -> None:
    made.publisher.site = with_names(made.site, {old: new})


@pytest.mark.thorough
def test_open_reset_goes_on_with_a_renamed_member(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    first = cluster.reset()
    assert [outcome.name for outcome in first.pending] == [SUBSCRIBER]
    begun = read_reset(cluster.site)
    rename(cluster, SUBSCRIBER, NEW)
    journal = read_reset(cluster.site)
    assert begun
    assert journal
    assert journal.pending == (NEW,)
    assert journal.active == begun.active  # the dead one was not asked
    assert f"pending: {NEW}." in login_notice(cluster.site)
    cluster.subscriber.is_dead = False
    again = cluster.reset()
    assert {outcome.name: outcome.state for outcome in again.outcomes} == {
        PUBLISHER: State.UNCHANGED,
        NEW: State.UPDATED,
    }
    assert read_reset(cluster.site) is None
    assert cluster.subscriber.raw == cluster.publisher.raw  # those very bytes


@pytest.mark.thorough
def test_open_reset_goes_on_where_the_publisher_was_renamed(
    cluster: MadeCluster,
) -> None:
    own_id(cluster.site)
    cluster.subscriber.is_dead = True
    cluster.publisher.service.lies_with = b"not the list"
    cluster.reset()
    rename(cluster, PUBLISHER, "headquarters")
    journal = read_reset(cluster.site)
    assert journal
    assert journal.pending == ("headquarters", SUBSCRIBER)


@pytest.mark.thorough
def test_journal_of_another_publisher_is_ignored(cluster: MadeCluster) -> None:
    own_id(cluster.site)
    cluster.subscriber.is_dead = True
    cluster.reset()
    remember(cluster.site.home, "node", {"id": "0" * 32})
    rename(cluster, PUBLISHER, "headquarters")
    assert read_reset(cluster.site) is None


def test_pending_replica_is_told_by_its_new_name(whole: MadeCluster) -> None:
    note_waiting(whole.site, Work.PUSH, {REPLICA: "it does not answer (yet)"})
    rename(whole, REPLICA, NEW)
    (work,) = open_waiting(whole.site, Work.PUSH)
    line = work.line
    assert f"{NEW} (it does not answer (yet))" in line
    assert REPLICA not in line
    drop_node(whole.site, NEW)
    assert open_waiting(whole.site, Work.PUSH) == []


def test_history_knows_a_renamed_node(whole: MadeCluster) -> None:
    raw = whole.publisher.raw
    History(whole.site).note_elsewhere(REPLICA, raw)
    rename(whole, REPLICA, NEW)
    kept = History(whole.site).find(raw)
    assert kept
    assert kept.nodes == (NEW,)


@pytest.mark.thorough
def test_trust_store_finds_a_renamed_member(whole: MadeCluster) -> None:
    before = own_records(whole.site)
    ids_by_name(whole.site)
    rename(whole, SUBSCRIBER, NEW)
    node = whole.site.settings.cluster.nodes[1]
    assert Keystore(whole.site).trusted(node, Unit.TVS)
    assert own_records(whole.site) == before


@pytest.mark.parametrize("is_marked", [True, False])
def test_member_without_a_way_is_found_by_its_alias(
    tmp_path: Path, is_marked: bool
) -> None:
    """A subscriber does not log in to another; the folder of old has no id."""
    whole = started_cluster(tmp_path, keep_trust=True)

    def called(site: Site, name: str, *aliases: str) -> Site:
        cluster = site.settings.cluster
        nodes = tuple(
            node._replace(name=name, ssh=None, aliases=aliases)
            if node.name in (SUBSCRIBER, NEW)
            else node
            for node in cluster.nodes
        )
        settings = site.settings._replace(cluster=cluster._replace(nodes=nodes))
        return Site(settings, site.clock, site.backends)

    before = called(whole.site, SUBSCRIBER)
    there = ids_by_name(before)[SUBSCRIBER]
    mark = trusted_id(trusted_folder(SUBSCRIBER))
    if not is_marked:
        before.home.remove(mark)
    after = called(whole.site, NEW, SUBSCRIBER)
    assert ids_by_name(after)[NEW] == there
    node = after.settings.cluster.find(SUBSCRIBER)
    assert node
    assert Keystore(after).trusted(node, Unit.TVS)
    assert own_records(after) == own_records(before)


def test_names_that_were_exchanged_do_not_exchange_certificates(
    whole: MadeCluster,
) -> None:
    ids_by_name(whole.site)
    tvs = Keystore(whole.site).trusted(whole.subscriber.node, Unit.TVS)
    assert tvs
    rename(whole, SUBSCRIBER, "for a moment")
    rename(whole, REPLICA, SUBSCRIBER)
    rename(whole, "for a moment", REPLICA)
    subscriber, replica = whole.site.settings.cluster.nodes[1:]
    assert (subscriber.name, replica.name) == (REPLICA, SUBSCRIBER)
    keystore = Keystore(whole.site)
    assert keystore.trusted(subscriber, Unit.TVS) == tvs
    assert keystore.trusted_folder(replica) != trusted_folder(SUBSCRIBER)
    assert keystore.trusted(replica, Unit.TVS) is None


def test_id_that_a_member_tells_takes_the_place_of_the_derived_one(
    whole: MadeCluster,
) -> None:
    written = with_ids(whole.site, [SUBSCRIBER])
    told = own_id(whole.subscriber.site)
    learn(whole.site, SUBSCRIBER, told)
    assert ids_by_name(whole.site)[SUBSCRIBER] == told
    rename(whole, SUBSCRIBER, NEW)
    assert ids_by_name(whole.site)[NEW] == told
    assert renamed(whole.site, written) == {SUBSCRIBER: NEW}  # written before


def test_node_that_was_built_anew_is_known_by_its_name(whole: MadeCluster) -> None:
    before = ids_by_name(whole.site)
    site = whole.site
    cluster = site.settings.cluster
    nodes = [
        node._replace(ssh=node.ssh._replace(host_key="ssh-ed25519 AAAAanother"))
        if node.ssh and node.name == REPLICA
        else node
        for node in cluster.nodes
    ]
    settings = site.settings._replace(cluster=cluster._replace(nodes=tuple(nodes)))
    assert ids_by_name(Site(settings, site.clock, site.backends)) == before


def test_one_of_two_nodes_on_one_machine_was_renamed(whole: MadeCluster) -> None:
    """Two replicas by one sshd, each with a directory of its own."""
    site = whole.site
    cluster = site.settings.cluster
    second = cluster.nodes[2]._replace(name="branch2", tftp_directory="/srv/second")
    settings = site.settings._replace(
        cluster=cluster._replace(nodes=(*cluster.nodes, second))
    )
    both = Site(settings, site.clock, site.backends)
    before = ids_by_name(both)
    after = ids_by_name(with_names(both, {"branch2": NEW}))
    assert after[NEW] == before["branch2"]
    assert after[REPLICA] == before[REPLICA]


def test_derived_ids_are_the_same_whoever_derives_them(whole: MadeCluster) -> None:
    whole.site.home.remove(facts_file(NODES))
    first = ids_by_name(whole.site)
    whole.site.home.remove(facts_file(NODES))
    assert ids_by_name(whole.site) == first
    assert len(set(first.values())) == len(first) == 2


@pytest.mark.thorough
@pytest.mark.parametrize(
    "raw", [b"not toml", b"x = 1\n", b'"%s" = ["a"]\n' % (b"0" * 32), b"\xff", b""]
)
def test_file_of_ids_that_cannot_be_read_means_that_names_count(
    cluster: MadeCluster, raw: bytes
) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    cluster.site.home.write(facts_file(NODES), raw)
    journal = read_reset(cluster.site)
    assert journal
    assert journal.pending == (SUBSCRIBER,)
    assert known_ids(cluster.site) == {}


@pytest.mark.thorough
def test_names_stand_in_the_files_for_earlier_versions(whole: MadeCluster) -> None:
    """They read these keys and no other; what is beside them they leave alone."""
    whole.subscriber.is_dead = True
    whole.reset()
    note_waiting(whole.site, Work.PUSH, {REPLICA: "silent"})
    found = tomllib.loads(whole.site.home.read(facts_file(JOURNAL)).decode())
    assert found["version"] == 1
    assert found["cluster"] == f"{PUBLISHER}.joemar2.lab"
    assert found["pending"] == [SUBSCRIBER]
    assert recall(whole.site.home, REPLICAS)["open"] == [f"{REPLICA} (silent)"]


@pytest.mark.thorough
def test_journal_of_an_earlier_version_is_read_by_its_names(
    cluster: MadeCluster,
) -> None:
    cluster.subscriber.is_dead = True
    cluster.reset()
    facts = recall(cluster.site.home, JOURNAL)
    del facts["ids"], facts["publisher"]
    remember(cluster.site.home, JOURNAL, facts)
    journal = read_reset(cluster.site)
    assert journal
    assert journal.pending == (SUBSCRIBER,)


def without(site: Site, name: str) -> Site:
    """The same node with a configuration that does not have that node."""
    cluster = site.settings.cluster
    nodes = tuple(node for node in cluster.nodes if node.name != name)
    settings = site.settings._replace(cluster=cluster._replace(nodes=nodes))
    return Site(settings, site.clock, site.backends)


def test_an_old_configuration_drops_no_id_that_a_newer_one_learned(
    whole: MadeCluster,
) -> None:
    before = ids_by_name(whole.site)
    told = own_id(whole.subscriber.site)
    learn(whole.site, SUBSCRIBER, told)
    stale = with_names(without(whole.site, SUBSCRIBER), {REPLICA: NEW})
    assert ids_by_name(stale) == {NEW: before[REPLICA]}  # and it is written
    assert ids_by_name(whole.site)[SUBSCRIBER] == told
    assert known_ids(whole.site)[SUBSCRIBER] == (told, before[SUBSCRIBER])


def test_nodes_that_left_are_not_kept_for_ever(
    whole: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_id, "MOST_ABSENT", 2)
    last = {}
    for number in range(4):
        renewed = with_names(whole.site, {REPLICA: f"branch{number}"})
        nodes = [_at(node, number) for node in renewed.settings.cluster.nodes]
        cluster = renewed.settings.cluster._replace(nodes=tuple(nodes))
        settings = renewed.settings._replace(cluster=cluster)
        last = ids_by_name(Site(settings, renewed.clock, renewed.backends))
    rows = recall(whole.site.home, NODES)
    assert len(rows) == 2 + len(last)
    assert set(last.values()) < set(rows)


def _at(node: Node, number: int) -> Node:
    """A replica as another machine; other nodes as they are."""
    if node.ssh is None or node.is_member:
        return node
    key = f"ssh-ed25519 AAAAbranch{number}"
    return node._replace(ssh=node.ssh._replace(host_key=key, port=7000 + number))


def test_ids_are_written_by_one_process_at_a_time(
    whole: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.services.site.NODE_LOCK_SECONDS", 0)
    with whole.site.node_lock("a service start"):  # who holds that may write them
        known = ids_by_name(whole.site)
    newer = with_names(whole.site, {REPLICA: NEW})
    written = whole.site.home.read(facts_file(NODES))
    with whole.site.ids_lock():
        assert ids_by_name(whole.site) == known  # nothing is new
        with pytest.raises(BusyError, match="a look at the ids of nodes"):
            ids_by_name(newer)
        with pytest.raises(BusyError):
            learn(whole.site, SUBSCRIBER, own_id(whole.subscriber.site))
        assert with_ids(newer, [NEW]) == []  # then names count
    assert whole.site.home.read(facts_file(NODES)) == written
    assert with_ids(newer, [NEW]) == [f"{known[REPLICA]} {NEW}"]
