"""What phones show of themselves on their web pages, into the inventory.

The addresses are those that were said of phones, which anybody can say: a poll asks a
few fixed paths there, of a few hosts at a time, and takes what comes as a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError, PageError, UsageError
from cucmsh.hosts import plain_address
from cucmsh.phones.claims import NOT_INSTALLED, Claim
from cucmsh.phones.known import Known, Recorded, Wanted
from cucmsh.phones.page_reader import PageSays, claims, join, read_page
from cucmsh.services.phones.keeper import Keeper
from cucmsh.services.phones.page_client import PAGE_SECONDS, PageHost, fetch
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case

WIDTH = 16  # phones at a time
PHONE_SECONDS = 20.0  # for all pages of one
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
    """

    asked: int
    read: int
    silent: int
    failed: int
    recorded: Recorded

    @property
    def exit_status(self) -> int:
        """0 if all were read, 1 if none was, 3 if some could not be."""
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
    read = silent = failed = asked = 0
    with Keeper(site) as keeper:
        targets = list(named) or list(_known(keeper))
        clock = site.clock
        for start in range(0, len(targets), MOST_IN_A_BATCH):
            batch = targets[start : start + MOST_IN_A_BATCH]
            ask = _asker(lambda: int(clock.now().timestamp()))
            for phone in side_by_side(ask, batch, WIDTH):
                asked += 1
                failed += bool(phone.problem)
                read += phone.shows_list
                silent += not phone.shows_list and not phone.problem
                if phone.claim is not None:
                    keeper.take([phone.claim])
                dialog.polled(phone)
            keeper.write()
        return Poll(asked, read, silent, failed, keeper.recorded)


def _known(keeper: Keeper) -> Iterator[Target]:
    nothing = Known(frozenset())
    for phone in list(keeper.open().phones(Wanted(), nothing)):
        if phone.address:
            yield Target(phone.name, PageHost(phone.address))


def _asker(now: Callable[[], int]) -> Callable[[Target], Polled]:
    def ask(target: Target) -> Polled:
        try:
            says, address = _read(target.where)
        except CucmshError as problem:
            return Polled(target, problem=problem.message)
        found = list(claims(says, target.phone, now(), address))
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
