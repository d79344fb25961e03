"""Forgeries and confusions: what the check must refuse, and why it says it does."""

from collections.abc import Callable
from hashlib import sha1

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsh.errors import CertificateError
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import check, check_certificates, seal
from cucmsh.trustlist.tags import Digest
from tests.trustlist.builders import (
    TAIL,
    Cluster,
    KeySigner,
    LibraryVerifier,
    StandIn,
    certutils_record,
    der,
    hand_made,
    hand_made_record,
    public_bytes,
    stand_in,
    tlv,
)


def reason(raw: bytes, verifier: LibraryVerifier) -> str:
    verdict = check(decode(raw), verifier)
    assert verdict.is_valid is (verdict.reason == "")
    return verdict.reason


def signed_by(signer: KeySigner, records: bytes, hash_name: str = "sha1") -> bytes:
    """A list as certutils would sign it, without any of our refusals."""
    name = signer.certificate.issuer_name
    unsigned = hand_made(signer.certificate, name, records, digest=1)
    return unsigned.signed(signer.sign(unsigned.unsigned(), hash_name))


@pytest.mark.thorough
def test_lists_of_both_dialects_are_valid(
    sealed: TrustList, certutils_raw: bytes, verifier: LibraryVerifier
) -> None:
    assert reason(sealed.raw, verifier) == reason(certutils_raw, verifier) == ""
    assert check(sealed, verifier).signer == sealed.records[0]
    assert verifier.calls == 3


@pytest.mark.parametrize("declared", [1, 2, 3])
@pytest.mark.parametrize("used", ["sha1", "sha256", "sha512"])
def test_declared_and_used_digest_must_be_one(
    cluster: Cluster, verifier: LibraryVerifier, declared: int, used: str
) -> None:
    signer = cluster.call_manager
    name = signer.certificate.issuer_name
    records = full_record(0, signer.certificate).raw
    unsigned = hand_made(signer.certificate, name, records, digest=declared)
    raw = unsigned.signed(signer.sign(unsigned.unsigned(), used))
    is_same = Digest(declared).hash_name == used
    assert (reason(raw, verifier) == "") is is_same


@pytest.mark.parametrize("number", [0, 4, 255])
def test_unknown_digest_is_named(
    cluster: Cluster, verifier: LibraryVerifier, number: int
) -> None:
    signer = cluster.call_manager.certificate
    records = full_record(0, signer).raw
    raw = hand_made(signer, signer.issuer_name, records, digest=number).signed(
        bytes(128)
    )
    assert reason(raw, verifier) == f"digest algorithm {number} is unknown"


def test_unknown_signature_algorithm_is_named(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.call_manager.certificate
    records = full_record(0, signer).raw
    raw = hand_made(signer, signer.issuer_name, records, algorithm=1).signed(bytes(128))
    assert reason(raw, verifier) == "signature algorithm 1 is unknown"


def test_signed_range_off_by_one_is_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.call_manager
    records = full_record(0, signer.certificate).raw
    made = hand_made(signer.certificate, signer.certificate.issuer_name, records)
    before, after, rest = made
    wrong_ranges = {
        "zeroed": before + tlv(12, bytes(128)) + after + rest,
        "value only": before + b"\x0c\0\x80" + after + rest,
        "header only": before + after,
        "records only": rest,
        "one byte less": made.unsigned()[:-1],
        "one byte more": made.unsigned() + b"\0",
        "without version": made.unsigned()[5:],
    }
    for label, message in wrong_ranges.items():
        raw = made.signed(signer.sign(message, "sha512"))
        assert reason(raw, verifier) == "the signature does not fit the list", label


def test_signer_that_is_not_in_the_list_is_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.recovery.certificate
    own = cluster.call_manager.certificate
    others = {
        "other certificate": full_record(0, own),
        "wrong role": full_record(3, signer),
        "other serial": full_record(0, signer._replace(serial=b"2")),
        "other issuer": full_record(0, signer._replace(issuer_name="CN=b")),
        "issuer and a blank": full_record(
            0, signer._replace(issuer_name=signer.issuer_name + " ")
        ),
    }
    for label, record in others.items():
        raw = signed_by(cluster.recovery, record.raw)
        assert "holds no System Administrator" in reason(raw, verifier), label
    assert verifier.calls == 0


def test_signer_twice_with_different_keys_is_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    own = cluster.call_manager.certificate
    impostor = stand_in(
        own.subject_name, cluster.recovery.certificate.public_key, serial=own.serial
    )
    first, second = full_record(0, own).raw, full_record(0, impostor).raw
    for records in (first + second, second + first):
        raw = signed_by(cluster.call_manager, records)
        assert "twice, with different keys" in reason(raw, verifier)
    assert reason(signed_by(cluster.call_manager, first * 2), verifier) == ""


def test_anothers_signature_is_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    thief = KeySigner(cluster.recovery.key, cluster.call_manager.certificate)
    raw = signed_by(thief, full_record(0, thief.certificate).raw)
    assert reason(raw, verifier) == "the signature does not fit the list"


def test_ec_and_unreadable_signer_keys_are_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    for key, words in ((b"\x04" + b"\1" * 64, "EC key"), (b"0\0", "PUBLICKEY")):
        signer = KeySigner(cluster.call_manager.key, stand_in("CN=a", key))
        raw = signed_by(signer, full_record(0, signer.certificate).raw)
        assert words in reason(raw, verifier)


def test_signer_without_a_key_is_refused(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.call_manager
    issuer, serial = signer.certificate.issuer_name, signer.certificate.serial
    fields = (tlv(5, issuer.encode() + b"\0"), tlv(6, serial), tlv(4, b"\0\0"))
    raw = signed_by(signer, hand_made_record(fields))
    assert "PUBLICKEY cannot be used" in reason(raw, verifier)


def test_key_of_512_bits_signs_nothing(verifier: LibraryVerifier) -> None:
    numbers = der(2, b"\0" + b"\xff" * 64) + der(2, b"\3")
    signer = stand_in("CN=weak", der(0x30, numbers))
    made = hand_made(
        signer, "CN=weak", full_record(0, signer).raw, size_class=0, signature_size=64
    )
    words = "a key of 512 bits signs no trust list"
    assert reason(made.signed(bytes(64)), verifier) == words
    assert verifier.calls == 0


@pytest.mark.parametrize(("size_class", "size"), [(0, 64), (2, 256), (3, 512)])
def test_signature_must_fit_the_key(
    cluster: Cluster, verifier: LibraryVerifier, size_class: int, size: int
) -> None:
    signer = cluster.call_manager.certificate
    raw = hand_made(
        signer,
        signer.issuer_name,
        full_record(0, signer).raw,
        size_class=size_class,
        signature_size=size,
    ).signed(bytes(size))
    assert f"size class {size_class} does not fit" in reason(raw, verifier)


@pytest.fixture(scope="session")
def low() -> KeySigner:
    """A key with the exponent that the forgery needs; its private half makes the
    honest list to compare with."""
    key = rsa.generate_private_key(3, 2048)
    return KeySigner(key, stand_in("CN=low", public_bytes(key.public_key())))


DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


def cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < number else (low, middle)
    return low


@pytest.mark.thorough
@pytest.mark.parametrize("padding_size", [8, 1, 0])
def test_cube_root_forgery_is_refused(
    low: KeySigner, verifier: LibraryVerifier, padding_size: int
) -> None:
    """Bleichenbacher 2006: a right-looking start, and garbage behind the digest."""
    records = full_record(0, low.certificate).raw
    made = hand_made(
        low.certificate, "CN=low", records, digest=1, size_class=2, signature_size=256
    )
    digest_info = DIGEST_INFO + sha1(made.unsigned()).digest()
    start = b"\0\1" + b"\xff" * padding_size + b"\0" + digest_info
    forged = cube_root(int.from_bytes(start, "big") << 8 * (256 - len(start)))
    # The cube really begins with the wanted bytes: a lax reader would take it.
    assert (forged**3).to_bytes(256, "big").startswith(start)
    raw = made.signed(forged.to_bytes(256, "big"))
    assert reason(raw, verifier) == "the signature does not fit the list"
    honest = made.signed(low.sign(made.unsigned(), "sha1"))
    assert reason(honest, verifier) == ""


@pytest.mark.parametrize("signature", [bytes(128), bytes(127) + b"\1", b"\xff" * 128])
def test_trivial_signatures_are_refused(
    cluster: Cluster, verifier: LibraryVerifier, signature: bytes
) -> None:
    signer = cluster.call_manager.certificate
    made = hand_made(signer, signer.issuer_name, full_record(0, signer).raw)
    assert reason(made.signed(signature), verifier)


def signed_with_extra(cluster: Cluster, extra: Record) -> bytes:
    own = full_record(0, cluster.call_manager.certificate)
    return signed_by(cluster.call_manager, own.raw + extra.raw)


def test_records_must_agree_with_their_certificates(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    good = cluster.capf
    other_key = cluster.recovery.certificate.public_key
    wrong = {
        "PUBLICKEY": good._replace(public_key=other_key),
        "SIGNATURE": good._replace(signature=b"\x55" * 128),
        "SIGNATURE ": good._replace(signature=good.signature[1:]),
    }
    assert reason(signed_with_extra(cluster, full_record(4, good)), verifier) == ""
    for label, forged in wrong.items():
        words = reason(signed_with_extra(cluster, full_record(4, forged)), verifier)
        assert words == f"record 2: {label.strip()} is not that of its certificate"


def test_token_record_without_a_signature_field_is_valid(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    good = cluster.capf
    token = (tlv(4, b"\0\0"), tlv(7, good.public_key), tlv(9, good.der))
    raw = full_record(0, cluster.call_manager.certificate).raw + hand_made_record(token)
    assert reason(signed_by(cluster.call_manager, raw), verifier) == ""


def test_signature_framed_with_a_short_length_is_found(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    point = b"\x04" + b"\x22" * 64
    ec_certificate = stand_in("CN=ec", point, signature=b"\x30" * 70)
    raw = signed_with_extra(cluster, full_record(21, ec_certificate))
    assert reason(raw, verifier) == ""


def reading(*certificates: StandIn) -> Callable[[bytes], StandIn]:
    """The strict parser's part, for stand-ins."""
    by_der = {certificate.der: certificate for certificate in certificates}

    def read(der: bytes) -> StandIn:
        if der not in by_der:
            raise CertificateError("no certificate")
        return by_der[der]

    return read


def test_strict_check_compares_every_field(cluster: Cluster) -> None:
    good = cluster.capf
    read = reading(good, cluster.call_manager.certificate)
    wrong = {
        "SERIALNUMBER": good._replace(serial=b"2"),
        "PUBLICKEY": good._replace(public_key=b"k"),
        "SIGNATURE": good._replace(signature=b"s"),
        "SUBJECTNAME": good._replace(subject_name="CN=evil;O=cisco"),
        "ISSUERNAME": good._replace(issuer_name="CN=evil;O=cisco"),
    }
    signer = full_record(0, cluster.call_manager.certificate)
    for label, forged in wrong.items():
        trust_list = decode(
            hand_made(good, "CN=a", signer.raw + full_record(4, forged).raw).signed(
                bytes(128)
            )
        )
        fault = check_certificates(trust_list, read)
        assert fault == f"record 2: {label} is not that of its certificate"


def test_strict_check_passes_what_is_right(sealed: TrustList, cluster: Cluster) -> None:
    read = reading(cluster.call_manager.certificate, cluster.recovery.certificate)
    assert check_certificates(sealed, read) == ""


def test_strict_check_names_a_certificate_that_cannot_be_read(
    sealed: TrustList, cluster: Cluster
) -> None:
    fault = check_certificates(sealed, reading(cluster.call_manager.certificate))
    assert fault == "record 5: CERTIFICATE cannot be read: no certificate"


OTHER_SPELLINGS = [
    "C=US,O=cisco,CN=a",
    "CN=a",
    'cn="SAST-ADN0054f509        ";ou=IPCBU;o="Cisco Systems',
    "C=US;O=cisco;CN=a",
    "CN=a\\;OU=b;O=c",
    "CN=a;DC=lab",
]


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_other_writers_spelling_is_not_blamed(cluster: Cluster, name: str) -> None:
    good = cluster.capf
    raw = hand_made(good, name, certutils_record(0, good, name)).signed(bytes(128))
    assert check_certificates(decode(raw), reading(good)) == ""


def test_sign_byte_of_a_serial_is_not_blamed(cluster: Cluster) -> None:
    good = cluster.capf
    record = full_record(0, good._replace(serial=b"\0" + good.serial))
    raw = hand_made(good, "CN=a", record.raw).signed(bytes(128))
    assert check_certificates(decode(raw), reading(good)) == ""


def test_hashed_signer_is_consistent_but_not_sealed(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.call_manager
    raw = signed_by(signer, hashed_record(0, signer.certificate).raw)
    assert reason(raw, verifier) == ""


def test_one_signature_is_checked_for_many_records(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    signer = cluster.call_manager
    records = [full_record(0, signer.certificate)] + [
        hashed_record(21, stand_in(f"CN=n{number}" + TAIL, b"\x04" + bytes(64)))
        for number in range(100)
    ]
    made = seal(records, signer, timestamp=0, digest=Digest.SHA512)
    assert check(made, verifier).is_valid
    assert verifier.calls == 1
