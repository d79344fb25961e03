"""Signing: what is made, and what is refused before a key is asked."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cucmsh.errors import SignatureError, TrustListError
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Field, Record, TrustList
from cucmsh.trustlist.sealing import check, reseal, seal
from cucmsh.trustlist.tags import Digest, HeaderTag, Role, role_label
from cucmsh.trustlist.wire import join_fields
from tests.trustlist.builders import (
    Cluster,
    KeySigner,
    LibraryVerifier,
    der,
    stand_in,
)

EC_POINT = b"\x04" + b"\x11" * 64


def rsa_bytes(size: int) -> bytes:
    """PKCS#1 of a number that long; nobody has its private key."""
    return der(0x30, der(2, b"\0" + b"\xff" * size) + der(2, b"\3"))


class FixedSigner:
    """Signs everything with the same bytes."""

    def __init__(self, public_key: bytes, signature: bytes) -> None:
        self.certificate = stand_in("CN=a", public_key)
        self._signature = signature

    def sign(self, message: bytes, hash_name: str) -> bytes:  # noqa: ARG002 - a role
        return self._signature


def sealed_alone(signer: FixedSigner | KeySigner) -> TrustList:
    records = [full_record(0, signer.certificate)]
    return seal(records, signer, timestamp=0, digest=Digest.SHA1)


@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA512])
@pytest.mark.parametrize("place", [0, 3])
def test_what_is_sealed_passes_the_check(
    keys: list[rsa.RSAPrivateKey],
    verifier: LibraryVerifier,
    digest: Digest,
    place: int,
) -> None:
    public = keys[place].public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    signer = KeySigner(keys[place], stand_in("CN=a", public))
    records = [full_record(0, signer.certificate)]
    made = seal(records, signer, timestamp=5, digest=digest, file_name="CTLFile.tlv")
    assert check(made, verifier) == (True, "", records[0])
    assert (made.header.file_name, made.header.timestamp) == ("CTLFile.tlv", 5)
    assert decode(made.raw) == made


def test_openssl_finds_the_same_bytes_signed(
    sealed: TrustList, keys: list[rsa.RSAPrivateKey], tmp_path: Path
) -> None:
    pem = (
        keys[0]
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "key.pem").write_bytes(pem)
    start = sealed.raw.index(b"\x0c\0\x80")
    (tmp_path / "signature").write_bytes(sealed.raw[start + 3 : start + 131])
    done = subprocess.run(
        ["openssl", "dgst", "-sha1", "-verify", "key.pem", "-signature", "signature"],
        input=sealed.raw[:start] + sealed.raw[start + 131 :],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"Verified OK\n"


def test_resealing_a_certutils_list_keeps_its_records_and_names(
    certutils_raw: bytes, cluster: Cluster, verifier: LibraryVerifier
) -> None:
    before = decode(certutils_raw)
    after = reseal(before, cluster.call_manager, timestamp=9, digest=Digest.SHA512)
    assert after.records == before.records
    assert after.header.ca_name == before.header.ca_name
    assert [field.tag for field in after.header.fields][:4] == [1, 2, 3, 7]
    assert check(after, verifier).is_valid


def test_signer_must_stand_in_the_list_as_sast_with_its_certificate(
    cluster: Cluster,
) -> None:
    certificate = cluster.recovery.certificate
    for records in (
        [],
        [full_record(Role.TFTP, certificate)],
        [hashed_record(Role.SAST, certificate)],
        [full_record(Role.SAST, cluster.call_manager.certificate)],
    ):
        with pytest.raises(SignatureError, match="System Administrator"):
            seal(records, cluster.recovery, timestamp=0, digest=Digest.SHA1)


def test_signer_twice_with_different_keys_is_refused(cluster: Cluster) -> None:
    own = cluster.call_manager.certificate
    other = own._replace(public_key=cluster.recovery.certificate.public_key)
    records = [full_record(0, own), hashed_record(0, other)]
    with pytest.raises(SignatureError, match="another key"):
        seal(records, cluster.call_manager, timestamp=0, digest=Digest.SHA1)


def test_records_that_contradict_their_certificate_are_not_signed(
    cluster: Cluster,
) -> None:
    forged = cluster.capf._replace(public_key=b"x" * 140)
    records = [*cluster.records(), full_record(4, forged)]
    with pytest.raises(SignatureError, match="record 7: PUBLICKEY"):
        seal(records, cluster.call_manager, timestamp=0, digest=Digest.SHA1)


def test_digest_two_is_refused(cluster: Cluster) -> None:
    with pytest.raises(SignatureError, match="digest 2"):
        seal(cluster.records(), cluster.call_manager, timestamp=0, digest=Digest.SHA256)


@pytest.mark.parametrize("timestamp", [-1, 1 << 32])
def test_time_that_does_not_fit_is_refused(cluster: Cluster, timestamp: int) -> None:
    with pytest.raises(SignatureError, match="time"):
        seal(
            cluster.records(),
            cluster.call_manager,
            timestamp=timestamp,
            digest=Digest.SHA1,
        )


@pytest.mark.parametrize("size", [64, 192, 384, 513])
def test_keys_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(SignatureError, match=f"{size * 8} bits"):
        sealed_alone(FixedSigner(rsa_bytes(size), bytes(size)))


def test_ec_key_is_refused() -> None:
    with pytest.raises(SignatureError, match="EC key"):
        sealed_alone(FixedSigner(EC_POINT, bytes(70)))


def test_key_of_4096_bits_makes_size_class_three() -> None:
    header = sealed_alone(FixedSigner(rsa_bytes(512), bytes(512))).header
    assert header.find(HeaderTag.SIGNATURE_MODULUS) == b"\3"
    assert len(header.signature) == 512


def test_signature_of_another_size_than_the_key_is_refused() -> None:
    with pytest.raises(SignatureError, match="127 bytes"):
        sealed_alone(FixedSigner(rsa_bytes(128), bytes(127)))


@pytest.mark.thorough
def test_list_above_the_limits_is_refused(cluster: Cluster) -> None:
    signer = cluster.call_manager
    own = full_record(0, signer.certificate)
    small = Record((Field(1, b"\0\x08"), Field(99, b"")))
    assert len(small.raw) == 8
    large = full_record(4, stand_in("CN=b", b"k", size=60000))
    for records in ([own, *[small] * 256], [own, large, large]):
        with pytest.raises(SignatureError, match="too large"):
            seal(records, signer, timestamp=0, digest=Digest.SHA1)
    assert len(seal([own, *[small] * 255], signer, timestamp=0, digest=Digest.SHA1).raw)


def test_record_above_the_wire_limit_is_refused() -> None:
    with pytest.raises(SignatureError, match="65535"):
        full_record(0, stand_in("CN=b", b"k", size=65400))


def test_header_above_the_wire_limit_is_refused(cluster: Cluster) -> None:
    with pytest.raises(SignatureError, match="header"):
        seal(
            cluster.records(),
            cluster.call_manager,
            timestamp=0,
            digest=Digest.SHA1,
            file_name="x" * 65500,
        )


def test_hand_made_record_that_is_none_is_refused(cluster: Cluster) -> None:
    wrong = Record((Field(1, b"\0\x09"), Field(99, b"")))
    with pytest.raises(TrustListError):
        seal(
            [*cluster.records(), wrong],
            cluster.call_manager,
            timestamp=0,
            digest=Digest.SHA1,
        )


def test_signed_bytes_are_the_file_without_the_signature_field(
    sealed: TrustList,
) -> None:
    start = sealed.raw.index(b"\x0c\0\x80")
    assert sealed.unsigned == sealed.raw[:start] + sealed.raw[start + 131 :]
    assert join_fields(sealed.header.fields[:2]) == sealed.unsigned[:10]


def test_roles_have_a_word_and_unknown_ones_their_number() -> None:
    words = [role_label(code) for code in (0, 1, 2, 3, 4, 21, 7, 99)]
    assert words[0] == "System Administrator Security Token"
    assert words[1:] == ["CCM", "CCM+TFTP", "TFTP", "CAPF", "TVS", "APP-SERVER", "99"]
