"""The phones' files are signed for the list that is served, and for no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cucmsh.errors import BusyError, RefusedError
from cucmsh.pki.credential import Credential
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists import sign_files as signing
from cucmsh.services.lists import tftp_start
from cucmsh.services.lists.phone_files import MAX_PLAIN_SIZE, choose, named
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.sign_and_bring import problem_of
from cucmsh.services.lists.sign_files import SignReport, sign_files
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.signed import decode_signed
from cucmsh.trustlist.signed_trust import judge_signed
from tests.services.made_cluster import MadeCluster

PHONE = "SEP001122334455.cnf.xml"
LIST = "Desktops/320x212x12/List.xml"


def put(site: Site, name: str, raw: bytes = b"<device/>") -> Path:
    path = Path(site.node.tftp_directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def signed(site: Site, *specs: str) -> SignReport:
    return sign_files(site, choose(site, specs))


def is_taken(site: Site, name: str) -> bool:
    """Whether a phone that holds the served list takes the signed file."""
    raw = served_list(site)
    assert raw is not None
    offered = decode_signed(site.tftp.read(f"{name}.sgn"))
    path = f"{name}.sgn"
    return judge_signed(decode(raw), offered, SignatureVerifier(), path=path).accepted


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    return cluster.site


def test_everything_a_phone_asks_for_is_signed_and_nothing_else(site: Site) -> None:
    asked = [PHONE, LIST, "RINGLIST.XML", "SIP42.9-4-2.loads", "a b;$(x) ä.xml"]
    asked += ["English/mk-sip.jar", "ring.raw"]
    for name in [*asked, "SIP42.sbn", "CTLFile.tlv", ".hidden.xml", "key.pem"]:
        put(site, name)
    report = signed(site)
    assert report == SignReport(tuple(sorted(asked)), (), ())
    assert all(is_taken(site, name) for name in asked)
    found = {path.name for path in Path(site.tftp.root).rglob("*.sgn")}
    assert found == {f"{os.path.basename(name)}.sgn" for name in asked}


def test_second_run_changes_nothing(cluster: MadeCluster) -> None:
    put(cluster.site, PHONE)
    put(cluster.site, LIST)
    signed(cluster.site)
    cluster.clock.pass_seconds(60)
    before = cluster.tree()
    assert signed(cluster.site) == SignReport((), tuple(sorted((PHONE, LIST))), ())
    assert cluster.tree() == before


@pytest.mark.thorough
@pytest.mark.parametrize("damage", ["payload", "signature", "cut", "renamed", "junk"])
def test_file_that_a_phone_would_refuse_is_signed_anew(site: Site, damage: str) -> None:
    put(site, PHONE)
    put(site, LIST)
    signed(site)
    path = Path(site.tftp.root, f"{PHONE}.sgn")
    raw = path.read_bytes()
    signature = decode_signed(raw).header.signature
    changed = bytes((signature[0] ^ 1,)) + signature[1:]
    path.write_bytes(
        {
            "payload": raw + b"x",
            "signature": raw.replace(signature, changed),
            "cut": raw[:100],
            "renamed": Path(site.tftp.root, f"{LIST}.sgn").read_bytes(),
            "junk": b"junk",
        }[damage]
    )
    assert signed(site).signed == (PHONE,)
    assert is_taken(site, PHONE)


def test_signed_file_is_for_the_tftp_service_to_read(site: Site) -> None:
    put(site, PHONE)
    signed(site)
    assert Path(site.tftp.root, f"{PHONE}.sgn").stat().st_mode & 0o777 == 0o644


def test_specs_and_names_choose(site: Site) -> None:
    for name in (PHONE, "SEP2.cnf.xml", "a[1].xml", "fw.sbn", LIST):
        put(site, name)
    assert choose(site, ["SEP*"]).names == (PHONE, "SEP2.cnf.xml")
    assert choose(site, ["Desktops/*"]).names == (LIST,)
    assert choose(site, ["fw.sbn", PHONE]).names == (PHONE, "fw.sbn")
    nothing = choose(site, ["*.sbn", "no.xml", "ITLFile.tlv", "../x.xml"])
    assert nothing.names == ()
    assert [name for name, _ in nothing.refused] == [
        "no.xml",
        "ITLFile.tlv",
        "../x.xml",
        "*.sbn",
    ]
    root = site.tftp.root
    found = named(site, [f"{root}/{PHONE}", "a[1].xml", "/etc/passwd", f"{root}/../x"])
    assert found.names == (PHONE, "a[1].xml")
    assert [name for name, _ in found.refused] == ["/etc/passwd", f"{root}/../x"]


def test_configured_patterns_are_the_rule(site: Site) -> None:
    put(site, PHONE)
    put(site, "dialplan.txt")
    put(site, "a/b.txt")
    patterns = ("a/*.txt",)
    site.settings = site.settings._replace(signed_patterns=patterns)
    assert choose(site).names == ("a/b.txt",)


def test_links_are_named_and_nothing_is_signed_through_them(
    site: Site, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "SEP9.cnf.xml").write_bytes(b"<secret/>")
    root = Path(site.tftp.root)
    (root / "link.xml").symlink_to(outside / "SEP9.cnf.xml")
    (root / "way").symlink_to(outside)
    report = signed(site)
    assert report.signed == ()
    assert [name for name, _ in report.failed] == ["link.xml"]
    assert named(site, ["way/SEP9.cnf.xml"]).names == ()
    assert sorted(path.name for path in outside.iterdir()) == ["SEP9.cnf.xml"]


def test_link_in_place_of_a_signed_file_leads_nowhere(
    site: Site, tmp_path: Path
) -> None:
    put(site, PHONE)
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    Path(site.tftp.root, f"{PHONE}.sgn").symlink_to(target)
    report = signed(site)
    assert report.signed == ()
    assert [name for name, _ in report.failed] == [PHONE]
    assert "not a regular file" in report.failed[0][1]
    assert target.read_bytes() == b"mine"


@pytest.mark.thorough
def test_file_over_the_limit_is_named_and_the_others_are_signed(site: Site) -> None:
    put(site, "large.png", bytes(MAX_PLAIN_SIZE + 1))
    put(site, "fits.png", bytes(MAX_PLAIN_SIZE))
    put(site, "huge.png", bytes(2 << 20))
    put(site, PHONE)
    Path(site.tftp.root, "folder.xml.sgn").mkdir()
    put(site, "folder.xml")
    report = signed(site)
    assert report.signed == (PHONE, "fits.png")
    assert [name for name, _ in report.failed] == [
        "folder.xml",
        "huge.png",
        "large.png",
    ]
    assert report.exit_status == 3
    assert is_taken(site, "fits.png")


def test_name_that_no_store_takes_fails_alone(site: Site) -> None:
    put(site, PHONE)
    odd = os.path.join(os.fsencode(site.tftp.root), b"b\xff\n.xml")
    with open(odd, "wb") as file:
        file.write(b"<a/>")
    report = signed(site)
    assert report.signed == (PHONE,)
    assert len(report.failed) == 1
    assert problem_of(report).isprintable()  # it is kept, and shown at the next login


@pytest.mark.thorough
def test_key_is_loaded_once_for_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        put(site, f"SEP{number}.cnf.xml")
    loads = []
    read = Keystore.credential

    def counted(keystore: Keystore, unit: Unit) -> Credential:
        loads.append(unit)
        return read(keystore, unit)

    monkeypatch.setattr(Keystore, "credential", counted)
    assert len(signed(site).signed) == 100
    assert loads == [Unit.CALL_MANAGER]


@pytest.mark.thorough
def test_new_call_manager_signs_only_when_its_list_is_served(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    put(site, PHONE)
    put(site, LIST)
    signed(site)
    regenerate(site, Unit.CALL_MANAGER)
    # What is signed is still what the served list vouches for.
    assert len(signed(site).unchanged) == 2
    put(site, PHONE, b"<changed/>")
    before = cluster.tree()
    with pytest.raises(RefusedError, match="does not name its CallManager") as refused:
        signed(site)
    assert "utils service restart Cisco Tftp" in refused.value.advice
    assert cluster.tree() == before
    assert "files signed: 2" in cluster.publisher.start()
    assert is_taken(site, PHONE)
    assert is_taken(site, LIST)


@pytest.mark.thorough
def test_subscriber_that_serves_a_reset_list_signs_nothing_and_says_why(
    cluster: MadeCluster,
) -> None:
    site = cluster.subscriber.site
    put(site, PHONE)
    cluster.subscriber.start()
    assert is_taken(site, PHONE)
    cluster.reset()
    with pytest.raises(RefusedError, match=r"since a reset .* ITL of test10pub"):
        signed(site)
    assert not is_taken(site, PHONE)
    cluster.subscriber.start()
    assert is_taken(site, PHONE)


@pytest.mark.thorough
def test_publisher_signs_for_its_reset_list(cluster: MadeCluster) -> None:
    put(cluster.site, PHONE)
    cluster.reset()
    signed(cluster.site)
    assert is_taken(cluster.site, PHONE)


def test_damaged_or_missing_list_is_signed_for_by_nobody(cluster: MadeCluster) -> None:
    put(cluster.site, PHONE)
    raw = cluster.publisher.raw
    for present in (raw[:-1] + b"\0", raw[:50], b""):
        cluster.site.tftp.write("ITLFile.tlv", present)
        with pytest.raises(RefusedError, match=r"damaged|does not verify"):
            signed(cluster.site)
    cluster.site.tftp.remove("ITLFile.tlv")
    with pytest.raises(RefusedError, match="serves no ITL"):
        signed(cluster.site)


@pytest.mark.thorough
def test_start_signs_and_a_problem_is_told_at_login_until_it_is_gone(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    put(site, PHONE)
    put(site, "large.png", bytes(MAX_PLAIN_SIZE + 1))
    said = cluster.publisher.start()
    assert "files signed: 1" in said
    assert "large.png" in said
    assert is_taken(site, PHONE)
    assert "large.png" in login_notice(site)
    Path(site.tftp.root, "large.png").unlink()
    cluster.publisher.start()
    assert login_notice(site) == ""


def test_start_ends_in_time_and_says_what_is_left(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cluster.site, PHONE)
    monkeypatch.setattr(tftp_start, "SIGN_SECONDS", 0.0)
    assert signing.LATE in cluster.publisher.start()
    assert signing.LATE in login_notice(cluster.site)


def test_start_with_a_damaged_key_still_serves_the_list(cluster: MadeCluster) -> None:
    put(cluster.site, PHONE)
    cluster.site.home.write("security/CallManager/private.pem", b"junk")
    raw = cluster.publisher.raw
    assert "not all files are signed" in cluster.publisher.start()
    assert cluster.publisher.raw == raw


def test_two_signers_take_turns(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cluster.site, PHONE)
    monkeypatch.setattr("cucmsh.services.site.NODE_LOCK_SECONDS", 0)
    with cluster.site.signing_lock(), pytest.raises(BusyError):
        signed(cluster.site)


def test_signed_file_without_its_plain_one_is_named_and_left(site: Site) -> None:
    path = put(site, PHONE)
    signed(site)
    path.unlink()
    report = signed(site)
    assert report.orphans == (f"{PHONE}.sgn",)
    assert report.exit_status == 0
    assert Path(site.tftp.root, f"{PHONE}.sgn").exists()


def test_leavings_of_a_killed_signing_are_swept(site: Site) -> None:
    put(site, LIST)
    left = put(site, f"{os.path.dirname(LIST)}/.cucmsh-0123456789abcdef.tmp")
    signed(site)
    assert not left.exists()


@pytest.mark.thorough
def test_reader_sees_a_whole_file_at_every_instant(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename is the only step that a phone can see (invariant I1)."""
    site = cluster.site
    put(site, PHONE)
    signed(site)
    regenerate(site, Unit.CALL_MANAGER)
    path = Path(site.tftp.root, f"{PHONE}.sgn")
    seen = set()

    def look(name: str) -> None:
        raw = getattr(os, name)

        def looked(*words: object, **more: object) -> object:
            seen.add(path.read_bytes())
            return raw(*words, **more)

        monkeypatch.setattr(os, name, looked)

    for name in ("write", "fsync", "rename", "fchmod"):
        look(name)
    old = path.read_bytes()
    cluster.publisher.start()
    assert seen <= {old, path.read_bytes()}
    assert old != path.read_bytes()
