"""What the prompt of a lab's node does with the lab's phones: use-cases.

They go through guard and record as everything else that is typed. The phones live in a
process of their own; what they answer is passed on as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cucmsh.errors import CucmshError
from cucmsh.lab.node_services import description_of, lab_of
from cucmsh.lab.phones.control import ask
from cucmsh.layout import LAB_PHONES_CONTROL
from cucmsh.services.phones.page_client import PageHost
from cucmsh.services.phones.poll import Poll, Polled, Target, poll
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

ALL = "all"

Phone = Mapping[str, Any]  # as the phones' process describes one


@use_case("lab phone list")
def list_phones(site: Site) -> list[Phone]:
    """All phones; those that start have started when this returns."""
    return _told(site, "wait", [])


@use_case("lab phone show")
def show_phone(site: Site, name: str) -> Phone:
    """One phone, with the address of its page; it has started when this returns.

    Raises:
        UsageError: there is none of that name.
    """
    (phone,) = _told(site, "show", [name])
    return {**phone, "page": _pages(site).get(str(phone["name"]), "")}


@use_case("lab phone", changes=True)
def tell_phones(site: Site, verb: str, *names: str) -> list[Phone]:
    """Let phones do something, and wait until they have done it.

    Args:
        site: a node of the lab.
        verb: ``reset``, ``restart``, ``erase``, ``unplug`` or ``plug``.
        names: which; ``all`` for all.
    """
    return _told(site, verb, list(names))


@use_case("lab phone clock", changes=True)
def set_clock(site: Site, name: str, at: datetime | None) -> list[Phone]:
    """Set the clock of a phone, or of all; None sets it right."""
    seconds = None if at is None else int(at.timestamp())
    return _told(site, "clock", [name], at=seconds)


class PagesRead(NamedTuple):
    """What the phones' pages gave: in all, and each."""

    done: Poll
    phones: Sequence[Polled]


@use_case("lab phone poll")
def poll_phones(site: Site) -> PagesRead:
    """Ask each phone for its page, as `cucmsh phones poll` does, into the inventory.

    Phones that start are waited for.

    Raises:
        StoreError: the inventory cannot be written.
    """
    names = [str(phone["name"]) for phone in _told(site, "wait", [])]
    pages = _pages(site)
    named = [_target(name, pages[name]) for name in names if name in pages]
    asking = _Asking()
    return PagesRead(poll(site, named, asking), asking.phones)


class _Asking:
    """See ``PollDialog``."""

    def __init__(self) -> None:
        self.phones: list[Polled] = []

    def polled(self, phone: Polled) -> None:
        self.phones.append(phone)


def _target(name: str, page: str) -> Target:
    """Where all pages of a phone are: they share a port, and begin with its name."""
    parts = urlsplit(page)
    return Target(name, PageHost(parts.hostname or "", parts.port or 80, f"/{name}"))


def phone_names(site: Site) -> list[str]:
    """For completion: nothing where nobody answers."""
    try:
        return [str(phone["name"]) for phone in _told(site, "list", [])]
    except CucmshError:
        return []


def _told(site: Site, verb: str, names: Sequence[str], **values: object) -> list[Phone]:
    request: dict[str, Any] = {"verb": verb, **values}
    chosen = [name if name.lower() == ALL else name.upper() for name in names]
    if chosen and ALL not in {name.lower() for name in chosen}:
        request["names"] = chosen
    return list(ask(lab_of(site) / LAB_PHONES_CONTROL, request)["phones"])


def _pages(site: Site) -> dict[str, str]:
    """Where the page of each phone is, as the lab said when it started."""
    phones = description_of(site).get("phones", [])
    return {str(phone["name"]): str(phone["page"]) for phone in phones}
