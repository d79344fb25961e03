"""The alarms of this node as ``CiscoSyslog`` has them, to be looked at.

Source of the form: docs/formats.md#ciscolog; what this node writes is
``records.ciscolog``. A line of another form is shown as it is.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from typing import NamedTuple

from cucmsh import alarms
from cucmsh.alarms import Alarm
from cucmsh.errors import MissingFileError
from cucmsh.events import Severity
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

_LINE = re.compile(
    r"(?P<local>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) local7 \d "
    r": (?P<number>\d+): (?P<node>[^ ]*): (?P<utc>[^%]*?) : "
    r"%(?P<application>\w+)-(?P<severity>[0-7])-(?P<name>\w+): "
    r"%(?P<tags>(?:\[(?:[^\[\]\\]|\\.)*\])*): (?P<text>.*)"
)
_TAG = re.compile(r"\[(\w+)=((?:[^\[\]\\]|\\.)*)\]")
_ESCAPED = re.compile(r"\\(.)")


class SeenAlarm(NamedTuple):
    """One line.

    Attributes:
        key: by which it is found again: a digest of the line.
        line: as it is stored.
        local: when, by the clock of the node as it was set then.
        utc: the same moment in UTC.
        node: whose.
        application: such as ``UC_CERT``; empty for a line of another form, as are the
            following ones.
        severity: how bad it is; None.
        name: of the alarm.
        tags: its parameters.
        text: what it says.
        action: what an administrator should do; empty if nothing.
    """

    key: str
    line: str
    local: str = ""
    utc: str = ""
    node: str = ""
    application: str = ""
    severity: Severity | None = None
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    text: str = ""
    action: str = ""


@use_case("page alarms")
def seen_alarms(site: Site) -> list[SeenAlarm]:
    """The last mebibyte of them, the latest first; none where there is no log yet.

    Raises:
        StoreError: the log cannot be read.
    """
    try:
        raw, before = site.home.read_end(CISCO_SYSLOG)
    except MissingFileError:
        return []
    if before:
        raw = raw[raw.find(b"\n") + 1 :]
    lines = raw.decode("ascii", "replace").splitlines()
    return [read_line(line) for line in reversed(lines) if line]


def read_line(line: str) -> SeenAlarm:
    """One line, in linear time."""
    key = sha256(line.encode()).hexdigest()[:20]
    found = _LINE.fullmatch(line)
    if found is None:
        return SeenAlarm(key, line, text=line)
    severity = Severity(int(found["severity"]))
    tags = _TAG.findall(found["tags"])
    known = _catalogue().get((found["application"], found["name"], severity))
    return SeenAlarm(
        key=key,
        line=line,
        local=found["local"],
        utc=found["utc"].strip(),
        node=found["node"],
        application=found["application"],
        severity=severity,
        name=found["name"],
        tags=tuple((name, _ESCAPED.sub(r"\1", value)) for name, value in tags),
        text=found["text"],
        action=known.action if known else "",
    )


@cache
def _catalogue() -> dict[tuple[str, str, Severity], Alarm]:
    return {
        (each.application, each.name, each.severity): each
        for each in vars(alarms).values()
        if isinstance(each, Alarm)
    }
