"""Whatever bytes come in: claims that a store can keep, or the one error."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsh.phones.alarm import read_alarm
from cucmsh.phones.claims import NOT_INSTALLED, Claim, ClaimError
from cucmsh.phones.hep import read_packet
from cucmsh.phones.list_names import DEVICE
from cucmsh.phones.log_claims import LogClaims
from cucmsh.phones.log_time import LogClock
from cucmsh.phones.register import claim_of
from tests.phones.sip_messages import ALARM, BROKEN_ALARM, REASON, refer, register
from tests.phones.test_http_log import COMBINED, UVICORN
from tests.phones.test_sip import FROM, PAYLOAD, SIP, WHEN, chan_sip, packet, pjsip
from tests.phones.test_tftp_log import ISO, OLD, RRQ

pytestmark = pytest.mark.thorough

SEEDS = [
    *(ISO + RRQ, OLD + RRQ, COMBINED, UVICORN, ALARM, BROKEN_ALARM),
    *(refer(), register(REASON), pjsip(refer()), chan_sip(refer(BROKEN_ALARM))),
    ISO + "sending NAK (1, File not found) to 10.1.1.9",
    "Dec 03 04:05:06 pub atftpd[7.14]: Serving ITLFile.tlv to [::1]:2000",
    "Dec  3 04:05:06 dnsmasq-tftp[7]: sent /srv/ITLFile.tlv to ::1",
]
BYTES = [*(seed.encode() for seed in SEEDS), packet(FROM, WHEN, SIP, PAYLOAD)]


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """A seed with pieces cut out, doubled, replaced or put in."""
    raw = bytearray(draw(st.sampled_from(BYTES)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 12)))
        raw[start:end] = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from(BYTES), st.just(b"\n"))
        )
    return bytes(raw)


def require_sound(claim: Claim | None) -> None:
    if claim is None:
        return
    assert claim.phone == "" or DEVICE.match(claim.phone)
    assert claim.phone or claim.address
    for digest in (claim.itl, claim.ctl):
        assert digest in ("", NOT_INSTALLED) or len(digest) in (32, 40)
    for text in (claim.text, claim.load, claim.model, claim.file, claim.address):
        assert text.isprintable()
        assert len(text) <= 256
    assert -1 <= claim.status <= 9


@given(st.lists(hostile(), max_size=4))
@settings(deadline=None)
def test_a_log_of_anything(pieces: list[bytes]) -> None:
    clock = LogClock(datetime(2026, 12, 4, tzinfo=UTC), UTC)
    reader = LogClaims(clock, "pub", arrival=lambda: 1)
    offset = 0
    for piece in pieces:
        for claim in reader.read(piece + b"\n", offset):
            require_sound(claim)
        offset += len(piece) + 1
        assert 0 <= reader.safe_offset <= offset
    for claim in reader.finish():
        require_sound(claim)


@given(hostile())
@settings(deadline=None)
def test_a_message_of_anything(raw: bytes) -> None:
    with suppress(ClaimError):
        require_sound(claim_of(raw, 1, "10.1.1.9"))


@given(hostile())
@settings(deadline=None)
def test_an_alarm_and_a_packet_of_anything(raw: bytes) -> None:
    for read in (read_alarm, read_packet):
        with suppress(ClaimError):
            read(raw)


@pytest.mark.parametrize(
    "piece",
    [
        b" to ",
        b" remapped to ITLFile.tlv",
        b"<String name=",
        b'<String name="a">',
        b"ITLFile.tlv ",
        b"\n",
        b": ",
        b"<--- SIP read from UDP:1:1 --->",
        b"RRQ from 1 filename ",
    ],
)
@pytest.mark.parametrize("seed", BYTES)
def test_time_is_linear(seed: bytes, piece: bytes) -> None:
    """Twice as much takes about twice as long: compared with itself, not a clock."""

    def cost(count: int) -> float:
        clock = LogClock(datetime(2026, 12, 4, tzinfo=UTC), UTC)
        raw = seed[: len(seed) // 2] + piece * count + seed[len(seed) // 2 :]
        started = time.process_time()
        reader = LogClaims(clock, "pub", arrival=lambda: 1)
        reader.read(raw)
        reader.finish()
        for read in (read_alarm, read_packet, lambda it: claim_of(it, 1, "1")):
            with suppress(ClaimError):
                read(raw)
        return time.process_time() - started

    small = min(cost(400) for _ in range(3))
    large = min(cost(3200) for _ in range(3))
    assert large < 0.05 + 40 * small
