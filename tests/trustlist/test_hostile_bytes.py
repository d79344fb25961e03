"""The invariant: any bytes give a value or TrustListError, and no change passes."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsh.errors import TrustListError
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import encode, full_record
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest
from tests.rigs.work import assert_linear
from tests.trustlist.builders import Cluster, KeySigner, LibraryVerifier, stand_in, tlv

Changed = Iterator[tuple[int, bytes]]


def decoded(raw: bytes) -> TrustList | None:
    """A value that encodes to the same bytes, or None for the documented error."""
    try:
        trust_list = decode(raw)
    except TrustListError as error:
        offset = error.offset
    else:
        assert encode(trust_list) == raw
        return trust_list
    assert 0 <= offset <= len(raw)
    return None


def single_changes(raw: bytes, values: range | tuple[int, ...]) -> Changed:
    for offset in range(len(raw)):
        for change in values:
            changed = bytearray(raw)
            changed[offset] ^= change
            yield offset, bytes(changed)


def small_list(cluster: Cluster) -> TrustList:
    """One record and the shortest names: little but framing."""
    key = cluster.call_manager.certificate.public_key
    certificate = stand_in("CN=a", key, serial=b"1")
    signer = KeySigner(cluster.call_manager.key, certificate)
    records = [full_record(0, certificate)]
    return seal(records, signer, timestamp=7, digest=Digest.SHA512)


@pytest.mark.thorough
def test_every_prefix_is_a_value_or_the_error(
    sealed: TrustList, certutils_raw: bytes
) -> None:
    for raw in (sealed.raw, certutils_raw):
        values = [decoded(raw[:size]) is not None for size in range(len(raw))]
        # Only whole records make a list: the header alone, and each record more.
        boundaries = len(decode(raw).records)
        assert sum(values) == boundaries


@pytest.mark.thorough
def test_no_prefix_passes_the_check(
    sealed: TrustList, verifier: LibraryVerifier
) -> None:
    for size in range(len(sealed.raw)):
        trust_list = decoded(sealed.raw[:size])
        assert trust_list is None or not check(trust_list, verifier).is_valid


@pytest.mark.thorough
def test_no_change_of_one_byte_to_any_other_passes(
    cluster: Cluster, verifier: LibraryVerifier
) -> None:
    small = small_list(cluster)
    assert check(small, verifier).is_valid
    head = small.raw[: small.raw.index(small.header.signature)]
    framing = small.records[0].raw[:36]
    for offset, changed in single_changes(head, range(1, 256)):
        assert_refused(changed + small.raw[len(head) :], verifier, offset)
    for offset, changed in single_changes(framing, range(1, 256)):
        raw = small.header.raw + changed + small.records[0].raw[36:]
        assert_refused(raw, verifier, offset)


@pytest.mark.thorough
def test_no_flipped_bit_of_longer_lists_passes(
    sealed: TrustList, certutils_raw: bytes, verifier: LibraryVerifier
) -> None:
    for raw, bit in ((sealed.raw, 0x01), (certutils_raw, 0x80)):
        assert check(decode(raw), verifier).is_valid
        for offset, changed in single_changes(raw, (bit,)):
            assert_refused(changed, verifier, offset)


def assert_refused(raw: bytes, verifier: LibraryVerifier, offset: int) -> None:
    trust_list = decoded(raw)
    if trust_list is not None:
        assert not check(trust_list, verifier).is_valid, offset


@pytest.mark.thorough
@given(st.binary(max_size=400))
def test_random_bytes_are_a_value_or_the_error(raw: bytes) -> None:
    decoded(raw)


FIELDS = st.builds(tlv, st.integers(0, 29), st.binary(max_size=20))


@pytest.mark.thorough
@given(st.lists(FIELDS, max_size=12), st.lists(FIELDS, max_size=12), st.integers(-3, 3))
def test_random_fields_are_a_value_or_the_error(
    header: list[bytes], record: list[bytes], slip: int
) -> None:
    body, fields = b"".join(header), b"".join(record)
    size = max(0, len(body) + 10 + slip)
    raw = tlv(1, b"\1\2") + tlv(2, size.to_bytes(2, "big")) + body
    raw += tlv(1, (len(fields) + 5).to_bytes(2, "big")) + fields
    decoded(raw)


@pytest.mark.thorough
def test_spliced_lists_are_a_value_or_the_error_and_never_pass(
    sealed: TrustList, certutils_raw: bytes
) -> None:
    verifier = LibraryVerifier()
    originals = (sealed.raw, certutils_raw)

    @settings(deadline=None)
    @given(st.data())
    def splice(draw: st.DataObject) -> None:
        left = draw.draw(st.sampled_from(originals))
        right = draw.draw(st.sampled_from(originals))
        head = left[: draw.draw(st.integers(0, len(left)))]
        tail = right[draw.draw(st.integers(0, len(right))) :]
        raw = head + draw.draw(st.binary(max_size=5)) + tail
        trust_list = decoded(raw)
        if trust_list is not None and raw not in originals:
            assert not check(trust_list, verifier).is_valid

    splice()


def two(number: int) -> bytes:
    return number.to_bytes(2, "big")


@pytest.mark.thorough
def test_dense_input_takes_linear_work() -> None:
    """The most fields that fit, in one record: no step looks at all others."""
    fields = b"\x63\0\0" * 21000
    header = b"\x0d" * 60000

    def read_header(raw: bytes) -> TrustList:
        return decode(tlv(1, b"\1\2") + tlv(2, two(len(raw) + 10)) + raw)

    def read_record(raw: bytes) -> TrustList:
        return decode(tlv(1, two(len(raw) + 5)) + raw)

    assert_linear(read_header, header, TrustListError)
    assert_linear(read_record, fields, TrustListError)
