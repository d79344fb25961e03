"""F23 and F24: journals that lie, and files that lie about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.cluster import LIST_FILE, PUBLISHER, Cluster
from tests.faults.test_network import assert_rerun_converges
from tests.rigs.draws import some
from tests.rigs.tftp_get import TftpError, get

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

OURS = ".cucmsh-0123456789abcdef.tmp"
LONG_AGO = 1_000_000_000
JOURNALS: dict[str, Callable[[bytes], bytes]] = {
    "half written": lambda raw: raw[: len(raw) // 2],
    "empty": lambda _: b"",
    "garbage": lambda _: bytes(range(256)),
    "newer version": lambda raw: b"version = 99\nwhat = 'ever'\n" + raw,
    "other shape": lambda _: b"sha256 = 7\npending = 'all'\nat = []\n",
    "another cluster's": lambda raw: raw.replace(b"node", b"edon").replace(
        b'sha256 = "', b'sha256 = "00'
    ),
    "control characters": lambda _: (
        b'sha256 = "\\u001b[2J"\npending = ["\\u001b[2J"]\n'
    ),
}


@pytest.fixture
def broken_off(cluster: Cluster) -> Path:
    """The journal of a reset that is not finished: a node was down."""
    cluster.members[0].sshd.stop()
    assert cluster.call().status == 3
    cluster.members[0].sshd.start()
    journals = list((cluster.home / "state").glob("journal*"))
    assert len(journals) == 1
    return journals[0]


@pytest.mark.parametrize("kind", some(JOURNALS, 3))
def test_f23_a_journal_that_cannot_be_believed_is_ignored(
    cluster: Cluster, broken_off: Path, kind: str
) -> None:
    broken_off.write_bytes(JOURNALS[kind](broken_off.read_bytes()))
    shown = cluster.call("show itl", "")
    assert shown.status in (0, 1), shown.transcript
    assert judge.TRACEBACK not in shown.transcript
    assert "\x1b" not in shown.transcript
    login = cluster.start_words([*cluster.words("")[:-2]], "quit\n").end()
    assert judge.TRACEBACK not in login.transcript
    assert "\x1b[2J" not in login.transcript
    assert "admin:" in login.said
    assert_rerun_converges(cluster)


def test_f23_the_next_login_names_who_is_pending_until_it_is_done(
    cluster: Cluster, broken_off: Path
) -> None:
    words = cluster.words("")[:-2]
    login = cluster.start_words(words, "quit\n").end()
    assert cluster.members[0].name in login.said
    assert_rerun_converges(cluster)
    login = cluster.start_words(words, "quit\n").end()
    assert cluster.members[0].name not in login.said


def test_f23_a_journal_that_cannot_be_read_stops_no_reset(
    cluster: Cluster, broken_off: Path
) -> None:
    broken_off.unlink()
    broken_off.mkdir()
    result = cluster.call()
    served = judge.check(cluster, cluster.old, result)
    judge.check_words(result, served, cluster.old)
    broken_off.rmdir()
    assert_rerun_converges(cluster)


@pytest.mark.parametrize("where", ["publisher", "state", "node"])
def test_f24_a_stale_file_of_ours_is_swept_and_foreign_ones_stay(
    cluster: Cluster, where: str
) -> None:
    node = cluster.members[0]
    places = {
        "publisher": cluster.tftp,
        "state": cluster.home / "state",
        "node": node.tftp,
    }
    folder = places[where]
    stale, foreign = folder / OURS, folder / ".somebody.tmp"
    for path in (stale, foreign):
        path.write_bytes(cluster.old[:1000])
        os.utime(path, (LONG_AGO, LONG_AGO))
        if where == "node":
            cluster.account.owns(path)
    result = cluster.call()
    assert result.status == 0, result.transcript
    assert not stale.exists()
    assert foreign.read_bytes() == cluster.old[:1000]


def test_f24_a_link_under_a_name_of_ours_is_not_followed(cluster: Cluster) -> None:
    node = cluster.members[0]
    target = node.folder / "precious"
    target.write_bytes(b"precious")
    (node.tftp / OURS).symlink_to(target)
    (cluster.tftp / OURS).symlink_to(target)
    result = cluster.call()
    assert result.status == 0, result.transcript
    assert target.read_bytes() == b"precious"
    for folder in (node.tftp, cluster.tftp):
        (folder / OURS).unlink(missing_ok=True)
    target.unlink()


def test_f24_tftp_never_serves_a_key_file(cluster: Cluster) -> None:
    assert cluster.call().status == 0
    make = cluster.service.make
    home = cluster.home / "security" / "ITLRecovery" / "ITLRecovery.p12"
    names = ["ITLRecovery.p12", "../home/security/ITLRecovery/ITLRecovery.p12"]
    for name in [*names, str(home), f"/{names[1]}", "security/secrets/security"]:
        with pytest.raises(TftpError):
            get(make.host, make.port, name, 2)


def test_f24_an_earlier_key_that_was_left_over_is_kept(cluster: Cluster) -> None:
    folder = cluster.home / "security" / "ITLRecovery"
    earlier = folder / "ITLRecovery.p12.1"
    shutil.copy(folder / "ITLRecovery.p12", earlier)
    raw = earlier.read_bytes()
    assert cluster.call().status == 0
    assert earlier.read_bytes() == raw


def test_rule_4_a_restart_by_hand_before_the_proof_keeps_the_recovery_signature(
    cluster: Cluster,
) -> None:
    """Killed between S9 and S10, and somebody restarts TFTP."""
    cluster.service.fault = lambda verb: (0 if verb == "status" else 1, "")
    assert cluster.call().status == 3
    cluster.service.fault = None
    new = (cluster.tftp / LIST_FILE).read_bytes()
    assert new != cluster.old
    assert cluster.service.answer("restart") == (0, "")
    assert judge.lists_served(cluster)[PUBLISHER] == new
