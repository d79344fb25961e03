"""Signed files: bytes and values, and which holder of a list takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import SignatureError, TrustListError
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.signed import (
    MAX_SIGNED_SIZE,
    SignedFile,
    decode_signed,
    is_no_list,
    seal_signed,
)
from cucmsh.trustlist.signed_trust import judge_signed
from cucmsh.trustlist.tags import Digest, HeaderTag
from tests.trustlist.builders import (
    Cluster,
    KeySigner,
    LibraryVerifier,
    certutils_record,
    hand_made,
    stand_in,
    tlv,
)

PAYLOAD = b"<device><sshUserId>admin</sshUserId></device>\n"
PATH = "SEP001122334455.cnf.xml.sgn"
FEBRUARY_2014 = 1393439067


def signed_file(
    cluster: Cluster,
    *,
    payload: bytes = PAYLOAD,
    path: str = PATH,
    digest: Digest = Digest.SHA512,
    record: Record | None = None,
) -> SignedFile:
    record = record or cluster.records()[1]
    signer = (cluster.call_manager, record)
    return seal_signed(payload, path, signer, timestamp=FEBRUARY_2014, digest=digest)


def held_with(cluster: Cluster, *records: Record) -> TrustList:
    """A list of the recovery key, with these records too."""
    own = full_record(0, cluster.recovery.certificate)
    return seal((own, *records), cluster.recovery, timestamp=1, digest=Digest.SHA1)


def refusal(held: TrustList, offered: SignedFile, path: str = "") -> str:
    verdict = judge_signed(held, offered, LibraryVerifier(), path=path)
    assert not verdict.accepted
    return verdict.reason


def decoded(raw: bytes) -> SignedFile | None:
    """A value that encodes to the same bytes, or None for the documented error."""
    try:
        signed = decode_signed(raw)
    except TrustListError as error:
        offset = error.offset
    else:
        assert signed.raw == raw
        return signed
    assert 0 <= offset <= len(raw)
    return None


@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA512])
def test_holder_of_the_list_takes_what_its_tftp_record_signed(
    cluster: Cluster, sealed: TrustList, digest: Digest
) -> None:
    signed = decode_signed(signed_file(cluster, digest=digest).raw)
    verdict = judge_signed(sealed, signed, LibraryVerifier(), path=PATH)
    assert verdict.accepted
    assert verdict.signer == sealed.records[1]
    assert "trusts the signer CN=test10pub.joemar2.lab" in verdict.reason
    assert signed.payload == PAYLOAD


def test_bytes_are_those_of_the_page(cluster: Cluster) -> None:
    """Field by field: version 1.0, no tag 28, the payload at the end.

    See docs/formats.md#signed-files.
    """
    signed = signed_file(cluster, path="a/b.xml.sgn")
    tags = [field.tag for field in signed.header.fields]
    padding = tags.count(HeaderTag.PADDING)
    assert tags == [1, 2, 3, 7, 12, 14, 15, *[13] * padding]
    assert signed.header.length % 4 == 0
    assert signed.header.version == (1, 0)
    assert signed.header.find(HeaderTag.FILE_NAME) == b"a/b.xml.sgn\0"
    assert signed.raw[signed.header.length :] == PAYLOAD
    field = tlv(12, signed.header.signature)
    start = signed.raw.index(field)
    cut_out = signed.raw[:start] + signed.raw[start + len(field) :]
    assert signed.unsigned == cut_out


def test_empty_file_can_be_signed(cluster: Cluster, sealed: TrustList) -> None:
    signed = decode_signed(signed_file(cluster, payload=b"").raw)
    assert judge_signed(sealed, signed, LibraryVerifier()).accepted


def test_ccm_tftp_record_signs_too(cluster: Cluster) -> None:
    record = full_record(2, cluster.call_manager.certificate)
    held = held_with(cluster, record)
    signed = signed_file(cluster, record=record)
    assert judge_signed(held, signed, LibraryVerifier()).accepted


def test_security_token_alone_signs_no_configuration(cluster: Cluster) -> None:
    sast = full_record(0, cluster.call_manager.certificate)
    held = held_with(cluster, sast)
    assert "only as System Administrator Security Token" in refusal(
        held, signed_file(cluster)
    )
    with pytest.raises(SignatureError, match="not in the list as TFTP"):
        signed_file(cluster, record=sast)


def test_stranger_is_refused(cluster: Cluster) -> None:
    held = held_with(cluster)
    assert "is not in the held list" in refusal(held, signed_file(cluster))


def test_regenerated_certificate_is_told_by_its_serial(cluster: Cluster) -> None:
    own = cluster.call_manager.certificate
    key = cluster.recovery.certificate.public_key
    held = held_with(
        cluster, full_record(3, stand_in(own.subject_name, key, serial=b"\7\7"))
    )
    assert "another certificate of that name (serial 07:07)" in refusal(
        held, signed_file(cluster)
    )


def test_same_names_with_another_key_are_refused(cluster: Cluster) -> None:
    """A regenerated certificate that kept its serial number is still another one."""
    own = cluster.call_manager.certificate
    other = stand_in(
        own.subject_name, cluster.recovery.certificate.public_key, serial=own.serial
    )
    held = held_with(cluster, full_record(3, other))
    assert "does not verify: the signature" in refusal(held, signed_file(cluster))
    both = held_with(cluster, full_record(3, other), full_record(3, own))
    assert "twice, with different keys" in refusal(both, signed_file(cluster))


def test_record_that_is_only_a_hash_signs_nothing(cluster: Cluster) -> None:
    record = hashed_record(3, cluster.call_manager.certificate)
    held = held_with(cluster, record)
    assert "no certificate of the signer" in refusal(held, signed_file(cluster))
    with pytest.raises(SignatureError, match="another certificate"):
        signed_file(cluster, record=record)


def test_name_spelled_by_another_writer_is_a_stranger(cluster: Cluster) -> None:
    own = cluster.call_manager.certificate
    name = "C=US,O=cisco,CN=test10pub"
    records = certutils_record(0, own, name) + certutils_record(3, own, name)
    made = hand_made(own, name, records)
    held = decode(made.signed(cluster.call_manager.sign(made.unsigned(), "sha512")))
    assert "is not in the held list" in refusal(held, signed_file(cluster))
    # Signed with that list's own record, the same file is taken.
    signed = signed_file(cluster, record=held.records[1])
    assert judge_signed(held, signed, LibraryVerifier()).accepted


def test_file_under_another_name_is_refused(
    cluster: Cluster, sealed: TrustList
) -> None:
    reason = refusal(sealed, signed_file(cluster), "SEP665544332211.cnf.xml.sgn")
    assert "named SEP001122334455.cnf.xml.sgn inside" in reason


def test_lying_digest_is_refused(cluster: Cluster, sealed: TrustList) -> None:
    liar = KeySigner(
        cluster.call_manager.key, cluster.call_manager.certificate, lie="sha1"
    )
    signed = seal_signed(
        PAYLOAD,
        PATH,
        (liar, cluster.records()[1]),
        timestamp=1,
        digest=Digest.SHA512,
    )
    assert "does not verify" in refusal(sealed, signed)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("SEP.cnf.xml", "ends with .sgn"),
        ("/srv/tftp/a.sgn", "relative path"),
        ("a\0b.sgn", "relative path"),
        ("\udc80.sgn", "UTF-8"),
    ],
)
def test_name_that_no_phone_asks_for_is_refused(
    cluster: Cluster, path: str, fault: str
) -> None:
    with pytest.raises(SignatureError, match=fault):
        signed_file(cluster, path=path)


def test_size_limit_holds_both_ways(cluster: Cluster) -> None:
    head = len(signed_file(cluster, payload=b"").raw)
    whole = signed_file(cluster, payload=bytes(MAX_SIGNED_SIZE - head))
    assert len(whole.raw) == MAX_SIGNED_SIZE
    with pytest.raises(SignatureError, match="at most 1048576"):
        signed_file(cluster, payload=bytes(MAX_SIGNED_SIZE - head + 1))
    assert decoded(whole.raw + b"\0") is None


def test_lists_signed_and_encrypted_files_are_told_apart(
    cluster: Cluster, sealed: TrustList
) -> None:
    signed = signed_file(cluster).raw
    encrypted = signed[:3] + b"\2\0" + signed[5:]
    assert [is_no_list(raw) for raw in (sealed.raw, signed, encrypted, b"")] == [
        False,
        True,
        True,
        False,
    ]
    with pytest.raises(TrustListError, match=r"1\.2 does not head a signed file"):
        decode_signed(sealed.raw)
    with pytest.raises(TrustListError, match=r"encrypted .* not supported"):
        decode_signed(encrypted)


def test_signed_payload_of_records_never_passes_as_a_list(
    cluster: Cluster, sealed: TrustList
) -> None:
    """Whoever may put a file into the directory would else make trust lists."""
    payload = b"".join(record.raw for record in sealed.records)
    signed = signed_file(cluster, payload=payload, path="ITLFile.tlv.sgn")
    with pytest.raises(TrustListError, match=r"1\.0 does not head a trust list"):
        decode(signed.raw)


def test_every_prefix_is_a_value_or_the_error_and_none_is_taken(
    cluster: Cluster, sealed: TrustList
) -> None:
    raw = signed_file(cluster).raw
    verifier = LibraryVerifier()
    for size in range(len(raw)):
        signed = decoded(raw[:size])
        assert (signed is None) == (size < len(raw) - len(PAYLOAD))
        assert signed is None or not judge_signed(sealed, signed, verifier).accepted


@pytest.mark.thorough
def test_no_change_of_one_byte_is_taken(cluster: Cluster, sealed: TrustList) -> None:
    raw = signed_file(cluster, payload=b"<a/>").raw
    verifier = LibraryVerifier()
    assert judge_signed(sealed, decode_signed(raw), verifier).accepted
    start = raw.index(decode_signed(raw).header.signature)
    for offset in range(len(raw)):
        # Each value of framing and payload; of the 128 bytes of signature, one bit.
        in_signature = start <= offset < start + 128
        for change in (1,) if in_signature else range(1, 256):
            changed = bytearray(raw)
            changed[offset] ^= change
            signed = decoded(bytes(changed))
            assert (
                signed is None or not judge_signed(sealed, signed, verifier).accepted
            ), offset


@pytest.mark.thorough
@given(st.binary(max_size=400))
def test_random_bytes_are_a_value_or_the_error(raw: bytes) -> None:
    decoded(raw)
    decoded(b"\1\0\2\1\0\2\0\2" + raw)


FIELDS = st.builds(tlv, st.integers(0, 29), st.binary(max_size=20))


@pytest.mark.thorough
@given(st.lists(FIELDS, max_size=12), st.binary(max_size=50), st.integers(-3, 3))
def test_random_fields_are_a_value_or_the_error(
    header: list[bytes], payload: bytes, slip: int
) -> None:
    body = b"".join(header)
    size = max(0, len(body) + 10 + slip)
    decoded(tlv(1, b"\1\0") + tlv(2, size.to_bytes(2, "big")) + body + payload)
