"""The web page of a phone: which addresses it answers, and what stands there.

    /                                  device information
    /CGI/Java/Serviceability?adapter=  device.statistics.device,
                                       device.statistics.configuration,
                                       device.settings.status.messages,
                                       device.trace.display.alarm (not 7940)
    /DeviceInformation, /NetworkConfiguration, /DeviceLog?0 (debug display), ?2 (status
    messages), and each with X behind its name, for programs

Addresses and forms are those of docs/formats.md#pages. A phone whose configuration
turns its page off answers nothing (``PhoneFacts.is_web_open``).
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.phones.facts import PhoneFacts
from cucmsh.phones.page_form import (
    html_lines,
    html_page,
    html_rows,
    xml_log,
    xml_values,
)
from cucmsh.phones.page_rows import (
    device_rows,
    model_number,
    network_rows,
    serial_number,
)
from cucmsh.phones.screen_lines import alarm_line, status_line

SERVICEABILITY = "/CGI/Java/Serviceability?adapter="
_DEVICE, _NETWORK = "Device Information", "Network Setup"
_STATUS, _DEBUG = "Status Messages", "Debug Display"
_ADAPTERS = {
    "device.statistics.device": _DEVICE,
    "device.statistics.configuration": _NETWORK,
    "device.settings.status.messages": _STATUS,
    "device.trace.display.alarm": _DEBUG,
}
_PLACES = {
    "/": _DEVICE,
    "/DeviceInformation": _DEVICE,
    "/NetworkConfiguration": _NETWORK,
    "/DeviceLog?2": _STATUS,
    "/DeviceLog?0": _DEBUG,
}
_TWINS = {
    "/DeviceInformationX": _DEVICE,
    "/NetworkConfigurationX": _NETWORK,
    "/DeviceLogX?2": _STATUS,
    "/DeviceLogX?0": _DEBUG,
}
HTML = "text/html"
XML = "text/xml"


class Page(NamedTuple):
    """What a phone answers.

    Attributes:
        kind: ``HTML`` or ``XML``.
        body: the bytes.
    """

    kind: str
    body: bytes


def page(facts: PhoneFacts, target: str, prefix: str = "") -> Page | None:
    """The page at an address of a phone; None if it has none there.

    Args:
        facts: the phone.
        target: path and query, as asked for.
        prefix: stands before the addresses of its links, without a slash behind it.
    """
    if target in _TWINS:
        return Page(XML, _xml(facts, _TWINS[target]))
    place = _PLACES.get(target)
    if facts.family != "7940" and target.startswith(SERVICEABILITY):
        place = _ADAPTERS.get(target.removeprefix(SERVICEABILITY))
    if place is None:
        return None
    body = _body(facts, place)
    links = _links(facts, prefix)
    return Page(HTML, html_page(facts, _called(facts, place), links, body))


def status_page(family: str) -> str:
    """The address of a family's status messages."""
    if family == "7940":
        return "/DeviceLog?2"
    return f"{SERVICEABILITY}device.settings.status.messages"


def _links(facts: PhoneFacts, prefix: str) -> list[tuple[str, str]]:
    if facts.family == "7940":
        places = {at: place for at, place in _PLACES.items() if at != "/"}
    else:
        places = {SERVICEABILITY + at: place for at, place in _ADAPTERS.items()}
    return [(_called(facts, place), prefix + at) for at, place in places.items()]


def _called(facts: PhoneFacts, place: str) -> str:
    """A page's name in the family's words."""
    is_old = facts.family in {"7940", "79xx"}
    return "Network Configuration" if is_old and place == _NETWORK else place


def _body(facts: PhoneFacts, place: str) -> str:
    if place in {_STATUS, _DEBUG}:
        return html_lines(facts.family, _lines(facts, place))
    rows = device_rows(facts) if place == _DEVICE else network_rows(facts)
    return html_rows(facts.family, rows)


def _lines(facts: PhoneFacts, place: str) -> list[str]:
    if place == _STATUS:
        return [status_line(facts.family, line) for line in facts.status]
    return [alarm_line(facts, alarm) for alarm in facts.alarms]


def _xml(facts: PhoneFacts, place: str) -> bytes:
    if place in {_STATUS, _DEBUG}:
        return xml_log(facts, _lines(facts, place))
    if place == _DEVICE:
        return xml_values(
            facts,
            "DeviceInformation",
            [
                ("MACAddress", facts.mac),
                ("HostName", facts.name),
                ("phoneDN", facts.label),
                ("appLoadID", facts.load),
                ("versionID", facts.load),
                ("serialNumber", serial_number(facts)),
                ("modelNumber", model_number(facts)),
            ],
        )
    numbered = [
        *((f"TFTPServer{at}", host) for at, host in enumerate(facts.tftp_servers, 1)),
        *((f"CallManager{at}", host) for at, host in enumerate(facts.call_managers, 1)),
    ]
    return xml_values(
        facts,
        "NetworkConfiguration",
        [
            ("MACAddress", facts.mac),
            ("HostName", facts.name),
            ("IPAddress", facts.address),
            *numbered,
        ],
    )
