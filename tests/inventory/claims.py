"""Claims for tests: a phone by its number, and what is said of it."""

from __future__ import annotations

from typing import Any

from cucmsh.phones.claims import Claim, Source

NOON = 1_780_000_000  # some noon; no test looks at a clock
OURS, EARLIER, FOREIGN = "a1" * 20, "b2" * 20, "c3" * 16


def name_of(number: int) -> str:
    return f"SEP{number:012X}"


def said(number: int, at: int = 0, source: Source = Source.PAGE, **more: Any) -> Claim:
    """What is said of the phone of that number, ``at`` seconds after noon."""
    return Claim(name_of(number), source, NOON + at, **more)


def asked(address: str, at: int = 0, itl: str = OURS) -> Claim:
    """A line about ``ITLFile.tlv``: an address, and no name."""
    return Claim(*("", Source.TFTP_LOG, NOON + at, address, "pub", "ITLFile.tlv", itl))
