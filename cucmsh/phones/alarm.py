"""What alarms of phones say: DeviceTLInfo and LastOutOfServiceInformation.

XML of anybody who reaches the SIP port, and of real phones that do not always write it
well (docs/formats.md#alarm): a DTD is refused, a broken element is passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from cucmsh.phones.claims import NOT_INSTALLED, Claim, ClaimError, Source
from cucmsh.phones.list_names import device_name

CONTENT_TYPE = "application/x-cisco-alarm+xml"
TRUST_LISTS = "DeviceTLInfo"
LONGEST = 16_384  # bytes; real ones have 600, chan_sccp takes 2,048
MOST_VALUES = 64
LONGEST_VALUE = 512  # characters
NAMED = re.compile(r'<(?:String|Enum|Alarm)\s[^<>]{0,64}?[Nn]ame="([^"<>]{1,64})"')
DIGEST = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{8})?\Z")
NO_LIST = "not installed"
# docs/formats.md#alarm
STATUS_WORDS = {
    1: "new CTL, ITL or both",
    2: "new CTL, none before",
    3: "new ITL, none before",
    4: "new CTL and ITL, none before",
    5: "failed, old CTL kept",
    6: "failed, no list",
    7: "failed",
    8: "failed, old ITL kept",
    9: "failed, old CTL and ITL kept",
}


class Alarm(NamedTuple):
    """An alarm.

    Attributes:
        name: such as ``DeviceTLInfo``.
        values: of its parameters, by their names.
    """

    name: str
    values: dict[str, str]

    @property
    def status(self) -> int:
        """StatusCode; -1 without one that can be."""
        said = self.values.get("StatusCode", "")
        known = said.isascii() and said.isdecimal() and int(said[:4]) in STATUS_WORDS
        return int(said[:4]) if known else -1


def read_alarm(raw: bytes) -> Alarm:
    """The alarm in an XML document.

    Raises:
        ClaimError: it is none, too long, or has a DTD.
    """
    if len(raw) > LONGEST:
        raise ClaimError(f"an alarm of {len(raw)} bytes is too long to be a phone's")
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as problem:
        raise ClaimError(
            "an alarm with a DTD is no phone's, and is not read"
        ) from problem
    except (ParseError, ValueError, LookupError):
        return _leniently(raw)
    found = root.iter("Alarm") if root.tag != "Alarm" else iter([root])
    alarm = next(found, None)
    if alarm is None:
        raise ClaimError("an XML document without an Alarm in it")
    values: dict[str, str] = {}
    for number, element in enumerate(alarm.iter()):
        if number > MOST_VALUES:
            break
        name = element.get("name")
        if name and element.tag in ("String", "Enum"):
            values[name[:64]] = (element.text or "").strip()[:LONGEST_VALUE]
    return Alarm((alarm.get("Name") or "")[:64], values)


def _leniently(raw: bytes) -> Alarm:
    """The values of a document that is not well-formed, each cut out by itself.

    Raises:
        ClaimError: there is no alarm in it, or a declaration of a DTD.
    """
    if b"<!" in raw or b"\0" in raw:
        raise ClaimError("an alarm with a DTD is no phone's, and is not read")
    text = raw.decode("utf-8", "replace")
    name = ""
    values: dict[str, str] = {}
    for piece in re.split(r"(?=<(?:String|Enum|Alarm)\s)", text):
        found = NAMED.match(piece)
        if found is None:
            continue
        if piece.startswith("<Alarm"):
            name = name or found[1]
        elif len(values) < MOST_VALUES:
            value = piece[found.end() :].partition(">")[2]
            kind = "</String>" if piece.startswith("<String") else "</Enum>"
            value, end, _ = value.partition(kind)
            if end and "<" not in value:
                values.setdefault(found[1], value.strip()[:LONGEST_VALUE])
    if not name:
        raise ClaimError("these bytes are no alarm")
    return Alarm(name, values)


def alarm_claim(
    alarm: Alarm, at: int, address: str, node: str = "", model: str = ""
) -> Claim | None:
    """What it claims; None if it names no phone.

    Args:
        alarm: of a phone, or of somebody who says so.
        at: when it arrived, seconds since 1970: phones send stored ones again.
        address: who sent it; empty if unknown.
        node: who took it.
        model: as the message around it says.
    """
    values = alarm.values
    phone = device_name(values.get("DeviceName", ""))
    if not phone:
        return None
    about_lists = alarm.name == TRUST_LISTS
    status = alarm.status if about_lists else -1
    said = STATUS_WORDS.get(status, "")
    return Claim(
        phone,
        Source.ALARM,
        at,
        address=address,
        node=node,
        itl=_digest(values.get("ITL_Signature", "")) if about_lists else "",
        ctl=_digest(values.get("CTL_Signature", "")) if about_lists else "",
        status=status,
        model=model,
        text=printable(f"{alarm.name} {status}: {said}" if said else alarm.name),
    )


def _digest(said: str) -> str:
    if said.strip().lower() == NO_LIST:
        return NOT_INSTALLED
    digest = re.sub(r"[\s:]", "", said).lower()
    return digest if DIGEST.match(digest) else ""


def printable(text: str) -> str:
    """Another's text without what could write to a terminal; at most 256 characters."""
    return "".join(each if each.isprintable() else "?" for each in text[:256])
