"""The texts between the tags of a phone's page, whatever was made of HTML and XML.

Phones send upper-case tags that are not closed, and XML with several declarations in
one document. So this reads tags and texts one after the other: no tree, no entity but
numbers and the named ones, each byte looked at a fixed number of times
(docs/decisions/040).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from cucmsh.errors import PageError

MAX_BYTES = 1 << 20
MAX_TEXT = 1024  # characters of one text; no label, digest or message is longer
_NAME = re.compile(r"/?[A-Za-z][\w.:-]*")
_SKIPPED = ("script", "style")
_DEFINES = ("!ENTITY", "!ELEMENT", "!ATTLIST", "!NOTATION")


class Piece(NamedTuple):
    """A tag, or the text between two.

    Attributes:
        tag: lower-case name, with a slash before it where it closes; empty for a text.
        text: unescaped and cut; empty for a tag.
    """

    tag: str
    text: str


def read_markup(raw: bytes) -> Iterator[Piece]:
    """The tags and texts, in order.

    Raises:
        PageError: more than ``MAX_BYTES``, or a DTD that defines something.
    """
    if len(raw) > MAX_BYTES:
        raise PageError(f"the page has more than {MAX_BYTES} bytes")
    text = _decoded(raw)
    at = 0
    while (opened := text.find("<", at)) >= 0:
        if opened > at:
            yield _plain(text, at, opened)
        at, tag = _read_tag(text, opened)
        if tag:
            yield Piece(tag.removesuffix("/"), "")
        if tag.endswith("/"):  # <TVS/>: an element without a text
            yield Piece(f"/{tag[:-1]}", "")
    if at < len(text):
        yield _plain(text, at, len(text))


def _read_tag(text: str, opened: int) -> tuple[int, str]:
    """Where it goes on, and the tag, with a slash behind it if it closes itself.

    The tag is empty for comments, declarations and what is no tag.
    """
    start = opened + 1
    if text.startswith("!--", start):
        return _behind(text, "-->", start), ""
    after = _behind(text, ">", start)
    inside = text[start : min(after - 1, start + MAX_TEXT)]
    if inside.startswith(("!", "?")):
        _refuse_definitions(inside)
        return after, ""
    name = _NAME.match(inside)
    if name is None:
        return after, ""
    tag = name[0].lower()
    if tag in _SKIPPED:
        after = _behind(text, ">", _behind(text, f"</{name[0]}", after))
    return after, f"{tag}/" if inside.endswith("/") else tag


def _behind(text: str, end: str, at: int) -> int:
    """The place behind the next ``end``; the end of the text without one."""
    found = text.find(end, at)
    return len(text) if found < 0 else found + len(end)


def _decoded(raw: bytes) -> str:
    """UTF-8, or else what older phones declare."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def _plain(text: str, start: int, end: int) -> Piece:
    """A text without references; a cut one holds no number that is long to read."""
    part = text[start : min(end, start + MAX_TEXT)]
    return Piece("", unescape(part) if "&" in part else part)


def _refuse_definitions(inside: str) -> None:
    word = inside[:9].upper()
    if word.startswith(_DEFINES) or (word.startswith("!DOCTYPE") and "[" in inside):
        raise PageError(
            "the page defines entities of its own, which no phone does",
            "Look at it in a browser: something else answers at this address.",
        )
