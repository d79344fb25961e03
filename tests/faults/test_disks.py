"""F7, F8 and F9: disks that are full, broken or read-only, and permissions lost."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.cluster import (
    ANSWERS,
    LIST_FILE,
    PUBLISHER,
    RESET,
    Cluster,
    Result,
)
from tests.faults.namespace import PAGE, Namespace
from tests.faults.strace import call_with, was_injected
from tests.faults.test_network import assert_alone_pending, assert_rerun_converges
from tests.rigs.draws import draw

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

FAULTS = 3  # of each kind; which ones is random
SHORT, NONE = 1, 0  # pages that are free: a short write, and not even that


@pytest.fixture
def inside(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace in which everything runs that a test starts after it."""
    with Namespace() as space:
        for node in cluster.members:
            node.sshd.stop()
            node.sshd.inside = space.words
            node.service.stop()
            node.service.inside = space.words
        cluster.service.stop()
        cluster.service.inside = space.words
        yield space
        for server in [cluster.service, *(n.service for n in cluster.nodes)]:
            server.stop()
            server.inside = list
        for node in cluster.nodes:
            node.sshd.stop()
            node.sshd.inside = list


def start_all(cluster: Cluster) -> None:
    for node in cluster.members:
        node.sshd.start()
        node.service.start()
    cluster.service.start()


def reset(cluster: Cluster, inside: Namespace) -> Result:
    words = inside.words(cluster.words(RESET))
    return cluster.start_words(words, ANSWERS).end()


@pytest.mark.parametrize("pages", [SHORT, NONE], ids=["short write", "no space"])
def test_f07_a_node_with_a_full_disk_keeps_its_old_list(
    cluster: Cluster, inside: Namespace, pages: int
) -> None:
    assert len(cluster.old) > PAGE  # or no write would be short
    full, good = cluster.members
    inside.small_disk(full.tftp, 16)
    filler = inside.fill(full.tftp, pages)
    start_all(cluster)
    result = reset(cluster, inside)
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {full.name}
    assert inside.path(full.list_file).read_bytes() == cluster.old
    served = judge.check(cluster, cluster.old, result)
    assert (served[full.name] == cluster.old) > (served[good.name] == cluster.old)
    left = set(os.listdir(inside.path(full.tftp)))
    assert left == {filler.name, LIST_FILE}
    inside.run("rm", str(filler))
    rerun = reset(cluster, inside)
    assert rerun.status == 0, rerun.transcript
    judge.check_words(rerun, judge.lists_served(cluster), cluster.old)


@pytest.mark.parametrize("pages", [SHORT, NONE], ids=["short write", "no space"])
def test_f07_a_publisher_whose_tftp_disk_is_full_keeps_its_old_list(
    cluster: Cluster, inside: Namespace, pages: int
) -> None:
    inside.small_disk(cluster.tftp, 16)
    filler = inside.fill(cluster.tftp, pages)
    start_all(cluster)
    result = reset(cluster, inside)
    assert result.status in (1, 3), result.transcript
    assert result.status == 1 or PUBLISHER in judge.pending_in(result)
    assert str(cluster.tftp) in result.transcript  # which file system it is
    assert inside.path(cluster.tftp / LIST_FILE).read_bytes() == cluster.old
    assert judge.lists_served(cluster)[PUBLISHER] == cluster.old
    inside.run("rm", str(filler))
    rerun = reset(cluster, inside)
    assert rerun.status == 0, rerun.transcript
    judge.check_words(rerun, judge.lists_served(cluster), cluster.old)


def test_f07_a_publisher_that_cannot_write_its_journal_begins_nothing(
    cluster: Cluster, inside: Namespace
) -> None:
    state = cluster.home / "state"
    inside.small_disk(state, 32)
    filler = inside.fill(state, NONE)
    start_all(cluster)
    result = reset(cluster, inside)
    assert result.status == 1, result.transcript
    assert str(state) in result.transcript
    assert "space" in result.transcript.lower()
    assert set(judge.lists_served(cluster).values()) == {cluster.old}
    inside.run("rm", str(filler))
    rerun = reset(cluster, inside)
    assert rerun.status == 0, rerun.transcript


@pytest.mark.parametrize("where", ["log", "tmp"])
def test_f07_a_full_log_or_temporary_folder_stops_no_reset(
    cluster: Cluster, inside: Namespace, where: str
) -> None:
    folder = cluster.home / "log" if where == "log" else Path("/mnt")
    folder.mkdir(exist_ok=True)
    inside.small_disk(folder, 4)
    inside.fill(folder, NONE)
    start_all(cluster)
    words = inside.words(["env", f"TMPDIR={folder}", *cluster.words(RESET)])
    result = cluster.start_words(words, ANSWERS).end()
    assert result.status == 0, result.transcript
    judge.check_words(result, judge.lists_served(cluster), cluster.old)


SHELL_FAULTS = [
    f"{name}:error={error}:when={number}"
    for name, errors, most in (
        ("fsync", ("EIO", "ENOSPC"), 8),
        ("write", ("EIO", "ENOSPC", "EDQUOT", "EINTR"), 10),
        ("openat", ("EIO", "ENOSPC", "EROFS"), 40),
        ("renameat", ("EIO", "ENOSPC", "EROFS"), 4),
        ("fchmod", ("EIO", "EROFS"), 4),
        ("close", ("EIO", "EINTR"), 30),
        ("unlinkat", ("EIO", "EROFS"), 2),
        ("flock", ("EIO", "EINTR"), 2),
        ("ftruncate", ("EIO",), 2),
        ("pwrite64", ("EIO", "ENOSPC"), 2),
    )
    for error in errors
    for number in range(1, most + 1)
]
NODE_FAULTS = [
    f"{name}:error={error}:when={number}"
    for name, errors, most in (
        ("fsync", ("EIO", "ENOSPC", "EDQUOT"), 1),
        ("write", ("EIO", "ENOSPC"), 12),
        ("fchmod", ("EIO", "EPERM", "EROFS"), 1),
        ("rename", ("EIO", "ENOSPC", "EROFS"), 1),
        ("close", ("EIO", "ENOSPC"), 12),
    )
    for error in errors
    for number in range(1, most + 1)
]


def test_f08_a_call_of_the_shell_that_fails_leaves_everything_whole(
    cluster: Cluster, seed: int
) -> None:
    dice = random.Random(seed)
    for fault in draw(dice, SHELL_FAULTS, FAULTS):
        cluster.restore()
        cluster.configure(cluster.nodes[:2])
        result = call_with(cluster, fault)
        where = f"{fault}, CUCMSH_SEED={seed}: {result.transcript}"
        served = judge.check(cluster, cluster.old, result)
        judge.check_words(result, served, cluster.old)
        assert result.status in (0, 1, 3), where
        assert result.status != 1 or set(served.values()) <= {cluster.old}, where
        assert_rerun_converges(cluster)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_f08_a_failed_sync_is_a_failure_and_is_not_tried_again(
    cluster: Cluster, error: str
) -> None:
    result = call_with(cluster, f"fsync:error={error}")
    assert was_injected(cluster)
    assert result.status == 1, result.transcript
    served = judge.check(cluster, cluster.old, result)
    assert set(served.values()) == {cluster.old}
    assert_rerun_converges(cluster)


def test_f08_a_call_of_a_nodes_server_that_fails_costs_that_node_only(
    cluster: Cluster, seed: int
) -> None:
    dice = random.Random(seed)
    bad = cluster.members[0]
    for fault in draw(dice, NODE_FAULTS, FAULTS):
        cluster.restore()
        cluster.configure(cluster.nodes[:2])
        bad.sshd.sftp_runs(f"strace -qq -o /dev/null -e inject={fault}")
        result = cluster.call()
        bad.sshd.sftp_runs("")
        where = f"{fault}, CUCMSH_SEED={seed}: {result.transcript}"
        served = judge.check(cluster, cluster.old, result)
        judge.check_words(result, served, cluster.old)
        assert result.status in (0, 3), where
        assert judge.pending_in(result) <= {bad.name}, where
        assert_rerun_converges(cluster)


def test_f08_a_node_whose_disk_does_not_sync_is_pending(cluster: Cluster) -> None:
    bad = cluster.members[0]
    bad.sshd.sftp_runs("strace -qq -o /dev/null -e inject=fsync:error=EIO")
    assert_alone_pending(cluster, cluster.call(), bad)
    bad.sshd.sftp_runs("")
    assert_rerun_converges(cluster)


def test_f09_a_node_whose_folder_became_read_only_is_pending_with_the_reason(
    cluster: Cluster,
) -> None:
    bad, good = cluster.members
    bad.tftp.chmod(0o555)
    assert cluster.account.is_refused_a_write(bad.tftp)
    assert not cluster.account.is_refused_a_write(good.tftp)
    before = modes(cluster)
    result = cluster.call()
    assert_alone_pending(cluster, result, bad)
    assert "ermission denied" in result.said, result.said
    after = modes(cluster)
    assert {path: after[path] for path in before} == before
    bad.tftp.chmod(0o755)
    assert_rerun_converges(cluster)


def test_f09_a_node_whose_folder_belongs_to_somebody_else_is_pending(
    cluster: Cluster,
) -> None:
    bad = cluster.members[0]
    assert os.geteuid() == 0, "giving a folder away needs root; run the tests as root"
    os.chown(bad.tftp, 0, 0)
    assert cluster.account.is_refused_a_write(bad.tftp)
    result = cluster.call()
    assert_alone_pending(cluster, result, bad)
    cluster.account.owns(bad.tftp)
    assert_rerun_converges(cluster)


def test_f09_a_folder_that_takes_nothing_is_named_before_it_is_needed(
    cluster: Cluster,
) -> None:
    bad, good = cluster.members
    bad.tftp.chmod(0o555)
    words = [*cluster.words("")[:-2], "node", "list"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=60
    )
    bad.tftp.chmod(0o755)
    assert done.returncode == 2, done.stdout
    assert f"fail  {bad.name}: nothing can be written there" in done.stdout
    assert good.name in done.stdout
    assert f"{good.name}: nothing can be written" not in done.stdout


def test_f09_a_list_that_is_a_folder_or_a_link_is_named_and_not_touched(
    cluster: Cluster,
) -> None:
    folder, link = cluster.members
    folder.list_file.unlink()
    folder.list_file.mkdir()
    target = link.folder / "elsewhere"
    target.write_bytes(cluster.old)
    link.list_file.unlink()
    link.list_file.symlink_to(target)
    folder.service.stop()
    folder.service.fault = lambda _verb: (0, "")
    result = cluster.call()
    assert result.status == 3, result.transcript
    assert judge.pending_in(result) == {folder.name, link.name}
    assert str(folder.list_file) in result.said
    assert str(link.list_file) in result.said
    assert target.read_bytes() == cluster.old
    assert link.list_file.is_symlink()
    target.unlink()
    link.list_file.unlink()
    folder.list_file.rmdir()
    folder.service.fault = None
    folder.service.start()
    assert_rerun_converges(cluster)


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_f09_a_strange_umask_changes_no_mode(cluster: Cluster, mask: int) -> None:
    assert cluster.call().status == 0
    usual = modes(cluster)
    cluster.restore()
    cluster.configure(cluster.nodes[:2])
    words = ["/bin/sh", "-c", f'umask {mask:03o}; exec "$@"', "sh"]
    result = cluster.call(before=words)
    assert result.status == 0, result.transcript
    assert modes(cluster) == usual


def test_f09_a_node_that_makes_files_for_its_owner_only_still_serves_the_list(
    cluster: Cluster,
) -> None:
    node = cluster.members[0]
    node.sshd.sftp_runs("/bin/sh -c 'umask 077; exec \"$@\"' sh")
    assert cluster.call().status == 0
    assert node.list_file.stat().st_mode & 0o7777 == 0o644


def modes(cluster: Cluster) -> dict[Path, int]:
    return {path: entry[0] for path, entry in cluster.snapshot().items()}
