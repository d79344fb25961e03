"""The lab's phones: what they hold and say, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from typing import Any

from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME

MD5_DIGITS = 32
NOT_INSTALLED = "none"  # as claims have it (docs/formats.md#alarm)
_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


def _orders() -> ModuleType:
    """The use-cases; the prompt imports them when one is typed."""
    return import_module("cucmsh.lab.phones.at_prompt")


def _views() -> ModuleType:
    return import_module("cucmsh.views.phone_sources")


def names(site: Site) -> list[str]:
    """The phones, for completion."""
    return list(_orders().phone_names(site))


def names_or_all(site: Site) -> list[str]:
    """The same, and all of them."""
    return ["all", *names(site)]


@command("lab phone list", of=lambda: _orders().list_phones, has_json=True)
def lab_phone_list(dialog: Dialog, site: Site) -> None:
    """List the lab's phones: what each holds, and its last status message.

    Example:
    lab phone list
    """
    _give(dialog, _orders().list_phones(site))


@command(
    "lab phone show <name>",
    of=lambda: _orders().show_phone,
    has_json=True,
    candidates={"name": names},
    kinds={"name": NAME},
)
def lab_phone_show(dialog: Dialog, site: Site, name: str) -> None:
    """Show a phone: its lists, TVS, settings, directory, and its screen's messages.

    Showing opens its corporate directory, as a person at the phone would.

    name: SEP and its MAC address

    Example:
    lab phone show SEP02C188450001
    """
    phone = _orders().show_phone(site, name)
    dialog.result(lambda: _lines_of(phone), lambda: {"phones": [_document(phone)]})


@command(
    "lab phone reset|restart|erase|unplug|plug <name...>",
    of=lambda: _orders().tell_phones,
    has_json=True,
    candidates={"name": names_or_all},
    kinds={"name": NAME},
)
def lab_phone_do(dialog: Dialog, site: Site, verb: str, name: str) -> None:
    """Reset phones, or do another thing with them; waits until they have started.

    reset: boots, and fetches lists and configuration
    restart: fetches lists and configuration without booting
    erase: deletes its lists from the menu, then starts
    unplug: takes its power and network
    plug: gives them back; it boots
    name: SEP and a MAC address, several of them, or all

    Example:
    lab phone reset all
    lab phone erase SEP02C188450001
    """
    chosen = name.split()
    with dialog.working(lambda: f"{len(chosen)} phones start"):
        phones = _orders().tell_phones(site, verb, *chosen)
    _give(dialog, phones)


@command("lab phone poll", of=lambda: _orders().poll_phones, has_json=True)
def lab_phone_poll(dialog: Dialog, site: Site) -> int:
    """Ask each phone's own page what it holds; then `show itl phones` shows it.

    It is what `cucmsh phones poll` does with real phones.

    Example:
    lab phone poll
    show itl phones
    """
    with dialog.working(lambda: "Phones are asked for their pages"):
        read = _orders().poll_phones(site)
    dialog.result(
        lambda: _read_lines(read),
        lambda: _views().poll_document(read.done, read.phones),
    )
    return int(read.done.exit_status)


def _read_lines(read: Any) -> Iterator[str]:
    for phone in read.phones:
        if line := _views().polled_line(phone):
            yield _shown(line)
    yield from _views().poll_lines(read.done)
    yield from _views().recorded_lines(read.done.recorded)


@command(
    "lab phone clock <name> [time...]",
    of=lambda: _orders().set_clock,
    has_json=True,
    candidates={"name": names_or_all},
    kinds={"name": NAME},
)
def lab_phone_clock(dialog: Dialog, site: Site, name: str, time: str = "") -> None:
    """Set the clock of a phone; without a time, to the right one.

    name: SEP and its MAC address, or all
    time: such as 2019-03-09 18:32, UTC

    Example:
    lab phone clock SEP02C188450001 2019-03-09 18:32
    lab phone clock all
    """
    _give(dialog, _orders().set_clock(site, name, _time(time) if time else None))


def _time(text: str) -> datetime:
    for form in _FORMS:
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if not 1970 <= found.year < 2100:
            raise UsageError(f"{text!r} is no time from 1970 to 2099")
        return found
    raise UsageError(
        f"{text!r} is no time", "Type it as 2019-03-09 or 2019-03-09 18:32, in UTC."
    )


def _give(dialog: Dialog, phones: Iterable[Mapping[str, Any]]) -> None:
    found = list(phones)
    dialog.result(
        lambda: [_line_of(phone) for phone in found],
        lambda: {"phones": [_document(phone) for phone in found]},
    )


def _line_of(phone: Mapping[str, Any]) -> str:
    """Name, model, the first digits of its ITL, and what it said last."""
    held = phone["itl"]
    itl = "no ITL" if held == NOT_INSTALLED else f"ITL {held[:8]}"
    last = phone["status"][-1] if phone["status"] else ""
    said = last if phone["is_plugged"] else "unplugged"
    return _shown(f"{phone['name']}  {phone['model']:<4}  {itl:<12}  {said}").rstrip()


def _lines_of(phone: Mapping[str, Any]) -> Iterable[str]:
    settings = [f"{name} {value}" for name, value in phone["settings"].items()]
    rows = [
        ("Name", phone["name"]),
        ("Model", f"{phone['model']} (family {phone['family']}), {phone['load']}"),
        ("Number", phone["label"]),
        ("Power", "on" if phone["is_plugged"] else "unplugged"),
        ("Page", phone["page"]),
        ("CTL", _held(phone["ctl"], phone["ctl_server"])),
        ("ITL", _held(phone["itl"], phone["itl_server"])),
        ("TVS", ", ".join(phone["tvs"])),
        ("Settings", ", ".join(settings)),
        ("Directory", phone["directory"]),
        *(("Why", reason) for reason in dict.fromkeys(phone["reasons"])),
    ]
    for label, value in rows:
        if value:
            yield _shown(f"{label + ':':<11}{value}")
    yield ""
    yield "Status messages on its screen, the newest last:"
    for line in phone["status"]:
        yield _shown(f"  {line}")


def _held(digest: str, server: str) -> str:
    """As `show itl` prints it of a node's list, to be compared."""
    if digest == NOT_INSTALLED:
        return "not installed"
    kind = "MD5" if len(digest) == MD5_DIGITS else "SHA1"
    return f"{digest}({kind}) from {server}"


def _shown(line: str) -> str:
    """A line that writes nothing else to a terminal."""
    return "".join(char if char.isprintable() else "?" for char in line)


def _document(phone: Mapping[str, Any]) -> dict[str, Any]:
    """A phone's JSON: what is not there is null."""
    changed = {
        name: None if phone[name] == NOT_INSTALLED else phone[name]
        for name in ("ctl", "itl")
    }
    return {**phone, **changed}
