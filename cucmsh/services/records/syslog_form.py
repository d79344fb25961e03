"""An alarm as messages of syslog. Pure.

Everything is in the text, since the files that daemons write leave structured data out;
over the network it is structured data as well (RFC 5424). A local socket gets the old
form without a host, the one that rsyslog, syslog-ng and journald all read; none of them
reads RFC 5424 there (docs/decisions/029).
"""

from __future__ import annotations

import re

from cucmsh.events import Event
from cucmsh.services.records.ciscolog import day_of

LOCAL7 = 23 << 3
PROGRAM = "cucmsh"
ELEMENT = "cucmsh@32473"  # the number of nobody: RFC 5612 keeps it for such uses
MOST_MSGID = 32
TAG = re.compile(r"\[([^=\[\]]+)=((?:[^\[\]\\]|\\.)*)\]")


def cisco(event: Event, line: str) -> bytes:
    """As the original sends it, bare: not every reader finds its parts."""
    return f"<{_priority(event)}>{line}".encode("ascii")


def local(event: Event, line: str, pid: int) -> bytes:
    """For the socket of this machine's daemon."""
    at = event.time.astimezone()
    stamp = f"{day_of(at)} {at:%H:%M:%S}"
    text = f"<{_priority(event)}>{stamp} {PROGRAM}[{pid}]: {_body(line)}"
    return text.encode("ascii")


def network(event: Event, line: str, pid: int, host: str) -> bytes:
    """RFC 5424, without a byte order mark."""
    at = f"{event.time:%Y-%m-%dT%H:%M:%S}.{event.time.microsecond // 1000:03}Z"
    body = _body(line)
    told = "".join(f' {key}="{_quoted(value)}"' for key, value in _tags(body))
    data = f"[{ELEMENT}{told}]" if told else "-"
    head = f"<{_priority(event)}>1 {at} {host} {PROGRAM} {pid}"
    return f"{head} {event.name[:MOST_MSGID]} {data} {body}".encode("ascii")


def _priority(event: Event) -> int:
    return LOCAL7 | event.severity


def _body(line: str) -> str:
    """The line from its ``%UC_`` on: syslog has number, host and time itself."""
    return line[line.index(" UTC : %") + len(" UTC : ") :]


def _tags(body: str) -> list[tuple[str, str]]:
    """Names and values, as they are before they are escaped."""
    tags = body[body.index(": %[") + 3 :] if ": %[" in body else ""
    found, at = [], 0
    while match := TAG.match(tags, at):
        found.append((match[1], re.sub(r"\\(.)", r"\1", match[2])))
        at = match.end()
    return found


def _quoted(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", value)
