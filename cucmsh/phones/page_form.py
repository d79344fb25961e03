"""A phone's page as bytes: HTML in its family's form, and the XML twins.

Names and messages may hold anything, so every value is written in characters that mean
nothing in HTML and XML, or as numbers. 78xx, 88xx and 99xx write even ``-`` and ``/``
as numbers, others only what they must (docs/formats.md#pages).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cucmsh.phones.facts import PhoneFacts
from cucmsh.phones.page_rows import Rows, title, worded

_PLAIN = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .:_()[],=+@?"
)
_PLAIN_OLD = _PLAIN | frozenset("-/")
_OLD = frozenset({"7940", "79xx"})
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_DECLARED = '<?xml version="1.0" encoding="{}"?>\n'


def escaped(family: str, text: str) -> str:
    """A value in the family's way; what no document may hold becomes U+FFFD."""
    plain = _PLAIN_OLD if family in _OLD else _PLAIN
    return "".join(
        char if char in plain else f"&#x{ord(_allowed(char)):X};" for char in text
    )


def html_page(
    facts: PhoneFacts, heading: str, links: Sequence[tuple[str, str]], body: str
) -> bytes:
    """A whole page.

    Args:
        facts: whose.
        heading: its first line.
        links: text and address of the pages on the left, in order.
        body: what ``html_rows`` or ``html_lines`` made.
    """
    family = facts.family
    left = "".join(
        f'<TR>\n<TD><a href="{escaped("79xx", address)}">'
        f"{escaped(family, worded(facts, text))}</A></TD></TR>\n"
        for text, address in links
    )
    return (
        '<HTML>\n<HEAD><META http-equiv="Content-Type" content="text/html; '
        'charset=utf-8"><TITLE>Cisco Systems, Inc.</TITLE>\n</HEAD>\n'
        '<BODY bgcolor="#FFFFFF" link="#FFFFFF" vlink="#FFFFFF" alink="#FFFFFF" '
        'text="#003031" ><TABLE BORDER="1" WIDTH="100%" HEIGHT="100%" CELLSPACING="0" '
        'CELLPADDING="0" bordercolor="#003031"><TR>\n'
        '<td WIDTH="200" HEIGHT="100" ALIGN=center><B>cucmsh lab</B></TD>'
        '<td HEIGHT="50" bgcolor="#003031"><p ALIGN=center><B><font color="#FFFFFF" '
        f'size="6">{escaped(family, worded(facts, heading))}</FONT></B>'
        '<p ALIGN=center><B><font color="#FFFFFF" size="4">'
        f"{_heading(facts)}</FONT></B></TD>\n</TR>\n"
        '<TR><td WIDTH="200" ALIGN=center VALIGN=top bgcolor="#003031">'
        f'<TABLE BORDER="0" CELLSPACING="10" CELLPADDING="0">{left}</TABLE>\n</TD>\n'
        f"<td VALIGN=top><DIV ALIGN=center>\n{body}</DIV></TD></TR></TABLE>"
        "</BODY></HTML>\n"
    ).encode()


def html_rows(family: str, rows: Rows) -> str:
    """Labels and values; the blank before a label is theirs (7940 have none)."""
    if family == "7940":
        cells = (
            f"\t\t<TR><TD><B>{label}</B></TD>\n<td width=20></TD>\n<TD><B>{value}"
            "</B></TD>\n</TR>\n"
            for label, value in _escaped_rows(family, rows)
        )
    else:
        cells = (
            f"<TR><TD><B> {label}</B></TD><td width=20></TD><TD><B>{value}</B></TD>"
            "</TR>"
            for label, value in _escaped_rows(family, rows)
        )
    return _table("".join(cells))


def html_lines(family: str, lines: Iterable[str]) -> str:
    """A message a row; where the time stands in brackets a line ends behind it."""
    cells = (escaped(family, line).replace("] ", "]\n", 1) for line in lines)
    return _table("".join(f"<TR><TD>{line}</TD></TR>\n" for line in cells))


def xml_values(
    facts: PhoneFacts, root: str, values: Iterable[tuple[str, str]]
) -> bytes:
    """An element a value."""
    inside = "".join(
        f"<{name}>{escaped(facts.family, value)}</{name}>\n" for name, value in values
    )
    encoding = "iso-8859-1" if facts.family == "7940" else "UTF-8"
    return f"{_DECLARED.format(encoding)}<{root}>\n{inside}</{root}>\n".encode("ascii")


def xml_log(facts: PhoneFacts, lines: Iterable[str]) -> bytes:
    """A ``status`` a message; of a 79xx it is no XML, as each declares anew."""
    family = facts.family
    encoding = "iso-8859-1" if family == "7940" else "UTF-8"
    declared = _DECLARED.format(encoding)
    each = declared if family == "79xx" else ""
    inside = "".join(
        f"{each}<status>{escaped(family, line)}</status>\n" for line in lines
    )
    return f"{declared}<DeviceLog>\n{inside}</DeviceLog>\n".encode("ascii")


def _table(inside: str) -> str:
    return f'<TABLE BORDER="0" CELLSPACING="10" CELLPADDING="0">{inside}</TABLE>'


def _heading(facts: PhoneFacts) -> str:
    """The name in plain characters: a page of a real phone is known by it."""
    return escaped("79xx", title(facts))


def _escaped_rows(family: str, rows: Rows) -> Iterable[tuple[str, str]]:
    # Labels are ours, and written plainly.
    return ((label, escaped(family, value)) for label, value in rows)


def _allowed(char: str) -> str:
    """The character, or another for one that neither HTML nor XML may hold."""
    code = ord(char)
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    is_unknown = 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
    return _UNKNOWN if is_control or is_unknown or 0xFDD0 <= code < 0xFDF0 else char
