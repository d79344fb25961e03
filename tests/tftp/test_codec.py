"""Packets, and transfers as both sides see them; no socket is opened."""

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.tftp.codec import (
    Ack,
    Data,
    Download,
    ErrorPacket,
    OptionAck,
    Packet,
    ProtocolError,
    ReadRequest,
    RefusalError,
    Upload,
    WriteRequest,
    decode,
)

LIMIT = 1 << 20


def block(number: int, payload: bytes) -> bytes:
    return b"\0\3" + (number % 65536).to_bytes(2) + payload


def grant(size: int) -> bytes:
    return b"\0\6blksize\0%d\0" % size


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    for number in range(len(content) // size + 1):
        yield block(number + 1, content[number * size : (number + 1) * size])


def acknowledgement(number: int) -> bytes:
    return b"\0\4" + number.to_bytes(2)


def test_packets_are_those_of_the_rfcs() -> None:
    for packet, raw in (
        (ReadRequest("a/b", "octet", {}), b"\0\1a/b\0octet\0"),
        (
            ReadRequest("f", "octet", {"blksize": "1428"}),
            b"\0\1f\0octet\0blksize\x001428\0",
        ),
        (WriteRequest("f", "netascii", {}), b"\0\2f\0netascii\0"),
        (Data(258, b"abc"), b"\0\3\1\2abc"),
        (Ack(258), b"\0\4\1\2"),
        (ErrorPacket(5, "who?"), b"\0\5\0\5who?\0"),
        (OptionAck({"blksize": "8"}), b"\0\6blksize\x008\0"),
        (OptionAck({}), b"\0\6"),
    ):
        assert packet.encode() == raw
        assert decode(raw) == packet


def test_what_others_write_otherwise_is_read_as_well() -> None:
    assert decode(b"\0\6BLKSIZE\x008\0") == OptionAck({"blksize": "8"})
    assert decode(b"\0\1f\0OCTET\0") == ReadRequest("f", "octet", {})
    assert decode(b"\0\5\0\2no\0rest") == ErrorPacket(2, "no")
    assert decode(b"\0\5\0\2no end") == ErrorPacket(2, "no end")
    twice = b"\0\1f\0octet\0tsize\x000\0TSIZE\x001\0"
    assert decode(twice) == ReadRequest("f", "octet", {"tsize": "0"})


@pytest.mark.parametrize(
    "raw",
    [
        *(b"\0\1", b"\0\1f", b"\0\1f\0", b"\0\1f\0octet", b"\0\1\0octet\0"),
        *(b"\0\1f\0octet\0blksize\0", b"\0\1f\0octet\0blksize\x008"),
        *(b"\0\1\xff\0octet\0", b"\0\2f\0"),
        b"\0\1" + b"f" * 504 + b"\0octet\0",
    ],
)
def test_request_that_is_none_is_an_illegal_operation(raw: bytes) -> None:
    with pytest.raises(ProtocolError) as refused:
        decode(raw)
    assert refused.value.code == 4


def test_request_has_512_bytes_at_most() -> None:
    assert decode(b"\0\1" + b"f" * 503 + b"\0octet\0")


words = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
options = st.dictionaries(words.map(str.lower).filter(lambda w: w == w.lower()), words)
some_options = options.filter(lambda found: len(str(found).encode()) < 300)
requests = (words.filter(bool), st.sampled_from(["octet", "netascii"]), some_options)
numbers = st.integers(0, 65535)
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(ReadRequest, *requests),
    st.builds(WriteRequest, *requests),
    st.builds(Data, numbers, st.binary(max_size=40)),
    st.builds(Ack, numbers),
    st.builds(OptionAck, some_options),
    st.builds(ErrorPacket, numbers, words),
)


@pytest.mark.thorough
@given(packets)
def test_what_was_encoded_decodes_to_the_same(packet: Packet) -> None:
    assert decode(packet.encode()) == packet


@pytest.mark.thorough
@given(
    st.binary(max_size=40)
    | st.builds(
        lambda kind, rest: bytes((0, kind)) + rest, st.integers(0, 7), st.binary()
    )
    | st.builds(lambda packet, cut: packet.encode()[:cut], packets, st.integers(0, 60))
)
def test_any_bytes_are_a_packet_or_the_one_error(raw: bytes) -> None:
    with suppress(ProtocolError):
        decode(raw)


@pytest.mark.thorough
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


@pytest.mark.thorough
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
        *(b"\0\1f\0octet\0", b"\0\2f\0octet\0"),
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


def upload(content: bytes, options: dict[str, str]) -> Upload:
    return Upload(io.BytesIO(content).read, len(content), options)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 5314])
def test_file_is_sent_block_by_block_and_complete_at_the_last_acknowledgement(
    size: int,
) -> None:
    content = bytes(size)
    sending = upload(content, {})
    for number, raw in enumerate(blocks(content, 512), 1):
        assert sending.packet == raw
        assert not sending.is_complete
        sending.take(acknowledgement(number))
    assert sending.is_complete
    assert sending.take(acknowledgement(size // 512 + 1)) == b""


def test_options_are_granted_as_far_as_they_make_sense() -> None:
    asked = {"blksize": "99999", "timeout": "255", "tsize": "0", "windowsize": "4"}
    sending = upload(bytes(7), asked)
    wanted = {"blksize": "65464", "timeout": "255", "tsize": "7"}
    assert decode(sending.packet) == OptionAck(wanted)
    assert sending.repeat_seconds == 255
    assert sending.take(acknowledgement(0)) == block(1, bytes(7))


@pytest.mark.parametrize(
    "asked",
    [
        {"blksize": "0x200"},
        {"blksize": "9" * 21},
        {"blksize": "\N{ARABIC-INDIC DIGIT NINE}" * 3},
        {"timeout": "-1", "tsize": "", "multicast": ""},
    ],
)
def test_request_whose_options_are_no_numbers_is_answered_by_data(
    asked: dict[str, str],
) -> None:
    sending = upload(bytes(513), asked)
    assert sending.packet == block(1, bytes(512))
    assert sending.repeat_seconds is None


@pytest.mark.parametrize(
    "asked", [{"blksize": "7"}, {"timeout": "0"}, {"timeout": "256"}, {"tsize": "0"}]
)
def test_option_out_of_bounds_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(ProtocolError) as refused:
        Upload(io.BytesIO(b"x").read, None, asked)
    assert refused.value.code == 8


def test_acknowledgement_that_comes_twice_sends_nothing_twice() -> None:
    sending = upload(bytes(1025), {"blksize": "512"})
    assert sending.take(acknowledgement(1)) == b""  # the options first
    assert sending.take(acknowledgement(0)) == block(1, bytes(512))
    assert sending.take(acknowledgement(0)) == b""
    assert sending.take(acknowledgement(1)) == block(2, bytes(512))
    assert sending.take(acknowledgement(1)) == b""
    assert sending.packet == block(2, bytes(512))  # what a repetition sends


def test_what_ends_a_transfer() -> None:
    with pytest.raises(RefusalError, match="enough"):
        upload(b"", {}).take(b"\0\5\0\0enough\0")
    for raw in (b"", b"\0\4\0", b"\0\3\0\1x", b"\0\1f\0octet\0", b"\0\x09"):
        with pytest.raises(ProtocolError):
            upload(b"", {}).take(raw)


@pytest.mark.thorough
@given(
    content=st.binary(max_size=300),
    size=st.none() | st.integers(8, 64),
    fates=st.lists(st.sampled_from(["lost", "once", "twice"]), max_size=40),
)
def test_both_halves_agree_whatever_is_lost_or_comes_twice(
    content: bytes, size: int | None, fates: list[str]
) -> None:
    download = Download("f", size, LIMIT)
    asked = decode(download.packet)
    assert isinstance(asked, ReadRequest)
    sending = upload(content, asked.options)
    due = [*fates, *["once"] * 999]
    copies = {"lost": 0, "once": 1, "twice": 2}
    while not download.is_complete:
        for _ in range(copies[due.pop(0)]):  # the server's, sent again each time
            download.take(sending.packet)
        for _ in range(copies[due.pop(0)]):
            if decode(download.packet) != asked:
                sending.take(download.packet)
    assert download.content == content


@pytest.mark.thorough
def test_numbers_of_a_long_file_go_on_at_0() -> None:
    content = b"12345678" * 65540
    sending = upload(content, {"blksize": "8"})
    download = Download("f", 8, LIMIT)
    while not sending.is_complete:
        sending.take(download.take(sending.packet))
    assert download.content == content
