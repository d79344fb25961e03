"""The lab as a tool: what is done to its nodes is what the real tool then meets.

One lab for all; each test begins with the snapshot that the fixture made.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
from collections.abc import Iterator

import pytest

from cucmsh.lab.conditions import FAILURES
from cucmsh.layout import CLUSTER_LOCK
from cucmsh.storage.lock import held
from cucmsh.testing import Lab, LabError, Node, lab
from tests.rigs.draws import some
from tests.rigs.lab import CUCMSH

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

RENAME = "set network hostname newpub"
RESET = "utils itl reset localkey"
GET = "file get tftp ITLRecovery.p12"
SECONDS = 60  # a guard against a hang
SUBSCRIBER = "test10sub"
WHOLE = "whole"
# Each failure: where, what is typed, its status, and what the tool says.
MET = {
    "disk-full": (SUBSCRIBER, RESET, 3, "File too large"),
    "login-refused": (SUBSCRIBER, RESET, 3, "did not accept 'cucmsh'"),
    "read-back-differs": (SUBSCRIBER, RESET, 3, "TFTP gives back other bytes"),
    "restart-fails": (SUBSCRIBER, RESET, 3, "Cisco Tftp did not restart"),
    "sftp-full": ("backup", GET, 1, "No space left on device"),
    "sftp-refuses": ("backup", GET, 1, "did not accept the login"),
    "tftp-silent": (SUBSCRIBER, RESET, 3, "does not answer: nothing came"),
    "wrong-host-key": (SUBSCRIBER, "show network cluster", 3, "has changed: it was"),
}
REFUSED = [
    ("lab node stop nobody", "usage", "no node of this lab"),
    ("lab node delay test10sub 60001", "usage", "milliseconds"),
    ("lab node partition backup", "usage", "no node that others ask"),
    ("lab fail nothing", "usage", "no failure"),
    ("lab fail sftp-full test10sub", "usage", "cannot have"),
    ("lab restore nothing", "missing-file", "no snapshot"),
    (f"lab snapshot {WHOLE}", "refused", "there is a snapshot"),
    ("lab phone list", "service", "this lab has no phones"),
    ("lab snapshot a/b", "usage", "no name of a snapshot"),
    ("lab clock forward 101y", "refused", "hundred years"),
    ("lab clock forward 5", "usage", "a number and a unit"),
    ("lab clock ahead 5m backup", "usage", "no clock"),
]
SLOW = {"tftp-silent"}  # the read-back waits 15 seconds for it


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    with lab() as cluster:
        cluster.snapshot(WHOLE)
        yield cluster


@pytest.fixture
def cluster(running: Lab) -> Lab:
    """The lab as it was when it was new."""
    running.restore(WHOLE)
    return running


def call(cluster: Lab, line: str, node: Node | None = None) -> tuple[int, str]:
    """Type it with `-c`, answer what it asks; the status, and what was said."""
    backup = cluster.backup
    answers = {
        RENAME: ["no", "yes"],
        RESET: [cluster.passwords.ccm],
        GET: [
            *("y", backup.host, str(backup.port), backup.user, backup.password),
            *(str(backup.directory), "yes"),
        ],
    }.get(line, ["yes"])
    done = subprocess.run(
        [*CUCMSH, "--config", str((node or cluster.publisher).config), "-c", line],
        input="".join(f"{answer}\n" for answer in answers),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout


def served(node: Node) -> str:
    raw = (node.tftp_directory / "ITLFile.tlv").read_bytes()
    return hashlib.sha256(raw).hexdigest()


def greeting(node: Node, seconds: float) -> bytes:
    """The first bytes of its SSH server; none if none came."""
    with socket.create_connection(node.ssh, timeout=seconds) as asking:
        try:
            return asking.recv(4)
        except TimeoutError:
            return b""


def test_every_failure_is_met() -> None:
    assert sorted(MET) == sorted(each.name for each in FAILURES)


@pytest.mark.parametrize(
    "name",
    [
        *some([name for name in MET if name not in SLOW], 1),
        *(pytest.param(name, marks=pytest.mark.longer) for name in SLOW),
    ],
)
def test_failure_gives_the_tools_own_refusal(cluster: Lab, name: str) -> None:
    where, line, status, words = MET[name]
    cluster.fail(name, where)
    found = call(cluster, line)
    assert found[0] == status, found[1]
    assert words in found[1]
    cluster.end_failures()
    if status == 3:  # what was pending is finished when they answer
        assert call(cluster, line)[0] == 0


def test_stopped_node_refuses_and_comes_back(cluster: Lab) -> None:
    (node,) = cluster.subscribers
    cluster.stop_node(SUBSCRIBER)
    assert cluster.states()[SUBSCRIBER] == "stopped"
    with pytest.raises(ConnectionRefusedError):
        greeting(node, SECONDS)
    status, said = call(cluster, "show network cluster")
    assert (status, "Connection refused" in said) == (3, True)
    cluster.start_node(SUBSCRIBER)
    assert greeting(node, SECONDS) == b"SSH-"
    assert call(cluster, "show network cluster")[0] == 0


@pytest.mark.longer
def test_paused_node_accepts_and_answers_nobody(cluster: Lab) -> None:
    (node,) = cluster.subscribers
    cluster.pause_node(SUBSCRIBER)
    assert greeting(node, 0.2) == b""
    cluster.start_node(SUBSCRIBER)
    assert greeting(node, SECONDS) == b"SSH-"


def test_the_backup_server_is_stopped_alike(cluster: Lab) -> None:
    cluster.stop_node("backup")
    status, said = call(cluster, GET)
    assert (status, "Connection refused" in said) == (1, True)
    cluster.start_node("backup")
    assert call(cluster, GET)[0] == 0


@pytest.mark.longer
def test_delay_is_shown_and_ended(cluster: Lab) -> None:
    cluster.delay_node(SUBSCRIBER, milliseconds=300)
    nodes = {each["name"]: each for each in cluster.run("lab node list")["nodes"]}
    assert nodes[SUBSCRIBER]["delay_ms"] == 300
    assert call(cluster, "show network cluster")[0] == 0
    cluster.start_node(SUBSCRIBER)
    nodes = {each["name"]: each for each in cluster.run("lab node list")["nodes"]}
    assert nodes[SUBSCRIBER]["delay_ms"] == 0


@pytest.mark.parametrize("name", some(["test10pub", SUBSCRIBER], 1))
def test_partition_parts_nodes_and_no_people(cluster: Lab, name: str) -> None:
    (subscriber,) = cluster.subscribers
    cluster.partition_node(name)
    for node in (cluster.publisher, subscriber):  # neither reaches the other
        status, said = call(cluster, "show network cluster", node)
        assert status == 3
        assert said.count(" not authenticated") == 1
        assert greeting(node, SECONDS) == b"SSH-"  # this test is nobody's process
    cluster.start_node(name)
    assert call(cluster, "show network cluster")[0] == 0


def test_time_passes_in_a_command_and_the_hold_ends(cluster: Lab) -> None:
    assert call(cluster, "set cert regen TVS")[0] == 0
    status, said = call(cluster, "set cert regen TVS")
    assert (status, "modified in the last 5 minutes" in said) == (1, True)
    cluster.set_clock_wrong("test10pub", seconds=3600)  # the hold does not notice
    assert call(cluster, "set cert regen TVS")[0] == 1
    cluster.pass_time(seconds=300)
    assert call(cluster, "set cert regen TVS")[0] == 0
    assert call(cluster, "set cert regen TVS")[0] == 1


@pytest.mark.longer
def test_nobody_waits_where_there_is_no_hold(cluster: Lab) -> None:
    cluster.hold(is_on=False)
    for _ in range(2):
        assert call(cluster, "set cert regen TVS")[0] == 0
    cluster.hold(is_on=True)
    assert call(cluster, "set cert regen TVS")[0] == 1


@pytest.mark.longer
def test_five_years_pass_for_certificates(cluster: Lab) -> None:
    cluster.pass_time(days=5 * 366)
    assert call(cluster, "set cert regen TVS")[0] == 0
    entries = cluster.run("show cert list own")["certificates"]
    by_unit = {each["unit"]: each for each in entries}
    assert by_unit["TVS"]["not_before"] > by_unit["CallManager"]["not_after"]
    cluster.set_clock_right()


def test_snapshot_of_a_running_lab_is_put_back(cluster: Lab) -> None:
    before = served(cluster.publisher)
    certificates = cluster.run("show cert list own")
    assert call(cluster, "set cert regen CallManager")[0] == 0
    assert call(cluster, "utils service restart Cisco Tftp")[0] == 0
    (cluster.backup.directory / "stray").write_text("a stray file")
    cluster.snapshot("renewed")
    after = served(cluster.publisher)
    assert before != after
    cluster.restore(WHOLE)
    assert served(cluster.publisher) == before
    assert cluster.run("show cert list own") == certificates
    assert not (cluster.backup.directory / "stray").exists()
    assert cluster.run("show itl")["sha256"] == before
    cluster.restore("renewed")
    assert served(cluster.publisher) == after
    assert cluster.run("lab snapshots")["snapshots"] == ["renewed", WHOLE]


def test_a_renamed_node_is_watched_and_put_back(cluster: Lab) -> None:
    assert call(cluster, RENAME)[0] == 0
    for name in ("newpub", "test10pub"):
        status, said = call(cluster, f"lab monitor {name}")
        assert status == 0
        assert "newpub: Certificates looked at: " in said
    cluster.restore(WHOLE)
    assert "newpub" not in call(cluster, "show myself")[1]


def test_a_service_that_stayed_stopped_is_named_with_what_starts_it(
    cluster: Lab,
) -> None:
    assert (
        call(cluster, "utils service stop Cisco Tftp", cluster.subscribers[0])[0] == 0
    )
    how = f"{SUBSCRIBER}: Cisco Tftp is stopped; `lab node stop {SUBSCRIBER}` and then"
    assert how in call(cluster, "lab fail none")[1]
    assert f"running, {how.partition(': ')[2]}" in call(cluster, "lab node list")[1]
    for verb in ("stop", "start"):
        assert call(cluster, f"lab node {verb} {SUBSCRIBER}")[0] == 0
    assert "is stopped" not in call(cluster, "lab fail none")[1]


def test_time_that_is_added_is_told_beside_all_of_it(cluster: Lab) -> None:
    call(cluster, "lab clock forward 5m")
    said = call(cluster, "lab clock forward 5m")[1]
    assert "5m added." in said
    assert "in all 10m passed at once" in said


def test_restart_on_a_full_disk_is_not_called_done(cluster: Lab) -> None:
    before = served(cluster.publisher)
    cluster.fail("disk-full")
    status, said = call(cluster, "utils service restart Cisco Tftp")
    assert status == 3
    assert "before the last TFTP start" in said
    assert str(cluster.publisher.home) in said
    assert served(cluster.publisher) == before


@pytest.mark.longer
def test_what_ran_runs_again(cluster: Lab) -> None:
    cluster.stop_node(SUBSCRIBER)
    cluster.snapshot("stopped")
    cluster.restore(WHOLE)
    assert cluster.states()[SUBSCRIBER] == "running"
    cluster.restore("stopped")
    assert cluster.states()[SUBSCRIBER] == "stopped"
    cluster.restore(WHOLE)
    assert call(cluster, "utils service stop Cisco Tftp")[0] == 0
    cluster.restore(WHOLE)
    states = {each["name"]: each for each in services(cluster)}
    assert states["Cisco Tftp"]["state"] == "started"


def test_a_silent_node_is_an_outcome_of_show_itl_all(cluster: Lab) -> None:
    def state(node: str) -> str:
        status, said = call(cluster, "show itl all")
        (row,) = (line for line in said.splitlines() if line.startswith(f"{node}  "))
        assert status == (3 if "no answer" in said else 0)
        return row.rpartition("  ")[2]

    assert state(SUBSCRIBER) == "current"
    cluster.partition_node(SUBSCRIBER)
    assert state(SUBSCRIBER) == "no answer"
    assert state("test10pub") == "current"


def services(cluster: Lab) -> list[dict[str, str]]:
    return list(cluster.run("utils service list")["services"])


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    some(REFUSED, 2),
)
def test_what_cannot_be_is_refused(
    running: Lab, line: str, kind: str, words: str
) -> None:
    with pytest.raises(LabError, match=words) as refused:
        running.run(line)
    assert refused.value.kind == kind
    assert running.states() == {
        "test10pub": "running",
        SUBSCRIBER: "running",
        "backup": "running",
    }


def test_a_snapshot_is_refused_in_the_middle_of_a_change(cluster: Lab) -> None:
    state = cluster.publisher.home / "state"
    note = cluster.publisher.home / CLUSTER_LOCK
    with (
        held(str(state), str(note), "utils itl reset localkey"),
        pytest.raises(LabError, match="utils itl reset localkey") as refused,
    ):
        cluster.snapshot("half")
    assert refused.value.kind == "busy"
    assert "half" not in cluster.run("lab snapshots")["snapshots"]
