"""Lists with certificates that cannot be read, or hardly: named, never in the way."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from cucmsh.cli.hook import answer
from cucmsh.errors import CertificateError, RefusedError, TrustListError
from cucmsh.layout import LIST_FILE
from cucmsh.pki.certificates import read_certificate
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.list_records import own_records
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.show_list import read_list
from cucmsh.services.lists.verify_file import Inspection, inspect
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Level
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, Role
from cucmsh.views.inspection import inspection_lines
from cucmsh.views.trust_list import show_trust_list
from tests.pki import odd_certificates as odd
from tests.services.made_cluster import MadeCluster

UNREADABLE = "record 7: CERTIFICATE cannot be read: these bytes are no certificate: 64"


def serve(cluster: MadeCluster, der: bytes, *, is_readable: bool = True) -> bytes:
    """A list of ours with one record more, for an application server."""
    certificate = read_certificate(der)
    if not is_readable:
        certificate = certificate._replace(der=odd.with_another_version(der))
    records = [*own_records(cluster.site), full_record(7, certificate)]
    signer = Keystore(cluster.site).credential(Unit.CALL_MANAGER)
    raw = seal(records, signer, timestamp=1, digest=Digest.SHA1).raw
    cluster.site.tftp.write(LIST_FILE, raw)
    return raw


def verified(cluster: MadeCluster) -> Inspection:
    path = str(Path(cluster.site.tftp.root, LIST_FILE))
    found = inspect(path, "", SignatureVerifier(), read_certificate)
    assert isinstance(found, Inspection)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("case", list(odd.READABLE))
def test_certificate_that_can_hardly_be_read_is_read_and_named(
    cluster: MadeCluster, tmp_path: Path, case: str
) -> None:
    der = odd.READABLE[case](tmp_path)
    serve(cluster, der)
    found = verified(cluster)
    assert found.is_good
    name = read_certificate(der).subject_name
    assert f"Record 7:  APP-SERVER: {name}" in inspection_lines(found)
    held = read_list(cluster.site)
    shown = show_trust_list(held.raw, held.trust_list, held.verdict, "today")
    assert "\n".join(shown).count(name) == 2
    assert "APP-SERVER" in "\n".join(shown)
    assert "the ITL verifies" in [finding.what for finding in examine(cluster.site)]
    # It was not made by this node: a question, as for every such list.
    plan = plan_local_reset(cluster.site)
    assert "not made by this node" in plan.questions[0].lines[0]


@pytest.mark.thorough
def test_certificate_that_cannot_be_read_is_one_sentence_with_its_record(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    before = {finding.what for finding in examine(cluster.site)}
    serve(cluster, odd.with_serial(tmp_path, "1"), is_readable=False)
    found = verified(cluster)
    assert not found.is_good
    last = inspection_lines(found)[-1]
    assert last.startswith(f"The list was not verified: {UNREADABLE}")
    findings = examine(cluster.site)
    (unreadable,) = [finding for finding in findings if UNREADABLE in finding.what]
    assert unreadable.level is Level.FAIL
    assert before - {finding.what for finding in findings} == {"the ITL verifies"}
    plan = plan_local_reset(cluster.site)
    assert UNREADABLE in plan.questions[0].lines[0]


def test_hook_that_is_brought_such_a_certificate_says_whose_it_is(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    der = odd.with_another_version(odd.with_serial(tmp_path, "1"))
    pem = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % (
        base64.encodebytes(der)
    )
    there = cluster.subscriber.site
    there.home.write("state/staging/new", pem)
    publisher = cluster.site.node.name
    words = [
        "install-certificate",
        "new",
        hashlib.sha256(pem).hexdigest(),
        publisher,
        "TVS",
    ]
    with pytest.raises(CertificateError) as refusal:
        answer(there, words)
    expected = f"the TVS certificate of {publisher} cannot be read: "
    assert refusal.value.message.startswith(expected)
    assert there.home.names("state/staging") == []


def test_own_certificate_that_cannot_be_read_is_named_by_its_file(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    """`hook describe`, doctor and compose read them; others made or changed them."""
    name = cluster.site.node.name
    path = f"security/trust/{name}/TVS.pem"
    der = odd.with_another_version(odd.with_serial(tmp_path, "1"))
    there = cluster.subscriber.site
    there.home.write(path, der)
    with pytest.raises(CertificateError, match=f"{path} cannot be read: these bytes"):
        Keystore(there).trusted(cluster.site.node, Unit.TVS)


# A list that somebody made with `touch`


@pytest.mark.thorough
def test_empty_list_is_called_empty_and_replaced_by_the_next_start(
    cluster: MadeCluster,
) -> None:
    cluster.site.tftp.write(LIST_FILE, b"")
    with pytest.raises(TrustListError, match=r"^The file is empty"):
        read_list(cluster.site)
    whats = [finding.what for finding in examine(cluster.site)]
    assert any("is damaged: The file is empty" in what for what in whats)
    assert len(whats) > 5
    with pytest.raises(RefusedError, match="The file is empty") as refusal:
        plan_local_reset(cluster.site)
    assert "utils service restart Cisco Tftp" in refusal.value.advice
    cluster.publisher.start()
    assert read_list(cluster.site).verdict.is_valid
    assert Role.TVS in [record.role for record in cluster.publisher.served.records]
