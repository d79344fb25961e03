"""What a lab phone says to a SIP server: REFER with an alarm, REGISTER. Bytes only.

Headers, their order and the body as a 7821 sends them (docs/formats.md#alarm): the
body's lines end with LF, a digest with a blank.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

from cucmsh.phones.alarm import CONTENT_TYPE, TRUST_LISTS
from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.facts import Alarm, PhoneFacts

REFER_NUMBER, REGISTER_NUMBER = 1000, 101  # of CSeq
REFER_SECONDS, REGISTER_SECONDS = 10, 3600  # of Expires
NO_SERVER = "N/A"
SAID_OF_NO_LIST = "Not Installed"
_VERSION = re.compile(r"\.(\d+)-(\d+)-(\d+)")
_ALLOW = "ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE"


class Way(NamedTuple):
    """The connection that a request goes over.

    Attributes:
        server: the host that is called.
        host: the phone's own address.
        port: its port of this connection.
    """

    server: str
    host: str
    port: int


class LastStart(NamedTuple):
    """Why it registers: the number of the alarm, and the word for it."""

    number: int
    word: str


INITIALIZED = LastStart(25, "initialized")
RESET = LastStart(22, "reset-reset")
RESTARTED = LastStart(23, "reset-restart")


def refer(facts: PhoneFacts, alarm: Alarm, way: Way, token: str) -> bytes:
    """A REFER that tells of lists.

    Args:
        facts: the phone.
        alarm: what it tells, perhaps of an earlier list.
        way: whence and whither.
        token: makes Call-ID, tag and branch; of hexadecimal digits, one a request.
    """
    body = alarm_body(facts, alarm)
    content = f"{token[:8]}@{way.host}"
    user = _user(facts)
    own = f'"{user}" <sip:{user}@{way.host}>'
    lines = [
        f"REFER sip:{way.server} SIP/2.0",
        f"Via: SIP/2.0/TCP {way.host}:{way.port};branch=z9hG4bK{token}",
        f"From: {own};tag={token}",
        f"To: <sip:{way.server}>",
        f"Call-ID: {call_id(token, way)}",
        f"Date: {_date(facts.now)}",
        f"CSeq: {REFER_NUMBER} REFER",
        f"User-Agent: {user_agent(facts)}",
        f"Expires: {REFER_SECONDS}",
        "Max-Forwards: 70",
        f"Contact: {_contact(facts, way)};{_device(facts)}",
        "Require: norefersub",
        f"Referred-By: {own}",
        f"Refer-To: cid:{content}",
        f"Content-Id: <{content}>",
        f"Allow: {_ALLOW}",
        f"Content-Length: {len(body)}",
        f"Content-Type: {CONTENT_TYPE}",
        "Content-Disposition: session;handling=required",
    ]
    return _head(lines) + body


def register(facts: PhoneFacts, last: LastStart, way: Way, token: str) -> bytes:
    """A REGISTER that tells of the firmware and of the last start; as ``refer``.

    A lab phone has one firmware, so both loads are the same.
    """
    user = f"<sip:{_user(facts)}@{way.server}>"
    mac = facts.mac.lower()
    instance = f'+sip.instance="<urn:uuid:00000000-0000-0000-0000-{mac}>"'
    load = f"{facts.load}.loads"
    loads = f"ActiveLoad={load} InactiveLoad={load}"
    alarm = f"cisco-alarm:{last.number} Name={facts.name} {loads} Last={last.word}"
    lines = [
        f"REGISTER sip:{way.server} SIP/2.0",
        f"Via: SIP/2.0/TCP {way.host}:{way.port};branch=z9hG4bK{token}",
        f"From: {user};tag={token}",
        f"To: {user}",
        f"Call-ID: {call_id(token, way)}",
        "Max-Forwards: 70",
        f"Date: {_date(facts.now)}",
        f"CSeq: {REGISTER_NUMBER} REGISTER",
        f"User-Agent: {user_agent(facts)}",
        f"Contact: {_contact(facts, way)};{instance};{_device(facts)}",
        f'Reason: SIP;cause=200;text="{alarm}"',
        f"Expires: {REGISTER_SECONDS}",
        "Content-Length: 0",
    ]
    return _head(lines)


def alarm_body(facts: PhoneFacts, alarm: Alarm) -> bytes:
    """The document of a DeviceTLInfo."""
    values = {
        "DeviceName": facts.name,
        "IPv4Address": facts.address,
        "IPv6Address": "",
        "CTL_Signature": _signature(alarm.ctl),
        "CTL_TFTP_Server": alarm.ctl_server or NO_SERVER,
        "ITL_Signature": _signature(alarm.itl),
        "ITL_TFTP_Server": alarm.itl_server or NO_SERVER,
        "StatusCode": str(alarm.status),
    }
    strings = "".join(
        f'<String name="{name}">{escape(value)}</String>\n'
        for name, value in values.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<x-cisco-alarm>\n'
        f'<Alarm Name="{TRUST_LISTS}">\n<ParameterList>\n{strings}'
        "</ParameterList>\n</Alarm>\n</x-cisco-alarm>"
    ).encode()


def call_id(token: str, way: Way) -> str:
    """By which an answer is known."""
    return f"{token}@{way.host}"


def user_agent(facts: PhoneFacts) -> str:
    """Model and version: ``Cisco-CP7821/12.1.1`` with the load sip78xx.12-1-1-12."""
    found = _VERSION.search(facts.load)
    version = "/" + ".".join(found.groups()) if found else ""
    return f"Cisco-CP{facts.model}{version}"


def _head(lines: list[str]) -> bytes:
    """What a configuration says may hold anything; it begins no header of its own."""
    kept = ("".join(each for each in line if each.isprintable()) for line in lines)
    return ("\r\n".join(kept) + "\r\n\r\n").encode()


def _user(facts: PhoneFacts) -> str:
    """Its number; its MAC address before it runs a configuration."""
    return facts.label if facts.label.isalnum() else facts.mac


def _contact(facts: PhoneFacts, way: Way) -> str:
    return f"<sip:{_user(facts)}@{way.host}:{way.port};transport=tcp>"


def _device(facts: PhoneFacts) -> str:
    return f'+u.sip!devicename.ccm.cisco.com="{facts.name}"'


def _signature(digest: str) -> str:
    if digest == NOT_INSTALLED:
        return SAID_OF_NO_LIST
    pairs = (digest[at : at + 2] for at in range(0, len(digest), 2))
    return "".join(f"{pair} " for pair in pairs).upper()


def _date(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
