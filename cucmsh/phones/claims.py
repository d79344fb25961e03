"""What somebody says of a phone, when and where from: a claim, never a proof.

Every source can be forged: a TFTP request has any sender address that somebody likes,
an alarm is taken from anyone who reaches the SIP port. So claims inform a person, and
no rule relaxes by them (docs/decisions/031).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from cucmsh.errors import CucmshError


class Source(StrEnum):
    """Who says it, and so what it is worth."""

    TFTP_LOG = "tftp-log"  # it asked for a file; that it got it is not said
    HTTP_LOG = "http-log"  # a file was sent to it over HTTP
    PAGE = "page"  # its own web page shows it
    ALARM = "alarm"  # a DeviceTLInfo in its name; nobody checked the sender
    REGISTER = "register"  # the Reason or Contact of a REGISTER in its name


# Anyone who reaches the SIP port can say it: it makes no phone safe.
UNPROVEN = frozenset({Source.ALARM, Source.REGISTER})
NOT_INSTALLED = "none"  # as a digest: the phone says that it holds no such list


class Claim(NamedTuple):
    """One thing that one source says of one phone.

    Attributes:
        phone: ``SEP`` and twelve upper-case hexadecimal digits; empty where only an
            address is known, such as of a request for ``ITLFile.tlv``.
        source: who says it.
        at: when it happened as the source says, in seconds since 1970, UTC.
        address: the phone's IP address; empty if unknown.
        node: the node that it asked, or whose log says so; empty if unknown.
        file: the file that was asked for or sent, as asked.
        itl: MD5 or SHA-1 of the ITL that it is said to hold, in lower-case hexadecimal
            digits; ``NOT_INSTALLED``; empty if nothing is said of it. Of a log it is
            the list that the node served at that moment.
        ctl: the same of its CTL.
        status: StatusCode of an alarm (docs/formats.md#alarm); -1 without one.
        model: such as ``8845``; empty if unknown.
        load: its firmware; empty if unknown.
        text: the status message, Reason or line that says so, for a person.
    """

    phone: str
    source: Source
    at: int
    address: str = ""
    node: str = ""
    file: str = ""
    itl: str = ""
    ctl: str = ""
    status: int = -1
    model: str = ""
    load: str = ""
    text: str = ""


class ClaimError(CucmshError):
    """Bytes that say nothing of a phone that can be read: a message or alarm."""
