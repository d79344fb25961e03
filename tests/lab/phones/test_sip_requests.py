"""What a lab phone says by SIP, against what a real one was seen to say."""

from __future__ import annotations

import pytest

from cucmsh.lab.phones.sip_requests import (
    RESTARTED,
    Way,
    alarm_body,
    refer,
    register,
    user_agent,
)
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.phones.facts import Alarm, PhoneFacts
from cucmsh.phones.register import claim_of

FACTS = PhoneFacts(
    name="SEPC80084AA8743",
    model="7821",
    family="78xx/88xx",
    load="sip78xx.12-1-1-12",
    now=1_552_156_365,
    started=0,
    address="192.168.7.104",
    label="2222",
)
ITL = "1ba1c907e99e4d3c539dc81424af6c9f7dce4d6d"
ALARM = Alarm(0, 3, NOT_INSTALLED, ITL, "", "cucm-115.home.lab")
WAY = Way("192.168.7.200", "192.168.7.104", 51778)
SEEN_LENGTH = 569  # bytes, of a 7821's body with these values


def claim(raw: bytes) -> Claim:
    found = claim_of(raw, 7, "127.1.0.1", "node")
    assert found is not None
    return found


def test_the_body_is_as_long_as_the_one_that_was_seen() -> None:
    body = alarm_body(FACTS, ALARM)
    assert len(body) == SEEN_LENGTH
    assert b"7D CE 4D 6D </String>" in body  # the blank behind the last pair
    assert b'<String name="CTL_Signature">Not Installed</String>\n' in body
    assert b'<String name="CTL_TFTP_Server">N/A</String>\n' in body


def test_an_alarm_says_what_the_inventory_takes_from_it() -> None:
    raw = refer(FACTS, ALARM, WAY, "a" * 24)
    head = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "REFER sip:192.168.7.200 SIP/2.0"
    headers = dict(line.split(": ", 1) for line in head[1:])
    assert headers["CSeq"] == "1000 REFER"
    assert headers["Date"] == "Sat, 09 Mar 2019 18:32:45 GMT"
    assert headers["Refer-To"] == "cid:aaaaaaaa@192.168.7.104"
    assert headers["Content-Id"] == "<aaaaaaaa@192.168.7.104>"
    assert headers["User-Agent"] == "Cisco-CP7821/12.1.1"
    assert headers["Content-Length"] == str(SEEN_LENGTH)
    found = claim(raw)
    assert (found.phone, found.source) == (FACTS.name, Source.ALARM)
    assert (found.itl, found.ctl, found.status) == (ITL, NOT_INSTALLED, 3)
    assert found.model == "7821"


def test_a_register_says_firmware_and_why_it_started() -> None:
    found = claim(register(FACTS, RESTARTED, WAY, "b" * 24))
    assert (found.phone, found.source) == (FACTS.name, Source.REGISTER)
    assert (found.model, found.load) == ("7821", "sip78xx.12-1-1-12.loads")
    assert found.text == "alarm 23, last reset-restart"


def test_a_phone_without_a_configuration_calls_itself_by_its_address() -> None:
    raw = refer(FACTS._replace(label=""), ALARM, WAY, "c" * 24)
    assert b'From: "C80084AA8743" <sip:C80084AA8743@192.168.7.104>' in raw


@pytest.mark.parametrize("hostile", ["a\r\nEvil: 1", "a\nEvil: 1", '"', "\0", "é"])
def test_a_configuration_adds_no_header(hostile: str) -> None:
    facts = FACTS._replace(label=hostile, load=hostile)
    for raw in (refer(facts, ALARM, WAY, "d"), register(facts, RESTARTED, WAY, "d")):
        head = raw.partition(b"\r\n\r\n")[0]
        assert not [line for line in head.split(b"\n") if line.startswith(b"Evil")]
        assert claim(raw).phone == FACTS.name


@pytest.mark.parametrize(
    ("model", "load", "agent"),
    [
        ("8845", "sip88xx.14-3-1-0001-125", "Cisco-CP8845/14.3.1"),
        ("8845", "odd", "Cisco-CP8845"),
    ],
)
def test_the_agent_is_model_and_version(model: str, load: str, agent: str) -> None:
    assert user_agent(FACTS._replace(model=model, load=load)) == agent
