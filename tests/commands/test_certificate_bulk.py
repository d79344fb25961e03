"""``set cert bulk``: two clusters, one directory, and a phone that moves over."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cucmsh.errors import (
    AuthenticationError,
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    RefusedError,
    UsageError,
)
from cucmsh.phones.decide import Held, Outcome, consider_list
from cucmsh.phones.families import EIGHTY_EIGHT, ListKind
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.shell.scripted import Answer
from cucmsh.trustlist.tags import Role
from tests.commands.calls import Called, call, dialog_with, run
from tests.services import made_cluster
from tests.services.made_cluster import SFTP_PASSWORD, MadeCluster

pytestmark = pytest.mark.thorough

DIRECTORY = "/home/joe"
KINDS = ("tomcat", "tftp", "capf", "ITLRecovery")
TO_SERVER: list[tuple[str, Answer]] = [
    ("SFTP server IP: ", "192.0.2.9"),
    ("SFTP server port [22]: ", ""),
    ("User ID: ", "joe"),
    ("Password: ", SFTP_PASSWORD),
    ("Directory: ", DIRECTORY),
]
HOST_KEY: tuple[str, Answer] = ("continue connecting (yes/no)? ", "yes")
AGREED: tuple[str, Answer] = ("Do you want to continue (yes/no)? ", "yes")


@pytest.fixture
def other(cluster: MadeCluster, tmp_path: Path) -> MadeCluster:
    """Another cluster that knows the same SFTP server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_cluster, "DOMAIN", "other.lab")
        made = MadeCluster(tmp_path / "other")
        made.make()
        made.start()
    made.backups = cluster.backups
    return made


def bulk(
    made: MadeCluster, line: str, *more: tuple[str, Answer], is_first: bool = True
) -> Called:
    answers = [*TO_SERVER, *([HOST_KEY] if is_first else []), *more]
    return call(made.site, f"set cert bulk {line}", answers)


def exchange(one: MadeCluster, two: MadeCluster) -> Called:
    """Both export, the first consolidates, both import; what the first was told."""
    bulk(one, "export all")
    bulk(two, "export all")
    bulk(one, "consolidate all", is_first=False)
    bulk(two, "import all", AGREED, is_first=False)
    return bulk(one, "import all", AGREED, is_first=False)


def test_exports_are_certificates_that_openssl_reads(cluster: MadeCluster) -> None:
    done = bulk(cluster, "export all")
    said = [line for line in done.lines if line.startswith("Successfully")]
    assert said == [
        f"Successfully exported {kind} certificate(s) to sftp server." for kind in KINDS
    ]
    folder = Path(cluster.backups, "home/joe")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        f"{unit}_test10pub.joemar2.lab.pem"
        for unit in ("CAPF", "CallManager", "ITLRecovery", "tomcat")
    ]
    for path in folder.iterdir():
        raw = path.read_bytes()
        assert b"PRIVATE" not in raw
        subprocess.run(["openssl", "x509", "-noout", "-in", str(path)], check=True)
    raw = (folder / "CallManager_test10pub.joemar2.lab.pem").read_bytes()
    assert raw.count(b"BEGIN CERTIFICATE") == 2  # both members'
    again = bulk(cluster, "export tomcat", is_first=False)
    assert again.text.count("Successfully exported tomcat") == 1


def test_a_phone_of_one_cluster_takes_the_other_ones_list_through_its_tvs(
    cluster: MadeCluster, other: MadeCluster
) -> None:
    held, offered = cluster.publisher.served, other.publisher
    signer = offered.keys.certificate(Unit.CALL_MANAGER)
    phone = Held(EIGHTY_EIGHT, itl=held)
    verifier = SignatureVerifier()
    decision = consider_list(phone, ListKind.ITL, offered.raw, verifier)
    assert decision.outcome is Outcome.ASK
    key = signer.subject_name, signer.issuer_name, signer.serial
    for member in cluster.members.values():
        assert TrustedCertificates(member.site).query(*key) is None

    done = exchange(cluster, other)
    assert done.status == 0
    for kind in KINDS:
        assert f"Successfully imported {kind} certificates.\n" in done.text
    # Either node's TVS of the held list vouches for it, as who signs lists and files.
    for member in cluster.members.values():
        known = TrustedCertificates(member.site).query(*key)
        assert known is not None
        assert known.certificate == signer.der
        assert known.roles == (Role.SAST, Role.TFTP)
    # And of the one whose list comes after a reset there.
    recovery = offered.keys.certificate(Unit.ITL_RECOVERY)
    known = TrustedCertificates(cluster.site).verify(recovery.der)
    assert known is not None
    assert Role.SAST in known.roles


def test_each_kind_goes_where_the_original_puts_it(
    cluster: MadeCluster, other: MadeCluster
) -> None:
    exchange(cluster, other)
    shown = call(cluster.site, "show cert list trust").text
    rows = [line.partition(":")[0] for line in shown.splitlines()]
    theirs = [row for row in rows if "other.lab" in row or "CAPF-" in row]
    capf = other.publisher.keys.certificate(Unit.CAPF).common_name
    for row in (
        "tomcat-trust/test10pub.other.lab.pem",
        "CallManager-trust/test10pub.other.lab.pem",
        "Phone-SAST-trust/test10sub.other.lab.pem",
        f"CallManager-trust/{capf}.pem",
        "CallManager-trust/ITLRECOVERY_test10pub.other.lab.pem",
        "Phone-SAST-trust/ITLRECOVERY_test10pub.other.lab.pem",
    ):
        assert row in theirs
    assert f"CAPF-trust/{capf}.pem" not in theirs


def test_what_is_not_agreed_to_is_not_imported(
    cluster: MadeCluster, other: MadeCluster
) -> None:
    for each in (cluster, other):
        bulk(each, "export tftp")
    bulk(cluster, "consolidate tftp", is_first=False)
    before = cluster.tree()
    answers = [*TO_SERVER, (AGREED[0], "no")]
    with dialog_with(answers) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, "set cert bulk import tftp")
    assert cluster.tree() == before
    signer = other.publisher.keys.certificate(Unit.CALL_MANAGER)
    assert f"SHA256 {signer.sha256_fingerprint.hex(':').upper()}" in dialog.text


def test_a_later_certificate_replaces_and_an_earlier_one_is_left_out(
    cluster: MadeCluster, other: MadeCluster
) -> None:
    exchange(cluster, other)
    again = bulk(cluster, "import all", AGREED, is_first=False)
    assert "was in CallManager-trust already" in again.text
    folder = Path(cluster.backups, "home/joe")
    old = (folder / "consolidated_CallManager.pem").read_bytes()
    other.clock.pass_seconds(301)
    call(other.site, "set cert regen CallManager", [("(yes|no)? ", "yes")])
    bulk(other, "export tftp", is_first=False)
    bulk(cluster, "consolidate tftp", is_first=False)
    cluster.clock.pass_seconds(400)
    newer = bulk(cluster, "import tftp", AGREED, is_first=False)
    assert "replaces an earlier one in Phone-SAST-trust" in newer.text
    (folder / "consolidated_CallManager.pem").write_bytes(old)
    older = bulk(cluster, "import tftp", AGREED, is_first=False)
    assert "was left out of Phone-SAST-trust: " in older.text


def refused(made: MadeCluster, line: str, *answers: tuple[str, Answer]) -> CucmshError:
    before = {
        name: found for name, found in made.tree().items() if "known_hosts" not in name
    }
    with dialog_with(answers) as dialog, pytest.raises(CucmshError) as told:
        run(dialog, made.site, f"set cert bulk {line}")
    after = {
        name: found for name, found in made.tree().items() if "known_hosts" not in name
    }
    assert after == before
    return told.value


def test_what_cannot_be_done_is_refused(cluster: MadeCluster) -> None:
    usual = [*TO_SERVER, HOST_KEY]
    assert isinstance(refused(cluster, "export nonsense"), UsageError)
    said = refused(cluster, "import all", *usual)
    assert isinstance(said, MissingFileError)
    assert "consolidated_tomcat.pem" in said.message
    wrong = [(q, "x" if q == "Password: " else a) for q, a in TO_SERVER]
    assert isinstance(refused(cluster, "export all", *wrong), AuthenticationError)
    nowhere = [(q, "/nowhere" if q == "Directory: " else a) for q, a in TO_SERVER]
    assert isinstance(refused(cluster, "export all", *nowhere), MissingFileError)
    cluster.backup_breaks_off = True
    said = refused(cluster, "export all", *TO_SERVER)
    assert isinstance(said, ConnectionFailedError)
    cluster.backup_breaks_off = False
    bulk(cluster, "export tomcat", is_first=False)
    said = refused(cluster, "consolidate tomcat", *TO_SERVER)
    assert isinstance(said, RefusedError)
    assert "two are needed" in said.message


@pytest.mark.parametrize(
    "raw",
    [b"", b"nothing", b"\x30\x82", b"-----BEGIN PRIVATE KEY-----\n", b"\n" * 300_000],
)
def test_a_file_there_that_is_none_of_certificates_is_refused(
    cluster: MadeCluster, raw: bytes
) -> None:
    Path(cluster.backups, "home/joe/consolidated_tomcat.pem").write_bytes(raw)
    said = refused(cluster, "import tomcat", *TO_SERVER, HOST_KEY)
    assert isinstance(said, CertificateError)
    assert said.message.startswith("consolidated_tomcat.pem: ")


def test_own_certificates_are_not_imported(cluster: MadeCluster) -> None:
    bulk(cluster, "export tomcat")
    folder = Path(cluster.backups, "home/joe")
    raw = (folder / "tomcat_test10pub.joemar2.lab.pem").read_bytes()
    (folder / "consolidated_tomcat.pem").write_bytes(raw)
    said = refused(cluster, "import tomcat", *TO_SERVER)
    assert "this cluster's own" in said.message


def test_a_subscriber_refuses(cluster: MadeCluster) -> None:
    with (
        dialog_with() as dialog,
        pytest.raises(RefusedError, match="not a Publisher"),
    ):
        run(dialog, cluster.subscriber.site, "set cert bulk export all")


def test_a_copy_that_cannot_be_read_back_is_said(cluster: MadeCluster) -> None:
    cluster.backup_is_hidden = True
    done = bulk(cluster, "export tomcat")
    assert done.status == 3
    assert "is not proven" in done.text
