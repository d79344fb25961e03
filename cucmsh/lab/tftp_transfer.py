"""One TFTP download of the lab: tftpy's transfer behind a stricter door.

tftpy sends and repeats the blocks. What it trips over never reaches it
(performance.md section 6): this module reads the request itself, drops options that
are no numbers, opens the file without following links, and takes acknowledgements of
the client's own address only.

Refused: writing (access violation); requests longer than 512 bytes, without a mode or a
closing NUL, in another mode than octet or netascii (illegal operation); names that
leave the directory, symbolic links, anything but regular files (not found).
"""

from __future__ import annotations

import io
import logging
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tftpy.TftpContexts import TftpContextServer
from tftpy.TftpPacketTypes import TftpPacketACK, TftpPacketERR, TftpPacketRRQ
from tftpy.TftpShared import TftpErrors, TftpException, TftpTimeoutExpectACK
from tftpy.TftpStates import TftpStateServerRecvRRQ

REPEAT_AFTER = 1.0
"""Seconds without an acknowledgement after which the last block is sent again."""

_MOST_REPEATS = 5
_LARGEST_REQUEST = 512  # bytes, RFC 2347
_SMALLEST_BLOCK, _LARGEST_BLOCK = 8, 65464  # bytes, RFC 2348
_READ, _WRITE, _ACKNOWLEDGE, _ERROR = (bytes((0, code)) for code in (1, 2, 4, 5))
_NO_DIRECTORY = "/dev/null"  # nothing lies beneath it, so tftpy asks us for every file

logging.getLogger("tftpy").setLevel(logging.CRITICAL)  # it logs every block


class RequestError(Exception):
    """The datagram is no request that we serve; ``reply`` is the answer, if any."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.reply = b"" if code is None else _error(code)


class Request(NamedTuple):
    """A read request: options are ``blksize`` (8 to 65464) and ``tsize`` only."""

    name: str
    netascii: bool
    options: dict[str, str]


def read_request(datagram: bytes) -> Request:
    """Decode a client's first datagram (RFC 1350, 2347, 2348).

    Raises:
        RequestError: it asks for something else, or for nothing.
    """
    opcode, body = datagram[:2], datagram[2:]
    if opcode == _ERROR:
        raise RequestError(None)  # errors are never answered with errors
    if opcode == _WRITE:
        raise RequestError(TftpErrors.AccessViolation)
    *fields, rest = body.split(b"\0")
    sound = len(datagram) <= _LARGEST_REQUEST and body.isascii() and not rest
    if opcode != _READ or not sound or len(fields) % 2 or len(fields) < 2:
        raise RequestError(TftpErrors.IllegalTftpOp)
    name, mode, *options = (field.decode("ascii") for field in fields)
    if not name or mode.lower() not in {"octet", "netascii"}:
        raise RequestError(TftpErrors.IllegalTftpOp)
    asked = dict(zip(options[::2], options[1::2], strict=True))
    return Request(name, mode.lower() == "netascii", _granted(asked))


class Transfer:
    """A download under way.

    Args:
        client: address and UDP port.
        request: what it asked for.
        directory: what is served.

    Raises:
        TftpException: there is no such file; the client has been told.
        OSError: the client is gone.
    """

    def __init__(
        self, client: tuple[str, int], request: Request, directory: Path
    ) -> None:
        def opened(name: str, **_: Any) -> BinaryIO | None:
            return open_published(directory, name, netascii=request.netascii)

        self._context = TftpContextServer(
            *client, REPEAT_AFTER, _NO_DIRECTORY, dyn_file_func=opened, flock=False
        )
        try:
            self._context.factory = _Acknowledgements()
            self._context.sock.connect(client)  # the kernel keeps strangers out
            self._begin(client, request)
        except (TftpException, OSError):
            self.end()
            raise

    def _begin(self, client: tuple[str, int], request: Request) -> None:
        packet = TftpPacketRRQ()
        packet.filename, packet.mode = request.name, "octet"
        packet.options = request.options
        first = TftpStateServerRecvRRQ(self._context)
        self._context.state = first.handle(packet, *client)

    def fileno(self) -> int:
        number: int = self._context.sock.fileno()
        return number

    def advance(self) -> bool:
        """Take what the client sent; False when it has the whole file.

        Raises:
            TftpException: the client gave up or sends nonsense.
            OSError: it is gone, or the file cannot be read.
        """
        try:
            self._context.cycle()
        except TftpTimeoutExpectACK:
            self.repeat()
        return self._context.state is not None

    def repeat(self) -> None:
        """Send the last block again.

        Raises:
            TftpException: it was sent often enough.
            OSError: the client is gone.
        """
        self._context.retry_count += 1
        if self._context.retry_count > _MOST_REPEATS:
            raise TftpException("the client does not answer")
        self._context.state.resendLast()

    def end(self) -> None:
        self._context.end()


def open_published(directory: Path, name: str, *, netascii: bool) -> BinaryIO | None:
    """Open a regular file below ``directory``; None when there is none to give.

    A leading slash means the directory itself, as tftpd-hpa's ``--secure`` has it. The
    open file stays the same when another is renamed over its name.
    """
    *folders, last = name.lstrip("/").split("/")
    if not last or ".." in folders or last == "..":
        return None
    try:
        stream = _open_beneath(directory, folders, last)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        return None
    if not netascii:
        return stream
    with stream:
        content = stream.read()
    return io.BytesIO(content.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n"))


def _open_beneath(directory: Path, folders: list[str], last: str) -> BinaryIO:
    below = os.O_DIRECTORY | os.O_CLOEXEC
    here = os.open(directory, os.O_RDONLY | below)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_NOFOLLOW | below, dir_fd=here)
            os.close(here)
            here = inner
        found = os.open(last, os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    return os.fdopen(found, "rb")


class _Acknowledgements:
    """Reads what a client sends during its transfer: acknowledgements, or the end."""

    @staticmethod
    def parse(datagram: bytes) -> Any:
        if not datagram.startswith(_ACKNOWLEDGE) or len(datagram) < 4:
            raise TftpException("no acknowledgement")
        packet = TftpPacketACK()
        packet.buffer = datagram
        return packet.decode()


def _granted(asked: dict[str, str]) -> dict[str, str]:
    wanted = {name.lower(): value for name, value in asked.items()}
    size = wanted.get("blksize", "")
    if not size.isdecimal() or len(size) > 20 or int(size) < _SMALLEST_BLOCK:
        # tftpy answers tsize alone with a blksize that nobody asked for
        return {}
    granted = {"blksize": str(min(int(size), _LARGEST_BLOCK))}
    return granted | ({"tsize": "0"} if "tsize" in wanted else {})


def _error(code: int) -> bytes:
    packet = TftpPacketERR()
    packet.errorcode = code
    datagram: bytes = packet.encode().buffer
    return datagram
