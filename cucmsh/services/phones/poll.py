"""What phones show of themselves on their web pages, into the inventory.

The addresses are those that were said of phones, which anybody can say: a poll asks a
few fixed paths there, of a few hosts at a time, and takes what comes as a claim. It
goes to no loopback address and to none that is no single host's, to each once, and
ends in time; phones that showed a page before go first (docs/security.md T45).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from random import SystemRandom
from time import monotonic
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError, PageError, UsageError
from cucmsh.hosts import plain_address
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.phones.known import Known, Phone, Recorded, Wanted
from cucmsh.phones.page_reader import PageSays, claims, join, read_page
from cucmsh.services.phones.keeper import Keeper
from cucmsh.services.phones.page_client import PAGE_SECONDS, PageHost, fetch
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case

WIDTH = 16  # phones at a time
PHONE_SECONDS = 20.0  # for all pages of one
ROUND_SECONDS = 1800.0  # for all phones; the next round is an hour later
MOST_IN_A_BATCH = 256
ADAPTER = "/CGI/Java/Serviceability?adapter="
# What is asked for, and its XML twin where there is no such page.
PAGES = (
    (f"{ADAPTER}device.statistics.configuration", "/NetworkConfigurationX"),
    (f"{ADAPTER}device.settings.status.messages", "/DeviceLogX?2"),
    (f"{ADAPTER}device.statistics.device", "/DeviceInformationX"),
)


class Target(NamedTuple):
    """A phone to ask: its name, empty if nobody said one, and where its page is."""

    phone: str
    where: PageHost


class Polled(NamedTuple):
    """What one phone's page gave.

    Attributes:
        target: which one.
        claim: what it shows; None if it says nothing of lists, or there is a problem.
        problem: why nothing could be read, in a sentence; empty if something was.
    """

    target: Target
    claim: Claim | None = None
    problem: str = ""

    @property
    def shows_list(self) -> bool:
        """It shows the digest of an ITL or CTL; a 7940 without a CTL shows none."""
        shown = {self.claim.itl, self.claim.ctl} if self.claim else set()
        return not shown <= {"", NOT_INSTALLED}


class PollDialog(Protocol):
    """Is told what each phone gave."""

    def polled(self, phone: Polled) -> None:
        """One phone was asked."""


class Poll(NamedTuple):
    """A round.

    Attributes:
        asked: how many phones.
        read: of how many a list is known now.
        silent: how many showed none.
        failed: how many pages could not be read.
        recorded: claims that are on disk.
        refused: how many phones are said to be where no phone is, and were not asked.
        left: how many there was no time for.
    """

    asked: int
    read: int
    silent: int
    failed: int
    recorded: Recorded
    refused: int = 0
    left: int = 0

    @property
    def exit_status(self) -> int:
        """0 if all were read, 1 if none was, 3 if some could not be."""
        if self.left:
            return 3
        if not self.failed:
            return 0
        return 3 if self.failed < self.asked else 1


@use_case("phones poll")
def poll(site: Site, named: Sequence[Target], dialog: PollDialog) -> Poll:
    """Ask phones for their pages once.

    Args:
        site: this node.
        named: which ones; without any, those whose address the inventory knows.
        dialog: is told what each gave.

    Raises:
        StoreError: the inventory cannot be read or written; pages that were read by
            then are asked for again the next time.
    """
    read = silent = failed = asked = left = refused = 0
    until = monotonic() + ROUND_SECONDS
    with Keeper(site) as keeper:
        targets = list(named)
        if not targets:
            targets, refused = _known(keeper, is_lab=bool(site.settings.lab))
        clock = site.clock
        for start in range(0, len(targets), MOST_IN_A_BATCH):
            batch = targets[start : start + MOST_IN_A_BATCH]
            ask = _asker(lambda: int(clock.now().timestamp()), until)
            for phone in side_by_side(ask, batch, WIDTH):
                if phone is None:
                    left += 1
                    continue
                asked += 1
                failed += bool(phone.problem)
                read += phone.shows_list
                silent += not phone.shows_list and not phone.problem
                if phone.claim is not None:
                    keeper.take([phone.claim])
                dialog.polled(phone)
            keeper.write()
        return Poll(asked, read, silent, failed, keeper.recorded, refused, left)


def _known(keeper: Keeper, *, is_lab: bool) -> tuple[list[Target], int]:
    """Whom to ask, those first who showed a page before; how many are left out."""
    phones = [
        phone
        for phone in keeper.open().phones(Wanted(), Known(frozenset()))
        if phone.address
    ]
    asked = [phone for phone in phones if _may_be_a_phone(phone.address, is_lab=is_lab)]
    # The others in no order that somebody could choose.
    SystemRandom().shuffle(asked)
    asked.sort(key=_is_without_page)
    by_address: dict[str, Target] = {}
    for phone in asked:
        target = Target(phone.name, PageHost(phone.address))
        by_address.setdefault(_plain(phone.address), target)
    return list(by_address.values()), len(phones) - len(asked)


def _is_without_page(phone: Phone) -> bool:
    return Source.PAGE not in (phone.itl_by, phone.seen_by)


def _may_be_a_phone(address: str, *, is_lab: bool) -> bool:
    try:
        read = ip_address(_plain(address))
    except ValueError:
        return False
    if read.is_loopback:
        return is_lab
    is_no_host = read.is_multicast or read.is_unspecified or read.is_reserved
    return not (is_no_host or read.is_link_local)


def _asker(now: Callable[[], int], until: float) -> Callable[[Target], Polled | None]:
    """Asks a phone; None once the round is over."""

    def ask(target: Target) -> Polled | None:
        if monotonic() >= until:
            return None
        try:
            says, address = _read(target.where)
            found = list(claims(says, target.phone, now(), address))
        except CucmshError as problem:
            return Polled(target, problem=problem.message)
        claim = found[0] if found else None
        if claim is not None and not claim.phone:
            why = f"the page of {target.where.shown} does not say whose it is"
            return Polled(target, problem=why)
        return Polled(target, claim)

    return ask


def _read(where: PageHost) -> tuple[PageSays, str]:
    """What all pages say, and the address that gave them.

    Raises:
        CucmshError: none of them could be read.
    """
    until = monotonic() + PHONE_SECONDS
    pages: list[PageSays] = []
    address, last = "", ""
    for paths in PAGES:
        for path in paths:
            left = min(PAGE_SECONDS, until - monotonic())
            if left <= 0:
                break
            found = fetch(where, path, left)
            address = found.address
            if found.status != 200:
                last = f"{where.shown} answers {found.status}"
                continue
            try:
                pages.append(read_page(found.body))
            except PageError as problem:
                last = f"{where.shown}: {problem.message}"
                continue
            break
    if not pages:
        raise PageError(last or f"{where.shown} shows nothing")
    return join(pages), _plain(address)


def _plain(address: str) -> str:
    with suppress(UsageError):
        return plain_address(address)
    return ""
