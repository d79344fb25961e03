"""A second kind of key is an entry in two tables, and no other module knows of it.

The kind is made up: elliptic curve P-256 under a SIGNATUREALGORTITHM that nobody has
ever seen, its signatures the two numbers of ECDSA side by side. Whether phones know any
such thing is not known (docs/formats.md#header); without the entries it is refused.
"""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from cucmsh.errors import CertificateError, KeyFileError, SignatureError
from cucmsh.pki import keys
from cucmsh.pki.credential import Credential, make_credential, read_own
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.lists.plan_reset import weaker_than
from cucmsh.trustlist import (
    Digest,
    Field,
    Header,
    HeaderTag,
    PublicKey,
    Role,
    TrustList,
    check,
    decode,
    decode_signed,
    full_record,
    judge,
    judge_signed,
    reseal,
    seal,
    seal_signed,
)
from cucmsh.trustlist import public_key as listed
from tests.pki.key_files import PASSWORD
from tests.trustlist.builders import tlv

pytestmark = pytest.mark.thorough

MADE_UP = 200
NOW = datetime(2014, 2, 26, tzinfo=UTC)
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"


def read_point(field: bytes) -> PublicKey:
    if field[:1] != b"\x04" or len(field) != 65:
        raise SignatureError("The key is no point of P-256")
    numbers = (int.from_bytes(field[1:33]), int.from_bytes(field[33:]))
    return PublicKey("EC", numbers, 256, 64)


def from_numbers(numbers: tuple[int, ...]) -> ec.EllipticCurvePublicKey:
    x, y = numbers
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def sign(
    key: ec.EllipticCurvePrivateKey, message: bytes, algorithm: hashes.HashAlgorithm
) -> bytes:
    both = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm)))
    return b"".join(number.to_bytes(32) for number in both)


def verify(
    key: ec.EllipticCurvePublicKey,
    signature: bytes,
    message: bytes,
    algorithm: hashes.HashAlgorithm,
) -> None:
    both = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    key.verify(encode_dss_signature(*both), message, ec.ECDSA(algorithm))


@pytest.fixture
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries of the two tables."""
    in_lists = listed.KeyKind(
        name="EC",
        size_classes={0: 64},
        signing_sizes=frozenset((64,)),
        advice="Use a key on P-256.",
        first_byte=b"\x04",
        read=read_point,
    )
    in_library = keys.KeyKind(
        name="EC",
        private=ec.EllipticCurvePrivateKey,
        bits=range(256, 257),
        generate=lambda _bits: ec.generate_private_key(ec.SECP256R1()),
        public=from_numbers,
        sign=sign,
        verify=verify,
    )
    monkeypatch.setitem(listed.KINDS, MADE_UP, in_lists)
    monkeypatch.setitem(keys.KINDS, "EC", in_library)


known = pytest.mark.usefixtures("_known")


@pytest.fixture
def curve(monkeypatch: pytest.MonkeyPatch, _known: None) -> Credential:
    monkeypatch.setattr("cucmsh.pki.credential.DEFAULT_KIND", "EC")
    name = "ITLRECOVERY_test10pub"
    return make_credential(Unit.ITL_RECOVERY, name, SUBJECT, NOW, key_bits=256)


@pytest.fixture(scope="session")
def rsa() -> Credential:
    return make_credential(Unit.CALL_MANAGER, "test10pub", SUBJECT, NOW, key_bits=1024)


def sealed(signer: Credential, *others: Credential) -> TrustList:
    records = [
        full_record(role, credential.certificate)
        for credential in (signer, *others)
        for role in (Role.SAST, Role.TFTP)
    ]
    return seal(records, signer, timestamp=1, digest=Digest.SHA512)


@known
def test_a_list_is_sealed_read_and_checked(curve: Credential) -> None:
    made = sealed(curve)
    assert made.header.signature_algorithm == MADE_UP
    assert made.header.find(HeaderTag.SIGNATURE_MODULUS) == b"\0"
    assert len(made.header.signature) == 64
    assert check(decode(made.raw), SignatureVerifier()).reason == ""
    wrong = made.raw[:-1] + bytes((made.raw[-1] ^ 1,))
    assert not check(decode(wrong), SignatureVerifier()).is_valid


@known
def test_either_kind_takes_over_from_the_other(
    curve: Credential, rsa: Credential
) -> None:
    held = sealed(rsa, curve)
    offered = reseal(held, curve, timestamp=2, digest=Digest.SHA512)
    assert judge(held, offered, SignatureVerifier()).accepted
    assert judge(offered, held, SignatureVerifier()).accepted


@known
def test_a_file_is_signed_and_taken(curve: Credential) -> None:
    held = sealed(curve)
    signer = (curve, held.records[1])
    made = seal_signed(b"x", "x.sgn", signer, timestamp=1, digest=Digest.SHA512)
    offered = decode_signed(made.raw)
    assert judge_signed(held, offered, SignatureVerifier(), path="x.sgn").accepted


@known
def test_files_keep_the_key(curve: Credential) -> None:
    for again in (
        read_own(curve.to_pem()),
        read_key_file(write_key_file(curve, PASSWORD), PASSWORD),
    ):
        assert again.certificate == curve.certificate
        assert check(sealed(again), SignatureVerifier()).is_valid


@known
def test_the_declared_algorithm_must_be_the_keys(
    curve: Credential, rsa: Credential
) -> None:
    field = tlv(HeaderTag.SIGNATURE_ALGORITHM, bytes((MADE_UP,)))
    other = tlv(HeaderTag.SIGNATURE_ALGORITHM, b"\0")
    for made, is_, said, words in (
        (sealed(curve), field, other, "EC key; a trust list is signed with RSA"),
        (sealed(rsa), other, field, "no point of P-256"),
    ):
        assert made.raw.count(is_) == 1
        forged = TrustList(
            Header(
                tuple(
                    Field(tag, value.replace(is_, said))
                    for tag, value in made.header.fields
                )
            ),
            made.records,
        )
        assert words in check(forged, SignatureVerifier()).reason


@known
def test_a_recovery_key_of_another_kind_is_told(
    curve: Credential, rsa: Credential
) -> None:
    words = weaker_than(curve.certificate, rsa.certificate.public_key)
    assert words == "The recovery key is no RSA key; the ITL names one."
    words = weaker_than(rsa.certificate, curve.certificate.public_key)
    assert words == "The recovery key is no EC key; the ITL names one."


@pytest.fixture
def forgotten(
    monkeypatch: pytest.MonkeyPatch, curve: Credential
) -> tuple[Credential, TrustList, bytes]:
    made = curve, sealed(curve), write_key_file(curve, PASSWORD)
    monkeypatch.delitem(listed.KINDS, MADE_UP)
    monkeypatch.delitem(keys.KINDS, "EC")
    return made


def test_without_the_entries_all_of_it_is_refused_in_words(
    forgotten: tuple[Credential, TrustList, bytes],
) -> None:
    curve, made, key_file = forgotten
    with pytest.raises(SignatureError, match="EC key; a trust list is signed with RSA"):
        seal(made.records, curve, timestamp=1, digest=Digest.SHA512)
    verdict = check(decode(made.raw), SignatureVerifier())
    assert verdict.reason == f"signature algorithm {MADE_UP} is unknown"
    with pytest.raises(CertificateError, match="not an RSA key"):
        read_own(curve.to_pem())
    with pytest.raises(KeyFileError, match="a key that is no RSA key"):
        read_key_file(key_file, PASSWORD)
