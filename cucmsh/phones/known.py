"""What is known of phones: claims of one brought together, and how to ask for them.

Of two claims of one phone the later one counts, by ``Claim.at``; of two of the same
second the one that was recorded later, since phones send stored alarms again, the
oldest first (docs/formats.md#alarm). But what alarms and REGISTERs say of an ITL is
kept apart: it makes a phone's state worse, never better (docs/decisions/031).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from cucmsh.phones.claims import Claim, Source

# A log line about `ITLFile.tlv` has an address and no name. A phone asks for CTLSEP or
# ITLSEP of its own name moments before, on every boot. So it is of the name that was
# seen at that address last, and no longer ago than this; where several names were (NAT,
# a lab), only of one that is alone in the last seconds.
ADDRESS_SECONDS = 600
SHARED_ADDRESS_SECONDS = 5
# What is dated later than this after the present is recorded as of now: a clock that
# was wrong once would else be the latest word for ever.
AHEAD_SECONDS = 300


class PhoneState(StrEnum):
    """What ``show itl phones`` may be asked for.

    ``MATCH``, ``MISMATCH`` and ``UNKNOWN`` share all phones among them; the other two
    are said beside.
    """

    MATCH = "match"  # its page or a log last said an ITL that a node serves
    MISMATCH = "mismatch"  # that is another one, or none; or a later alarm says so
    UNKNOWN = "unknown"  # neither: nothing of its ITL that counts
    STALE = "stale"  # nothing at all was said of it for long
    NO_RECOVERY = "no-recovery"  # an ITL that does not know the present ITLRecovery


class Known(NamedTuple):
    """What states are judged by.

    Attributes:
        served: MD5 and SHA-1 of every ITL that a node serves now, lower-case hex.
        without_recovery: of those lists of the history whose holders do not know the
            present ITLRecovery certificate.
        stale_before: a phone that was last seen earlier is stale; seconds since 1970.
    """

    served: frozenset[str]
    without_recovery: frozenset[str] = frozenset()
    stale_before: int = 0


class Wanted(NamedTuple):
    """Which phones, by name.

    Attributes:
        state: only those; None for all.
        nodes: only those that asked one of these last; empty for all.
        first: how many to leave out at the beginning.
        most: how many at most; 0 for all.
        part: only those with this in their names, in any case; empty for all.
    """

    state: PhoneState | None = None
    nodes: tuple[str, ...] = ()
    first: int = 0
    most: int = 0
    part: str = ""


class Phone(NamedTuple):
    """One phone, by the last word on each thing.

    Attributes:
        name: ``SEP`` and twelve upper-case hexadecimal digits.
        address: IP address; empty if unknown, as are the other texts.
        node: the node that it asked last, as its log says; nobody else says it.
        model: such as ``8845``.
        load: its firmware.
        seen: when anything was last said of it, seconds since 1970.
        seen_by: who said that.
        itl: as in ``Claim``: digest, ``NOT_INSTALLED``, or empty if nothing was said.
            By its page or a log; the other sources have ``said_itl``.
        itl_at: when that was so; 0 if nothing was said.
        itl_by: who said it; None if nobody did.
        itl_node: the node that was asked, or whose log says so.
        said_itl: as ``itl``, by an alarm or REGISTER.
        said_at: when it was said; 0 if nothing was.
        said_by: who said it; None if nobody did.
        ctl: as ``itl``, of its CTL.
        ctl_at: when that was so.
        status: StatusCode of its last alarm; -1 without one.
        text: status message, Reason or line that came last with a text.
    """

    name: str
    address: str
    node: str
    model: str
    load: str
    seen: int
    seen_by: Source
    itl: str
    itl_at: int
    itl_by: Source | None
    itl_node: str
    said_itl: str
    said_at: int
    said_by: Source | None
    ctl: str
    ctl_at: int
    status: int
    text: str


class Counts(NamedTuple):
    """How many phones are known, and how many of each state."""

    phones: int
    match: int
    mismatch: int
    unknown: int
    stale: int
    no_recovery: int


class HeldBy(NamedTuple):
    """Phones that are alike in what they hold: digests as in ``Phone``."""

    itl: str
    ctl: str
    model: str
    node: str
    said: str  # as `said_itl`; empty unless it was said after `itl`
    phones: int
    seen: int  # the latest of them


class Sighting(NamedTuple):
    """One thing that one source said of one phone, once or again and again.

    Attributes:
        claim: what, as it was said last.
        first: when it was first said, within some weeks before; seconds since 1970.
    """

    claim: Claim
    first: int


class Recorded(NamedTuple):
    """What became of claims; all that are counted here are on disk.

    Attributes:
        claims: how many there were. One that was known, as of a log that is imported
            twice, changes nothing.
        phones: of how many phones.
        nameless: came from an address that no name is known for at that time, or that
            several phones share; they are kept, and belong to no phone.
        ahead: were dated in the future, and are recorded as of now.
        new: statements that nobody had made in the same 30 days: of a log that is
            imported twice none, and what is said again and again counts once.
    """

    claims: int
    phones: int
    nameless: int = 0
    ahead: int = 0
    new: int = 0


class Word(NamedTuple):
    """Who says which ITL of a phone, and when: the fields of ``Phone``."""

    itl: str
    at: int
    by: Source | None


def states_of(phone: Phone, known: Known) -> list[PhoneState]:
    """The states of one phone, as a store finds it by them."""
    said = phone.said_itl if phone.said_at >= phone.itl_at else ""
    if doubted_by(phone, known) or (phone.itl and phone.itl not in known.served):
        states = [PhoneState.MISMATCH]
    elif phone.itl:
        states = [PhoneState.MATCH]
    else:
        states = [PhoneState.UNKNOWN]
    if phone.seen < known.stale_before:
        states.append(PhoneState.STALE)
    if phone.itl in known.without_recovery or said in known.without_recovery:
        states.append(PhoneState.NO_RECOVERY)
    return states


def doubted_by(phone: Phone, known: Known) -> Word | None:
    """The later alarm that says an ITL of it which no node serves."""
    is_later = phone.said_itl and phone.said_at >= phone.itl_at
    if not is_later or phone.said_itl in known.served:
        return None
    return Word(phone.said_itl, phone.said_at, phone.said_by)


def word_on(phone: Phone, known: Known) -> Word:
    """Whose word on its ITL its state follows; without digest if there is none."""
    own = Word(phone.itl, phone.itl_at, phone.itl_by)
    doubt = doubted_by(phone, known)
    return own if doubt is None or doubt.itl == own.itl else doubt


def unconfirmed(phone: Phone, known: Known) -> Word | None:
    """An alarm that says an ITL which a node serves, where nobody else says so."""
    is_later = phone.said_itl and phone.said_at >= phone.itl_at
    if not is_later or phone.said_itl not in known.served or phone.itl in known.served:
        return None
    return Word(phone.said_itl, phone.said_at, phone.said_by)
