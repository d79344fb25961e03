"""What was in a log, for the summary that a person gets."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_BYTES = 80  # of a line that is not understood


@dataclass
class Counts:
    """What was in a log.

    Attributes:
        lines: all of them.
        about_lists: of requests for lists, and of messages of phones.
        repeated: of these, said again within the same minute.
        refused: of these, requests that got no file.
        unread: that hold the name of a list, or a message, and are not understood.
        first_unread: the first of those that is a request: its number from 1 where
            reading began, and its beginning.
        timeless: that have no time, in a log that is not being written now.
    """

    lines: int = 0
    about_lists: int = 0
    repeated: int = 0
    refused: int = 0
    unread: int = 0
    timeless: int = 0
    first_unread: tuple[int, bytes] | None = None
