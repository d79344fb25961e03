"""A log, block by block, as claims: which lists were asked for, by whom, when.

Looks for what is about lists before it looks at lines, so that the many others cost
next to nothing. What one address asks for again within the same minute is one claim:
servers write a line for every repeated request. The same bytes give the same claims
again, wherever reading was broken off, if it goes on at ``safe_offset``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import NamedTuple

from cucmsh.phones import http_log, tftp_log
from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.list_names import IN_EVERY_NAME
from cucmsh.phones.log_counts import SAMPLE_BYTES, Counts
from cucmsh.phones.log_time import LogClock
from cucmsh.phones.sip_text import SipText

# A refusal follows its request at once, and a log may end between the two.
HOLD_SECONDS = 5
MOST_HELD = 10_000
MOST_SAID = 50_000  # within a minute; of more, some may be claims twice
TAKES_BACK = (b"sending NAK (", b": Aborting transfer")

# SHA-1 of the ITL that the node served all the time from the first second to the
# second one; empty if it is not known.
Served = Callable[[int, int], str]


def nothing_known(_since: int, _until: int) -> str:
    """``Served`` of a node whose lists are not known."""
    return ""


class _Held(NamedTuple):
    """A request that may still turn out to be refused."""

    minute: int
    line: tftp_log.TftpLine


class LogClaims:
    """Reads one log from its beginning, or from where an earlier reader was safe.

    Args:
        clock: reads its times.
        node: whose log it is; stands in the claims.
        served: what that node served.
        arrival: seconds since 1970 for lines without a time; None where a line may
            have been written any time ago.

    Attributes:
        counts: what was in it so far.
    """

    def __init__(
        self,
        clock: LogClock,
        node: str,
        served: Served = nothing_known,
        arrival: Callable[[], int] | None = None,
    ) -> None:
        self.counts = Counts()
        self._clock, self._node, self._served = clock, node, served
        self._arrival = arrival
        self._offset = 0  # of the block that is being read
        self._newest = 0  # latest second of the log
        self._minute = -1
        self._said: set[tuple[str, str, bool]] = set()  # within that minute
        self._held: dict[str, _Held] = {}  # by request, the oldest first
        self._marks: dict[int, int] = {}  # minute -> where its first line is
        self._sip = SipText(clock, node, arrival, self.counts)

    @property
    def safe_offset(self) -> int:
        """Where to go on later without losing anything; what is read twice is equal."""
        held = next(iter(self._held.values()), None)
        minute = self._minute if held is None else min(held.minute, self._minute)
        safe = self._marks.get(minute, self._offset)
        within = self._sip.safe_offset
        return safe if within is None else min(safe, within)

    def read(self, block: bytes, offset: int = 0) -> list[Claim]:
        """The claims in whole lines.

        Args:
            block: lines with their ends; the last may lack its own.
            offset: where in the log it begins.
        """
        self._offset = offset
        lines, unread = self.counts.lines, self.counts.unread
        self.counts.lines += block.count(b"\n")
        claims: list[Claim] = []
        for start, end in _lines_with(block, (IN_EVERY_NAME, *TAKES_BACK)):
            raw = block[start:end]
            if self._held or IN_EVERY_NAME in raw:
                self._read_line(raw, offset + start, claims)
                if self.counts.unread > unread and self.counts.first_unread is None:
                    number = lines + block.count(b"\n", 0, start) + 1
                    self.counts.first_unread = number, raw[:SAMPLE_BYTES].rstrip()
        claims += self._sip.read(block, offset)
        self._offset = offset + len(block)
        if self._held:
            claims += self.settle(self._newest)
        return claims

    def settle(self, now: int | None = None) -> list[Claim]:
        """Claims that nothing takes back any more.

        Args:
            now: second that the log has come to; None at the end of a log.
        """
        before = None if now is None else now - HOLD_SECONDS
        settled = [
            request
            for request, held in self._held.items()
            if before is None or (held.line.at or 0) < before
        ]
        return [self._asked(self._held.pop(request).line) for request in settled]

    def turn_over(self) -> list[Claim]:
        """The log goes on in another file, whose offsets begin anew."""
        claims = self.finish()
        self._marks.clear()
        self._offset = 0
        return claims

    def finish(self) -> list[Claim]:
        """The log ends here."""
        return [*self.settle(), *self._sip.finish()]

    def _read_line(self, raw: bytes, at: int, claims: list[Claim]) -> None:
        line = tftp_log.read_line(raw, self._clock)
        if line is None:
            self._read_http(raw, at, claims)
        elif isinstance(line, tftp_log.TftpLine):
            if line.name is None:
                self._take_back(line, claims)
                return
            line = self._timed(line)
            if line is not None:
                self._note(line, at, claims)
        elif IN_EVERY_NAME in raw:
            self.counts.unread += 1

    def _timed(self, line: tftp_log.TftpLine) -> tftp_log.TftpLine | None:
        self.counts.about_lists += 1
        if _address(line.address) is None:
            self.counts.unread += 1
            return None
        if line.at is None:
            if self._arrival is None:
                self.counts.timeless += 1
                return None
            return line._replace(at=self._arrival())
        return line

    def _note(self, line: tftp_log.TftpLine, at: int, claims: list[Claim]) -> None:
        assert line.at is not None and line.name is not None  # noqa: PT018, S101
        self._begin_minute(line.at, at)
        if line.is_refused:
            self.counts.refused += 1
        if not self._is_first(line.address, line.name.file, line.is_refused):
            return
        if not line.request or line.is_refused:
            claims.append(self._asked(line))
            return
        if line.request in self._held:  # its number is another request's by now
            claims.append(self._asked(self._held.pop(line.request).line))
        if len(self._held) >= MOST_HELD:
            oldest = next(iter(self._held))
            claims.append(self._asked(self._held.pop(oldest).line))
        self._held[line.request] = _Held(self._minute, line)

    def _take_back(self, line: tftp_log.TftpLine, claims: list[Claim]) -> None:
        held = self._held.pop(line.request, None)
        if held is None:
            return
        self.counts.refused += 1
        claims.append(self._asked(held.line._replace(is_refused=True, why=line.why)))

    def _begin_minute(self, second: int, at: int) -> None:
        self._newest = max(self._newest, second)
        minute = second // 60
        if minute != self._minute:
            self._minute = minute
            self._said.clear()
            if len(self._marks) > 8:
                self._marks.clear()
            self._marks.setdefault(minute, at)

    def _is_first(self, address: str, file: str, is_refused: bool) -> bool:
        key = (address, file, is_refused)
        if key in self._said:
            self.counts.repeated += 1
            return False
        if len(self._said) >= MOST_SAID:
            self._said.clear()
        self._said.add(key)
        return True

    def _asked(self, line: tftp_log.TftpLine) -> Claim:
        assert line.at is not None and line.name is not None  # noqa: PT018, S101
        itl, why = "", ""
        if line.name.is_itl:
            if line.is_refused:
                why = f"{line.name.file}: {line.why}"
            else:
                itl = self._served(line.at - line.late, line.at)
        return Claim(
            line.name.phone,
            Source.TFTP_LOG,
            line.at,
            address=_address(line.address) or "",
            node=self._node,
            file=line.name.file,
            itl=itl,
            text=why,
        )

    def _read_http(self, raw: bytes, at: int, claims: list[Claim]) -> None:
        line = http_log.read_line(raw, self._clock)
        if line is None:
            self.counts.unread += IN_EVERY_NAME in raw
            return
        self.counts.about_lists += 1
        second = line.at
        if second is None:
            if self._arrival is None:
                self.counts.timeless += 1
                return
            second = self._arrival()
        if _address(line.address) is None:
            self.counts.unread += 1
            return
        self._begin_minute(second, at)
        self.counts.refused += not line.is_sent
        if not self._is_first(line.address, line.name.file, not line.is_sent):
            return
        itl, why = "", ""
        if line.name.is_itl:
            if line.is_sent:
                itl = self._served(second, second)
            else:
                why = f"{line.name.file}: HTTP {line.status}"
        claims.append(
            Claim(
                line.name.phone,
                Source.HTTP_LOG,
                second,
                address=_address(line.address) or "",
                node=self._node,
                file=line.name.file,
                itl=itl,
                text=why,
            )
        )


def _lines_with(block: bytes, needles: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Start and end of the lines that hold any of the needles, in order, once each."""
    starts: set[int] = set()
    for needle in needles:
        at = block.find(needle)
        while at >= 0:
            starts.add(block.rfind(b"\n", 0, at) + 1)
            end = block.find(b"\n", at)
            at = block.find(needle, end) if end >= 0 else -1
    for start in sorted(starts):
        end = block.find(b"\n", start)
        yield start, end if end >= 0 else len(block)


_ADDRESSES: dict[str, str | None] = {}
MOST_ADDRESSES = 65_536


def _address(text: str) -> str | None:
    """An IP address in its one form, IPv4 inside of IPv6 as IPv4; None for others."""
    try:
        return _ADDRESSES[text]
    except KeyError:
        pass
    try:
        read = ip_address(text)
    except ValueError:
        found = None
    else:
        inside = getattr(read, "ipv4_mapped", None)
        found = str(inside or read)
    if len(_ADDRESSES) >= MOST_ADDRESSES:
        _ADDRESSES.clear()
    _ADDRESSES[text] = found
    return found
