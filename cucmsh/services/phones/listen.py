"""Alarms and REGISTERs of phones that a SIP server mirrors by HEP, into the inventory.

One UDP socket. Nobody is known by HEP, so what comes is bounded for each sender and in
all, and is a claim like any other.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, Protocol

from cucmsh.errors import RefusedError, UsageError
from cucmsh.hosts import host_port, plain_address
from cucmsh.phones.claims import Claim, ClaimError
from cucmsh.phones.hep import read_packet
from cucmsh.phones.known import Recorded
from cucmsh.phones.register import claim_of
from cucmsh.quoting import shown
from cucmsh.services.phones.follow import LongDialog, pause_after, write
from cucmsh.services.phones.keeper import Keeper
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LARGEST = 65_535  # bytes of a datagram
WAIT_SECONDS = 0.5  # for a packet, and so until claims are written
MOST_WAITING = 20_000  # claims, while the inventory cannot be written
MOST_AT_ONCE = 2_000  # packets between two writes
A_SECOND = 500  # packets of one sender; ten thousand phones register in an hour
BURST = 5_000  # of one sender, as after a restart of a SIP server
MOST_SENDERS = 256
BUFFER = 4 << 20  # bytes that the kernel is asked to keep


class ListenDialog(LongDialog, Protocol):
    """Is told what happens in a listener."""

    def listening(self, host: str, port: int) -> None:
        """It listens there, on the port that it got."""


NOTHING = Recorded(0, 0)


@dataclass
class Heard:
    """What came.

    Attributes:
        packets: all datagrams that were looked at.
        claims: those that said something of a phone.
        unread: those that are no HEP, or hold no message or alarm that can be read.
        too_many: dropped: of a sender who sends too much, or of too many senders.
        strangers: from others than those that were named.
        lost: claims that the inventory could not take for too long.
        recorded: claims that are on disk.
    """

    packets: int = 0
    claims: int = 0
    unread: int = 0
    too_many: int = 0
    strangers: int = 0
    lost: int = 0
    recorded: Recorded = NOTHING


class Listening(NamedTuple):
    """Where to listen, and to whom.

    Attributes:
        host: an address of this machine.
        port: UDP; 0 for any.
        senders: addresses of SIP servers; empty for everybody.
    """

    host: str
    port: int
    senders: frozenset[str] = frozenset()


@use_case("phones listen")
def listen(site: Site, where: Listening, dialog: ListenDialog) -> Heard:
    """Take HEP packets until somebody ends it.

    Raises:
        RefusedError: nobody can listen there.
        UsageError: a sender is no IP address.
    """
    senders = frozenset(map(_sender, where.senders))
    with _socket(where) as bound, Keeper(site) as keeper:
        dialog.listening(where.host, bound.getsockname()[1])
        ear = _Ear(site, bound, senders, keeper)
        heard = ear.heard
        failures, tried = 0, 0.0
        while not dialog.is_over(0.0):
            ear.take()
            if len(keeper.waiting) > MOST_WAITING:
                heard.lost += len(keeper.waiting) - MOST_WAITING
                del keeper.waiting[:-MOST_WAITING]
            if not failures or monotonic() - tried >= pause_after(failures):
                failures, tried = write(keeper, dialog, failures), monotonic()
        ear.take(0.0)  # what came until then
        write(keeper, dialog, failures)
        heard.lost += len(keeper.waiting)
        heard.recorded = keeper.recorded
    return heard


def _sender(address: str) -> str:
    try:
        return plain_address(address)
    except UsageError as problem:
        raise UsageError(
            f"the sender {shown(address)} is no IP address",
            "Packets of HEP come from addresses: name that of the SIP server.",
        ) from problem


def _socket(where: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        bound.bind((where.host, where.port))
    except OSError as problem:
        bound.close()
        raise RefusedError(
            f"nobody can listen on {host_port(where.host, where.port)}: "
            f"{problem.strerror}",
            "Name an address of this machine and a free port: --listen HOST:PORT.",
        ) from problem
    return bound


class _Ear:
    """Takes packets from a socket, and claims out of them."""

    def __init__(
        self,
        site: Site,
        bound: socket.socket,
        senders: frozenset[str],
        keeper: Keeper,
    ) -> None:
        self.heard = Heard()
        self._site, self._bound, self._keeper = site, bound, keeper
        self._senders, self._rates = senders, _Rates()

    def take(self, wait: float = WAIT_SECONDS) -> None:
        """What has come, until nothing more is there or it is much.

        Args:
            wait: for the first packet, in seconds.
        """
        for number in range(MOST_AT_ONCE):
            self._bound.settimeout(0 if number else wait)
            try:
                raw, peer = self._bound.recvfrom(LARGEST)
            except (TimeoutError, BlockingIOError):
                return
            sender = peer[0].partition("%")[0]
            if self._senders and plain_address(sender) not in self._senders:
                self.heard.strangers += 1
            elif not self._rates.lets(sender, monotonic()):
                self.heard.too_many += 1
            else:
                self._read(raw)

    def _read(self, raw: bytes) -> None:
        self.heard.packets += 1
        claim: Claim | None = None
        try:
            packet = read_packet(raw)
            if packet is not None:
                # By its arrival: phones and SIP servers have clocks of their own.
                now = int(self._site.clock.now().timestamp())
                node = self._site.node.name
                claim = claim_of(packet.payload, now, packet.address, node)
        except ClaimError:
            self.heard.unread += 1
        if claim is not None:
            self.heard.claims += 1
            self._keeper.take([claim])


class _Rates:
    """How much each sender may still send: a second's worth each second."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def lets(self, sender: str, now: float) -> bool:
        left, since = self._left.get(sender, (float(BURST), now))
        if sender not in self._left and len(self._left) >= MOST_SENDERS:
            self._forget(now)
            if len(self._left) >= MOST_SENDERS:
                return False
        left = min(BURST, left + (now - since) * A_SECOND)
        self._left[sender] = (max(0.0, left - 1), now)
        return left >= 1

    def _forget(self, now: float) -> None:
        """Senders that may send a whole burst again are like new ones."""
        needed = BURST / A_SECOND
        self._left = {
            sender: (left, since)
            for sender, (left, since) in self._left.items()
            if now - since < needed
        }
