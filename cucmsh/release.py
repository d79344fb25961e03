"""What the releases of the original do differently: who signs, who resets, how long.

The only module that knows a release by its number. The others ask the profile of the
configured one (``Settings.profile``). Of the later releases stands here what is known
(docs/cli.md#reset). They are refused until all that they change is built: under 12.5
the recovery key never leaves the publisher, so it has to compose and bring the lists of
all other nodes (docs/decisions/008).
"""

from __future__ import annotations

from typing import NamedTuple

CALL_MANAGER = "CallManager"
ITL_RECOVERY = "ITLRecovery"
FIVE_YEARS, TWENTY_YEARS = 1825, 7300  # days


class Profile(NamedTuple):
    """One release.

    Attributes:
        release: as the configuration calls it.
        version: as ``show version active`` prints it.
        signer: the unit whose key signs a list when it is composed.
        reset_signer: the unit whose key signs it in ``utils itl reset localkey``.
        days: a new certificate is valid for so many.
        recovery_days: a new ITLRecovery certificate is valid for so many.
        why_not: why this release cannot be configured; empty if it can.
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
    why_not: str = ""
    has_later_certificate_words: bool = False
    warns_of_ctl: bool = False

    def days_of(self, unit: str) -> int:
        """For how many days a new certificate of that unit is valid."""
        return self.recovery_days if unit == ITL_RECOVERY else self.days


_LATER = "that the publisher signs every node's list with ITLRecovery is not built yet"
PROFILES = (
    Profile(
        "10.0",
        "10.0.1.10000-24",  # of the source document's lab
        signer=CALL_MANAGER,
        reset_signer=ITL_RECOVERY,
        days=FIVE_YEARS,
        recovery_days=FIVE_YEARS,
    ),
    Profile(
        "12.5",
        "",
        signer=ITL_RECOVERY,
        reset_signer=CALL_MANAGER,
        days=FIVE_YEARS,
        recovery_days=TWENTY_YEARS,
        why_not=_LATER,
        warns_of_ctl=True,
    ),
    Profile(
        "15",
        "",
        signer=ITL_RECOVERY,
        reset_signer=CALL_MANAGER,
        days=FIVE_YEARS,
        recovery_days=FIVE_YEARS,  # the default; 5, 10, 15 or 20 years
        why_not=_LATER,
        has_later_certificate_words=True,
        warns_of_ctl=True,
    ),
)
READY = tuple(profile.release for profile in PROFILES if not profile.why_not)
DEFAULT_RELEASE = READY[0]  # of a configuration that names none, and of a new one


def profile_of(release: str) -> Profile:
    """The profile of a release that can be configured.

    Raises:
        ValueError: there is none of that name, or it cannot be configured yet; in
            words for whoever wrote the configuration.
    """
    for profile in PROFILES:
        if profile.release == release:
            if profile.why_not:
                raise ValueError(
                    f"{release!r} cannot be had yet, only {', '.join(READY)}: "
                    f"{profile.why_not}"
                )
            return profile
    raise ValueError(f"{release!r} is none of {', '.join(READY)}")
