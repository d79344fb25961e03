"""A download as a client sees it, packet by packet; no socket is opened."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.tftp.codec import (
    Data,
    Download,
    Grant,
    ProtocolError,
    Refusal,
    RefusalError,
    acknowledgement,
    decode,
    refusal,
    request,
)

LIMIT = 1 << 20


def block(number: int, payload: bytes) -> bytes:
    return b"\0\3" + (number % 65536).to_bytes(2) + payload


def grant(size: int) -> bytes:
    return b"\0\6blksize\0%d\0" % size


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    for number in range(len(content) // size + 1):
        yield block(number + 1, content[number * size : (number + 1) * size])


def test_requests_and_answers_are_those_of_the_rfcs() -> None:
    assert request("a/b", {}) == b"\0\1a/b\0octet\0"
    assert request("f", {"blksize": 1428}) == b"\0\1f\0octet\0blksize\x001428\0"
    assert acknowledgement(258) == b"\0\4\1\2"
    assert refusal(5, "who?") == b"\0\5\0\5who?\0"
    assert decode(b"\0\3\1\2abc") == Data(258, b"abc")
    assert decode(b"\0\6BLKSIZE\x008\0") == Grant({"blksize": "8"})
    assert decode(b"\0\6") == Grant({})
    assert decode(b"\0\5\0\2no\0rest") == Refusal(2, "no")
    assert decode(b"\0\5\0\2no end") == Refusal(2, "no end")


@given(st.binary(max_size=40) | st.binary(max_size=40).map(b"\0\6".__add__))
def test_any_bytes_are_a_packet_or_the_one_error(raw: bytes) -> None:
    with suppress(ProtocolError):
        decode(raw)


@given(
    st.lists(
        st.sampled_from([b"\0\3\0\1", b"\0\3\0\2", b"\0\6blksize\0", b"\0\5", b"\0\4"])
        .flatmap(lambda head: st.binary(max_size=20).map(head.__add__))
        .map(bytes),
        max_size=8,
    )
)
def test_any_conversation_ends_in_bytes_or_a_documented_error(
    said: list[bytes],
) -> None:
    download = Download("f", 8192, LIMIT)
    with suppress(ProtocolError, RefusalError):
        for raw in said:
            download.take(raw)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024])
def test_server_without_options_sends_blocks_of_512(size: int) -> None:
    content = bytes(size)
    download = Download("f", 8192, LIMIT)
    for number, raw in enumerate(blocks(content, 512), 1):
        assert not download.is_complete
        assert download.take(raw) == acknowledgement(number)
    assert download.is_complete
    assert download.content == content


def test_numbers_go_on_at_0_after_65535() -> None:
    content = b"12345678" * 65540
    download = Download("f", 8, LIMIT)
    assert download.take(grant(8)) == acknowledgement(0)
    for raw in blocks(content, 8):
        assert download.take(raw) == acknowledgement(int.from_bytes(raw[2:4]))
    assert download.is_complete
    assert download.content == content


def test_repeated_packets_are_acknowledged_again_and_count_once() -> None:
    download = Download("f", 16, LIMIT)
    assert download.take(grant(16)) == download.take(grant(16)) == acknowledgement(0)
    first, second = block(1, bytes(16)), block(2, b"end")
    assert download.take(first) == download.take(first) == acknowledgement(1)
    assert download.take(grant(16)) == b""  # so late that nobody waits for an answer
    assert download.take(second) == acknowledgement(2)
    assert download.content == bytes(16) + b"end"


def test_blocks_of_another_number_are_left_unanswered() -> None:
    download = Download("f", None, LIMIT)
    before = download.packet
    for number in (0, 2, 7, 65535):
        assert download.take(block(number, b"late")) == b""
    assert download.packet == before
    download.take(block(1, bytes(512)))
    assert download.take(block(3, b"end")) == b""
    assert not download.is_complete


@pytest.mark.parametrize(
    "raw",
    [
        *(b"\0\6", b"\0\6tsize\x005\0", b"\0\6blksize\0\0", b"\0\6blksize\0abc\0"),
        *(grant(7), grant(8193), b"\0\6blksize\x00" + b"9" * 6000 + b"\0"),
        *(
            b"\0\6blksize",
            b"\0\6blksize\0",
            b"\0\6\xff\x008\0",
            b"\0\4\0\0",
            b"",
            b"\0",
        ),
        block(1, bytes(513)),
    ],
)
def test_answer_that_fits_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        Download("f", 8192, LIMIT).take(raw)


def test_options_that_nobody_asked_for_are_refused() -> None:
    with pytest.raises(ProtocolError, match="nobody asked"):
        Download("f", None, LIMIT).take(grant(8))


def test_file_is_no_larger_than_the_limit() -> None:
    download = Download("f", None, 600)
    download.take(block(1, bytes(512)))
    with pytest.raises(ProtocolError, match="too large"):
        download.take(block(2, bytes(89)))
    assert download.take(block(2, bytes(88)))
    assert download.is_complete


def test_error_carries_its_code_and_words() -> None:
    with pytest.raises(RefusalError) as refused:
        Download("f", 8192, LIMIT).take(b"\0\5\0\x09caf\xc3\xa9 \xff\0")
    assert (refused.value.code, refused.value.text) == (9, "café \\xff")
