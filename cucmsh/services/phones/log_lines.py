"""Whole lines out of pieces, as a pipe gives them."""

from __future__ import annotations

from cucmsh.services.phones.log_file import BLOCK


class WholeLines:
    """Puts pieces together into whole lines.

    Attributes:
        overlong: lines longer than ``BLOCK`` bytes, which were passed over whole, as
            ``LogFile`` does.
    """

    def __init__(self) -> None:
        self.overlong = 0
        self._rest = b""
        self._is_within_overlong = False

    def take(self, piece: bytes) -> bytes:
        """The lines that are whole by now, with their ends."""
        if self._is_within_overlong:  # its end is no line of its own
            start = piece.find(b"\n") + 1
            if not start:
                return b""
            self._is_within_overlong = False
            piece = piece[start:]
        raw = self._rest + piece
        cut = raw.rfind(b"\n") + 1
        self._rest = raw[cut:]
        if len(self._rest) >= BLOCK:
            self._rest, self._is_within_overlong = b"", True
            self.overlong += 1
        return raw[:cut]

    def rest(self) -> bytes:
        """What stands behind the last line end, once there is no more."""
        rest, self._rest = self._rest, b""
        return rest
