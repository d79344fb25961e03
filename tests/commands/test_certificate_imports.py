"""Requests, imports and deletions of certificates, and those that are trusted.

The authorities are another library's (``rigs.authority``); openssl has the second word.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cucmsh.errors import (
    CancelledError,
    CertificateError,
    CucmshError,
    MissingFileError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.layout import pair_file, request_file
from cucmsh.pki.model import Unit
from cucmsh.pki.received import MAX_RECEIVED, read_received
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge
from tests.commands.calls import Called, call, dialog_with, run
from tests.rigs.authority import (
    Authority,
    Wanted,
    authority_usages,
    chain_pem,
    ec_key,
    name,
    pem,
    rsa_key,
)
from tests.services.holder import takes
from tests.services.made_cluster import START, MadeCluster

pytestmark = pytest.mark.thorough

BEFORE = START - timedelta(days=30)
USUAL = Wanted(START - timedelta(hours=1))


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Root CA", authority_usages(BEFORE))


@pytest.fixture(scope="module")
def issuing(root: Authority) -> Authority:
    return Authority("Issuing CA", authority_usages(BEFORE, 0), root, number=1)


def lines_of(text: str) -> list[tuple[str, str]]:
    """The lines as somebody pastes them."""
    return [("", line) for line in text.removesuffix("\n").split("\n")]


def paste(cluster: MadeCluster, line: str, text: str) -> Called:
    return call(cluster.site, line, lines_of(text))


def refused(cluster: MadeCluster, line: str, text: str) -> CucmshError:
    """What is said, and that nothing changed."""
    before = cluster.tree()
    with dialog_with(lines_of(text)) as dialog, pytest.raises(CucmshError) as told:
        run(dialog, cluster.site, line)
    assert cluster.tree() == before
    return told.value


def request_of(cluster: MadeCluster, unit: str = "CallManager") -> bytes:
    """A new request, as openssl reads it off the screen."""
    call(cluster.site, f"set csr gen {unit}")
    shown = call(cluster.site, f"show csr own {unit}/{unit}.csr").text
    found = re.search(
        "-----BEGIN CERTIFICATE REQUEST-----.*-----END CERTIFICATE REQUEST-----\n",
        shown,
        re.DOTALL,
    )
    assert found
    return found[0].encode()


def trusting(cluster: MadeCluster, *authorities: Authority) -> None:
    for each in authorities:
        paste(cluster, "set cert import trust CallManager", each.pem)


def openssl(*words: str, given: bytes = b"") -> str:
    done = subprocess.run(
        ["openssl", *words], input=given, capture_output=True, check=True
    )
    return (done.stdout + done.stderr).decode()


def test_a_request_is_said_listed_and_verifies(cluster: MadeCluster) -> None:
    none = "No Certificate Sign Request available for display\n"
    assert call(cluster.site, "show csr list").text == none
    before = cluster.publisher.keys.credential(Unit.TOMCAT).to_pem()
    strict = call(cluster.site, "set csr gen tomcat", helpful=False)
    assert strict.text == "Successfully Generated CSR for tomcat.\n"
    assert call(cluster.site, "show csr list").text == "tomcat/tomcat.csr\n"
    shown = call(cluster.site, "show csr own tomcat")
    assert shown.lines[0] == "-----BEGIN CERTIFICATE SIGN REQUEST-----"
    said = openssl("req", "-verify", "-noout", "-text", given=request_of(cluster))
    assert "self-signature verify OK" in said
    assert "CN = test10pub.joemar2.lab" in said
    assert "DNS:test10pub.joemar2.lab" in said
    assert "Certificate Sign" not in said  # no authority grants that
    assert cluster.publisher.keys.credential(Unit.TOMCAT).to_pem() == before
    path = Path(cluster.site.settings.home, request_file("tomcat"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in shown.text


def test_a_new_request_says_what_it_replaces(cluster: MadeCluster) -> None:
    first = request_of(cluster)
    again = call(cluster.site, "set csr gen CallManager")
    assert "It replaces an earlier one" in again.text
    assert request_of(cluster) != first


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("set csr gen Nonsense", UsageError),
        ("set csr gen ITLRecovery", RefusedError),
        ("show csr own CallManager/CallManager.csr", MissingFileError),
        ("show csr own TVS/CallManager.csr", UsageError),
        ("set cert import own CallManager", MissingFileError),
        ("set cert import own ITLRecovery", RefusedError),
        ("set cert import own Nonsense", UsageError),
        ("set cert import trust Nonsense", UsageError),
        ("set cert delete Nonsense x.pem", UsageError),
        ("set cert delete CallManager x.pem", MissingFileError),
        ("set cert delete CallManager CallManager.pem", RefusedError),
        ("show cert trust CallManager", UsageError),
        ("show cert trust CallManager-trust/../../x", MissingFileError),
    ],
)
def test_wrong_names_are_refused_before_anything_is_asked(
    cluster: MadeCluster, line: str, kind: type[CucmshError]
) -> None:
    before = cluster.tree()
    with dialog_with() as dialog, pytest.raises(kind):
        run(dialog, cluster.site, line)
    assert cluster.tree() == before


def test_members_certificates_are_trusted_by_name(cluster: MadeCluster) -> None:
    shown = call(cluster.site, "show cert list trust").lines
    made = "Self-signed certificate generated by system"
    assert f"CallManager-trust/test10sub.joemar2.lab.pem: {made}" in shown
    one = call(cluster.site, "show cert trust TVS-trust/test10sub.joemar2.lab.pem").text
    assert "Subject Name: CN=test10sub.joemar2.lab" in one
    assert "From: " in one


def test_release_15_names_and_labels_as_from_14su2_on(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = cluster.site.settings.profile._replace(has_later_certificate_words=True)
    monkeypatch.setattr(type(cluster.site.settings), "profile", later)
    tvs = cluster.subscriber.keys.certificate(Unit.TVS)
    file = f"TVS-trust/test10sub.joemar2.lab_{tvs.serial.hex()}.pem"
    assert f"{file}: " in call(cluster.site, "show cert list trust").text
    shown = call(cluster.site, f"show cert trust {file}").text
    for label in ("IssuerDN: CN=", "SubjectDN: CN=", "Start Date: ", "Final Date: "):
        assert label in shown
    assert "From: " not in shown
    assert "Start Date: " in call(cluster.site, "show cert own TVS").text


def test_a_signed_call_manager_works_from_end_to_end(
    keeping: MadeCluster, root: Authority, issuing: Authority, tmp_path: Path
) -> None:
    cluster = keeping
    held = cluster.publisher.raw
    answer = issuing.answer(request_of(cluster), USUAL)
    trusting(cluster, root, issuing)
    done = paste(cluster, "set cert import own CallManager Issuing_CA.pem", answer)
    assert done.status == 0
    assert done.text.startswith(
        "Paste the Certificate and Hit Enter\n"
        + "\n" * len(lines_of(answer))
        + "Successfully imported certificate for CallManager.\n"
        "Please restart services related to CallManager for the new certificate to "
        "become active.\n"
    )
    row = "CallManager/CallManager.pem: Certificate Signed by CN=Issuing CA, O=Example"
    assert row in call(cluster.site, "show cert list own").lines
    assert call(cluster.site, "show csr list").text.startswith("No Certificate")

    # openssl says the same of the chain.
    (tmp_path / "root.pem").write_text(root.pem)
    (tmp_path / "issuing.pem").write_text(issuing.pem)
    moment = str(int(START.timestamp()))
    files = [str(tmp_path / each) for each in ("root.pem", "issuing.pem")]
    chain = ("-CAfile", files[0], "-untrusted", files[1], "-attime", moment)
    shown = call(cluster.site, "show cert own CallManager").text
    assert openssl("verify", *chain, given=shown.encode()) == "stdin: OK\n"

    # Held lists accept what is served now; it carries and, once all know it, is signed
    # by the new key.
    cluster.clock.pass_seconds(301)
    cluster.publisher.start()
    now = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    assert now.issuer_name == "CN=Issuing CA;O=Example"
    assert takes(held, cluster.publisher.raw)
    records = cluster.publisher.served.records
    named = [each.role for each in records if each.certificate == now.der]
    assert Role.TFTP in named

    call(
        cluster.site,
        "utils itl trust release",
        [("(yes/no)?", "yes")],
    )
    cluster.publisher.start()
    served = cluster.publisher.served
    assert served.header.signer_name == now.subject_name
    assert served.header.ca_name == "CN=Issuing CA;O=Example"
    third = cluster.publisher.raw
    cluster.clock.pass_seconds(1)
    cluster.publisher.start()
    assert takes(third, cluster.publisher.raw)
    verdict = judge(decode(third), cluster.publisher.served, SignatureVerifier())
    assert verdict.accepted

    # TVS of the other node vouches for it: it was brought there.
    known = TrustedCertificates(cluster.subscriber.site).query(
        now.subject_name, now.issuer_name, now.serial
    )
    assert known is not None
    assert known.certificate == now.der
    assert {int(Role.SAST), int(Role.TFTP)} <= set(known.roles)


def test_a_second_change_has_to_wait_for_the_hold(
    cluster: MadeCluster, root: Authority
) -> None:
    answer = root.answer(request_of(cluster), USUAL)
    trusting(cluster, root)
    paste(cluster, "set cert import own CallManager", answer)
    with dialog_with() as dialog, pytest.raises(RefusedError, match="last 5 minutes"):
        run(dialog, cluster.site, "set cert regen TVS")
    call(cluster.site, "set csr gen TVS")
    with dialog_with() as dialog, pytest.raises(RefusedError, match="last 5 minutes"):
        run(dialog, cluster.site, "set cert import own TVS")


@pytest.mark.parametrize("unit", ["tomcat", "ipsec", "CAPF", "TVS"])
def test_every_other_unit_can_be_signed_and_is_brought_to_members(
    cluster: MadeCluster, root: Authority, unit: str
) -> None:
    answer = root.answer(request_of(cluster, unit), USUAL)
    paste(cluster, f"set cert import trust {unit}", root.pem)
    assert paste(cluster, f"set cert import own {unit}", answer).status == 0
    own = cluster.publisher.keys.certificate(Unit(unit))
    assert own.issuer_name == "CN=Root CA;O=Example"
    there = cluster.subscriber.keys.trusted(cluster.site.node, Unit(unit))
    assert (there == own) is (unit != "ipsec")


def bad(root: Authority, issuing: Authority, request: bytes) -> Iterator[str]:
    """What is pasted, and what is said of it."""
    early, late = START - timedelta(days=3), START + timedelta(days=1)
    other = root.sign(rsa_key(7).public_key(), name("test10pub.joemar2.lab"), USUAL)
    big = root.sign(rsa_key(8, 4352).public_key(), name("big"), USUAL)
    curve = root.sign(ec_key().public_key(), name("ec"), USUAL)
    yield from (pem(other), "its key is another one")
    yield from (pem(big), "4352 bits, and 1024 to 4096")
    yield from (pem(curve), "it has an EC key of 256 bits: trust lists")
    yield from (root.answer(request, Wanted(early, 1)), "expired on 2014-02-24")
    yield from (root.answer(request, Wanted(late)), "is not valid before 2014-02-27")
    authority = USUAL._replace(is_authority=True)
    yield from (root.answer(request, authority), "certificate authority's")
    unsigned = USUAL._replace(may_sign=False)
    yield from (root.answer(request, unsigned), "no digital signature")
    wild = USUAL._replace(hosts=("*.joemar2.lab",))
    yield from (root.answer(request, wild), "wildcard")
    yield from (issuing.answer(request, USUAL), "is not in CallManager-trust")
    forged = Authority("Root CA", authority_usages(BEFORE), number=9)
    yield from (forged.answer(request, USUAL), "has another key than the one")
    yield from (f"{root.pem}", "certificate authority's")
    yield from (chain_pem(root.certificate, issuing.certificate), "2 certificates")
    yield from ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "no ce")
    yield from ("-----BEGIN X-----\nMIIB\n-----END X-----", "a block of it is called")
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"
    yield from (key, "it holds a private key")
    yield from ("what is this\n\n", "What was pasted is no certificate")


def test_what_does_not_fit_is_refused_and_changes_nothing(
    cluster: MadeCluster, root: Authority, issuing: Authority
) -> None:
    request = request_of(cluster)
    trusting(cluster, root)
    told = iter(bad(root, issuing, request))
    for text in told:
        said = refused(cluster, "set cert import own CallManager", text)
        expected = next(told)
        assert expected in said.message, (expected, said.message)
        assert "PRIVATE KEY" not in f"{said.message}{said.advice}"
    # And the right one still is taken.
    answer = root.answer(request, USUAL)
    assert paste(cluster, "set cert import own CallManager", answer).status == 0


def test_authorities_that_are_none_break_a_chain(
    cluster: MadeCluster, root: Authority, issuing: Authority
) -> None:
    """Each is in the trust, by hand; openssl refuses the same chains."""
    leaf = Authority("Leaf", USUAL, root, number=2)
    old = Authority("Old", Wanted(BEFORE, 10, is_authority=True), root, number=3)
    below = Authority("Below", authority_usages(BEFORE), issuing, number=4)
    folder = Path(cluster.site.settings.home, "security/imported/CallManager-trust")
    folder.mkdir(parents=True)
    for number, each in enumerate((root, leaf, old, issuing, below)):
        (folder / f"{number}.pem").write_text(each.pem)
    request = request_of(cluster)
    for authority, why in (
        (leaf, "Leaf is no certificate authority"),
        (old, "the certificate of Old expired"),
        (below, "Issuing CA allows 0 authorities below it"),
    ):
        answer = authority.answer(request, USUAL)
        said = refused(cluster, "set cert import own CallManager", answer)
        assert why in said.message


def test_the_named_authority_has_to_be_the_issuer(
    cluster: MadeCluster, root: Authority, issuing: Authority
) -> None:
    answer = issuing.answer(request_of(cluster), USUAL)
    trusting(cluster, root, issuing)
    line = "set cert import own CallManager Root_CA.pem"
    assert "did not issue" in refused(cluster, line, answer).message
    line = "set cert import own CallManager CallManager-trust/Issuing_CA.pem"
    assert paste(cluster, line, answer).status == 0


def test_nothing_pasted_is_nothing_done(cluster: MadeCluster) -> None:
    with dialog_with([("", "")]) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, "set cert import trust CallManager")


def test_a_trusted_one_is_brought_to_every_member_and_vouched_for(
    cluster: MadeCluster, root: Authority
) -> None:
    done = paste(cluster, "set cert import trust Phone-SAST", root.pem)
    assert "Successfully imported certificate for Phone-SAST.\n" in done.text
    for member in (cluster.publisher, cluster.subscriber):
        shown = call(member.site, "show cert list trust").text
        assert "Phone-SAST-trust/Root_CA.pem: Self-signed" in shown
        known = TrustedCertificates(member.site).verify(
            root.certificate.public_bytes(Encoding.DER)
        )
        assert known is not None
        assert known.roles == (Role.SAST,)
    again = paste(cluster, "set cert import trust Phone-SAST", root.pem)
    assert "Root CA was in Phone-SAST-trust already." in again.text


def test_a_member_that_does_not_answer_is_named(
    cluster: MadeCluster, root: Authority
) -> None:
    cluster.subscriber.is_dead = True
    done = paste(cluster, "set cert import trust tomcat", root.pem)
    assert done.status == 3
    assert "test10sub does not answer" in done.text
    assert done.text.endswith("Executed command unsuccessfully\n")
    cluster.subscriber.is_dead = False
    assert paste(cluster, "set cert import trust tomcat", root.pem).status == 0
    assert "Root_CA" in call(cluster.subscriber.site, "show cert list trust").text


def test_a_chain_is_imported_root_first(
    cluster: MadeCluster, root: Authority, issuing: Authority
) -> None:
    said = refused(cluster, "set cert import trust CallManager", issuing.pem)
    assert "is not in CallManager-trust" in said.message
    chain = chain_pem(issuing.certificate, root.certificate)
    done = paste(cluster, "set cert import trust CallManager", chain)
    assert done.lines[-3:-1] == [
        "Root CA is in CallManager-trust now.",
        "Issuing CA is in CallManager-trust now.",
    ]


def test_a_chain_is_in_the_trust_whole_or_not_at_all(
    cluster: MadeCluster, root: Authority, issuing: Authority
) -> None:
    later = Authority("Issuing CA", authority_usages(BEFORE + timedelta(days=5)))
    line = "set cert import trust CallManager"
    paste(cluster, line, later.pem)
    chain = chain_pem(root.certificate, issuing.certificate)
    said = refused(cluster, line, chain)
    assert said.message.endswith("no earlier than this one; nothing was changed")


def test_a_full_disk_within_a_chain_says_what_is_there(
    cluster: MadeCluster,
    root: Authority,
    issuing: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = LocalStore.write

    def full(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
        if "Issuing" in name:
            raise StoreError("no space is left on the device")
        write(store, name, raw, mode)

    line = "set cert import trust CallManager"
    chain = chain_pem(root.certificate, issuing.certificate)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", full)
        with (
            dialog_with(lines_of(chain)) as dialog,
            pytest.raises(
                StoreError, match="on this node only: Root CA in CallManager-trust"
            ),
        ):
            run(dialog, cluster.site, line)
    assert paste(cluster, line, chain).status == 0
    shown = call(cluster.subscriber.site, "show cert list trust").text
    assert "Root_CA" in shown


def test_one_of_the_same_name_is_replaced_only_by_a_later_one(
    cluster: MadeCluster,
) -> None:
    first = Authority("CA", authority_usages(BEFORE))
    later = Authority("CA", authority_usages(BEFORE + timedelta(days=1)), number=1)
    line = "set cert import trust CallManager"
    paste(cluster, line, first.pem)
    done = paste(cluster, line, later.pem)
    assert "CA replaces an earlier one in CallManager-trust." in done.text
    assert call(cluster.site, "show cert list trust").text.count("CA.pem") == 1
    said = refused(cluster, line, first.pem)
    assert "no earlier than this one" in said.message
    earlier = Path(cluster.site.settings.home, "earlier/CallManager-trust")
    (copy,) = earlier.iterdir()
    assert copy.read_text() == first.pem


def test_two_of_one_common_name_have_names_of_their_own(cluster: MadeCluster) -> None:
    wanted = authority_usages(BEFORE)
    one, other = Authority("CA", wanted), Authority("CA", wanted, number=1)
    other.name = name("CA", "Another")
    renamed = other.sign(other.key.public_key(), other.name, wanted)
    paste(cluster, "set cert import trust CallManager", one.pem)
    paste(cluster, "set cert import trust CallManager", pem(renamed))
    rows = call(cluster.site, "show cert list trust").lines
    names = [r.partition(":")[0] for r in rows if "/CA_" in r]
    assert len(set(names)) == 2
    shown = call(cluster.site, f"show cert trust {names[0]}")
    assert "Subject Name: CN=CA" in shown.text


def test_what_is_pasted_into_a_trust_is_held_to_the_same(
    cluster: MadeCluster, root: Authority
) -> None:
    line = "set cert import trust CallManager"
    old = Authority("Old", Wanted(BEFORE, 10, is_authority=True))
    assert "expired" in refused(cluster, line, old.pem).message
    curve = Authority("x", authority_usages(BEFORE))
    key = ec_key(384)
    own = curve.sign(key.public_key(), name("curve"), USUAL)
    paste(cluster, line, curve.pem)
    paste(cluster, line, pem(own))  # an EC certificate is read, kept and shown
    shown = call(cluster.site, "show cert trust CallManager-trust/curve.pem").text
    assert "Key: EC 384 bits" in shown


def test_a_deleted_one_is_trusted_no_longer_and_a_copy_stays(
    cluster: MadeCluster, root: Authority
) -> None:
    paste(cluster, "set cert import trust tomcat", root.pem)
    done = call(cluster.site, "set cert delete tomcat Root_CA.pem")
    assert done.lines[0] == "Successfully deleted certificate tomcat-trust/Root_CA.pem."
    copy = Path(done.lines[1].removeprefix("A copy of it is ").removesuffix("."))
    assert copy.read_text() == root.pem
    assert done.lines[2].endswith("too, with the same command. test10sub")
    assert "Root_CA" in call(cluster.subscriber.site, "show cert list trust").text
    assert "Root_CA" not in call(cluster.site, "show cert list trust").text
    with dialog_with() as dialog, pytest.raises(MissingFileError):
        run(dialog, cluster.site, "set cert delete tomcat Root_CA.pem")


def test_a_node_that_no_way_leads_to_is_named_and_not_skipped(
    cluster: MadeCluster, root: Authority
) -> None:
    settings = cluster.site.settings
    nodes = tuple(node._replace(ssh=None) for node in settings.cluster.nodes)
    alone = settings.cluster._replace(nodes=nodes)
    cluster.publisher.site = cluster.site.with_settings(
        settings._replace(cluster=alone)
    )
    done = paste(cluster, "set cert import trust tomcat", root.pem)
    assert done.status == 3
    assert "test10sub" in done.text
    assert "no way leads there" in done.text


def test_a_certificate_that_is_needed_is_asked_about(
    cluster: MadeCluster, root: Authority
) -> None:
    answer = root.answer(request_of(cluster), USUAL)
    trusting(cluster, root)
    paste(cluster, "set cert import own CallManager", answer)
    before = cluster.tree()
    with dialog_with([("(yes/no)? ", "no")]) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, "set cert delete CallManager Root_CA.pem")
    assert "The CallManager certificate of this node was signed by it" in dialog.text
    assert cluster.tree() == before
    paste(cluster, "set cert import trust Phone-SAST", root.pem)
    asked = call(
        cluster.site,
        "set cert delete Phone-SAST-trust Root_CA.pem",
        [("(yes/no)? ", "yes")],
    )
    assert "vouches for it as a signer of trust lists" in asked.text


def test_certificates_of_other_members_are_not_deleted(cluster: MadeCluster) -> None:
    with dialog_with() as dialog, pytest.raises(RefusedError, match="of test10sub"):
        run(dialog, cluster.site, "set cert delete TVS test10sub.joemar2.lab.pem")


def test_a_file_that_is_no_certificate_hides_no_other(
    cluster: MadeCluster, root: Authority
) -> None:
    paste(cluster, "set cert import trust tomcat", root.pem)
    folder = Path(cluster.site.settings.home, "security/imported/tomcat-trust")
    (folder / "broken.pem").write_text("nothing")
    shown = call(cluster.site, "show cert list trust")
    assert shown.status == 1
    assert "tomcat-trust/Root_CA.pem: Self-signed" in shown.text
    assert "tomcat-trust/broken.pem cannot be read" in shown.text


def test_a_full_disk_leaves_the_pair_and_the_request(
    cluster: MadeCluster, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = root.answer(request_of(cluster), USUAL)
    trusting(cluster, root)
    pair = cluster.site.home.read(pair_file("CallManager"))
    request = cluster.site.home.read(request_file("CallManager"))
    write = LocalStore.write

    def full(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> None:
        if name.endswith("CallManager/private.pem"):
            raise StoreError("no space is left on the device")
        write(store, name, raw, mode)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", full)
        with (
            dialog_with(lines_of(answer)) as dialog,
            pytest.raises(StoreError, match="no space"),
        ):
            run(dialog, cluster.site, "set cert import own CallManager")
    assert cluster.site.home.read(pair_file("CallManager")) == pair
    assert cluster.site.home.read(request_file("CallManager")) == request
    cluster.clock.pass_seconds(301)
    assert paste(cluster, "set cert import own CallManager", answer).status == 0


@pytest.mark.parametrize("answer", ["MIIB", "x" * 70])
def test_what_never_ends_is_cut_off(cluster: MadeCluster, answer: str) -> None:
    endless = "\n".join(["-----BEGIN CERTIFICATE-----", *[answer] * 4000])
    said = refused(cluster, "set cert import trust tomcat", endless)
    assert "More than 4000 lines" in said.message


def test_reading_errors_are_ours() -> None:
    for raw in (b"", b"\x30\x03\x02\x01\x05", b"\x30" * 99, b"-----BEGIN PKCS7-----\n"):
        with pytest.raises(CertificateError):
            read_received(raw)
    with pytest.raises(CertificateError, match="at most"):
        read_received(b"\n" * (MAX_RECEIVED + 1))
