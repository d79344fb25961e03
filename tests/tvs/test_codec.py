"""TVS's messages; no socket is opened.

The vectors have the lengths and heads of messages that were published, with other
names in them.
"""

import random
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import TvsError
from cucmsh.tvs.codec import (
    HEAD_SIZE,
    MOST_BODY,
    Message,
    QueryAnswer,
    QueryRequest,
    Reader,
    VerifyAnswer,
    VerifyRequest,
    decode,
    encode,
    message_size,
)

DEVICE = "CP-8861-SEP001122334455"
SUBJECT = "CN=pub.lab.example;OU=Telephony;O=Example;L=Springfield;ST=IL;C=US"
SUBJECT = SUBJECT[:61] + "US"[: 65 - len(SUBJECT[:61])] + "X" * 2
ISSUER = "CN=ca.example;C=US;O=E"[:21]
SERIAL = bytes.fromhex("2400000017") + bytes(range(14))


def element(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + len(value).to_bytes(2) + value


def message(command: int, *elements: bytes, session: int = 1001) -> bytes:
    body = b"".join(elements)
    head = b"W\1" + bytes((command, 0)) + session.to_bytes(4) + len(body).to_bytes(2)
    return head + body


STATUS_0, ROLES_0_3 = element(7, b"\0"), element(8, b"\0\3")
ONE_DAY = element(9, bytes.fromhex("00015180"))
DEVICE_ELEMENT = element(1, b"\1" + DEVICE.encode())


def query(*, subject: str = SUBJECT) -> bytes:
    names = element(3, subject.encode() + b"\0"), element(4, ISSUER.encode() + b"\0")
    return message(3, DEVICE_ELEMENT, *names, element(5, SERIAL))


VECTORS: list[tuple[Message, bytes]] = [
    (QueryRequest(1001, DEVICE, SUBJECT, ISSUER, SERIAL), query()),
    (
        QueryAnswer(1001, True, b"c" * 1451, (0, 3), 86400),
        message(4, STATUS_0, element(2, b"c" * 1451), ROLES_0_3, ONE_DAY),
    ),
    (
        VerifyRequest(1002, DEVICE, b"c" * 922),
        message(1, DEVICE_ELEMENT, element(2, b"c" * 922), session=1002),
    ),
    (
        VerifyAnswer(1002, False, (), 0),
        bytes.fromhex("57010200000003ea000407000101"),
    ),
    (
        VerifyAnswer(1002, True, (0, 3), 86400),
        bytes.fromhex("57010200000003ea001007000100080002000309000400015180"),
    ),
    (QueryAnswer(1001, False, b"", (), 0), message(4, element(7, b"\1"))),
]


@pytest.mark.parametrize(("value", "raw"), VECTORS)
def test_messages_are_those_that_were_seen(value: Message, raw: bytes) -> None:
    assert encode(value) == raw
    assert decode(raw) == value


def test_they_have_the_sizes_and_heads_that_were_seen() -> None:
    asked, answered, verify = (raw for _, raw in VECTORS[:3])
    assert len(asked) == 153
    assert asked.startswith(bytes.fromhex("57010300000003e9008f01001801") + b"CP-")
    assert asked[37:40] == bytes.fromhex("030042")
    assert len(answered) == 1480
    assert answered.startswith(bytes.fromhex("57010400000003e905be070001000205ab"))
    assert len(verify) == 962
    assert verify.startswith(bytes.fromhex("57010100000003ea"))


@pytest.mark.parametrize(
    "raw",
    [
        query()[:3] + b"\xf7" + query()[4:],  # a server's reserved byte
        b"W\0" + query()[2:],  # version 0
        query()[:13] + b"\0" + query()[14:],  # what stands before the device's name
    ],
)
def test_what_says_nothing_may_be_anything(raw: bytes) -> None:
    assert decode(raw) == VECTORS[0][0]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (
            message(1, element(6, b"?"), element(2, b"c"), element(200, b"")),
            VerifyRequest(1001, "", b"c"),
        ),
        (
            message(1, element(2, b"c"), element(1, b"\1ATA 191 \xff\0")),
            VerifyRequest(1001, "ATA 191 \\xff", b"c"),
        ),
        (message(1, element(1, b""), element(2, b"c")), VerifyRequest(1001, "", b"c")),
        (
            message(3, element(5, b"s"), element(4, b"i"), element(3, b"s\0")),
            QueryRequest(1001, "", "s", "i", b"s"),
        ),
        (
            message(2, element(7, b"\1"), ROLES_0_3, ONE_DAY),
            VerifyAnswer(1001, False, (), 0),
        ),
        (
            message(2, STATUS_0, element(8, b""), ONE_DAY),
            VerifyAnswer(1001, True, (), 86400),
        ),
    ],
)
def test_what_others_may_write_otherwise_is_read(raw: bytes, value: Message) -> None:
    assert decode(raw) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "cut off"),
        (query()[:9], "cut off"),
        (query() + b"W", "more follows"),
        (b"V" + query()[1:], "first byte"),
        (b"W\2" + query()[2:], "version"),
        (message(0), "command"),
        (message(5), "command"),
        (message(1), "no certificate"),
        (message(1, element(2, b"")), "no certificate"),
        (message(1, element(2, b"c"), element(2, b"d")), "twice"),
        (message(1, element(2, b"c"), element(6, b""), element(6, b"")), "twice"),
        (message(1, element(2, b"c"), b"\6\0"), "cut off"),
        (message(1, element(2, b"c"), b"\6\0\2x"), "longer"),
        (message(3, element(3, b"s\0"), element(5, b"s")), "no issuer"),
        (message(3, element(4, b"i\0"), element(5, b"s")), "no subject"),
        (message(3, element(3, b"s\0"), element(4, b"i\0")), "no serial"),
        (query(subject="CN=a\0b"), "NUL"),
        (message(1, element(1, b"\1a\0b"), element(2, b"c")), "NUL"),
        (message(2), "status"),
        (message(2, element(7, b"\2"), ROLES_0_3, ONE_DAY), "status"),
        (message(2, element(7, b"\0\0"), ROLES_0_3, ONE_DAY), "status"),
        (message(2, STATUS_0, ONE_DAY), "roles"),
        (message(2, STATUS_0, ROLES_0_3), "time to live"),
        (message(2, STATUS_0, ROLES_0_3, element(9, b"\0\0\1")), "time to live"),
        (message(4, STATUS_0, ROLES_0_3, ONE_DAY), "no certificate"),
    ],
)
def test_what_is_no_message_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(TvsError, match=why) as refused:
        decode(raw)
    assert refused.value.advice


@pytest.mark.parametrize(
    "value",
    [
        VerifyRequest(-1, DEVICE, b"c"),
        VerifyRequest(1 << 32, DEVICE, b"c"),
        VerifyRequest(1, "a\0", b"c"),
        VerifyRequest(1, "\ud800", b"c"),
        VerifyRequest(1, "", b""),
        VerifyRequest(1, "", b"c" * 65536),
        VerifyRequest(1, "", b"c" * (65535 - 6)),
        QueryRequest(1, "", "s", "i", b""),
        QueryRequest(1, "", "s\0", "i", b"s"),
        VerifyAnswer(1, True, (256,), 1),
        VerifyAnswer(1, True, (-1,), 1),
        VerifyAnswer(1, True, (0,), 1 << 32),
        QueryAnswer(1, True, b"", (0,), 1),
    ],
)
def test_what_the_wire_cannot_carry_is_refused(value: Message) -> None:
    with pytest.raises(TvsError, match="cannot carry"):
        encode(value)


def test_largest_message() -> None:
    largest = VerifyRequest(1, "", b"c" * (65535 - 7))
    raw = encode(largest)
    assert len(raw) == HEAD_SIZE + MOST_BODY == 65_545
    assert decode(raw) == largest


def test_size_is_told_by_the_head_and_refused_at_its_first_wrong_byte() -> None:
    raw = query()
    assert [message_size(raw[:cut]) for cut in range(10)] == [10] * 10
    assert message_size(raw[:10]) == 153
    for start in (b"\x16\3\1", b"GET / HT", b"W\2", b"W\1\0", b"W\1\5"):
        with pytest.raises(TvsError):
            message_size(start)


numbers = st.integers(0, (1 << 32) - 1)
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
some_bytes = st.binary(min_size=1, max_size=40)
roles = st.lists(st.integers(0, 255), max_size=6).map(tuple)
values: st.SearchStrategy[Message] = st.one_of(
    st.builds(VerifyRequest, numbers, texts, some_bytes),
    st.builds(QueryRequest, numbers, texts, texts, texts, some_bytes),
    st.builds(VerifyAnswer, numbers, st.just(True), roles, numbers),
    st.builds(QueryAnswer, numbers, st.just(True), some_bytes, roles, numbers),
    st.builds(VerifyAnswer, numbers, st.just(False), st.just(()), st.just(0)),
)


@pytest.mark.thorough
@given(values)
def test_what_was_encoded_decodes_to_the_same(value: Message) -> None:
    assert decode(encode(value)) == value


def reads(raw: bytes) -> bool:
    """Whether it is a message: that it is no other error, the test's frame holds."""
    try:
        value = decode(raw)
    except TvsError:
        return False
    assert decode(encode(value)) == value
    return True


@pytest.mark.thorough
@pytest.mark.parametrize(("value", "raw"), VECTORS)
def test_every_prefix_is_none(value: Message, raw: bytes) -> None:
    assert not any(reads(raw[:cut]) for cut in range(len(raw)))


SHORT = [
    message(1, DEVICE_ELEMENT, element(2, b"certificate")),
    message(2, STATUS_0, ROLES_0_3, ONE_DAY),
    message(3, element(1, b"\1a"), *(element(tag, b"n\0") for tag in (3, 4, 5))),
    message(4, STATUS_0, element(2, b"c"), ROLES_0_3, ONE_DAY),
]


@pytest.mark.thorough
@pytest.mark.parametrize("raw", SHORT)
def test_every_change_of_a_byte_gives_a_message_or_the_one_error(raw: bytes) -> None:
    read = 0
    for at in range(len(raw)):
        for byte in range(256):
            read += reads(raw[:at] + bytes((byte,)) + raw[at + 1 :])
    assert 0 < read < 256 * len(raw)


@pytest.mark.thorough
@given(
    st.binary(max_size=60)
    | st.builds(lambda value, cut: encode(value)[:cut], values, st.integers(0, 90))
    | st.builds(message, st.integers(0, 5), st.binary(max_size=60))
    | st.builds(
        lambda command, parts: message(command, *(element(*part) for part in parts)),
        st.integers(1, 4),
        st.lists(st.tuples(st.integers(0, 10), st.binary(max_size=5)), max_size=6),
    )
)
def test_any_bytes_are_a_message_or_the_one_error(raw: bytes) -> None:
    reads(raw)


@pytest.mark.thorough
@given(st.lists(values, max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_a_stream_may_be_cut_anywhere(said: list[Message], cuts: list[int]) -> None:
    raw = b"".join(map(encode, said))
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    reader = Reader()
    heard = [
        each for start, end in pairwise(places) for each in reader.take(raw[start:end])
    ]
    assert heard == said
    assert not reader.is_within


def test_reader_knows_whether_a_message_has_begun() -> None:
    reader = Reader()
    states = [reader.is_within]
    for chunk in (query() + query()[:1], query()[1:]):
        assert reader.take(chunk) == [decode(query())]
        states.append(reader.is_within)
    assert states == [False, True, False]


@pytest.mark.thorough
def test_the_largest_message_byte_by_byte_takes_linear_time() -> None:
    """Copying what is there at each byte would move two gigabytes."""
    raw = encode(VerifyRequest(1, "", b"c" * (65535 - 7)))
    reader = Reader()
    for at in range(len(raw) - 1):
        assert not reader.take(raw[at : at + 1])
    assert len(reader.take(raw[-1:])) == 1


@pytest.mark.thorough
def test_random_bytes_of_any_size() -> None:
    dice = random.Random(1)
    for size in (9, 10, 11, 1000, 65_545, 100_000):
        for start in (b"", b"W", b"W\1\1", message(1)[:8] + b"\xff\xff"):
            with suppress(TvsError):
                Reader().take(start + dice.randbytes(size))
