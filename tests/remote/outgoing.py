"""Bytes in memory, as a file to be sent gives them: piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cucmsh.storage.store import PIECE


def in_pieces(raw: bytes) -> Callable[[], Iterator[bytes]]:
    """``OutgoingFile.pieces`` of these bytes."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(raw), PIECE):
            yield raw[start : start + PIECE]

    return pieces
