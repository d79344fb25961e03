"""Compose and signing where phones hold lists of another tool (docs/decisions/032)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.config.model import FurtherRecord
from cucmsh.errors import RefusedError, TrustListError
from cucmsh.layout import ADOPTED_FOLDER, LIST_FILE, RECOVERY_FILE
from cucmsh.pki.certificates import to_pem
from cucmsh.pki.credential import Credential
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.acceptance import recovery_record
from cucmsh.services.lists.compose import compose
from cucmsh.services.lists.give_up_phones import release_trust
from cucmsh.services.lists.list_records import spelled_as_held
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, with_names
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.signed import decode_signed
from cucmsh.trustlist.tags import Digest, Role
from tests.services import holder
from tests.services.adoption.elsewhere import MADE, Elsewhere, credential
from tests.services.made_cluster import (
    SECURITY,
    START,
    SUBJECT,
    MadeCluster,
    Member,
    QuickKeys,
    made_cluster,
)

pytestmark = pytest.mark.thorough

DAY = timedelta(days=1)
OLD = "CN=old.example"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "elsewhere")


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return made_cluster(tmp_path / "cluster", keep_trust=True)


def adopted(
    cluster: MadeCluster,
    key: Credential,
    *held: TrustList,
    records: tuple[FurtherRecord, ...] = (),
) -> Member:
    """The publisher after the steps of an adoption."""
    member = cluster.publisher
    settings = member.site.settings
    about = settings.cluster._replace(records=records)
    member.site.settings = settings._replace(cluster=about)
    member.keys.adopt(key)
    for trust_list in held:
        History(member.site).note_held(trust_list.raw)
    return member


def roles_of(trust_list: TrustList, key: Credential) -> list[int | None]:
    der = key.certificate.der
    return [record.role for record in trust_list.records if record.certificate == der]


def further(role: Role, key: Credential) -> FurtherRecord:
    return FurtherRecord(int(role), to_pem(key.certificate).decode())


def test_an_adopted_key_signs_and_callmanager_stands_as_tftp_only(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = elsewhere.sealed()
    member = adopted(cluster, elsewhere.signer, old)
    assert "signed with an adopted key" in member.start()
    first = member.served
    assert member.signer == OLD
    assert roles_of(first, member.keys.credential(Unit.CALL_MANAGER)) == [Role.TFTP]
    assert holder.takes(old.raw, first.raw)
    recovery = recovery_record(first)
    assert recovery
    assert recovery.certificate == member.keys.recovery().certificate.der


def test_of_two_adopted_keys_the_signer_of_the_held_list_signs(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    for signer in (elsewhere.signer, elsewhere.second):
        held = elsewhere.sealed(signer)
        made = made_cluster(
            cluster.root / signer.certificate.serial.hex(), keep_trust=True
        )
        member = adopted(made, elsewhere.signer, held)
        member.keys.adopt(elsewhere.second)
        member.start()
        assert member.served.header.serial == signer.certificate.serial


def test_it_goes_on_signing_whatever_is_made_anew(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = elsewhere.sealed()
    member = adopted(cluster, elsewhere.signer, old)
    member.start()
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        before = member.raw
        cluster.clock.pass_seconds(600)
        regenerate(member.site, unit)
        member.start()
        assert holder.takes(old.raw, member.raw)
        assert holder.takes(before, member.raw)


def test_release_ends_it_and_then_the_key_goes(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed())
    member.start()
    for _ in range(2):  # holders of the old list; then those of the first of ours
        cluster.clock.pass_seconds(600)
        release_trust(member.site, lambda _plan: None)
        member.start()
    assert member.signer.startswith("CN=test10pub")
    call_manager = member.keys.credential(Unit.CALL_MANAGER)
    assert roles_of(member.served, call_manager) == [Role.SAST, Role.TFTP]
    assert member.site.home.names(ADOPTED_FOLDER) == []


def test_a_list_that_was_given_up_binds_again_when_it_is_adopted_again(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = elsewhere.sealed()
    member = adopted(cluster, elsewhere.signer, old)
    member.start()
    release_trust(member.site, lambda _plan: None)
    History(member.site).note_held(old.raw)
    member.keys.adopt(elsewhere.signer)
    assert [kept.is_given_up for kept in History(member.site).entries] == [False, False]


def test_a_list_that_does_not_verify_is_not_taken_for_held(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    raw = bytearray(elsewhere.sealed().raw)
    raw[-1] ^= 1
    with pytest.raises(TrustListError):
        History(cluster.publisher.site).note_held(bytes(raw))


def test_a_key_that_no_held_list_trusts_signs_nothing(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    stranger = credential("stranger.example")
    member = adopted(cluster, stranger, elsewhere.sealed())
    with pytest.raises(RefusedError, match="no key of this node is known to all"):
        compose(member.site)


def test_further_records_stand_in_the_list_and_itlrecovery_stays_the_last_token(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    rows = (
        further(Role.APPLICATION_SERVER, elsewhere.application),
        further(Role.CCM, elsewhere.signer),
        further(Role.SAST, elsewhere.second),
    )
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed(), records=rows)
    assert "lists name 3 System Administrator Security Tokens" in member.start()
    assert "Tokens" not in login_notice(member.site)
    served = member.served
    assert roles_of(served, elsewhere.application) == [Role.APPLICATION_SERVER]
    assert roles_of(served, elsewhere.signer) == [Role.SAST, Role.CCM]
    tokens = [record for record in served.records if record.role == Role.SAST]
    assert tokens[-1] == recovery_record(served)
    assert len(tokens) == 3


def test_the_adopted_token_is_not_named_twice(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    rows = (further(Role.SAST, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed(), records=rows)
    member.start()
    assert roles_of(member.served, elsewhere.signer) == [Role.SAST]


def test_a_damaged_certificate_names_its_entry_and_the_served_list_stays(
    cluster: MadeCluster,
) -> None:
    member = cluster.publisher
    member.start()
    before = member.raw
    damaged = FurtherRecord(
        3, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    member = adopted(cluster, credential("old.example"), records=(damaged,))
    assert "cluster.records[0]" in member.start()
    assert member.raw == before


def foreign_spelling(record: Record) -> Record:
    """Names as certutils writes them: ``,`` and another order."""
    parts = record.subject_name.split(";")
    name = ",".join(reversed(parts)).encode() + b"\0"
    return with_names(record, name, name)


def test_names_are_written_as_the_held_list_writes_them(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = seal(
        [foreign_spelling(record) for record in elsewhere.records()],
        elsewhere.signer,
        timestamp=int(MADE.timestamp()),
        digest=Digest.SHA1,
    )
    assert "," in old.header.signer_name
    rows = (further(Role.TFTP, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, old, records=rows)
    member.start()
    served = member.served
    assert served.header.signer_name == old.header.signer_name
    assert served.header.ca_name == old.header.ca_name
    der = elsewhere.signer.certificate.der
    names = {r.subject_name for r in served.records if r.certificate == der}
    assert names == {old.header.signer_name}
    assert holder.takes(old.raw, member.raw)


def test_our_own_records_are_spelled_as_ever(cluster: MadeCluster) -> None:
    member = cluster.publisher
    member.start()
    cluster.clock.pass_seconds(5)
    before = member.served.records
    held = History(member.site).binding
    assert tuple(spelled_as_held(before, held)) == before
    call_manager = member.keys.certificate(Unit.CALL_MANAGER)
    assert spelled_as_held([full_record(0, call_manager)], held) == [before[0]]


def phone_file(site: Site) -> Path:
    path = Path(site.tftp.root, "SEP001122334455.cnf.xml")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"<device/>")
    return path


def test_files_are_signed_with_the_key_that_all_holders_know(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = elsewhere.sealed()
    rows = (further(Role.TFTP, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, old, records=rows)
    path = phone_file(member.site)
    member.start()
    made = decode_signed(Path(f"{path}.sgn").read_bytes())
    assert made.header.signer_name.startswith(OLD)
    for held in (old.raw, member.raw):
        assert holder_takes_file(held, made.header.serial)


def holder_takes_file(held: bytes, serial: bytes) -> bool:
    return any(
        record.serial == serial and record.role in (Role.TFTP, Role.CCM_TFTP)
        for record in decode(held).records
    )


def test_callmanager_signs_files_where_no_adopted_key_may(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed())
    path = phone_file(member.site)
    member.start()
    made = decode_signed(Path(f"{path}.sgn").read_bytes())
    assert made.header.serial == member.keys.certificate(Unit.CALL_MANAGER).serial


def test_files_of_the_earlier_tool_stay_and_encrypted_ones_are_named(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    rows = (further(Role.TFTP, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed(), records=rows)
    path = phone_file(member.site)
    member.start()
    before = Path(f"{path}.sgn").stat().st_mtime_ns
    encrypted = Path(member.site.tftp.root, "SEP1.cnf.xml.enc.sgn")
    encrypted.write_bytes(b"made elsewhere")
    report = sign_files(member.site, choose(member.site))
    assert report.unchanged == (path.name,)
    assert report.encrypted == (encrypted.name,)
    assert Path(f"{path}.sgn").stat().st_mtime_ns == before
    assert encrypted.read_bytes() == b"made elsewhere"


def test_an_adopted_key_is_one_file_of_its_owner_and_is_written_once(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    keystore = Keystore(cluster.publisher.site)
    keystore.adopt(elsewhere.signer)
    (name,) = cluster.publisher.site.home.names(ADOPTED_FOLDER)
    path = Path(cluster.publisher.site.home.root, ADOPTED_FOLDER, name)
    before = path.stat()
    keystore.adopt(elsewhere.signer)
    assert path.stat() == before
    assert before.st_mode & 0o777 == 0o600
    assert [key.certificate for key in keystore.adopted()] == [
        elsewhere.signer.certificate
    ]
    path.write_bytes(b"damaged")
    assert list(keystore.adopted()) == []
    keystore.remove_adopted(set())
    assert path.read_bytes() == b"damaged"


def in_foreign_spelling(elsewhere: Elsewhere) -> TrustList:
    return seal(
        [foreign_spelling(record) for record in elsewhere.records()],
        elsewhere.signer,
        timestamp=int(MADE.timestamp()),
        digest=Digest.SHA1,
    )


def test_a_further_record_that_is_ours_already_is_not_named_twice(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    keys = cluster.publisher.keys
    own = keys.credential(Unit.CALL_MANAGER)
    rows = (
        further(Role.TFTP, own),
        further(Role.CCM, own),
        further(Role.CCM, own),
        further(Role.SAST, keys.recovery()),
    )
    member = adopted(cluster, elsewhere.signer, records=rows)
    member.start()
    assert roles_of(member.served, own) == [Role.SAST, Role.TFTP, Role.CCM]
    assert roles_of(member.served, keys.recovery()) == [Role.SAST]


def test_a_reset_signs_a_list_with_an_adopted_token_and_asks_about_its_holders(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    """The new list is taken by holders of our first one, and not by the old list's."""
    old = in_foreign_spelling(elsewhere)
    rows = (further(Role.TFTP, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, old, records=rows)
    member.start()
    cluster.subscriber.start()
    first = member.served
    plan = plan_local_reset(member.site)
    (question,) = plan.questions
    assert "would refuse the new one" in question.lines[0]
    differing = "\n".join(plan.warnings).replace("=", "")
    assert "in the ITL only: CNtest10pub" not in differing
    assert differing.count("on this node only") == 1  # CallManager's own SAST record
    assert differing.count("in the ITL only") == 1  # the adopted one in its place
    cluster.apply(plan)
    assert member.served.records == first.records
    assert member.signer.startswith("CN=ITLRECOVERY_test10pub")
    assert recovery_record(member.served) == recovery_record(first)
    assert holder.takes(first.raw, member.raw)
    assert not holder.takes(old.raw, member.raw)
    member.start()
    assert holder.takes(first.raw, member.raw)
    assert holder.takes(old.raw, member.raw)


def test_a_reset_with_the_adopted_key_names_it_once_as_the_held_list_does(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    old = in_foreign_spelling(elsewhere)
    member = adopted(cluster, elsewhere.signer, old)
    member.start()
    cluster.subscriber.start()
    first = member.served
    key_file = QuickKeys.write_key_file(elsewhere.signer, Secret(SECURITY))
    for _ in range(2):
        cluster.reset(key_file)
        new = member.served
        assert roles_of(new, elsewhere.signer) == [Role.SAST]
        own = member.keys.credential(Unit.CALL_MANAGER)
        assert roles_of(new, own) == [Role.SAST, Role.TFTP]
        assert new.header.signer_name == old.header.signer_name
        assert holder.takes(old.raw, new.raw)
        assert holder.takes(first.raw, new.raw)


def test_a_reset_twice_with_an_adopted_key_that_signs_files_adds_no_record(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    rows = (further(Role.TFTP, elsewhere.signer),)
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed(), records=rows)
    member.start()
    cluster.subscriber.start()
    key_file = QuickKeys.write_key_file(elsewhere.signer, Secret(SECURITY))
    cluster.reset(key_file)
    once = member.served.records
    cluster.reset(key_file)
    assert member.served.records == once
    assert roles_of(member.served, elsewhere.signer) == [Role.TFTP, Role.SAST]


@pytest.mark.parametrize("which", ["adopted", "beside"])
def test_another_tool_s_later_recovery_key_does_not_stand_in_the_way(
    cluster: MadeCluster, elsewhere: Elsewhere, which: str
) -> None:
    """A node that is older than the list that it takes over."""
    later = QuickKeys.make_credential(
        Unit.ITL_RECOVERY, "ITLRECOVERY_later.example", SUBJECT, START + DAY
    )
    records = [*elsewhere.records()[:-1], full_record(Role.SAST, later.certificate)]
    signer = later if which == "adopted" else elsewhere.signer
    old = elsewhere.sealed(signer, records)
    cluster.clock.pass_seconds(DAY.total_seconds() * 2)
    member = cluster.publisher
    Path(member.site.tftp.root).mkdir(exist_ok=True)
    Path(member.site.tftp.root, LIST_FILE).write_bytes(old.raw)
    assert "older than" in member.start()
    assert member.raw == old.raw
    member = adopted(cluster, signer, old)
    assert "signed with an adopted key" in member.start()
    assert holder.takes(old.raw, member.raw)


def test_a_later_recovery_key_of_this_cluster_still_stands_in_the_way(
    cluster: MadeCluster, elsewhere: Elsewhere
) -> None:
    member = adopted(cluster, elsewhere.signer, elsewhere.sealed())
    backup = cluster.key_file()
    member.start()
    cluster.clock.pass_seconds(600)
    regenerate(member.site, Unit.ITL_RECOVERY)
    member.start()
    before = member.raw
    member.site.home.write(RECOVERY_FILE, backup)
    assert "older than" in member.start()
    assert member.raw == before
