"""What a phone's configuration file says: XML bytes to a value.

See docs/formats.md#what-a-configuration-says.

Refuses a document type declaration, what is no XML, and files above ``MAX_SIZE``: all
become the one ``PhoneFileError``. What a phone would not use is left out rather than
refused: a member without an address, a priority of its own making, a port that is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import PhoneFileError
from cucmsh.hosts import TVS_PORT

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_SIZE = 2048 << 10  # bytes; a phone takes no larger file
MOST_MEMBERS = 5  # priorities 0 to 4
LONGEST_ADDRESS = 50  # characters
MOST_SETTINGS = 200
LONGEST_VALUE = 200  # characters of a setting that are kept


class Server(NamedTuple):
    """A host, a name or an address, and a TCP port."""

    host: str
    port: int


class Configuration(NamedTuple):
    """What a phone takes from its configuration.

    Attributes:
        call_managers: hosts, the first is tried first.
        tvs: whom it asks about what it does not know, in this order; at most five.
        capf: host; empty without one.
        label: what its first line is called (its number); empty without one.
        load: the firmware that it is to run; empty for the one that it has.
        settings: name and value of each element of ``vendorConfig``, in that order,
            such as ``("webAccess", "0")``, which is open, as ``sshAccess`` 0 is.
    """

    call_managers: tuple[str, ...] = ()
    tvs: tuple[Server, ...] = ()
    capf: str = ""
    label: str = ""
    load: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def setting(self, name: str, default: str = "") -> str:
        """The value of that setting; the default where nothing is said of it."""
        return dict(self.settings).get(name, default)


def read_configuration(raw: bytes) -> Configuration:
    """Read a phone's plain configuration file.

    Args:
        raw: the file, without the header of a signed one.

    Raises:
        PhoneFileError: it is no such file; the only error there is.
    """
    device = _parsed(raw)
    groups = device.find(".//callManagerGroup")
    named = _by_priority(groups, "callManager") if groups is not None else []
    service = device.find(".//TVS")
    members = _by_priority(service) if service is not None else []
    return Configuration(
        call_managers=tuple(
            filter(None, (_host(_of(each, "processNodeName")) for each in named))
        ),
        tvs=tuple(_servers(members)),
        capf=_host(_of(device, ".//capfList/capf/processNodeName")),
        label=_of(device, ".//sipLines/line/name") or _of(device, ".//phoneLabel"),
        load=_of(device, "loadInformation"),
        settings=tuple(_settings(device)),
    )


def _parsed(raw: bytes) -> Element:
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - of the lab only
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    if len(raw) > MAX_SIZE:
        raise PhoneFileError(f"a configuration has at most {MAX_SIZE} bytes")
    try:
        found: Element = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise PhoneFileError(f"it is no configuration: {problem}") from problem
    return found


def _by_priority(group: Element, inner: str = "") -> list[Element]:
    """The members of a group, lower priorities first; others are no members."""
    ranked: list[tuple[int, int, Element]] = []
    for member in group.iterfind("members/member"):
        priority = member.get("priority", "")
        found = member.find(inner) if inner else member
        if found is not None and priority in map(str, range(MOST_MEMBERS)):
            ranked.append((int(priority), len(ranked), found))
    return [found for *_, found in sorted(ranked, key=lambda each: each[:2])]


def _servers(members: list[Element]) -> Iterator[Server]:
    for member in members[:MOST_MEMBERS]:
        host, port = _host(_of(member, "address")), _of(member, "port")
        number = int(port) if _is_number(port) else 0 if port else TVS_PORT
        if host and 0 < number < 1 << 16:
            yield Server(host, number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len("65535")


def _settings(device: Element) -> Iterator[tuple[str, str]]:
    vendor = device.find("vendorConfig")
    if vendor is None:
        return
    for number, element in enumerate(vendor):
        if number == MOST_SETTINGS:
            return
        yield str(element.tag)[:LONGEST_VALUE], _text(element)


def _of(element: Element, path: str) -> str:
    found = element.find(path)
    return "" if found is None else _text(found)


def _text(element: Element) -> str:
    return (element.text or "").strip()[:LONGEST_VALUE]


def _host(text: str) -> str:
    return text if len(text) <= LONGEST_ADDRESS and text.isprintable() else ""
