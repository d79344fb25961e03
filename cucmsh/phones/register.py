"""What the REGISTER and REFER requests of phones say of them.

Model from User-Agent, name from Contact, firmware and the reason of the last start from
the Reason header (docs/formats.md#what-a-line-of-a-log-says).
"""

from __future__ import annotations

import re

from cucmsh.phones.alarm import CONTENT_TYPE, alarm_claim, printable, read_alarm
from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.list_names import device_name
from cucmsh.phones.sip import SipRequest, read_request

MODEL = re.compile(r"Cisco[-/ ]CP-?(\d{4})")
DEVICE = re.compile(r'devicename\.ccm\.cisco\.com="?(SEP[0-9A-Fa-f]{12})"?')
INSTANCE = re.compile(r"urn:uuid:00000000-0000-0000-0000-([0-9A-Fa-f]{12})\b")
REASON = re.compile(r'text="?cisco-alarm:(\d{1,4}) ([^"]{0,512})')
WORD = re.compile(r"(\w{1,32})=(\S{1,128})")
LONGEST_HEADER = 4096


def claim_of(raw: bytes, at: int, address: str, node: str = "") -> Claim | None:
    """What a SIP message claims of a phone; None if that is nothing.

    Args:
        raw: the whole message.
        at: when it arrived, seconds since 1970.
        address: who sent it; empty if unknown.
        node: who took it.

    Raises:
        ClaimError: the bytes are no SIP message, or its alarm cannot be read.
    """
    request = read_request(raw)
    if request is None:
        return None
    if request.method == "REGISTER":
        return register_claim(request, at, address, node)
    kind = request.find("content-type").partition(";")[0].strip().lower()
    if request.method == "REFER" and kind == CONTENT_TYPE:
        alarm = read_alarm(request.body)
        return alarm_claim(alarm, at, address, node, model_of(request))
    return None


def register_claim(
    request: SipRequest, at: int, address: str, node: str = ""
) -> Claim | None:
    """What a REGISTER claims; None if it names no phone of this kind."""
    number, said = _reason(request)
    named = said.get("Name", "")
    phone = device_name(named) or _name_in_contact(request)
    if not phone:
        return None
    last = said.get("Last", "")
    return Claim(
        phone,
        Source.REGISTER,
        at,
        address=address,
        node=node,
        model=model_of(request),
        load=printable(said.get("ActiveLoad", "") or said.get("Load", "")),
        text=printable(f"alarm {number}, last {last}" if last else ""),
    )


def model_of(request: SipRequest) -> str:
    """The model by its User-Agent, such as ``8845``; empty for another make's."""
    found = MODEL.match(request.find("user-agent"))
    return found[1] if found else ""


def _name_in_contact(request: SipRequest) -> str:
    for contact in request.all("contact"):
        part = contact[:LONGEST_HEADER]
        if found := DEVICE.search(part):
            return device_name(found[1])
        if found := INSTANCE.search(part):
            return device_name(f"SEP{found[1]}")
    return ""


def _reason(request: SipRequest) -> tuple[int, dict[str, str]]:
    for reason in request.all("reason"):
        if found := REASON.search(reason[:LONGEST_HEADER]):
            return int(found[1]), dict(WORD.findall(found[2]))
    return -1, {}
