"""Alarms and REGISTERs of phones: alone, in Asterisk's log, and in HEP packets."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from cucmsh.phones.alarm import LONGEST, read_alarm
from cucmsh.phones.claims import NOT_INSTALLED, Claim, ClaimError, Source
from cucmsh.phones.hep import HepPacket, read_packet
from cucmsh.phones.log_claims import LogClaims
from cucmsh.phones.log_time import LogClock
from cucmsh.phones.register import claim_of
from tests.phones.sip_messages import (
    ALARM,
    BROKEN_ALARM,
    ITL,
    NAME,
    REASON,
    refer,
    register,
)

NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
AT = int(datetime(2026, 12, 3, 4, 5, 6, tzinfo=UTC).timestamp())
SAID = Claim(
    NAME,
    Source.ALARM,
    AT,
    address="10.1.1.9",
    node="pub",
    itl=ITL,
    ctl=NOT_INSTALLED,
    status=3,
    model="7821",
    text="DeviceTLInfo 3: new ITL, none before",
)


def said(message: str) -> Claim | None:
    return claim_of(message.encode(), AT, "10.1.1.9", "pub")


def test_an_alarm_says_what_its_phone_holds() -> None:
    assert said(refer()) == SAID


def test_a_register_says_model_load_and_why_it_came() -> None:
    assert said(register(REASON)) == Claim(
        NAME,
        Source.REGISTER,
        AT,
        address="10.1.1.9",
        node="pub",
        model="8845",
        load="sip8845_65.14-3-1",
        text="alarm 23, last reset-restart",
    )
    older = REASON.replace("ActiveLoad", "Load").replace("InLoad", "Other")
    claim = said(register(older))
    assert claim is not None
    assert claim.load == "sip8845_65.14-3-1"


@pytest.mark.parametrize(
    "contact",
    [
        '<sip:1@h>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-0011223344aa>"',
        "<sip:1@h>;+u.sip!devicename.ccm.cisco.com=SEP0011223344aa",
    ],
)
def test_the_contact_of_a_register_names_the_phone(contact: str) -> None:
    claim = said(register(contact=contact))
    assert claim is not None
    assert claim.phone == NAME


@pytest.mark.parametrize(
    "message",
    [
        "SIP/2.0 202 Accepted\r\n\r\n",
        register(contact="<sip:1@softphone>"),
        refer().replace("x-cisco-alarm", "other"),
        refer(ALARM.replace(NAME, "SEPnobody")),
        refer().replace("REFER", "INVITE"),
    ],
)
def test_other_messages_say_nothing_of_a_phone(message: str) -> None:
    assert said(message) is None


def test_an_alarm_that_is_not_well_formed_is_read_around_the_fault() -> None:
    alarm = read_alarm(BROKEN_ALARM.encode())
    assert alarm.name == "LastOutOfServiceInformation"
    assert alarm.values == {
        "DeviceName": NAME,
        "DHCPv4Status": "1",
        "ModelNumber": "CP-7961G",
    }
    claim = said(refer(BROKEN_ALARM))
    assert claim is not None
    assert (claim.itl, claim.ctl, claim.status) == ("", "", -1)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>' + ALARM.partition("?>")[2],
        BROKEN_ALARM.replace("<Alarm ", "<!DOCTYPE x><Alarm "),
        "<x/>",
        "<Alarm",
        "no XML",
        "",
        ALARM + " " * LONGEST,
    ],
)
def test_what_is_no_alarm_is_refused_in_a_sentence(document: str) -> None:
    with pytest.raises(ClaimError):
        read_alarm(document.encode())


def test_signatures_that_are_none_say_nothing() -> None:
    for other in ("", "12 34", "zz" * 20, "N/A"):
        signature = ALARM.partition('ITL_Signature">')[2].partition("<")[0]
        claim = said(refer(ALARM.replace(signature, other)))
        assert claim is not None
        assert claim.itl == ""


# --- Asterisk's log.


def logged(*lines: str, end: str = "\r\n") -> tuple[list[Claim], LogClaims]:
    reader = LogClaims(LogClock(NOW, UTC), "pub")
    raw = "\n".join(lines).replace("\r\n", end).encode()
    return [*reader.read(raw), *reader.finish()], reader


def pjsip(message: str, stamp: str = "2026-12-03 04:05:06") -> str:
    return (
        f"[{stamp}] VERBOSE[77] res_pjsip_logger.c: <--- Received SIP request "
        f"({len(message.encode())} bytes) from TCP:10.1.1.9:49152 --->\n{message}"
    )


def chan_sip(message: str, stamp: str = "Dec  3 04:05:06") -> str:
    return (
        f"[{stamp}] VERBOSE[77] chan_sip.c: \n"
        f"<--- SIP read from TCP:10.1.1.9:49152 --->\n{message}<------------->\n"
        f"[{stamp}] VERBOSE[77] chan_sip.c: --- (10 headers 14 lines) ---"
    )


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("form", [pjsip, chan_sip])
def test_asterisk_s_log_holds_the_alarm(form: object, end: str) -> None:
    assert callable(form)
    other = "[Dec  3 04:00:00] NOTICE[1] x.c: something else"
    claims, reader = logged(other, form(refer()), other, end=end)
    assert claims == [SAID]
    assert reader.counts.unread == 0


def test_a_message_that_a_log_daemon_put_into_one_line() -> None:
    line = pjsip(refer(), "").replace("\r\n", "#015#012").replace("\n", "#012")
    claims, _ = logged("2026-12-03T04:05:06.5+00:00 pbx asterisk[3]: " + line)
    assert claims == [SAID]


def test_a_message_over_two_blocks_is_whole_and_safe() -> None:
    raw = chan_sip(refer()).encode()
    for cut in {raw.rfind(b"\n", 0, at) + 1 for at in range(len(raw))}:
        reader = LogClaims(LogClock(NOW, UTC), "pub")
        found = reader.read(raw[:cut])
        if not found:
            again = LogClaims(LogClock(NOW, UTC), "pub")
            safe = reader.safe_offset
            assert b"SIP read" in raw[safe:]
            assert again.read(raw[safe:]) or safe
        assert [*found, *reader.read(raw[cut:], cut), *reader.finish()] == [SAID]


def test_a_body_cannot_begin_a_message_where_its_length_is_known() -> None:
    inner = ALARM.replace(NAME, "SEPFFFFFFFFFFFF")
    body = ALARM.replace("</x-cisco-alarm>", "") + chan_sip(refer(inner))
    claims, _ = logged(pjsip(refer(body)))
    assert {claim.phone for claim in claims} <= {NAME}


def test_a_message_without_an_end_is_bounded() -> None:
    reader = LogClaims(LogClock(NOW, UTC), "pub")
    reader.read(chan_sip("").partition("<-------")[0].encode())
    for _ in range(100):
        reader.read(b"x" * 1000 + b"\n")
    assert reader.counts.unread == 1
    assert not reader.finish()


def test_a_message_before_any_time_is_of_no_time() -> None:
    claims, reader = logged(chan_sip(refer()).partition("\n")[2].rpartition("\n[")[0])
    assert not claims
    assert reader.counts.timeless == 1


# --- HEP.


def chunk(kind: int, value: bytes, vendor: int = 0) -> bytes:
    head = vendor.to_bytes(2) + kind.to_bytes(2) + (len(value) + 6).to_bytes(2)
    return head + value


def packet(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"HEP3" + (len(body) + 6).to_bytes(2) + body


FROM = chunk(3, ip_address("10.1.1.9").packed)
WHEN = chunk(9, AT.to_bytes(4))
SIP = chunk(11, b"\1")
PAYLOAD = chunk(15, b"hello")


def test_a_packet_in_any_order_with_chunks_that_nobody_knows() -> None:
    wanted = HepPacket(AT, "10.1.1.9", b"hello")
    more = [chunk(77, b"x"), chunk(15, b"not this", vendor=9), chunk(14, b"key")]
    assert read_packet(packet(FROM, WHEN, SIP, PAYLOAD)) == wanted
    assert read_packet(packet(*more, PAYLOAD, SIP, FROM, *more, WHEN)) == wanted
    assert read_packet(packet(FROM, WHEN, SIP, PAYLOAD) + b"behind") == wanted


def test_an_ipv6_phone_and_one_without_address_or_time() -> None:
    six = chunk(5, ip_address("2001:db8::9").packed)
    found = read_packet(packet(six, SIP, PAYLOAD))
    assert found == HepPacket(0, "2001:db8::9", b"hello")


def test_what_is_no_sip_is_none() -> None:
    assert read_packet(packet(chunk(11, b"\5"), PAYLOAD)) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HEP3",
        b"HEP2\0\6",
        b"HEP3\0\5",
        b"HEP3\0\7\0",
        packet(FROM, WHEN),  # without a message
        packet(b"\0\0\0\3\0\5"),  # a chunk shorter than its head
        packet(b"\0\0\0\3\0\x20abc"),  # longer than the packet
        packet(*[chunk(77, b"")] * 300),
        packet(FROM, PAYLOAD)[:-1],
    ],
)
def test_lengths_that_do_not_fit_are_refused(raw: bytes) -> None:
    with pytest.raises(ClaimError):
        read_packet(raw)
