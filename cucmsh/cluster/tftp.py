"""Reads a file back through a node's TFTP service: the door to tftpy's client.

The proof that a node serves what was installed (threats-and-faults.md I4). Sends
nothing, keeps nothing.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from io import BytesIO
from time import monotonic

import tftpy

from cucmsh.cluster.model import TftpAddress
from cucmsh.cluster.store import MAX_FILE_SIZE
from cucmsh.errors import ConnectionFailedError, MissingFileError

TIMEOUT_SECONDS = 1  # until a packet is sent again
PATIENCE_SECONDS = 15  # for a service that is only just coming up again
DOWNLOAD_SECONDS = 30  # for a server that keeps talking and never ends
# RFC 2348. A list is one large block, where blocks of 512 bytes are eleven, each a
# round trip. Where the network loses what is split into several packets, nothing comes,
# and blocks that need no splitting are asked for.
LARGE, WHOLE = {"blksize": 8192}, {"blksize": 1428}
LARGE_TRIES = 2
REFUSES_OPTIONS = "errorcode = 8"  # RFC 2347; most leave out what they do not know

# What tftpy's decoder lets through on bytes that are no packet.
MALFORMED = (tftpy.TftpPacketTypes.struct.error, ValueError, TypeError)

# tftpy reports every packet; what matters comes back as an error of ours.
logging.getLogger("tftpy").addHandler(logging.NullHandler())
logging.getLogger("tftpy").propagate = False


class _CappedBuffer(BytesIO):
    """Takes at most ``MAX_FILE_SIZE`` bytes from a server that never ends."""

    def write(self, piece: bytes) -> int:  # type: ignore[override]  # bytes only
        if self.tell() + len(piece) > MAX_FILE_SIZE:
            raise tftpy.TftpException("the file is too large")
        return super().write(piece)

    def close(self) -> None:
        """Stay readable: tftpy closes what it wrote to."""


def read_back(
    address: TftpAddress, name: str, patience_seconds: float = PATIENCE_SECONDS
) -> bytes:
    """The bytes that the TFTP service at ``address`` serves under ``name``.

    Args:
        address: where it should answer.
        name: the file.
        patience_seconds: how long it may be silent.

    Raises:
        MissingFileError: it answers that it has no such file.
        ConnectionFailedError: it does not answer, or not with a whole file.
    """
    end = monotonic() + DOWNLOAD_SECONDS

    def check_time(_: object) -> None:
        if monotonic() > end:
            raise TimeoutError("it never ends")

    def download(options: dict[str, int], tries: int) -> bytes:
        buffer = _CappedBuffer()
        client = tftpy.TftpClient(address.host, address.port, options)
        client.download(name, buffer, check_time, TIMEOUT_SECONDS, tries)
        return buffer.getvalue()

    tries = max(round(patience_seconds / TIMEOUT_SECONDS), 1)
    try:
        try:
            with suppress(tftpy.TftpTimeout):
                return download(LARGE, min(tries, LARGE_TRIES))
            return download(WHOLE, max(tries - LARGE_TRIES, 1))
        except tftpy.TftpException as problem:
            if REFUSES_OPTIONS not in str(problem):
                raise
            return download({}, tries)
    except tftpy.TftpFileNotFoundError as problem:
        raise MissingFileError(
            f"TFTP at {address.host} port {address.port} has no {name}"
        ) from problem
    except (tftpy.TftpException, *MALFORMED, OSError) as problem:
        raise ConnectionFailedError(
            f"TFTP at {address.host} port {address.port} does not answer: "
            f"{problem or 'no reply'}"
        ) from problem
