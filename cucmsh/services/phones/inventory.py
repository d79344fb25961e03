"""``show itl phones``: which phone was last said to hold which list, by whom, when.

Shows and counts. Nothing follows from it: every source can be forged, and a list that
was fetched is not one that was accepted (docs/decisions/031).
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.errors import MissingFileError, UsageError
from cucmsh.phones.known import (
    Counts,
    Known,
    Phone,
    PhoneState,
    Sighting,
    Wanted,
)
from cucmsh.services.phones.known_lists import KnownLists, known_lists
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

PAGE_PHONES = 50
DAY = 24 * 3600
NAMELESS_DAYS = 30
MOST_SIGHTINGS = 200


class PhonesShown(NamedTuple):
    """What is known of phones.

    Attributes:
        wanted: which were asked for.
        page: number of this page, from 1; 0 where all are shown.
        pages: how many there are.
        phones: those of the page, by name.
        found: how many were asked for, on all pages.
        counts: of all phones, or of those of the node that was asked for.
        known: what the states were judged by.
        lists: which list is which.
        nameless: requests of the last ``NAMELESS_DAYS`` that belong to no phone, and
            from how many addresses they came.
    """

    wanted: Wanted
    page: int
    pages: int
    phones: tuple[Phone, ...]
    found: int
    counts: Counts
    known: Known
    lists: KnownLists
    nameless: tuple[int, int] = (0, 0)


class PhoneShown(NamedTuple):
    """One phone.

    Attributes:
        phone: the last word on each thing.
        history: what was said of it, the latest first, ``MOST_SIGHTINGS`` at most.
        known: what its states are judged by.
        lists: which list is which.
    """

    phone: Phone
    history: tuple[Sighting, ...]
    known: Known
    lists: KnownLists


@use_case("show itl phones")
def phones_by_state(
    site: Site,
    state: PhoneState | None = None,
    node: str = "",
    page: int = 0,
    part: str = "",
) -> PhonesShown:
    """Phones of that state and node, one page of them or all.

    Args:
        site: this node.
        state: None for all.
        node: which they asked last, under whatever name it had; empty for all.
        page: from 1, of ``PAGE_PHONES`` each; 0 for all of them.
        part: only phones with this in their names, in any case.

    Raises:
        MissingFileError: nothing was recorded yet.
        UsageError: there is no such node or page.
        StoreError: the inventory cannot be read.
    """
    asked = site.settings.cluster.find(node) if node else None
    if node and asked is None:
        raise UsageError(
            f"there is no node {node} in the cluster",
            "`show network cluster` names nodes, `help show itl phones` states.",
        )
    require_inventory(site)
    lists = known_lists(site)
    known = known_by(site, lists)
    with open_inventory(site) as store:
        names = (asked.name, *asked.aliases) if asked else ()
        counts = store.counts(known, names, part)
        found = counted(counts, state)
        pages = max(1, -(-found // PAGE_PHONES))
        if page > pages:
            raise UsageError(f"there are {pages} pages")
        wanted = Wanted(state, names, part=part)
        if page:
            first = (page - 1) * PAGE_PHONES
            wanted = wanted._replace(first=first, most=PAGE_PHONES)
        phones = tuple(store.phones(wanted, known))
        since = _now(site) - NAMELESS_DAYS * DAY
        nameless = (0, 0) if node or part else store.nameless(since)
    shown = (wanted, page, pages, phones, found, counts, known, lists, nameless)
    return PhonesShown(*shown)


@use_case("show itl phones")
def one_phone(site: Site, name: str) -> PhoneShown:
    """One phone and its history.

    Raises:
        MissingFileError: nothing is known of it, or of any phone.
        StoreError: the inventory cannot be read.
    """
    require_inventory(site)
    with open_inventory(site) as store:
        found = store.find([name.upper()])
        if not found:
            raise MissingFileError(
                f"nothing is known of a phone {name}",
                "A name is SEP and twelve hexadecimal digits.",
            )
        history = tuple(store.sightings(found[0].name, MOST_SIGHTINGS))
    lists = known_lists(site)
    return PhoneShown(found[0], history, known_by(site, lists), lists)


def require_inventory(site: Site) -> None:
    """Refuse where nothing was ever recorded.

    Raises:
        MissingFileError: see there.
    """
    if not has_inventory(site):
        raise MissingFileError(
            "nothing is known of phones yet",
            "Type `lab phone poll`: it asks each phone's own page."
            if site.settings.lab
            else "Run `cucmsh phones import FILE` with a log of TFTP or HTTP, or "
            "`cucmsh phones listen` (docs/production.md#phones).",
        )


def phone_state(word: str) -> PhoneState | None:
    """The state of that name; None for an empty word."""
    return PhoneState(word) if word else None


def known_by(site: Site, lists: KnownLists) -> Known:
    """What states are judged by, now."""
    stale = site.settings.inventory.stale_days * DAY
    return Known(
        lists.digests(of_served=True),
        lists.digests(of_served=False),
        _now(site) - stale,
    )


def counted(counts: Counts, state: PhoneState | None) -> int:
    """How many of that state there are."""
    if state is None:
        return counts.phones
    return counts[1 + list(PhoneState).index(state)]


def _now(site: Site) -> int:
    return int(site.clock.now().timestamp())
