"""What a node takes from another one's hands, and what it does not."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import pytest

from cucmsh.cli import hook as hooks
from cucmsh.errors import (
    CertificateError,
    CucmshError,
    RefusedError,
    StoreError,
    TrustListError,
    UsageError,
)
from cucmsh.layout import LIST_FILE, STAGING
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.lists.list_records import own_records
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.nodes.make import make_node
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.reset_journal import unfinished_list
from cucmsh.services.records.state import keep_mark, recall
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    SUBJECT,
    MadeCluster,
    QuickKeys,
    foreign_key_file,
)


def stage(cluster: MadeCluster, raw: bytes) -> None:
    cluster.subscriber.site.home.write(f"{STAGING}/sent", raw)


def install(cluster: MadeCluster, raw: bytes, sha256: str = "") -> str:
    stage(cluster, raw)
    seen = hashlib.sha256(cluster.subscriber.raw).hexdigest()
    words = [
        "install-list",
        "sent",
        sha256 or hashlib.sha256(raw).hexdigest(),
        seen,
        "active",
    ]
    return hooks.answer(cluster.subscriber.site, words)[0] + "\n"


def bring(cluster: MadeCluster, raw: bytes, node: str, unit: str) -> str:
    stage(cluster, raw)
    words = ["install-certificate", "sent", hashlib.sha256(raw).hexdigest(), node, unit]
    return hooks.answer(cluster.subscriber.site, words)[0] + "\n"


def kept(cluster: MadeCluster) -> dict[str, tuple[int, str]]:
    """Everything but the staging folder, which is emptied."""
    return {
        name: what for name, what in cluster.tree().items() if "/staging/" not in name
    }


@pytest.mark.thorough
def test_reset_list_is_installed_and_the_staged_file_is_gone(
    cluster: MadeCluster,
) -> None:
    raw = plan_local_reset(cluster.site).trust_list.raw
    assert install(cluster, raw) == "updated\n"
    assert cluster.subscriber.raw == raw
    assert cluster.subscriber.site.home.names("state/staging") == []


def test_staged_files_do_not_fill_the_disk(cluster: MadeCluster) -> None:
    site, raw = cluster.subscriber.site, b"bytes"
    sender = cluster.site.node.name
    for name in (
        *(f"install-list-{sender}-{number:x}" for number in range(3)),
        *("install-list-stranger-0", f"join-{sender}-0", "x-0", f"{sender}-0"),
        *(f"install-list-{sender}-", f"install-list-{sender}", "-0"),
    ):
        with suppress(UsageError):
            hooks.answer(
                site, ["stage", name, hashlib.sha256(raw).hexdigest()], lambda: raw
            )
    assert site.home.names("state/staging") == [f"install-list-{sender}-2"]


@pytest.mark.thorough
def test_other_bytes_than_announced_are_refused(cluster: MadeCluster) -> None:
    raw = plan_local_reset(cluster.site).trust_list.raw
    before = kept(cluster)
    with pytest.raises(RefusedError, match="not the one that was sent"):
        install(cluster, raw, hashlib.sha256(b"other bytes").hexdigest())
    assert kept(cluster) == before


def signed_by_call_manager(cluster: MadeCluster) -> bytes:
    return cluster.publisher.raw


def signed_by_own_call_manager(cluster: MadeCluster) -> bytes:
    return cluster.subscriber.raw


def signed_by_a_stranger(cluster: MadeCluster) -> bytes:
    stranger = QuickKeys().read_key_file(foreign_key_file(), Secret(SECURITY))
    records = own_records(cluster.site, stranger.certificate)
    return seal(records, stranger, timestamp=1, digest=Digest.SHA1).raw


def named_like_the_recovery_key(cluster: MadeCluster) -> bytes:
    name = "ITLRECOVERY_test10pub.joemar2.lab"
    stranger = QuickKeys.make_credential(
        Unit.ITL_RECOVERY, name, SUBJECT, cluster.clock.now()
    )
    records = own_records(cluster.site, stranger.certificate)
    return seal(records, stranger, timestamp=1, digest=Digest.SHA1).raw


def changed_after_signing(cluster: MadeCluster) -> bytes:
    raw = bytearray(plan_local_reset(cluster.site).trust_list.raw)
    raw[-30] ^= 1
    return bytes(raw)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "forge",
    [
        signed_by_call_manager,
        signed_by_own_call_manager,
        signed_by_a_stranger,
        named_like_the_recovery_key,
        changed_after_signing,
        lambda _: b"garbage",
        lambda _: b"",
    ],
)
def test_list_without_the_recovery_signature_is_refused(
    cluster: MadeCluster, forge: object
) -> None:
    assert callable(forge)
    raw = forge(cluster)
    before = kept(cluster)
    with pytest.raises((RefusedError, TrustListError)):
        install(cluster, raw)
    assert kept(cluster) == before
    assert keep_mark(cluster.subscriber.site.home) == ""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("node", "unit"),
    [
        ("test10sub", "TVS"),  # its own certificates come from nobody
        ("stranger", "TVS"),
        ("../test10pub", "TVS"),
        ("test10pub/x", "TVS"),
        ("", "TVS"),
        ("test10pub", "nosuch"),
        ("test10pub", "../../TVS"),
        ("test10pub", ""),
    ],
)
def test_certificate_for_an_unknown_place_is_refused(
    cluster: MadeCluster, node: str, unit: str
) -> None:
    pem = QuickKeys().to_pem(cluster.publisher.keys.certificate(Unit.TVS))
    before = kept(cluster)
    with pytest.raises(UsageError):
        bring(cluster, pem, node, unit)
    assert kept(cluster) == before


def test_certificate_that_is_none_is_refused(cluster: MadeCluster) -> None:
    before = kept(cluster)
    with pytest.raises(CertificateError):
        bring(cluster, b"garbage", "test10pub", "TVS")
    assert kept(cluster) == before


@pytest.mark.thorough
def test_certificate_is_kept_with_its_node(cluster: MadeCluster) -> None:
    fresh = QuickKeys.make_credential(Unit.TVS, "x", SUBJECT, cluster.clock.now())
    pem = QuickKeys().to_pem(fresh.certificate)
    assert bring(cluster, pem, "test10pub", "TVS") == "installed\n"
    found = cluster.subscriber.keys.trusted(cluster.site.node, Unit.TVS)
    assert found == fresh.certificate


@pytest.mark.parametrize("name", ["a/b", "../published.toml", "/etc/passwd", "..", ""])
def test_staged_name_leads_nowhere_else(cluster: MadeCluster, name: str) -> None:
    before = cluster.tree()
    with pytest.raises((UsageError, StoreError)):
        hooks.answer(
            cluster.subscriber.site, ["install-list", name, "00", "-", "active"]
        )
    assert cluster.tree() == before


@pytest.mark.parametrize(
    "words",
    [[], ["nosuch"], ["install-list"], ["install-list", "a"]],
)
def test_unknown_hook_is_refused(cluster: MadeCluster, words: list[str]) -> None:
    with pytest.raises(UsageError):
        hooks.answer(cluster.site, words)


def test_status_hook_says_what_is(cluster: MadeCluster) -> None:
    served = hashlib.sha256(cluster.publisher.raw).hexdigest()
    assert hooks.answer(cluster.site, ["service-status"]) == (f"active {served}", 0)
    cluster.publisher.service.is_running = False
    cluster.site.tftp.remove(LIST_FILE)
    assert hooks.answer(cluster.site, ["service-status"]) == ("inactive -", 0)


# What a node remembers


@pytest.mark.thorough
@pytest.mark.parametrize(
    "raw", [b"", b"=", b"\xff", b'pending = 5\nunit = 5\ntimestamp = ""']
)
@pytest.mark.parametrize("name", ["published", "keep", "hold"])
def test_broken_state_reads_as_nothing_remembered(
    cluster: MadeCluster, name: str, raw: bytes
) -> None:
    site = cluster.publisher.again()
    site.home.write(f"state/{name}.toml", raw)
    assert login_notice(site) == ""
    assert cluster.publisher.start().startswith("composed ")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"=",
        b"\xff",
        b'sha256 = "00"\npending = ["test10sub"]',
        b'version = 2\ncluster = "test10pub.joemar2.lab"\npending = []',
        b'version = 1\ncluster = "other.example"\npending = []',
        b'version = 1\ncluster = "test10pub.joemar2.lab"\npending = "all"',
    ],
    ids=["empty", "torn", "no text", "no version", "newer", "foreign", "other shape"],
)
def test_journal_that_is_not_ours_is_ignored_and_told(
    cluster: MadeCluster, raw: bytes
) -> None:
    site = cluster.publisher.again()
    site.home.write("state/journal.toml", raw)
    assert login_notice(site).startswith("The journal of the last ITL reset cannot be")
    assert unfinished_list(site) == ""
    assert cluster.reset().exit_status == 0
    assert login_notice(site) == ""


@pytest.mark.thorough
def test_journal_of_any_size_keeps_nobody_from_a_reset(cluster: MadeCluster) -> None:
    site = cluster.publisher.again()
    site.home.write("state/journal.toml", b"")
    os.truncate(Path(site.settings.home, "state/journal.toml"), MAX_FILE_SIZE + 1)
    assert login_notice(site).startswith("The state of this node is unreadable: ")
    assert cluster.reset().exit_status == 0
    assert login_notice(site) == ""


def test_unreadable_state_is_told_and_keeps_nobody_out(cluster: MadeCluster) -> None:
    site = cluster.publisher.again()
    site.home.write("state/journal.toml/x", b"")
    assert login_notice(site).startswith("The state of this node is unreadable: ")


def test_existing_node_is_not_made_again(cluster: MadeCluster) -> None:
    before = cluster.tree()
    assert not make_node(cluster.site, Secret("another"), Secret("another"))
    assert cluster.tree() == before


@pytest.mark.thorough
def test_no_secret_is_kept_in_the_open(cluster: MadeCluster) -> None:
    cluster.reset()
    site = cluster.site
    for path in sorted(cluster.root.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            assert CCM.encode() not in raw, path
            assert (SECURITY.encode() in raw) == (path.name == "security"), path
            if b"PRIVATE KEY" in raw or path.name in ("security", "ccm"):
                assert path.stat().st_mode & 0o777 == 0o600, path
    assert recall(site.home, "journal") == {}


@pytest.mark.parametrize("typed", ["wrong", "", CCM + " ", "\udcff"])
def test_other_ccm_password_is_refused(cluster: MadeCluster, typed: str) -> None:
    passwords = ClusterPasswords(cluster.site)
    passwords.check_ccm_password(Secret(CCM))
    with pytest.raises(RefusedError, match="is not correct"):
        passwords.check_ccm_password(Secret(typed))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"salt": "x", "key": "y"}'])
def test_damaged_verifier_lets_nobody_in(cluster: MadeCluster, raw: bytes) -> None:
    cluster.site.home.write("security/secrets/ccm", raw)
    with pytest.raises(CucmshError):
        ClusterPasswords(cluster.site).check_ccm_password(Secret(""))


def test_no_hook_is_run_for_nobody(cluster: MadeCluster) -> None:
    site = cluster.site
    nobody = Site(site.settings, site.clock, site.backends)
    for words in (["clock"], ["describe"], ["service-status"]):
        with pytest.raises(RefusedError, match="nobody"):
            hooks.answer(nobody, words)


def test_another_node_runs_what_nodes_need_and_leaves_by_its_key_only(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    assert hooks.HOOKS.keys() - hooks.REMOTE == {
        *("tftp-start", "update-replicas", "sign", "monitor", "alarms"),
        *("backup", "tvs-ended"),
    }
    for words, home in ((["leave", "AAAA"], ""), (["leave", "x"], str(tmp_path))):
        with pytest.raises(UsageError, match="leave"):
            hooks.answer(cluster.site, words, account_home=home)
    said = hooks.answer(cluster.site, ["leave", "AAAA"], account_home=str(tmp_path))
    assert said == ("left", 0)
