"""DeviceTLInfo of phones, told as alarms of this node: a claim, never a proof.

Anybody can send one in any phone's name, so their number is bounded: one a phone and
interval, and so many phones an interval. Other alarms would else be put aside with the
log that these fill. What is left out is counted, told as one alarm, and kept in the
inventory as everything is.
"""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.alarms import DEVICE_TL_INFO, MESSAGE, Alarm
from cucmsh.events import Severity
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site

INTERVAL_SECONDS = 600.0
MOST_PHONES = 250  # an interval
# Ours: no alarm of the original says it.
LEFT_OUT = Alarm(
    "UC_PHONE",
    Severity.WARNING,
    "DeviceTLInfoLeftOut",
    DEVICE_TL_INFO.app_id,
    MESSAGE,
    "More phones reported their trust lists than alarms tell",
    "See what is known of each phone: show itl phones. If there are not so many, "
    "somebody sends reports in their names.",
)


class TrustListAlarms:
    """What was told lately of which phones, and how much was not.

    Args:
        site: this node.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._begun = self._now()
        self._phones: set[str] = set()  # of which one was told in this interval
        self._left_out = 0

    def tell(self, claims: Sequence[Claim], new: int) -> None:
        """Tell what phones said of their lists, as far as it is new.

        Args:
            claims: what the inventory has taken, the newest last.
            new: how many of them it did not know; of a log that is imported again none.
        """
        said = [
            claim
            for claim in claims
            if claim.source is Source.ALARM and (claim.itl or claim.ctl)
        ]
        for claim in said[max(len(said) - new, 0) :] if new else []:
            if not 0 <= self._now() - self._begun < INTERVAL_SECONDS:
                self.end_interval()
            if claim.phone in self._phones or len(self._phones) >= MOST_PHONES:
                self._left_out += 1
                continue
            self._phones.add(claim.phone)
            _tell(self._site, claim)

    def end_interval(self) -> None:
        """Tell how many were left out, if some were; a new interval begins."""
        number, seconds = self._left_out, max(self._now() - self._begun, 0)
        self._begun, self._left_out = self._now(), 0
        self._phones.clear()
        if number:
            what = "1 report was" if number == 1 else f"{number} reports were"
            tell(self._site, LEFT_OUT, f"{what} left out within {seconds:.0f} seconds")

    def _now(self) -> float:
        """Of the clock that nobody sets."""
        return self._site.clock.boot()[1]


def _tell(site: Site, claim: Claim) -> None:
    is_old = ":" not in claim.address
    values = (
        *(claim.phone, claim.address if is_old else ""),
        *("" if is_old else claim.address, _signature(claim.ctl), "N/A"),
        *(_signature(claim.itl), claim.node or "N/A"),
    )
    status = [str(claim.status)] if claim.status >= 0 else []
    tell(site, DEVICE_TL_INFO, *values, *status)


def _signature(digest: str) -> str:
    """As phones write one (docs/formats.md#alarm)."""
    if digest == NOT_INSTALLED:
        return "Not Installed"
    pairs = (digest[at : at + 2].upper() for at in range(0, len(digest), 2))
    return "".join(f"{pair} " for pair in pairs)
