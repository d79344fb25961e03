"""What `doctor` and `node list` say of the other nodes, and of a replica's files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from cucmsh.errors import ConnectionFailedError, RefusedError
from cucmsh.layout import LIST_FILE, replica_publisher
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.health import node_status
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Finding, Level, exit_status
from cucmsh.services.nodes.health.node_status import (
    NodeHealth,
    Serving,
    look_at_all,
    look_at_others,
)
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from cucmsh.views.documents import nodes_document
from cucmsh.views.health import node_rows
from tests.services.made_cluster import (
    REPLICA,
    SUBSCRIBER,
    MadeCluster,
    ReplicaLink,
    SettableClock,
    started_cluster,
)

PHONE, OTHER = "SEP1.cnf.xml", "SEP2.cnf.xml"


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    """A replica that has all that the publisher has, and a subscriber."""
    made = started_cluster(tmp_path / "cluster", has_replica=True)
    for name in (PHONE, OTHER):
        put(made.site.tftp.root, name)
        put(made.replica.store.root, name)
    sign(made.site)
    return made


def put(root: str, name: str, raw: bytes = b"<device/>") -> None:
    path = Path(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def sign(site: Site) -> None:
    sign_files(site, choose(site))
    assert push(site).problems == {}


def of(cluster: MadeCluster, name: str = REPLICA) -> NodeHealth:
    return next(at for at in look_at_all(cluster.site) if at.node.name == name)


def bad(status: NodeHealth) -> list[Finding]:
    return [at for at in status.findings if at.level is not Level.OK]


@pytest.mark.thorough
def test_nodes_that_are_well_say_so_and_nothing_changes(cluster: MadeCluster) -> None:
    before = cluster.tree()
    seen = look_at_all(cluster.site)
    assert cluster.tree() == before
    assert [bad(entry) for entry in seen] == [[], [], []]
    told = [at.what for at in of(cluster).findings]
    for text in (
        "branch1 lets us in, with its pinned host key",
        "branch1: its TFTP service runs",
        f"branch1: {cluster.replica.node.tftp_directory} there can be written to",
        "branch1: its clock is right",
        "branch1 has this publisher's signed files: 2",
        "branch1 serves this publisher's list",
    ):
        assert text in told
    told = [at.what for at in of(cluster, SUBSCRIBER).findings]
    for text in (
        "test10sub: its TFTP service runs",
        "test10sub: its clock is right",
        "test10sub: its release is 10.0, as here",
        "test10sub serves a list of its own",
    ):
        assert text in told
    assert exit_status(at for entry in seen for at in entry.findings) == 0
    rows = node_rows(seen)
    assert len(rows) == 4
    assert rows[3].split()[-2:] == ["same", "list"]


Break = Callable[[MadeCluster], object]


def dead(cluster: MadeCluster) -> None:
    cluster.replica.is_dead = True


def stopped(cluster: MadeCluster) -> None:
    cluster.replica.service.is_running = False


def no_list(cluster: MadeCluster) -> None:
    cluster.replica.store.remove(LIST_FILE)


def old_list(cluster: MadeCluster) -> None:
    cluster.replica.store.write(LIST_FILE, b"an older one")


def new_list_here(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.publisher.start()


def no_folder(cluster: MadeCluster) -> None:
    shutil.rmtree(cluster.replica.store.root)


def early(cluster: MadeCluster) -> None:
    cluster.replica.seconds_ahead = -120


def late(cluster: MadeCluster) -> None:
    cluster.replica.seconds_ahead = 90


def another_publisher(cluster: MadeCluster) -> None:
    record = b'{"id": "another", "name": "old.example.org"}'
    account(cluster).write(
        replica_publisher(cluster.replica.node.tftp_directory), record
    )


def account(cluster: MadeCluster) -> LocalStore:
    return LocalStore(str(cluster.root / REPLICA / "account"))


def lost(cluster: MadeCluster) -> None:
    cluster.replica.store.remove(f"{PHONE}.sgn")


def changed(cluster: MadeCluster) -> None:
    cluster.replica.store.write(f"{PHONE}.sgn", b"something else")


def stray(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, "SEP9.cnf.xml.sgn", b"junk")


def old_stray(cluster: MadeCluster) -> None:
    """What the dead key signed, under a name that is gone here."""
    put(cluster.site.tftp.root, "SEP9.cnf.xml")
    sign(cluster.site)
    raw = cluster.replica.store.read("SEP9.cnf.xml.sgn")
    for name in ("SEP9.cnf.xml", "SEP9.cnf.xml.sgn"):
        cluster.site.tftp.remove(name)
    regenerate(cluster.site, Unit.CALL_MANAGER)
    cluster.publisher.start()
    sign(cluster.site)
    put(cluster.replica.store.root, "SEP9.cnf.xml.sgn", raw)


def gone_here(cluster: MadeCluster) -> None:
    for name in (PHONE, f"{PHONE}.sgn"):
        cluster.site.tftp.remove(name)
    cluster.replica.store.remove(PHONE)


def apart(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, "CTLFile.tlv", b"a list")


def key(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, "keys/old.p12", b"a key")


def unsigned(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, "SEP9.cnf.xml")


def shadowed(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, PHONE, b"<another/>")


def shadowed_alike(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, PHONE, b"<DEVICE/>")


def firmware(cluster: MadeCluster) -> None:
    put(cluster.site.tftp.root, "apps41.9-4-2SR3-1S.sbn")
    put(cluster.site.tftp.root, "SCCP6945.bin2.sgn", b"by Cisco" * (1 << 18))


FAILURES: dict[Break, str] = {
    dead: "branch1: branch1 does not answer",
    stopped: "branch1: its TFTP service does not run",
    no_list: "branch1 serves no list",
    old_list: "branch1 serves another list than this publisher",
    new_list_here: "branch1 serves another list than this publisher",
    no_folder: "branch1: nothing can be written there",
    another_publisher: "branch1 belongs to another publisher (old.example.org",
    lost: f"branch1 lacks 1 signed file ({PHONE}.sgn)",
    changed: f"branch1 has other bytes in 1 signed file ({PHONE}.sgn)",
    stray: "branch1 serves SEP9.cnf.xml.sgn, which this publisher did not bring, and "
    "phones refuse it",
    old_stray: "did not bring, and phones refuse it: The signer",
    gone_here: f"branch1 serves {PHONE}.sgn, which is gone here",
    apart: "branch1 serves CTLFile.tlv, and this publisher does not",
    key: "branch1 serves keys/old.p12 to everybody",
}
WARNINGS: dict[Break, str] = {
    early: "branch1: its clock is 120 seconds behind this node's",
    late: "branch1: its clock is 90 seconds ahead of this node's",
    unsigned: "branch1: only there, so that nobody signs it, and phones with a list "
    "refuse it: 1 file (SEP9.cnf.xml)",
    shadowed: "branch1: shadowed by the publisher's signed file of the same name, "
    f"which differs: 1 file ({PHONE})",
    shadowed_alike: "branch1: shadowed by the publisher's signed file of the same "
    f"name, which differs: 1 file ({PHONE})",
    firmware: "branch1: not there, for plain files and firmware are not brought: "
    "2 files (SCCP6945.bin2.sgn, apps41.9-4-2SR3-1S.sbn)",
}


@pytest.mark.thorough
@pytest.mark.parametrize("harm", FAILURES, ids=lambda harm: harm.__name__)
def test_what_fails_on_a_replica_is_named(cluster: MadeCluster, harm: Break) -> None:
    harm(cluster)
    found = bad(of(cluster))
    failures = [at.what for at in found if at.level is Level.FAIL]
    assert any(FAILURES[harm] in what for what in failures), found
    assert exit_status(found) == 2
    assert all(at.advice for at in found)
    assert FAILURES[harm] in "\n".join(node_rows(look_at_all(cluster.site)))
    assert set(failures) <= {at.what for at in examine(cluster.site)}


@pytest.mark.thorough
@pytest.mark.parametrize("harm", WARNINGS, ids=lambda harm: harm.__name__)
def test_what_an_administrator_should_know_is_a_warning(
    cluster: MadeCluster, harm: Break
) -> None:
    harm(cluster)
    (found,) = bad(of(cluster))
    assert found.level is Level.WARN
    assert found.what.startswith(WARNINGS[harm])
    assert exit_status([found]) == 1


def test_firmware_of_cisco_that_is_named_sgn_is_no_stray(cluster: MadeCluster) -> None:
    put(cluster.replica.store.root, "KNL6901SCCP.9-2-1-a.zz.sgn", b"by Cisco")
    assert bad(of(cluster)) == []


@pytest.mark.thorough
def test_clock_of_a_member_is_asked_by_its_hook(cluster: MadeCluster) -> None:
    there = SettableClock()
    there.moment = cluster.clock.moment + timedelta(minutes=5)
    cluster.subscriber.site.clock = there
    (found,) = bad(of(cluster, SUBSCRIBER))
    assert found.level is Level.WARN
    assert found.what == ("test10sub: its clock is 300 seconds ahead of this node's")


@pytest.mark.thorough
def test_member_of_an_earlier_version_has_an_unknown_clock(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise RefusedError("test10sub refused: there is no hook 'clock'")

    monkeypatch.setattr(node_status, "_clock", refuse)
    (found,) = bad(of(cluster, SUBSCRIBER))
    assert found.what.startswith("test10sub: its clock is not known: ")


def test_many_files_are_counted(cluster: MadeCluster) -> None:
    for number in range(100, 110):
        put(cluster.replica.store.root, f"SEP{number}.cnf.xml")
    (found,) = bad(of(cluster))
    shown = "10 files (SEP100.cnf.xml, SEP101.cnf.xml, SEP102.cnf.xml, ...)"
    assert found.what.endswith(f": {shown}")


def test_nothing_is_compared_on_a_replica_of_another_publisher(
    cluster: MadeCluster,
) -> None:
    unsigned(cluster)
    another_publisher(cluster)
    (found,) = bad(of(cluster))
    assert "another publisher" in found.what


def test_dead_node_keeps_no_other_from_being_told(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    seen = {at.node.name: at for at in look_at_others(cluster.site)}
    assert seen[SUBSCRIBER].problem == "test10sub does not answer"
    assert seen[SUBSCRIBER].serving is Serving.FAILED
    assert bad(seen[REPLICA]) == []


@pytest.mark.thorough
def test_node_that_hangs_costs_its_deadline_and_keeps_what_was_learned(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = Event()

    def hang(*_: object) -> None:
        assert hung_up.wait(30)
        raise ConnectionFailedError("the connection broke")

    monkeypatch.setattr(node_status, "HEALTH_SECONDS", 0.2)
    monkeypatch.setattr(ReplicaLink, "run", hang)
    monkeypatch.setattr(ReplicaLink, "close", lambda _: hung_up.set())
    status = of(cluster)
    assert hung_up.is_set()
    assert any("was not done within" in at.what for at in bad(status))
    assert "branch1 lets us in, with its pinned host key" in [
        at.what for at in status.findings
    ]


def test_subscriber_says_nothing_that_nobody_can_mend_there(
    cluster: MadeCluster,
) -> None:
    """No key of its own opens the other nodes: the publisher looks at them."""
    Path(cluster.subscriber.site.settings.home).chmod(0o700)
    cluster.publisher.is_dead = True
    cluster.replica.is_dead = True
    found = examine(cluster.subscriber.site)
    others = (REPLICA, "test10pub", "TVS to move")
    told = [at for at in found if at.level is not Level.OK]
    assert not [at for at in told if any(name in at.what for name in others)]
    text = "the other nodes are looked at on the publisher, test10pub"
    assert text in [at.what for at in found]


def test_document_has_what_the_lines_say(cluster: MadeCluster) -> None:
    dead(cluster)
    document = nodes_document("test10pub", look_at_all(cluster.site))
    nodes = document["nodes"]
    assert isinstance(nodes, list)
    replica = nodes[2]
    assert (replica["name"], replica["role"]) == (REPLICA, "replica")
    assert replica["login"] == "branch1 does not answer"
    assert replica["tftp"] == "error"
    assert replica["findings"][0]["level"] == "fail"
    assert nodes[1]["login"] is None
