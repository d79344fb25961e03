"""SIP messages in Asterisk's log: chan_sip's `sip set debug`, `pjsip set logger`.

A message spans lines. chan_sip ends one with a line of its own, which a body may hold,
too; pjsip says how many bytes follow. Both are as forgeable as what they print.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cucmsh.phones.claims import Claim, ClaimError
from cucmsh.phones.log_counts import Counts
from cucmsh.phones.log_time import LogClock
from cucmsh.phones.register import claim_of
from cucmsh.phones.sip import LONGEST

IN_EVERY_MARK = b"<--- "
BEGIN = re.compile(
    rb"<--- (?:SIP read from|Received SIP request \((\d{1,6}) bytes\) from) "
    rb"[A-Za-z]{2,5}:\[?([0-9A-Fa-f.:]{2,45}?)\]?:\d{1,5} --->"
)
CHAN_SIP_END = b"<------------->"
STAMP = re.compile(
    rb"\[?(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:[.,]\d{1,9})?"
    rb"(Z|[+-]\d\d:?\d\d)?|([A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d):(\d\d)(?:[.,]\d{1,9})?)"
    rb"[] ]"
)
# rsyslog writes a line end as this, so that a message is one line.
ESCAPED, ESCAPED_RETURN = b"#012", b"#015"
# chan_sip's messages begin with a line end: the time stands alone on the line before.
ALONE = re.compile(rb"\.c: \r?\n\Z")
TAIL = 512  # bytes that such a line fits into


class SipText:
    """Finds phones' requests in the lines of a log.

    Args:
        clock: reads its times.
        node: stands in the claims.
        arrival: see ``LogClaims``.
        counts: is told what was in the log.
    """

    def __init__(
        self,
        clock: LogClock,
        node: str,
        arrival: Callable[[], int] | None,
        counts: Counts,
    ) -> None:
        self._clock, self._node, self._arrival = clock, node, arrival
        self._at: int | None = None
        self._lines: list[bytes] | None = None
        self._size, self._wanted, self._address = 0, 0, ""
        self._stamped, self._is_alone = 0, False
        self._began, self._counts = 0, counts

    @property
    def safe_offset(self) -> int | None:
        """Where a message begins that is not whole yet; None if there is none."""
        if self._lines is not None:
            return self._began
        return self._stamped if self._is_alone else None

    def read(self, block: bytes, offset: int) -> list[Claim]:
        """The claims of messages that end in these lines."""
        if self._lines is None and IN_EVERY_MARK not in block:
            start = block.rfind(b"\n", 0, max(0, len(block) - TAIL)) + 1
            offset, block = offset + start, block[start:]
        claims: list[Claim] = []
        place, line = offset, b""
        for line in _lines_of(block):
            if ESCAPED in line and BEGIN.search(line):
                whole = line.replace(ESCAPED_RETURN, b"\r").replace(ESCAPED, b"\n")
                for piece in _lines_of(whole):
                    self._take(piece, place, claims)
                self._end(claims)
            else:
                self._take(line, place, claims)
            place += len(line)
        self._is_alone = self._lines is None and bool(ALONE.search(line[-TAIL:]))
        return claims

    def finish(self) -> list[Claim]:
        """The log ends here: so does a message whose end was not seen."""
        claims: list[Claim] = []
        self._end(claims)
        return claims

    def _take(self, line: bytes, place: int, claims: list[Claim]) -> None:
        begun = BEGIN.search(line) if IN_EVERY_MARK in line else None
        is_counted = self._lines is not None and self._wanted
        if begun is not None and not is_counted:
            self._end(claims)
            self._stamp(line, place)
            self._began, self._lines, self._size = self._stamped, [], 0
            self._wanted = int(begun[1] or 0)
            self._address = begun[2].decode()
        elif self._lines is None:
            self._stamp(line, place)
        elif not self._wanted and line.startswith(CHAN_SIP_END):
            self._end(claims)
        else:
            self._add(self._lines, line, claims)

    def _add(self, lines: list[bytes], line: bytes, claims: list[Claim]) -> None:
        lines.append(line)
        # What was sent ends lines with two bytes; what is written may have one.
        self._size += len(line) + (not line.endswith(b"\r\n"))
        if self._wanted and self._size >= self._wanted:
            self._end(claims)
        elif self._size > LONGEST:
            self._lines = None
            self._counts.unread += 1

    def _stamp(self, line: bytes, place: int) -> None:
        found = STAMP.match(line)
        if found is None:
            return
        minute, second, zone, old, old_second = (
            each.decode() if each else "" for each in found.groups()
        )
        if minute:
            at = self._clock.iso(minute, second, zone)
        else:
            at = self._clock.without_year(old, old_second)
        if at is not None:
            self._at, self._stamped = at, place

    def _end(self, claims: list[Claim]) -> None:
        if self._lines is None:
            return
        raw, self._lines, self._wanted = b"".join(self._lines), None, 0
        if not raw.strip():
            return
        self._counts.about_lists += 1
        at = self._at
        if at is None and self._arrival is not None:
            at = self._arrival()
        if at is None:
            self._counts.timeless += 1
            return
        try:
            claim = claim_of(raw, at, self._address, self._node)
        except ClaimError:
            self._counts.unread += 1
            return
        if claim is not None:
            claims.append(claim)


def _lines_of(block: bytes) -> list[bytes]:
    """Lines with their ends; a carriage return alone ends none."""
    lines = [line + b"\n" for line in block.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
