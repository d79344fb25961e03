"""Reads a file back through a node's TFTP service: the door to tftpy's client.

The proof that a node serves what was installed (threats-and-faults.md I4). Sends
nothing, keeps nothing.
"""

from __future__ import annotations

import logging
from io import BytesIO
from time import monotonic

import tftpy

from cucmsh.cluster.model import TftpAddress
from cucmsh.cluster.store import MAX_FILE_SIZE
from cucmsh.errors import ConnectionFailedError, MissingFileError

TIMEOUT_SECONDS = 1  # until a packet is sent again
PATIENCE_SECONDS = 15  # for a service that is only just coming up again
DOWNLOAD_SECONDS = 30  # for a server that keeps talking and never ends
# RFC 2348: the largest block that no Ethernet has to split. A list is four blocks then
# and not eleven, and each block is a round trip.
BLOCK_SIZE = 1428
REFUSES_OPTIONS = (
    "errorcode = 8"  # RFC 2347; other servers leave out what they know not
)

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
    buffer = _CappedBuffer()
    end = monotonic() + DOWNLOAD_SECONDS

    def check_time(_: object) -> None:
        if monotonic() > end:
            raise TimeoutError("it never ends")

    try:
        retries = max(round(patience_seconds / TIMEOUT_SECONDS), 1)
        try:
            options = {"blksize": BLOCK_SIZE}
            client = tftpy.TftpClient(address.host, address.port, options)
            client.download(name, buffer, check_time, TIMEOUT_SECONDS, retries)
        except tftpy.TftpException as problem:
            if REFUSES_OPTIONS not in str(problem):
                raise
            client = tftpy.TftpClient(address.host, address.port)
            client.download(name, buffer, check_time, TIMEOUT_SECONDS, retries)
    except tftpy.TftpFileNotFoundError as problem:
        raise MissingFileError(
            f"TFTP at {address.host} port {address.port} has no {name}"
        ) from problem
    except (tftpy.TftpException, *MALFORMED, OSError) as problem:
        raise ConnectionFailedError(
            f"TFTP at {address.host} port {address.port} does not answer: "
            f"{problem or 'no reply'}"
        ) from problem
    return buffer.getvalue()
