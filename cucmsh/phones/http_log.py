"""What access logs of web servers say of phones that fetch lists from port 6970.

The combined form of nginx and Apache, and uvicorn's, which has no time of its own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cucmsh.phones.list_names import ListName, list_name
from cucmsh.phones.log_time import LogClock

LONGEST_LINE = 8192  # bytes
COMBINED = re.compile(
    rb"(?:[^ ]{1,255} )?([0-9A-Fa-f.:]{2,45}) [^ ]{1,64} [^ ]{1,64} "
    rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d):(\d\d) ([+-]\d{4})\] "
    rb'"([A-Z]{3,8}) ([^" ]{1,2048})(?: HTTP/\d\.\d)?" (\d{3}) '
)
UVICORN = re.compile(
    rb"(?:<\d{1,3}>)?"
    rb"(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? "
    rb"|([A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d):(\d\d) )?"
    rb"(?:[^ ]{1,255} ){0,2}"
    rb"INFO: {1,8}\[?([0-9A-Fa-f.:]{2,45})\]?:\d{1,5} - "
    rb'"([A-Z]{3,8}) ([^" ]{1,2048}) HTTP/\d\.\d" (\d{3})'
)


class HttpLine(NamedTuple):
    """One request for a list.

    Attributes:
        at: seconds since 1970; None in a log without times.
        address: who asked.
        name: the list.
        status: of the answer, such as 200.
        is_sent: the whole file was the answer.
    """

    at: int | None
    address: str
    name: ListName
    status: int
    is_sent: bool


def read_line(raw: bytes, clock: LogClock) -> HttpLine | None:
    """What one line says; None if it is no line of an access log about a list."""
    if len(raw) > LONGEST_LINE:
        return None
    at: int | None = None
    if found := COMBINED.match(raw):
        address, minute, second, zone, verb, path, status = found.groups()
        at = clock.access(minute.decode(), second.decode(), zone.decode())
        if at is None:
            return None
    elif found := UVICORN.match(raw):
        minute, second, zone, old, old_second, *rest = found.groups()
        address, verb, path, status = rest
        if minute is not None:
            at = clock.iso(minute.decode(), second.decode(), (zone or b"").decode())
        elif old is not None:
            at = clock.without_year(old.decode(), old_second.decode())
    else:
        return None
    name = list_name(path.partition(b"?")[0].decode("utf-8", "replace"))
    if name is None:
        return None
    is_sent = verb == b"GET" and status == b"200"
    return HttpLine(at, address.decode(), name, int(status), is_sent)
