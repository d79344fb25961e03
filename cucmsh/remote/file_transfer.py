"""A file for somebody else's SFTP server, and what became of it there. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple


class OutgoingFile(NamedTuple):
    """A file to be sent, read piece by piece: it may be larger than our memory.

    Attributes:
        name: what it shall be called in the server's directory.
        own_name: a name beside it that nobody else uses. It is written under this
            one first, and keeps it where ``name`` may belong to another file.
        size: bytes.
        pieces: its bytes from the start, at most ``PIECE`` at once; may be called
            again.
        mode: its permission bits there, as far as the server sets any.
    """

    name: str
    own_name: str
    size: int
    pieces: Callable[[], Iterator[bytes]]
    mode: int = 0o600


class SentFile(NamedTuple):
    """A file that lies whole on the server, as far as the server tells.

    Attributes:
        path: where it is.
        sha256: of what was sent, in hexadecimal.
        earlier: where an earlier file of that name was moved; empty if there was none.
        why_elsewhere: why it is not called as it should be; empty if it is.
        why_unproven: why it was not read back; empty if it was, and was the same.
        second_copy: where the same bytes lie once more, for nothing can be renamed or
            removed there; empty if they do not.
        was_there: the same bytes were there before, so that nothing was sent.
    """

    path: str
    sha256: str
    earlier: str = ""
    why_elsewhere: str = ""
    why_unproven: str = ""
    second_copy: str = ""
    was_there: bool = False
