"""What must be on the disk before what (F2 without pulling a plug).

The system calls of a whole reset, in their order: nothing is renamed that was not
synced, and after a rename the folder is synced before anybody is told.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.cluster import LIST_FILE, PUBLISHER, Cluster
from tests.faults.kill_sweep import traced
from tests.faults.second_verifier import read
from tests.faults.test_network import assert_rerun_converges
from tests.rigs.draws import draw

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

RENAME = "renameat"  # what the publisher's store calls
RENAMES = 3  # of them, at random, and the last
CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
RENAMED = re.compile(r'<([^>]*)>, "([^"]*)", (?:AT_FDCWD|\d+)<[^>]*>, "([^"]*)"')
TRACED = "trace=openat,write,pwrite64,fsync,renameat,renameat2,rename,sendto,vfork"


def calls_of(log: Path) -> list[tuple[str, str, str]]:
    """Thread, name and arguments of each call that was made."""
    return [
        (match[1], match[2], match[3])
        for line in log.read_text().splitlines()
        if (match := CALL.match(line)) and "= -1 " not in line
    ]


def test_f02_nothing_is_renamed_that_is_not_synced_and_the_folder_follows_at_once(
    cluster: Cluster,
) -> None:
    log = cluster.folder / "said" / "order"
    words = ["strace", "-f", "-b", "execve", "-y", "-e", TRACED, "-o", str(log)]
    assert cluster.call(before=words).status == 0
    dirty: set[str] = set()
    unsynced: dict[str, str] = {}  # by thread: the folder of its last rename
    renamed = []
    for thread, name, arguments in calls_of(log):
        match = DESCRIPTOR.match(arguments)
        path = match[1] if match else ""
        if name in ("write", "pwrite64"):
            dirty.add(path)
        elif name == "fsync":
            dirty.discard(path)
            if path == unsynced.get(thread):
                del unsynced[thread]
        elif name.startswith("rename"):
            moved = RENAMED.search(arguments)
            assert moved, arguments
            folder, old, new = moved.groups()
            assert f"{folder}/{old}" not in dirty, f"{new} was not synced"
            assert thread not in unsynced, f"{unsynced[thread]} was not synced"
            unsynced[thread] = folder
            renamed.append(f"{folder}/{new}")
        elif name in ("sendto", "vfork"):
            assert thread not in unsynced, f"{unsynced[thread]} was not synced"
    assert str(cluster.tftp / LIST_FILE) in renamed
    assert not unsynced
    journal, mark = (
        next(at for at, path in enumerate(renamed) if word in path)
        for word in ("journal", "keep")
    )
    assert journal < mark < renamed.index(str(cluster.tftp / LIST_FILE))


def test_f02_a_nodes_server_syncs_the_list_before_it_is_renamed(
    cluster: Cluster,
) -> None:
    node = cluster.members[0]
    log = node.folder / "order"
    node.sshd.sftp_runs(f"strace -f -y -o {log} -e trace=fsync,rename,link")
    assert cluster.call().status == 0
    names = [name for _, name, _ in calls_of(log)]
    assert names.index("fsync") < names.index("rename")
    log.unlink()


def test_rule_4_killed_after_any_rename_a_restart_by_hand_undoes_no_reset(
    cluster: Cluster, seed: int
) -> None:
    renames = len(traced(cluster, only=RENAME).calls)
    assert renames >= 3
    kept, dice = 0, random.Random(seed)
    for number in [*draw(dice, range(1, renames), RENAMES), renames]:
        cluster.restore()
        cluster.configure(cluster.nodes[:2])
        traced(cluster, number, after=True, only=RENAME)
        there = (cluster.tftp / LIST_FILE).read_bytes()
        assert cluster.service.answer("restart") == (0, "")
        served = judge.lists_served(cluster)[PUBLISHER]
        if read(there).is_reset:
            assert served == there, f"rename {number}"
            kept += 1
    assert kept
    assert_rerun_converges(cluster)


def test_a_reset_that_was_killed_halfway_is_named_at_the_next_login(
    cluster: Cluster,
) -> None:
    programs = len(traced(cluster, only="vfork").calls)
    cluster.restore()
    cluster.configure(cluster.nodes[:2])
    traced(cluster, programs, only="vfork")  # the restart of the publisher's TFTP
    assert len(set(judge.lists_on_disk(cluster).values())) == 2
    login = cluster.start_words(cluster.words("")[:-2], "quit\n").end()
    assert "not finished" in login.said, login.said
    for node in cluster.members:
        assert node.name in login.said
    assert_rerun_converges(cluster)
    login = cluster.start_words(cluster.words("")[:-2], "quit\n").end()
    assert "not finished" not in login.said
