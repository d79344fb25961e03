"""The arithmetic of the source document's list (docs/formats.md#sizes)."""

import pytest

from cucmsh.trustlist.encode import encode, full_record
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import reseal, seal
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag
from tests.trustlist.builders import TAIL, Cluster, KeySigner, stand_in


def test_records_have_the_documents_lengths(sealed: TrustList) -> None:
    lengths = [record.length for record in sealed.records]
    assert lengths == [1115, 1115, 439, 455, 1141, 713]
    assert [len(record.raw) for record in sealed.records] == lengths


def test_call_manager_signs_a_header_of_324_bytes(sealed: TrustList) -> None:
    assert sealed.header.length == len(sealed.header.raw) == 324
    assert len(encode(sealed)) == 5302
    signer_id = sealed.header.find(HeaderTag.SIGNER_ID)
    assert signer_id is not None
    assert len(signer_id) == 139


def test_reset_makes_344_bytes_of_header_and_keeps_the_records(
    sealed: TrustList, cluster: Cluster
) -> None:
    after = reseal(sealed, cluster.recovery, timestamp=1393439068, digest=Digest.SHA1)
    assert after.header.length == 344
    assert len(encode(after)) == 5322
    assert encode(after)[344:] == encode(sealed)[324:]
    assert after.header.file_name == "ITLFile.tlv"
    assert after.header.timestamp == 1393439068


def test_name_as_the_document_prints_it_gives_the_longer_list(
    cluster: Cluster,
) -> None:
    name = "CN=ITLRECOVERY_test10pub.joemar2.lab" + TAIL
    certificate = stand_in(name, cluster.recovery.certificate.public_key, size=698)
    records = [*cluster.records()]
    records[4] = full_record(0, certificate)
    before = seal(records, cluster.call_manager, timestamp=1, digest=Digest.SHA1)
    recovery = KeySigner(cluster.recovery.key, certificate)
    after = reseal(before, recovery, timestamp=2, digest=Digest.SHA1)
    signer_id = after.header.find(HeaderTag.SIGNER_ID)
    assert signer_id is not None
    assert len(signer_id) == 163
    assert after.header.length == 348
    assert records[4].length == 1153
    assert (len(before.raw), len(after.raw)) == (5314, 5338)


def test_header_is_written_in_cucms_order(sealed: TrustList) -> None:
    header = sealed.header
    assert [field.tag for field in header.fields] == [1, 2, 3, 7, 12, 14, 15, 13]
    assert header.version == (1, 2)
    assert header.digest == 1
    assert header.signature_algorithm == 0
    assert header.find(HeaderTag.SIGNATURE_MODULUS) == b"\1"
    assert header.signer_name == header.ca_name == "CN=test10pub.joemar2.lab" + TAIL


def test_records_are_written_in_cucms_order(sealed: TrustList) -> None:
    full, hashed = sealed.records[0], sealed.records[2]
    assert [field.tag for field in full.fields] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [field.tag for field in hashed.fields] == [*range(1, 9), 11, 12]
    assert full.find(RecordTag.DNS_NAME) == b" \0"
    assert (hashed.hash_algorithm, len(hashed.certificate_hash or b"")) == (1, 20)


@pytest.mark.parametrize("name_size", range(50, 54))
def test_header_size_is_a_multiple_of_four(cluster: Cluster, name_size: int) -> None:
    key = cluster.recovery.certificate.public_key
    certificate = stand_in("CN=" + "x" * name_size, key)
    signer = KeySigner(cluster.recovery.key, certificate)
    made = seal(
        [full_record(0, certificate)], signer, timestamp=0, digest=Digest.SHA512
    )
    assert len(made.header.raw) == made.header.length
    assert made.header.length % 4 == 0
