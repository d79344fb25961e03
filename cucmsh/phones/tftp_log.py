"""What logs of TFTP servers say of phones: tftpd-hpa, dnsmasq, atftpd.

What a line proves is in docs/formats.md#what-a-line-of-a-log-says: none says that a
phone has a list. Names are not quoted by any server, so a name may hold words of the
log; atftpd's own file takes line ends as they come, so a line of it can be invented by
whoever sends a request. Both are claims like any other.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cucmsh.phones.list_names import ListName, list_name
from cucmsh.phones.log_time import LogClock

LONGEST_LINE = 4096  # bytes; a name of TFTP is at most 500
# dnsmasq says `sent` at the last acknowledgement, or about 29 s after the request.
DNSMASQ_LATE = 30
NO_SUCH_FILE = "no such file"
NOT_SENT = "not sent whole"

FRAME = re.compile(
    rb"(?:<\d{1,3}>)?"
    rb"(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? "
    rb"|([A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d):(\d\d) )?"
    rb"(?:[^ \[]{1,255} )?"
    rb"(in\.tftpd|dnsmasq-tftp|atftpd)\[([\d.]{1,40})\]: (.*)",
    re.DOTALL,
)
RRQ = re.compile(r"RRQ from (\S{1,64}) filename (.*)")
NAK = re.compile(r"sending NAK \(\d+, .*\) to (\S{1,64})")
SENT = re.compile(r"(failed sending|sent) (.*) to (\S{1,64})")
NOT_FOUND = re.compile(r"file (.*) not found for (\S{1,64})")
SERVING = re.compile(r"Serving (.*) to (\S{1,64}):\d{1,5}")
MISSING = re.compile(r"File .* not found")
REMAPPED = " remapped to "


class TftpLine(NamedTuple):
    """One line that is about a list, or takes back what an earlier one said.

    Attributes:
        at: seconds since 1970; None in a log without times.
        request: what joins lines about one request; empty if nothing does.
        address: who asked; empty in a line that only takes back.
        name: the list; None in a line that only takes back.
        is_refused: the server did not give the file: there is none, or it broke off.
        late: by how many seconds the line may come after the request.
        why: of what was refused, in words.
    """

    at: int | None
    request: str
    address: str = ""
    name: ListName | None = None
    is_refused: bool = False
    late: int = 0
    why: str = ""


class UnreadLine(NamedTuple):
    """A TFTP server's line about something else, such as ``WRQ`` or ``remap``."""


UNREAD = UnreadLine()


def read_line(raw: bytes, clock: LogClock) -> TftpLine | UnreadLine | None:
    """What one line says; None if it is no TFTP server's.

    Args:
        raw: the line without its end.
        clock: reads its time.
    """
    found = FRAME.match(raw) if len(raw) <= LONGEST_LINE else None
    if found is None:
        return None
    minute, second, zone, old_minute, old_second, program, process, said = (
        found.groups()
    )
    if minute is not None:
        at = clock.iso(minute.decode(), second.decode(), (zone or b"").decode())
    elif old_minute is not None:
        at = clock.without_year(old_minute.decode(), old_second.decode())
    else:
        at = None
    message = said.decode("utf-8", "replace")
    if program == b"in.tftpd":
        return _of_hpa(message, at, f"hpa {process.decode()}")
    if program == b"atftpd":
        thread = process.rpartition(b".")[2]
        return _of_atftpd(message, at, f"atftpd {thread.decode()}")
    return _of_dnsmasq(message, at)


def _of_hpa(message: str, at: int | None, request: str) -> TftpLine | UnreadLine:
    if found := RRQ.fullmatch(message):
        name = _asked(found[2])
        return TftpLine(at, request, found[1], name) if name else UNREAD
    if NAK.fullmatch(message):
        return TftpLine(at, request, is_refused=True, why=NO_SUCH_FILE)
    return UNREAD


def _asked(words: str) -> ListName | None:
    """The list in ``NAME`` or ``NAME remapped to REAL``.

    Names may hold these words, too; where they stand twice nobody can tell.
    """
    asked, *real = words.split(REMAPPED)
    if not real:
        return list_name(asked)
    if len(real) > 1 or (given := list_name(real[0])) is None:
        return None
    called = list_name(asked)
    return called._replace(is_itl=given.is_itl) if called else given


def _of_dnsmasq(message: str, at: int | None) -> TftpLine | UnreadLine:
    if found := SENT.fullmatch(message):
        name = list_name(found[2])
        if name is None:
            return UNREAD
        if found[1] == "sent":
            return TftpLine(at, "", found[3], name, late=DNSMASQ_LATE)
        return TftpLine(at, "", found[3], name, is_refused=True, why=NOT_SENT)
    if (found := NOT_FOUND.fullmatch(message)) and (name := list_name(found[1])):
        return TftpLine(at, "", found[2], name, is_refused=True, why=NO_SUCH_FILE)
    return UNREAD


def _of_atftpd(message: str, at: int | None, request: str) -> TftpLine | UnreadLine:
    if found := SERVING.fullmatch(message):
        name = list_name(found[1])
        return TftpLine(at, request, found[2].strip("[]"), name) if name else UNREAD
    if MISSING.fullmatch(message):
        return TftpLine(at, request, is_refused=True, why=NO_SUCH_FILE)
    if message.startswith("Aborting transfer"):
        return TftpLine(at, request, is_refused=True, why=NOT_SENT)
    return UNREAD
