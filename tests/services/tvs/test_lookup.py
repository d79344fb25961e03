"""For which certificates a node vouches, and as what (docs/decisions/030)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsh.config.model import FurtherRecord
from cucmsh.config.settings import read_settings
from cucmsh.errors import StoreError
from cucmsh.layout import CTL_FILE, IMPORTED_FOLDER, LIST_FILE
from cucmsh.pki.credential import Credential
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.compose import digest_of
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TTL_SECONDS, TrustedCertificates
from cucmsh.services.tvs.trusted import signers_of
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.sealing import seal
from cucmsh.tvs.answering import Known
from tests.services.callers import called
from tests.services.made_cluster import SUBJECT, MadeCluster, QuickKeys

pytestmark = pytest.mark.thorough

RECOVERY = Unit.ITL_RECOVERY
SAST, CCM, TFTP, CAPF, APPLICATION, TVS = 0, 1, 3, 4, 7, 21


def asked(site: Site, certificate: Certificate) -> tuple[int, ...] | None:
    """The roles that a verify and a query agree on; None for unknown."""
    lookup = TrustedCertificates(site)
    return both(lookup, certificate)


def both(
    lookup: TrustedCertificates, certificate: Certificate
) -> tuple[int, ...] | None:
    known = lookup.verify(certificate.der)
    name, issuer = certificate.subject_name, certificate.issuer_name
    assert lookup.query(name, issuer, certificate.serial) == known
    if known is None:
        return None
    assert known == Known(certificate.der, known.roles, 86_400)
    return known.roles


def stranger(cluster: MadeCluster, name: str = "elsewhere") -> Credential:
    now = cluster.clock.now()
    return QuickKeys.make_credential(Unit.CALL_MANAGER, name, SUBJECT, now)


def put(site: Site, folder: str, pem: bytes) -> None:
    site.home.write(f"{IMPORTED_FOLDER}/{folder}/one.pem", pem)


def with_list(
    cluster: MadeCluster,
    file: str,
    signer: Credential,
    *records: tuple[int, Credential],
) -> None:
    """A list in the publisher's TFTP directory that another tool put there."""
    site = cluster.site
    made = seal(
        [
            full_record(SAST, signer.certificate),
            *(full_record(role, other.certificate) for role, other in records),
        ],
        signer,
        timestamp=1_400_000_000,
        digest=digest_of(site),
        file_name=file,
    )
    site.tftp.write(file, made.raw)


@pytest.mark.parametrize("at", ["publisher", "subscriber"])
def test_each_member_knows_all_that_is_present_of_both(
    cluster: MadeCluster, at: str
) -> None:
    site: Site = getattr(cluster, at).site
    pub, sub = cluster.publisher.keys, cluster.subscriber.keys
    expected = {
        (pub, Unit.CALL_MANAGER): (SAST, TFTP),
        (sub, Unit.CALL_MANAGER): (SAST, TFTP),
        (pub, Unit.ITL_RECOVERY): (SAST,),
        (pub, Unit.CAPF): (CAPF,),
        (pub, Unit.TVS): (TVS,),
        (sub, Unit.TVS): (TVS,),
        (sub, Unit.ITL_RECOVERY): None,  # no list names it
        (pub, Unit.IPSEC): None,
    }
    own = getattr(cluster, at).keys
    expected[own, Unit.TOMCAT] = (APPLICATION,)
    for (keys, unit), roles in expected.items():
        assert asked(site, keys.certificate(unit)) == roles, unit


def test_time_to_keep_an_answer_is_the_one_of_a_genuine_server() -> None:
    assert TTL_SECONDS == 86_400


def test_unknown_is_said_to_be_unknown(cluster: MadeCluster) -> None:
    assert asked(cluster.site, stranger(cluster).certificate) is None
    assert TrustedCertificates(cluster.site).verify(b"") is None
    assert TrustedCertificates(cluster.site).query("", "", b"\0") is None


def test_replaced_certificate_is_unknown_at_once_and_the_new_one_known_on_both(
    cluster: MadeCluster,
) -> None:
    sites = (cluster.publisher.again(), cluster.subscriber.again())
    lookups = [TrustedCertificates(site) for site in sites]
    old = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    assert [both(lookup, old) for lookup in lookups] == [(SAST, TFTP)] * 2
    regenerate(cluster.site, Unit.CALL_MANAGER)
    new = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    assert cluster.publisher.served.header.serial == old.serial  # still served
    assert [both(lookup, old) for lookup in lookups] == [None, None]
    assert [both(lookup, new) for lookup in lookups] == [(SAST, TFTP)] * 2


def test_same_issuer_and_serial_with_another_key_is_refused(
    cluster: MadeCluster,
) -> None:
    known = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    forged = bytearray(known.der)
    forged[-1] ^= 1
    lookup = TrustedCertificates(cluster.site)
    assert lookup.verify(bytes(forged)) is None
    assert lookup.verify(known.der) is not None


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: name,
        lambda name: ",".join(reversed(name.split(";"))),  # certutils' way
        lambda name: name.replace(";", ", "),
        lambda name: f"{name};DC=example",  # more than our dialect names
    ],
)
def test_issuer_is_found_however_a_list_spells_it(
    cluster: MadeCluster, spell: Callable[[str], str]
) -> None:
    found = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    lookup = TrustedCertificates(cluster.site)
    known = lookup.query("x", spell(found.issuer_name), found.serial)
    assert known
    assert known.certificate == found.der
    assert lookup.query("x", spell(found.issuer_name), b"\0" + found.serial) == known
    assert lookup.query("x", "CN=other", found.serial) is None
    assert lookup.query("x", spell(found.issuer_name), found.serial + b"\0") is None


@pytest.mark.parametrize(
    ("folders", "roles"),
    [
        (("Phone-SAST-trust",), (SAST,)),
        (("CallManager-trust",), (TFTP,)),
        (("Phone-SAST-trust", "CallManager-trust"), (SAST, TFTP)),
        (("CAPF-trust",), (CAPF,)),
        (("tomcat-trust",), (APPLICATION,)),
        (("TVS-trust",), None),
    ],
)
def test_imported_certificate_is_trusted_as_its_folder_says(
    cluster: MadeCluster, folders: tuple[str, ...], roles: tuple[int, ...] | None
) -> None:
    other = stranger(cluster).certificate
    lookup = TrustedCertificates(cluster.site)
    assert both(lookup, other) is None
    for folder in folders:
        put(cluster.site, folder, QuickKeys().to_pem(other))
    assert both(lookup, other) == roles
    for folder in folders:
        cluster.site.home.remove(f"{IMPORTED_FOLDER}/{folder}/one.pem")
    assert both(lookup, other) is None


def test_record_of_the_configuration_is_known_but_not_as_a_signer_of_lists(
    cluster: MadeCluster,
) -> None:
    other, token = stranger(cluster).certificate, stranger(cluster, "token").certificate
    rows = (
        FurtherRecord(CCM, QuickKeys().to_pem(other).decode()),
        FurtherRecord(SAST, QuickKeys().to_pem(token).decode()),
    )
    settings = cluster.site.settings
    wider = settings.cluster._replace(records=rows)
    site = cluster.site.with_settings(settings._replace(cluster=wider))
    assert asked(site, other) == (CCM,)
    assert asked(site, token) is None


class TestLists:
    """A list in the TFTP directory counts if its signer is ours, or was adopted."""

    @pytest.mark.parametrize("file", [CTL_FILE, LIST_FILE])
    def test_stranger_s_list_gives_nothing(
        self, cluster: MadeCluster, file: str
    ) -> None:
        signer, other = stranger(cluster, "signer"), stranger(cluster)
        with_list(cluster, file, signer, (TFTP, other))
        assert asked(cluster.site, other.certificate) is None
        assert asked(cluster.site, signer.certificate) is None

    @pytest.mark.parametrize("file", [CTL_FILE, LIST_FILE])
    def test_adopted_signer_s_list_gives_what_it_names_but_no_signer_and_no_tvs(
        self, cluster: MadeCluster, file: str
    ) -> None:
        signer, other = stranger(cluster, "signer"), stranger(cluster)
        token, vouching = stranger(cluster, "token"), stranger(cluster, "vouching")
        rows = ((TFTP, other), (CCM, other), (SAST, token), (TVS, vouching))
        with_list(cluster, file, signer, *rows)
        lookup = TrustedCertificates(cluster.site)
        assert both(lookup, other.certificate) is None
        cluster.publisher.keys.adopt(signer)
        assert both(lookup, other.certificate) == (CCM, TFTP)
        assert both(lookup, token.certificate) is None
        assert both(lookup, vouching.certificate) is None

    def test_own_signer_s_ctl_gives_what_it_names(self, cluster: MadeCluster) -> None:
        other = stranger(cluster)
        signer = cluster.publisher.keys.recovery()
        with_list(cluster, CTL_FILE, signer, (CCM, other))
        assert asked(cluster.site, other.certificate) == (CCM,)

    def test_member_s_ctl_gives_what_it_names(self, cluster: MadeCluster) -> None:
        other = stranger(cluster)
        signer = cluster.subscriber.keys.credential(Unit.CALL_MANAGER)
        with_list(cluster, CTL_FILE, signer, (CCM, other))
        assert asked(cluster.site, other.certificate) == (CCM,)

    def test_list_whose_signature_is_wrong_gives_nothing(
        self, cluster: MadeCluster
    ) -> None:
        other = stranger(cluster)
        with_list(cluster, CTL_FILE, cluster.publisher.keys.recovery(), (CCM, other))
        raw = bytearray(cluster.site.tftp.read(CTL_FILE))
        raw[-1] ^= 1
        cluster.site.tftp.write(CTL_FILE, bytes(raw))
        assert asked(cluster.site, other.certificate) is None

    def test_replaced_certificate_in_such_a_list_is_unknown(
        self, cluster: MadeCluster
    ) -> None:
        old = cluster.publisher.keys.credential(Unit.CALL_MANAGER)
        with_list(cluster, CTL_FILE, cluster.publisher.keys.recovery(), (TFTP, old))
        regenerate(cluster.site, Unit.CALL_MANAGER)
        assert asked(cluster.site, old.certificate) is None

    def test_no_list_and_garbage_in_its_place_are_nobody_s_problem(
        self, cluster: MadeCluster
    ) -> None:
        cluster.site.tftp.remove(LIST_FILE)
        cluster.site.tftp.write(CTL_FILE, b"garbage")
        own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
        assert asked(cluster.site, own) == (SAST, TFTP)
        assert asked(cluster.site, stranger(cluster).certificate) is None


class TestKeepTrust:
    def test_earlier_key_that_signs_is_known_while_it_does(
        self, keeping: MadeCluster
    ) -> None:
        site, keys = keeping.site, keeping.publisher.keys
        manager, recovery = map(keys.certificate, (Unit.CALL_MANAGER, RECOVERY))
        lookup = TrustedCertificates(site)
        regenerate(site, Unit.CALL_MANAGER)
        assert both(lookup, manager) == (SAST,)  # it signed what is served
        keeping.start()  # with ITLRecovery
        assert both(lookup, manager) is None
        keeping.clock.pass_seconds(301)
        regenerate(site, RECOVERY)
        keeping.start()  # with the earlier ITLRecovery, which all lists name
        assert keeping.publisher.served.header.serial == recovery.serial
        assert both(lookup, recovery) == (SAST,)
        site.tftp.remove(LIST_FILE)
        assert both(lookup, recovery) is None

    def test_without_it_no_earlier_key_is(self, cluster: MadeCluster) -> None:
        recovery = cluster.publisher.keys.certificate(RECOVERY)
        cluster.reset()
        assert asked(cluster.site, recovery) == (SAST,)
        regenerate(cluster.site, RECOVERY)
        assert cluster.publisher.served.header.serial == recovery.serial
        assert asked(cluster.site, recovery) is None

    def test_stranger_who_signs_the_served_list_is_none(
        self, keeping: MadeCluster
    ) -> None:
        signer = stranger(keeping, "signer")
        with_list(keeping, LIST_FILE, signer, (TFTP, signer))
        lookup = TrustedCertificates(keeping.site)
        assert both(lookup, signer.certificate) is None
        keeping.publisher.keys.adopt(signer)
        assert both(lookup, signer.certificate) == (SAST, TFTP)

    def test_adopted_signer_that_was_imported_too_still_signs(
        self, keeping: MadeCluster
    ) -> None:
        signer = stranger(keeping, "signer")
        with_list(keeping, LIST_FILE, signer, (TFTP, signer))
        keeping.publisher.keys.adopt(signer)
        pem = QuickKeys.to_pem(signer.certificate)
        put(keeping.site, "CallManager-trust", pem)
        assert asked(keeping.site, signer.certificate) == (SAST, TFTP)


def test_expired_certificate_is_answered_as_any_other(cluster: MadeCluster) -> None:
    own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    cluster.clock.pass_seconds(20 * 365 * 86_400)
    assert own.has_expired(cluster.clock.now())
    assert asked(cluster.site, own) == (SAST, TFTP)


class TestUnreadable:
    """What is there is answered; that something is unknown is not said."""

    @pytest.mark.parametrize(
        "damage",
        [
            lambda site: site.home.write("security/TVS/private.pem", b"garbage"),
            lambda site: site.home.remove("security/TVS/private.pem"),
            lambda site: site.home.write("security/trust/test10sub/TVS.pem", b"x"),
            lambda site: put(site, "Phone-SAST-trust", b"no certificate"),
        ],
    )
    def test_rest_is_answered(
        self, cluster: MadeCluster, damage: Callable[[Site], None]
    ) -> None:
        lookup = TrustedCertificates(cluster.site)
        other = stranger(cluster).certificate
        assert lookup.verify(other.der) is None
        damage(cluster.site)
        own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
        assert lookup.verify(own.der) is not None
        with pytest.raises(StoreError, match="not all certificates can be read"):
            lookup.verify(other.der)
        with pytest.raises(StoreError, match="not all certificates can be read"):
            lookup.query("", other.issuer_name, other.serial)

    def test_folder_that_cannot_be_looked_at(self, cluster: MadeCluster) -> None:
        lookup = TrustedCertificates(cluster.site)
        own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
        assert lookup.verify(own.der)
        adopted = Path(cluster.site.settings.home, "security/adopted")
        adopted.write_bytes(b"no folder")
        with pytest.raises(StoreError):
            lookup.verify(own.der)


class TestCache:
    def test_after_a_while_a_glance_is_enough_and_sees_every_change(
        self, cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lookup = TrustedCertificates(cluster.site)
        own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
        passed = datetime.now(UTC) - cluster.clock.now() + timedelta(seconds=5)
        cluster.clock.pass_seconds(passed.total_seconds())
        assert both(lookup, own)
        with monkeypatch.context() as patch:
            patch.setattr(LocalStore, "stamps", None)
            assert both(lookup, own)
        for folder in ("Phone-SAST-trust", "CAPF-trust"):
            other = stranger(cluster, folder).certificate
            put(cluster.site, folder, QuickKeys().to_pem(other))
            assert both(lookup, other)
        regenerate(cluster.site, Unit.CALL_MANAGER)
        assert both(lookup, own) is None
        cluster.site.home.write("security/trust/new/TVS.pem", b"nobody's")
        assert both(lookup, other)

    def test_nothing_is_read_twice(
        self, cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lookup = TrustedCertificates(cluster.site)
        own = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
        assert lookup.verify(own.der)
        monkeypatch.setattr(type(cluster.site.home), "read", None)
        assert lookup.verify(own.der)
        assert lookup.query("", own.issuer_name, own.serial)

    def test_file_written_in_place_is_read_again(self, cluster: MadeCluster) -> None:
        one, two = (stranger(cluster, name).certificate for name in ("one", "two"))
        put(cluster.site, "CAPF-trust", QuickKeys().to_pem(one))
        lookup = TrustedCertificates(cluster.site)
        assert both(lookup, one)
        path = Path(cluster.site.settings.home, IMPORTED_FOLDER, "CAPF-trust/one.pem")
        inode = path.stat().st_ino
        path.write_bytes(QuickKeys().to_pem(two))
        os.utime(path, ns=(1, 1))
        assert path.stat().st_ino == inode
        assert both(lookup, one) is None
        assert both(lookup, two) == (CAPF,)

    def test_node_that_left_the_configuration_is_unknown(
        self, cluster: MadeCluster
    ) -> None:
        cluster.write_configurations()
        site = called(
            cluster.site.with_settings(read_settings(cluster.site.settings.path))
        )
        lookup = TrustedCertificates(site)
        theirs = cluster.subscriber.keys.certificate(Unit.CALL_MANAGER)
        assert both(lookup, theirs) == (SAST, TFTP)
        path = Path(cluster.site.settings.path)
        text = path.read_text()
        path.write_text("what is that?")  # a mistake changes nothing
        assert both(lookup, theirs) == (SAST, TFTP)
        at = text.index("[[cluster.nodes]]", text.index("[[cluster.nodes]]") + 1)
        path.write_text(text[:at])
        assert both(lookup, theirs) is None


def test_signers_are_named(cluster: MadeCluster) -> None:
    put(
        cluster.site,
        "Phone-SAST-trust",
        QuickKeys().to_pem(stranger(cluster).certificate),
    )
    assert [name for name, _ in signers_of(cluster.site)] == [
        "the ITLRecovery certificate of test10pub",
        "the CallManager certificate of test10pub",
        "the CallManager certificate of test10sub",
    ]
    assert Keystore(cluster.site).units  # nothing was changed
