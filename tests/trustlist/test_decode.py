"""Bytes to values: both dialects, and what must be refused."""

from collections.abc import Iterable
from unittest.mock import Mock

import pytest

from cucmsh.errors import TrustListError
from cucmsh.trustlist.decode import MAX_LIST_SIZE, decode
from cucmsh.trustlist.encode import encode
from cucmsh.trustlist.forms import CONTAINERS
from cucmsh.trustlist.model import Field, Header, Record, TrustList
from cucmsh.trustlist.tags import OPTIONAL_HEADER, HeaderTag
from cucmsh.trustlist.wire import join_fields, split_fields
from tests.trustlist.builders import (
    Cluster,
    hand_made,
    hand_made_record,
    tlv,
)

NAME = tlv(3, b"CN=a\0")


def refused(raw: bytes) -> str:
    with pytest.raises(TrustListError) as caught:
        decode(raw)
    assert 0 <= caught.value.offset <= max(len(raw), MAX_LIST_SIZE)
    return caught.value.message


def with_header(
    sealed: TrustList, fields: Iterable[tuple[int, bytes]], *, length: int | None = None
) -> bytes:
    """A list with other header fields behind tags 1 and 2, HeaderLength mended."""
    body = tuple(Field(*field) for field in fields)
    size = 10 + len(join_fields(body, HeaderTag.PADDING)) if length is None else length
    head = (Field(1, b"\x01\x02"), Field(2, size.to_bytes(2, "big")))
    records = b"".join(record.raw for record in sealed.records)
    return join_fields(head + body, HeaderTag.PADDING) + records


def body_of(sealed: TrustList) -> list[Field]:
    return list(sealed.header.fields[2:])


@pytest.mark.thorough
def test_reading_and_writing_give_the_same_bytes(
    sealed: TrustList, certutils_raw: bytes
) -> None:
    for raw in (sealed.raw, certutils_raw):
        assert encode(decode(raw)) == raw
    assert decode(sealed.raw) == sealed


def test_certutils_dialect_is_read_as_it_stands(
    certutils_raw: bytes, cluster: Cluster
) -> None:
    trust_list = decode(certutils_raw)
    record = trust_list.records[0]
    assert trust_list.header.ca_name == "C=US,O=cisco\\, inc,CN=test10pub"
    assert trust_list.header.serial == cluster.call_manager.certificate.serial
    assert (record.role, record.dns_name, record.ip_address) == (0, "", "")
    assert record.certificate == cluster.call_manager.certificate.der


def test_ctl_records_with_address_hash_and_blank_ones_are_read(
    cluster: Cluster,
) -> None:
    blank = hand_made_record(
        (tlv(2, b"10.48.47.153\0"), tlv(4, b"\0\2"), tlv(10, bytes((10, 48, 47, 153))))
    )
    token = hand_made_record((tlv(2, b"\0"), NAME, tlv(4, b"\0\0"), tlv(250, b"?")))
    signer = cluster.call_manager.certificate
    raw = hand_made(signer, "CN=a", blank + token, file_name=b"CTLFile.tlv\0").signed(
        bytes(128)
    )
    trust_list = decode(raw)
    first, second = trust_list.records
    assert (first.dns_name, first.ip_address) == ("10.48.47.153", "10.48.47.153")
    assert (first.role, first.serial, first.public_key) == (2, b"", None)
    assert (first.signature, first.certificate, first.certificate_hash) == (None,) * 3
    assert (second.subject_name, second.dns_name, second.find(250)) == (
        "CN=a",
        "",
        b"?",
    )
    assert trust_list.header.file_name == "CTLFile.tlv"
    assert encode(trust_list) == raw


@pytest.mark.parametrize("dns_name", [b"", b"\0", b" \0", b"\0\0", b"node.lab\0"])
def test_every_known_form_of_dnsname_is_read(
    certutils_raw: bytes, dns_name: bytes
) -> None:
    raw = certutils_raw + hand_made_record((tlv(2, dns_name),))
    assert decode(raw).records[-1].find(2) == dns_name


def test_blank_record_of_the_ctl_has_33_bytes() -> None:
    blank = hand_made_record(
        (tlv(2, b"10.48.47.153\0"), tlv(4, b"\0\2"), tlv(10, bytes(4)))
    )
    assert len(blank) == 33


def test_list_without_records_padding_or_tag_28_is_read(sealed: TrustList) -> None:
    body = [field for field in body_of(sealed) if field.tag != 13]
    assert len(decode(with_header(sealed, body)).records) == 6
    assert decode(sealed.raw[:324]).records == ()


def test_header_fields_in_any_order_are_read(sealed: TrustList) -> None:
    raw = with_header(sealed, reversed(body_of(sealed)))
    assert decode(raw).header.signer_name == sealed.header.signer_name


def test_unknown_fields_are_kept_even_twice(sealed: TrustList) -> None:
    extra = [Field(200, b"a"), Field(200, b"b"), Field(0, b"")]
    raw = with_header(sealed, body_of(sealed) + extra)
    assert decode(raw).header.fields[-3:] == tuple(extra)
    record = hand_made_record((tlv(99, b"x"), tlv(99, b"y"), tlv(13, b"")))
    assert encode(decode(sealed.raw + record)) == sealed.raw + record


def test_bytes_that_are_no_utf8_are_shown_not_dropped(certutils_raw: bytes) -> None:
    record = hand_made_record((tlv(3, b"CN=\xff\0"),))
    assert decode(certutils_raw + record).records[-1].subject_name == "CN=\\xff"


REPLACEMENTS = {
    "SERIALNUMBER outside": (5, b"\1"),
    "DIGEST outside": (8, b"\1"),
    "short signer version": (28, b"\1"),
}


@pytest.mark.parametrize("extra", REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_misplaced_header_field_is_refused(
    sealed: TrustList, extra: tuple[int, bytes]
) -> None:
    assert refused(with_header(sealed, [*body_of(sealed), extra]))


@pytest.mark.parametrize("tag", [1, 2, 3, 7, 12, 14, 15])
def test_known_header_field_twice_or_missing_is_refused(
    sealed: TrustList, tag: int
) -> None:
    body = body_of(sealed)
    again = next(field for field in sealed.header.fields if field.tag == tag)
    assert "twice" in refused(with_header(sealed, [*body, again]))
    without = [field for field in body if field.tag != tag]
    if tag > 2:
        assert "has no" in refused(with_header(sealed, without))


ALGORITHMS = tlv(10, b"\0") + tlv(11, b"\1")
HEADER_FAULTS = {
    "short signature info": (7, tlv(8, b"\1") + tlv(9, ALGORITHMS)[:-1]),
    "child twice": (7, tlv(8, b"\1") + tlv(9, tlv(10, b"\0") * 2)),
    "children overrun": (7, tlv(8, b"\1") + b"\x09\0\x09" + ALGORITHMS),
    "unknown child": (7, tlv(77, b"\1") + tlv(9, ALGORITHMS)),
    "wide child": (7, tlv(8, b"\1\1") + tlv(9, ALGORITHMS)[:-1]),
    "class 2 with 128 bytes": (
        7,
        tlv(8, b"\1") + tlv(9, tlv(10, b"\0") + tlv(11, b"\2")),
    ),
    "class 9": (7, tlv(8, b"\1") + tlv(9, tlv(10, b"\0") + tlv(11, b"\x09"))),
    "signature too short": (12, bytes(127)),
    "signature empty": (12, b""),
    "name without NUL": (14, b"ITLFile.tlv"),
    "name with two NULs": (14, b"ITL\0File\0"),
    "empty name": (14, b""),
    "time of eight bytes": (15, bytes(8)),
    "signer without CA": (3, tlv(4, b"a\0") + tlv(5, b"1")),
    "signer with an empty serial": (3, tlv(4, b"a\0") + tlv(5, b"") + tlv(6, b"a\0")),
    "signer with two CAs": (3, tlv(4, b"a\0") + tlv(5, b"1") + tlv(6, b"a\0") * 2),
    "signer with pad": (3, tlv(4, b"a\0") + tlv(5, b"1") + tlv(6, b"a\0") + b"\x0d"),
    "signer with a cut child": (3, tlv(4, b"a\0") + tlv(5, b"1") + b"\x06\0"),
}


@pytest.mark.parametrize("fault", HEADER_FAULTS.values(), ids=HEADER_FAULTS)
def test_faulty_header_field_is_refused(
    sealed: TrustList, fault: tuple[int, bytes]
) -> None:
    body = [fault if field.tag == fault[0] else field for field in body_of(sealed)]
    assert refused(with_header(sealed, body))


@pytest.mark.parametrize("length", [0, 5, 9, 10, 323, 325, 400, 65535])
def test_header_length_off_a_field_boundary_is_refused(
    sealed: TrustList, length: int
) -> None:
    assert refused(with_header(sealed, body_of(sealed), length=length))


CERTIFICATE_HASH = tlv(11, bytes(20))
RECORD_FAULTS = {
    "no length": NAME,
    "zero length": b"\x01\0\2\0\0",
    "length of four": b"\x01\0\2\0\4",
    "length over the end": b"\x01\0\2\0\x06",
    "length not of two bytes": b"\x01\0\1\5",
    "cut length": b"\x01\0\2\0",
    "cut field": hand_made_record((b"\x03\0",)),
    "field over the end": hand_made_record((b"\x03\0\5a\0",)),
    "length twice": hand_made_record((tlv(1, b"\0\x0a"),)),
    "name twice": hand_made_record((NAME, NAME)),
    "role of one byte": hand_made_record((tlv(4, b"\0"),)),
    "address of 16 bytes": hand_made_record((tlv(10, bytes(16)),)),
    "name without NUL": hand_made_record((tlv(3, b"CN=a"),)),
    "issuer with two NULs": hand_made_record((tlv(5, b"CN\0=a\0"),)),
    "empty name": hand_made_record((tlv(3, b""),)),
    "DNSNAME without NUL": hand_made_record((tlv(2, b"node"),)),
    "DNSNAME with a NUL inside": hand_made_record((tlv(2, b"no\0de\0"),)),
    "empty serial": hand_made_record((tlv(6, b""),)),
    "hash of 19 bytes": hand_made_record((tlv(11, bytes(19)), tlv(12, b"\1"))),
    "hash without algorithm": hand_made_record((CERTIFICATE_HASH,)),
    "algorithm without hash": hand_made_record((tlv(12, b"\1"),)),
    "hash beside certificate": hand_made_record(
        (tlv(9, b"x"), CERTIFICATE_HASH, tlv(12, b"\1"))
    ),
    "trailing NUL": b"\0",
    "trailing pad": b"\x0d",
}


@pytest.mark.parametrize("fault", RECORD_FAULTS.values(), ids=RECORD_FAULTS)
def test_faulty_record_is_refused(sealed: TrustList, fault: bytes) -> None:
    assert refused(sealed.raw + fault)


def test_record_that_is_shorter_than_its_length_field_is_named(
    sealed: TrustList,
) -> None:
    for size in range(5):
        raw = sealed.raw + tlv(1, bytes((0, size)))
        assert f"A record of {size} bytes does not fit the file" in refused(raw)


def test_hash_of_an_unknown_algorithm_is_kept(sealed: TrustList) -> None:
    record = hand_made_record((tlv(11, bytes(32)), tlv(12, b"\2")))
    assert decode(sealed.raw + record).records[-1].hash_algorithm == 2


def test_other_versions_are_refused(sealed: TrustList) -> None:
    assert "Version 2.0" in refused(sealed.raw[:3] + b"\2\0" + sealed.raw[5:])
    # 1.0 heads a signed file: what is signed as one must not pass as a list.
    assert "Version 1.0" in refused(sealed.raw[:3] + b"\1\0" + sealed.raw[5:])
    assert decode(sealed.raw[:3] + b"\1\1" + sealed.raw[5:]).header.version == (1, 1)


def test_limits_of_size_and_count_hold(certutils_raw: bytes) -> None:
    record = hand_made_record((NAME,))
    full = certutils_raw + record * 255
    assert len(decode(full).records) == 256
    assert "256 records" in refused(full + record)
    filler = hand_made_record((tlv(99, bytes(60000)),))
    rest = MAX_LIST_SIZE - len(certutils_raw) - len(filler)
    whole = certutils_raw + filler + hand_made_record((tlv(99, bytes(rest - 8)),))
    assert len(decode(whole).raw) == MAX_LIST_SIZE
    assert "larger" in refused(whole + b"\0")


def test_hand_made_values_answer_empty() -> None:
    header, record = Header(()), Record(())
    assert (header.version, header.length, header.digest) == ((), 0, 0)
    assert header.signature_algorithm == -1
    assert (header.signature, header.serial, header.timestamp) == (b"", b"", 0)
    assert (header.file_name, header.ca_name, header.signer_name) == ("", "", "")
    assert (record.length, record.role, record.hash_algorithm) == (0, None, None)
    assert (record.issuer_name, record.raw) == ("", b"")


def test_value_too_long_for_the_wire_is_refused() -> None:
    with pytest.raises(TrustListError):
        _ = Record((Field(99, bytes(65536)),)).raw


@pytest.mark.parametrize("tag", sorted(OPTIONAL_HEADER))
def test_optional_field_of_the_header_may_be_there_or_not(
    sealed: TrustList, tag: int
) -> None:
    without = [field for field in body_of(sealed) if field.tag != tag]
    value = b"" if tag == HeaderTag.PADDING else b"\x01\x00"
    for fields in (without, [*without, Field(tag, value)]):
        assert decode(with_header(sealed, fields)).records == sealed.records


def test_fields_are_split_once(
    sealed: TrustList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often they are asked for: `show itl` asks thirty times."""
    split = Mock(wraps=split_fields)
    monkeypatch.setattr("cucmsh.trustlist.model.split_fields", split)
    header = decode(sealed.raw).header
    asked = (header.signer_name, header.timestamp, header.by_tag, header.all_fields)
    assert all(asked)
    assert split.call_count == len(CONTAINERS)


def test_children_stand_behind_their_container(sealed: TrustList) -> None:
    tags = [field.tag for field in sealed.header.all_fields]
    for container, children in CONTAINERS.items():
        assert all(tags.index(container) < tags.index(child) for child in children)
