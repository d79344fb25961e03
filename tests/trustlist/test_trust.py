"""What a holder of one list thinks of the next: histories as tables.

See docs/formats.md#phones.
"""

from itertools import pairwise

import pytest

from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import reseal, seal
from cucmsh.trustlist.tags import Digest, Role
from cucmsh.trustlist.trust import judge
from tests.trustlist.builders import (
    Cluster,
    KeySigner,
    LibraryVerifier,
    certutils_record,
    hand_made,
    hand_made_record,
    stand_in,
    tlv,
)


def made(signer: KeySigner, *others: Record) -> TrustList:
    """A list that the signer signs, with itself as SAST and other records."""
    records = [full_record(Role.SAST, signer.certificate), *others]
    return seal(records, signer, timestamp=1, digest=Digest.SHA1)


def holding(*records: Record) -> TrustList:
    """A list as a phone holds it: nobody asks who signed it."""
    raw = b"".join(record.raw for record in records)
    unsigned = hand_made(stand_in("CN=a", b"k"), "CN=a", raw)
    return decode(unsigned.signed(bytes(128)))


@pytest.fixture
def old(cluster: Cluster) -> KeySigner:
    return cluster.call_manager


@pytest.fixture
def recovery(cluster: Cluster) -> KeySigner:
    return cluster.recovery


@pytest.fixture
def new(cluster: Cluster, recovery: KeySigner) -> KeySigner:
    """The CallManager after a regeneration; a third key is not needed for it."""
    certificate = stand_in(
        cluster.call_manager.certificate.subject_name,
        recovery.certificate.public_key,
        serial=b"regenerated",
    )
    return KeySigner(recovery.key, certificate)


HISTORIES: dict[str, tuple[str, str, bool]] = {
    # what is done: the records of the list that is served, its signer, taken or not
    "nothing": ("old recovery", "old", True),
    "reset with the recovery key": ("old recovery", "recovery", True),
    "CallManager regenerated": ("new recovery", "new", False),
    "regenerated, then reset": ("new recovery", "recovery", True),
    "recovery record lost, old signer": ("old", "old", True),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_a_phone_follows_the_history(
    old: KeySigner,
    new: KeySigner,
    recovery: KeySigner,
    verifier: LibraryVerifier,
    history: tuple[str, str, bool],
) -> None:
    names = {"old": old, "new": new, "recovery": recovery}
    records, signer, taken = history
    held = made(old, full_record(0, recovery.certificate))
    offered = seal(
        [full_record(0, names[name].certificate) for name in records.split()],
        names[signer],
        timestamp=2,
        digest=Digest.SHA512,
    )
    verdict = judge(held, offered, verifier)
    assert verdict.accepted is taken
    assert verdict.signer is not None
    assert verdict.signer.certificate == names[signer].certificate.der


def test_the_chain_back_to_call_manager_holds_after_a_reset(
    old: KeySigner, new: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    """Regenerated, reset, restarted: each list opens the door to the next."""
    first = made(old, full_record(0, recovery.certificate))
    composed = made(new, full_record(0, recovery.certificate))
    reset = reseal(composed, recovery, timestamp=3, digest=Digest.SHA1)
    chain = (first, reset, composed, reset)
    for held, offered in pairwise(chain):
        assert judge(held, offered, verifier).accepted
    assert not judge(first, composed, verifier).accepted


def test_first_list_is_taken_on_faith_if_it_is_valid(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    offered = made(old)
    assert judge(None, offered, verifier).accepted
    broken = decode(offered.raw.replace(b"ITLFile", b"ITLfile"))
    verdict = judge(None, broken, verifier)
    assert not verdict.accepted
    assert verdict.reason == (
        "The new list is not valid: the signature does not fit the list."
    )


def test_holder_of_a_blank_list_takes_any_valid_one(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    raw = hand_made_record((tlv(2, b" \0"), tlv(4, b"\0\3")))
    blank = decode(holding().raw + raw)
    assert judge(blank, made(old), verifier).accepted
    assert judge(holding(), made(old), verifier).accepted
    broken = decode(made(old).raw.replace(b"ITLFile", b"ITLfile"))
    assert not judge(blank, broken, verifier).accepted


def test_holder_of_sast_records_and_blank_ones_is_not_blank(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    raw = hand_made_record((tlv(2, b" \0"), tlv(4, b"\0\3")))
    held = decode(holding(full_record(0, old.certificate)).raw + raw)
    assert not judge(held, made(recovery), verifier).accepted


def test_stranger_is_refused_by_name(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    verdict = judge(made(old), made(recovery), verifier)
    name = recovery.certificate.subject_name
    assert verdict.reason == f"The signer {name} is not in the held list."


def test_another_certificate_of_the_same_name_is_told_by_its_serial(
    old: KeySigner, new: KeySigner, verifier: LibraryVerifier
) -> None:
    verdict = judge(made(old), made(new), verifier)
    assert not verdict.accepted
    serials = [signer.certificate.serial.hex(":").upper() for signer in (new, old)]
    assert verdict.reason == (
        f"The signer {new.certificate.subject_name} (serial {serials[0]}) is not in "
        f"the held list, which knows another certificate of that name (serial "
        f"{serials[1]})."
    )


def test_another_writer_of_the_same_name_is_seen_through(
    old: KeySigner, new: KeySigner, verifier: LibraryVerifier
) -> None:
    written = ",".join(reversed(old.certificate.subject_name.split(";")))
    record = certutils_record(0, old.certificate, written)
    held = decode(holding().raw + record)
    reason = judge(held, made(new), verifier).reason
    assert "another certificate of that name" in reason


def test_stranger_is_refused_though_he_brings_the_held_records(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    offered = made(recovery, full_record(0, old.certificate))
    assert not judge(made(old), offered, verifier).accepted


@pytest.mark.parametrize("role", [Role.TFTP, Role.CCM_TFTP])
def test_tftp_roles_may_sign_only_by_the_switch(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier, role: Role
) -> None:
    held = made(old, full_record(role, recovery.certificate))
    offered = made(recovery)
    verdict = judge(held, offered, verifier)
    assert not verdict.accepted
    assert "which may not sign lists" in verdict.reason
    assert judge(held, offered, verifier, tftp_may_sign=True).accepted


@pytest.mark.parametrize("role", [Role.CCM, Role.CAPF, Role.TVS, 7, 99])
def test_other_roles_never_sign(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier, role: int
) -> None:
    held = made(old, full_record(role, recovery.certificate))
    assert not judge(held, made(recovery), verifier, tftp_may_sign=True).accepted


def test_record_without_a_role_never_signs(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    fields = (tlv(7, old.certificate.public_key), tlv(9, old.certificate.der))
    held = decode(holding().raw + hand_made_record(fields))
    assert not judge(held, made(old), verifier).accepted


def test_held_hash_of_the_certificate_is_enough(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    held = made(old, hashed_record(0, recovery.certificate))
    assert judge(held, made(recovery), verifier).accepted
    other = recovery.certificate._replace(der=recovery.certificate.der + b"\0")
    held = made(old, hashed_record(0, other))
    assert not judge(held, made(recovery), verifier).accepted


def test_offered_signer_must_carry_its_certificate(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    name = old.certificate.issuer_name
    records = hashed_record(0, old.certificate).raw
    unsigned = hand_made(old.certificate, name, records)
    offered = decode(unsigned.signed(old.sign(unsigned.unsigned(), "sha512")))
    verdict = judge(made(old), offered, verifier)
    assert "does not carry the certificate" in verdict.reason


def impostor_of(old: KeySigner, recovery: KeySigner) -> KeySigner:
    """The name and serial of the trusted signer with somebody else's key."""
    certificate = stand_in(
        old.certificate.subject_name,
        recovery.certificate.public_key,
        serial=old.certificate.serial,
    )
    return KeySigner(recovery.key, certificate)


def test_same_name_with_another_key_is_refused(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    impostor = impostor_of(old, recovery)
    verdict = judge(made(old), made(impostor), verifier)
    assert "with another key" in verdict.reason
    # Even if both stand in the held list: nobody can say which one is meant.
    held = holding(
        full_record(0, impostor.certificate), full_record(0, old.certificate)
    )
    assert not judge(held, made(impostor), verifier).accepted
    assert not judge(held, made(old), verifier).accepted


def test_trusted_certificate_with_a_strangers_key_beside_it_is_refused(
    old: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    """The stranger's key is hidden in a certificate that only frames look at."""
    key = recovery.certificate.public_key
    certificate = old.certificate
    two_keys = certificate._replace(
        der=stand_in("x", key).der + certificate.der, issuer_name="CN=other"
    )
    thief = KeySigner(recovery.key, two_keys._replace(public_key=key))
    offered = made(thief)
    held = holding(full_record(0, two_keys))
    assert not judge(held, offered, verifier).accepted
    # With the names of the held record too, it is the same answer.
    hashed = holding(hashed_record(0, two_keys._replace(issuer_name="CN=third")))
    assert not judge(hashed, offered, verifier).accepted


def test_dialects_do_not_matter_to_trust(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    name = "C=US,CN=test10pub"
    unsigned = hand_made(
        old.certificate, name, certutils_record(0, old.certificate, name)
    )
    theirs = decode(unsigned.signed(old.sign(unsigned.unsigned(), "sha512")))
    assert judge(theirs, made(old), verifier).accepted
    assert judge(made(old), theirs, verifier).accepted


def test_older_list_of_a_trusted_signer_is_taken(
    old: KeySigner, verifier: LibraryVerifier
) -> None:
    held, offered = made(old), made(old)
    later = reseal(held, old, timestamp=99, digest=Digest.SHA1)
    assert judge(later, offered, verifier).accepted


def test_tvs_of_the_held_list_helps_with_a_signer_that_it_does_not_know(
    old: KeySigner, new: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    offered, der = made(new), new.certificate.der
    names_tvs = made(old, hashed_record(Role.TVS, recovery.certificate))
    assert not judge(names_tvs, offered, verifier).accepted
    verdict = judge(names_tvs, offered, verifier, vouched={der})
    assert verdict.accepted
    assert verdict.reason.startswith("A TVS of the held list trusts the signer")
    assert not judge(names_tvs, offered, verifier, vouched={b"another"}).accepted
    # Nobody is asked whom the held list does not name.
    assert not judge(made(old), offered, verifier, vouched={der}).accepted


def test_no_tvs_helps_a_list_that_does_not_verify(
    old: KeySigner, new: KeySigner, recovery: KeySigner, verifier: LibraryVerifier
) -> None:
    held = made(old, hashed_record(Role.TVS, recovery.certificate))
    broken = decode(made(new).raw.replace(b"ITLFile", b"ITLfile"))
    assert not judge(held, broken, verifier, vouched={new.certificate.der}).accepted
