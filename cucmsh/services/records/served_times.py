"""Which list this node served when: since when each was there, and how long for sure.

The history (``history``) keeps lists for what their holders accept, those of other
nodes among them; it cannot say what was served at 10:31. This can, and says nothing
where it does not know: a list that somebody else put in place was found, and nobody
saw since when.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from contextlib import suppress
from hashlib import sha1
from itertools import pairwise
from typing import NamedTuple

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.layout import LIST_FILE, SERVED_TIMES
from cucmsh.services.site import Site

VERSION = 1
MOST_SPANS = 4096  # ten years of a change each day
# A list is noted just after it was put in place, and clocks of log and node differ.
SETTLED_SECONDS = 5
MOST_SECONDS_BACK = 400 * 24 * 3600  # a clock was so wrong that nothing was logged
FOR_EVER = 1 << 40


class Span(NamedTuple):
    """A list, and when it was surely served; seconds since 1970.

    Attributes:
        sha1: of the list.
        since: it was noted then.
        until: it was surely there until then; FOR_EVER for the last one.
    """

    sha1: str
    since: int
    until: int


def note_served(site: Site, raw: bytes, *, is_new: bool = False) -> None:
    """Note what this node serves. Called under the node's lock.

    What cannot be noted is not known later; no list is kept from phones by that.

    Args:
        site: this node.
        raw: the list.
        is_new: it was put in place just now; otherwise it was found there.
    """
    now = int(site.clock.now().timestamp())
    digest = _digest(raw)
    spans, seen = _read(site)
    if now < seen:
        spans, since = _after_set_back(spans, seen, now)
        spans.append(Span(digest, since, FOR_EVER))
    elif not spans or spans[-1].sha1 != digest:
        # Where another one is found than was put there, nobody knows since when.
        spans[-1:] = [
            last._replace(until=now if is_new else min(seen, now))
            for last in spans[-1:]
        ]
        spans.append(Span(digest, now, FOR_EVER))
    elif now == seen:
        return
    with suppress(StoreError):
        _write(site, spans[-MOST_SPANS:], max(now, seen))


def _after_set_back(spans: list[Span], seen: int, now: int) -> tuple[list[Span], int]:
    """What is sure where a time comes twice: nothing. And from when on it is again."""
    if seen - now > MOST_SECONDS_BACK:
        return [], now
    kept = [
        span._replace(until=min(span.until, now)) for span in spans if span.since < now
    ]
    return kept, seen + 1


class ServedThen:
    """What this node served at a time that is past.

    Args:
        site: this node.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._spans: list[Span] = []
        self._starts: list[int] = []
        self._bounds: tuple[int, int, str] = (0, -1, "")
        self.renew()

    def renew(self) -> None:
        """Look again: what was served until now. Cheap enough for each piece of a log.

        What cannot be read is not known.
        """
        self._bounds = (0, -1, "")
        spans, seen = _read(self._site)
        if spans and not self._is_there(spans[-1]):
            spans[-1] = spans[-1]._replace(until=seen)
        self._spans = spans
        self._starts = [span.since for span in spans]

    def digest(self, since: int, until: int) -> str:
        """SHA-1 of the list that was served all that time; empty if it is not known.

        Args:
            since: seconds since 1970.
            until: the same, not before ``since``.
        """
        first, last, found = self._bounds  # lines of a log come in order
        if first <= since and until <= last:
            return found
        at = bisect_right(self._starts, since - SETTLED_SECONDS) - 1
        if at < 0:
            return ""
        span = self._spans[at]
        if until > span.until:
            return ""
        self._bounds = (span.since + SETTLED_SECONDS, span.until, span.sha1)
        return span.sha1

    def _is_there(self, span: Span) -> bool:
        try:
            return _digest(self._site.tftp.read(LIST_FILE)) == span.sha1
        except StoreError:
            return False


def _digest(raw: bytes) -> str:
    return sha1(raw, usedforsecurity=False).hexdigest()


def _read(site: Site) -> tuple[list[Span], int]:
    """The spans, and when the last list was seen last; none if they are damaged."""
    try:
        said = json.loads(site.home.read(SERVED_TIMES))
        if said["version"] != VERSION:
            return [], 0
        spans = [
            Span(str(digest), int(since), int(until))
            for digest, since, until in said["lists"]
        ]
        seen = int(said["seen"])
    except MissingFileError:
        return [], 0
    except (StoreError, ValueError, LookupError, TypeError, RecursionError):
        return [], 0
    pairs = pairwise(spans)
    if any(span.until > after.since for span, after in pairs):
        return [], 0
    return spans, seen


def _write(site: Site, spans: list[Span], seen: int) -> None:
    lists = [list(span) for span in spans]
    said = {"version": VERSION, "seen": seen, "lists": lists}
    site.home.write(SERVED_TIMES, json.dumps(said).encode())
