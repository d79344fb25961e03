"""What can be begun and left undone, and what is told of it.

The modules beside this one keep what is open, each its part: ``waiting``,
``reset_journal``, ``rename_journal``, ``start_notes``. ``open_work`` answers for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from cucmsh.services.site import Site

SIGN = "utils tftp sign"
SECURITY = "set password user security"
RESTART = "utils service restart Cisco Tftp"
UNKNOWN = "an unknown time"  # where a note that was damaged or edited has none


class Work(StrEnum):
    """What was begun."""

    RESET = "reset"
    PUSH = "push to the replicas"
    PROOF = "proof of a reset's list"
    COMPOSE = "composing the list"
    START = "TFTP start"
    SIGNING = "signing of the phones' files"
    ADOPTION = "adoption of another tool's lists"
    CERTIFICATES = "bringing certificates to members"
    PASSING = "passing certificates on to subscribers"
    PHONES = "reset of phones"
    LISTS = "handing lists over to subscribers"
    RENAME = "rename of this node"
    NAMES = "telling members how a node is called"
    RELEASE = "change of the release"
    PASSWORDS = "one security password for all members"


class OpenWork(NamedTuple):
    """One thing that was begun and is not done.

    Attributes:
        kind: what was begun.
        line: all of it for a person, who reads it at the login.
        nodes: the names of those that it is not done for, and the reason of each, which
            is empty where nobody noted it.
        since: when it was begun or last tried, ISO 8601; empty where nobody noted it.
        finish: the command that goes on with it; empty where ``line`` says what to do.
    """

    kind: Work
    line: str
    nodes: Mapping[str, str]
    since: str = ""
    finish: str = ""


def now(site: Site) -> str:
    """The time of a note, ISO 8601 in whole seconds."""
    return site.clock.now().isoformat(timespec="seconds")


def texts(noted: object) -> list[str]:
    """A list of texts as a note has it; empty where it has none."""
    return [str(entry) for entry in noted] if isinstance(noted, list) else []
