"""What the releases of the original do differently: who signs, who resets, which words.

The only module that knows a release by its number. The others ask the profile of the
configured one (``Settings.profile``; docs/cli.md#reset, docs/decisions/008).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

CALL_MANAGER = "CallManager"
ITL_RECOVERY = "ITLRecovery"
FIVE_YEARS, TWENTY_YEARS = 1825, 7300  # days


class ResetWords(Enum):
    """How a reset tells what it does."""

    AS_A_LIST = "10.0"  # the servers as a Python list, every restart
    IN_A_BOX = "12.5"  # the servers between lines of ``=``, and their number
    IN_FOUR_LINES = "15"  # no servers at all


class Profile(NamedTuple):
    """One release.

    Attributes:
        release: as the configuration calls it.
        version: as ``show version active`` prints it.
        signer: the unit whose key signs a list when it is composed.
        reset_signer: the unit whose key signs it in ``utils itl reset localkey``.
        days: a new certificate is valid for so many.
        recovery_days: a new ITLRecovery certificate is valid for so many.
        reset_words: how a reset tells what it does.
        has_later_certificate_words: `show cert` speaks as from 14SU2 on, and names of
            trusted certificates end in their serial numbers (14SU1).
        warns_of_ctl: `set cert regen ITLRecovery` asks about a tokenless CTL.
    """

    release: str
    version: str
    signer: str
    reset_signer: str
    days: int
    recovery_days: int
    reset_words: ResetWords
    has_later_certificate_words: bool = False
    warns_of_ctl: bool = False

    @property
    def publisher_signs(self) -> bool:
        """Whether the publisher's key signs the lists of all nodes.

        Then subscribers are given their lists (``services.lists.given_list``), and have
        no ITLRecovery of their own.
        """
        return self.signer == ITL_RECOVERY

    @property
    def reset_signers(self) -> tuple[str, ...]:
        """The units of the publisher that sign the lists of resets.

        ``remotekey`` signs with ITLRecovery, whatever the release.
        """
        return tuple(dict.fromkeys((self.reset_signer, ITL_RECOVERY)))

    def days_of(self, unit: str) -> int:
        """For how many days a new certificate of that unit is valid."""
        return self.recovery_days if unit == ITL_RECOVERY else self.days


PROFILES = (
    Profile(
        "10.0",
        "10.0.1.10000-24",  # of the source document's lab
        signer=CALL_MANAGER,
        reset_signer=ITL_RECOVERY,
        days=FIVE_YEARS,
        recovery_days=FIVE_YEARS,
        reset_words=ResetWords.AS_A_LIST,
    ),
    Profile(
        "12.5",
        "12.5.1.10000-22",
        signer=ITL_RECOVERY,
        reset_signer=CALL_MANAGER,
        days=FIVE_YEARS,
        recovery_days=TWENTY_YEARS,
        reset_words=ResetWords.IN_A_BOX,
        warns_of_ctl=True,
    ),
    Profile(
        "15",
        "15.0.1.10000-32",
        signer=ITL_RECOVERY,
        reset_signer=CALL_MANAGER,
        days=FIVE_YEARS,
        recovery_days=FIVE_YEARS,  # the default; 5, 10, 15 or 20 years
        reset_words=ResetWords.IN_FOUR_LINES,
        has_later_certificate_words=True,
        warns_of_ctl=True,
    ),
)
RELEASES = tuple(profile.release for profile in PROFILES)
DEFAULT_RELEASE = "10.0"  # of a configuration that names none, and of a lab
NEW_RELEASE = "12.5"  # what `cucmsh init` writes: its lists outlive a regeneration


def profile_of(release: str) -> Profile:
    """The profile of a release.

    Raises:
        ValueError: there is none of that name; in words for whoever wrote the
            configuration.
    """
    for profile in PROFILES:
        if profile.release == release:
            return profile
    raise ValueError(f"{release!r} is none of {', '.join(RELEASES)}")
