"""What a phone's own web page says of it: the lists that it holds, its messages.

Reads the HTML of all families and their XML twins, and what 79xx call XML
(docs/formats.md#pages). Rows are read by their labels, in any case and with or without
the blank before them; of rows that come several times, as TVS does, all are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cucmsh.errors import PageError
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.phones.markup import Piece, read_markup

MAX_LINES = 100  # status messages; phones keep 30 to 50
MAX_ROWS = 1000
MAX_NAMES = 16  # TVS and TFTP servers

_STAMP = re.compile(
    r"\[?\s*\d{1,2}:\d{2}:\d{2}\s?(?:[ap]m?\b)?,?(?:\s+\d{1,2}/\d{1,2}/\d{2,4})?\s*\]?",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\bCP-(\w{1,16})[^(]{0,64}\(\s*(SEP[0-9A-Fa-f]{12})\s*\)")
_NAME = re.compile(r"SEP[0-9A-F]{12}")
_CELLS = frozenset({"td", "th"})
_LINE_ENDS = frozenset(
    {
        "br",
        "p",
        "/p",
        "tr",
        "/tr",
        "td",
        "/td",
        "div",
        "/div",
        "li",
        "/status",
        "status",
    }
)
_HTML = frozenset({"td", "th", "b", "a", "font", "strong", "p", "title", "div", "span"})
_ABSENT = frozenset({"not installed", "no", "none", "n/a"})
_DIGITS = {32, 40}  # MD5 and SHA-1


class PageSays(NamedTuple):
    """What one page says, or several together; what none says is empty.

    Attributes:
        name: ``SEP`` and twelve upper-case hexadecimal digits.
        model: such as ``8845``.
        load: its firmware.
        itl: MD5 or SHA-1 of the ITL as lower-case hexadecimal digits, or
            ``NOT_INSTALLED``.
        ctl: the same of the CTL.
        tvs: servers, as the page lists them.
        tftp_servers: the same, of TFTP.
        status: the status messages with their time, the oldest first.
    """

    name: str = ""
    model: str = ""
    load: str = ""
    itl: str = ""
    ctl: str = ""
    tvs: tuple[str, ...] = ()
    tftp_servers: tuple[str, ...] = ()
    status: tuple[str, ...] = ()

    @property
    def trust_line(self) -> str:
        """The last status message about a trust list; empty without one."""
        for line in reversed(self.status):
            words = line.lower()
            if "trust list" in words or "itl" in words or "ctl" in words:
                return line
        return ""


def read_page(raw: bytes) -> PageSays:
    """Read one page, HTML or XML.

    Raises:
        PageError: it is too long, defines entities, or says nothing that we know.
    """
    page = _Collector()
    for piece in read_markup(raw):
        page.take(piece)
    page.end_line()
    found = _said(page)
    if found == PageSays():
        raise PageError(
            "the page says nothing of a phone's lists",
            "Look at it in a browser: it may be another device's, or ask to log in.",
        )
    return found


def join(pages: Iterable[PageSays]) -> PageSays:
    """What several pages of one phone say together; the first that says it is taken."""
    together = PageSays()
    for page in pages:
        said = {name: value for name, value in page._asdict().items() if value}
        known = {name: value for name, value in together._asdict().items() if value}
        together = PageSays(**(said | known))
    return together


def claims(says: PageSays, phone: str, at: int, address: str = "") -> Iterator[Claim]:
    """One claim of what the pages say; none if they say nothing of lists.

    Args:
        says: what was read.
        phone: whose page it was thought to be; empty if nobody knows, and then it is
            the name on the page.
        at: when it was read, seconds since 1970, UTC.
        address: where.

    Raises:
        PageError: it is the page of another phone.
    """
    if phone and says.name and says.name != phone:
        raise PageError(f"the page is of another phone: {says.name}")
    if not (says.itl or says.ctl or says.trust_line):
        return
    yield Claim(
        phone=says.name or phone,
        source=Source.PAGE,
        at=at,
        address=address,
        itl=says.itl,
        ctl=says.ctl,
        model=says.model,
        load=says.load,
        text=says.trust_line,
    )


class _Collector:
    """Rows of tables, elements with a text, headings and lines, as they pass."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.heading: list[str] = []
        self.status: list[str] = []
        self._cells: list[list[str]] = []
        self._line: list[str] = []
        self._element = ""
        self._inner: list[str] = []

    def take(self, piece: Piece) -> None:
        if not piece.tag:
            self._take_text(piece.text)
            return
        if piece.tag in _LINE_ENDS:
            self.end_line()
        if piece.tag.startswith("/"):
            self._close(piece.tag[1:])
        else:
            self._open(piece.tag)

    def end_line(self) -> None:
        """Keep what was collected if it begins with a time, then begin anew."""
        text = _tidy(self._line)
        self._line = []
        stamp = _STAMP.match(text)
        if stamp and stamp.end() < len(text):
            self.status.append(text)
            del self.status[:-MAX_LINES]

    def _take_text(self, text: str) -> None:
        self._line.append(text)
        self._inner.append(text)
        if self._cells:
            self._cells[-1].append(text)
        if len(self.heading) < MAX_LINES:  # a heading comes first
            self.heading.append(text)

    def _open(self, tag: str) -> None:
        self._element, self._inner = tag, []
        if tag == "tr":
            self._cells = []
        elif tag in _CELLS:
            self._cells.append([])

    def _close(self, tag: str) -> None:
        if tag == "tr":
            if len(self._cells) > 1:
                self._add(_tidy(self._cells[0]), _tidy(self._cells[-1]))
            self._cells = []
        elif tag == self._element and tag not in _HTML:
            self._add(tag, _tidy(self._inner))
        self._element, self._inner = "", []

    def _add(self, label: str, value: str) -> None:
        if len(self.rows) < MAX_ROWS:
            self.rows.append((_label(label), value))


def _tidy(texts: list[str]) -> str:
    """One line, single blanks, nothing that is no character."""
    words = " ".join("".join(texts).split())
    return "".join(c if c.isprintable() else "?" for c in words[:1024])


def _label(text: str) -> str:
    """A label as the XML twins would call it: lower-case letters and digits."""
    return "".join(filter(str.isalnum, text.lower()))


def _said(page: _Collector) -> PageSays:
    first: dict[str, str] = {}
    for label, value in page.rows:
        if value:
            first.setdefault(label, value)
    titled = _HEADING.search("".join(page.heading))
    name = first.get("hostname", "").upper()
    if not _NAME.fullmatch(name):
        name = titled[2].upper() if titled else ""
    model = first.get("modelnumber", "") or (titled[1] if titled else "")
    return PageSays(
        name=name,
        model=model.upper().removeprefix("CP-").rstrip("G")[:16],
        load=first.get("apploadid", "") or first.get("version", ""),
        itl=_held(first, "itl"),
        ctl=_held(first, "ctl"),
        tvs=_all(page.rows, "tvs"),
        tftp_servers=_all(page.rows, "tftpserver1", "tftpserver2"),
        status=tuple(page.status),
    )


def _held(first: dict[str, str], kind: str) -> str:
    """The digest of a list, ``NOT_INSTALLED``, or nothing."""
    for label in (f"{kind}signature", f"{kind}file"):
        value = first.get(label, "").lower()
        digits = "".join(filter(str.isalnum, value))
        if len(digits) in _DIGITS and not set(digits) - set("0123456789abcdef"):
            return digits
        if value.strip() in _ABSENT:
            return NOT_INSTALLED
    return ""


def _all(rows: list[tuple[str, str]], *labels: str) -> tuple[str, ...]:
    return tuple(value for label, value in rows if label in labels and value)[
        :MAX_NAMES
    ]
