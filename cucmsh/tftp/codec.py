"""TFTP's packets, and one download as a client sees it. Opens no socket.

RFC 1350 (protocol), 2347 (options), 2348 (blksize). Decoding gives a value or
``ProtocolError``, whatever the bytes are.
"""

from __future__ import annotations

from typing import NamedTuple

READ, DATA, ACKNOWLEDGE, ERROR, GRANT = 1, 3, 4, 5, 6
NOT_FOUND, DISK_FULL, ILLEGAL, UNKNOWN_TRANSFER, OPTIONS_REFUSED = 1, 3, 4, 5, 8
DEFAULT_BLOCK = 512  # bytes, where no blksize was granted
LEAST_BLOCK = 8  # bytes, RFC 2348
NUMBERS = 1 << 16  # block numbers; after 65535 comes 0
MAX_NUMBER_LENGTH = 5  # digits of an option's value


class ProtocolError(Exception):
    """The server sent what TFTP does not allow; ``code`` is the error to send back."""

    def __init__(self, problem: str, code: int = ILLEGAL) -> None:
        super().__init__(problem)
        self.code = code


class RefusalError(Exception):
    """The server answered with an error packet.

    Attributes:
        code: the error's number.
        text: the server's own words, as they came.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Data(NamedTuple):
    """A block of the file."""

    number: int
    payload: bytes


class Grant(NamedTuple):
    """The options that the server takes (OACK); names in lower case."""

    options: dict[str, str]


class Refusal(NamedTuple):
    """An error packet."""

    code: int
    text: str


def request(name: str, options: dict[str, int]) -> bytes:
    """A read request in octet mode."""
    words = [name, "octet"]
    for option, value in options.items():
        words += [option, str(value)]
    return READ.to_bytes(2) + b"".join(word.encode() + b"\0" for word in words)


def acknowledgement(number: int) -> bytes:
    """An acknowledgement of that block."""
    return ACKNOWLEDGE.to_bytes(2) + number.to_bytes(2)


def refusal(code: int, text: str) -> bytes:
    """An error packet of ours, which ends a transfer."""
    return ERROR.to_bytes(2) + code.to_bytes(2) + text.encode() + b"\0"


def decode(datagram: bytes) -> Data | Grant | Refusal:
    """What a server's datagram says.

    Raises:
        ProtocolError: no packet that a server of ours sends.
    """
    kind, body = int.from_bytes(datagram[:2]), datagram[2:]
    if len(datagram) < 2 or (kind in (DATA, ERROR) and len(body) < 2):
        raise ProtocolError("a packet that is too short")
    if kind == DATA:
        return Data(int.from_bytes(body[:2]), body[2:])
    if kind == ERROR:
        text = body[2:].partition(b"\0")[0]
        return Refusal(int.from_bytes(body[:2]), text.decode(errors="backslashreplace"))
    if kind == GRANT:
        return _grant(body)
    raise ProtocolError(f"a packet of kind {kind}")


def _grant(body: bytes) -> Grant:
    *fields, rest = body.split(b"\0")
    if rest or len(fields) % 2 or not body.isascii():
        raise ProtocolError("options that are no pairs of words", OPTIONS_REFUSED)
    words = [field.decode("ascii") for field in fields]
    names = [name.lower() for name in words[::2]]
    return Grant(dict(zip(names, words[1::2], strict=True)))


class Download:
    """One file on its way, from the request to the last block.

    Args:
        name: the file.
        block_size: the blksize to ask for; None asks without options.
        limit: how many bytes the file may have.

    Attributes:
        packet: what was sent last, and is sent again when nothing comes.
        block_size: as asked for.
        is_complete: whether the last block is there.
    """

    def __init__(self, name: str, block_size: int | None, limit: int) -> None:
        self._limit = limit
        self.block_size = block_size
        self._agreed = DEFAULT_BLOCK
        self._content = bytearray()
        self._acknowledged: int | None = None  # no answer yet
        self.is_complete = False
        options = {} if block_size is None else {"blksize": block_size}
        self.packet = request(name, options)

    @property
    def content(self) -> bytes:
        return bytes(self._content)

    def take(self, datagram: bytes) -> bytes:
        """What to send after this datagram of the server; empty for nothing.

        A block that was there already is acknowledged again (our acknowledgement may
        be lost), any other number is left unanswered.

        Raises:
            RefusalError: it is an error packet.
            ProtocolError: it is none that may come now, or the file is too large.
        """
        found = decode(datagram)
        if isinstance(found, Refusal):
            raise RefusalError(found.code, found.text)
        if isinstance(found, Grant):
            return self._take_grant(found)
        return self._take_block(found)

    def _take_grant(self, grant: Grant) -> bytes:
        if self.block_size is None:
            raise ProtocolError("options that nobody asked for", OPTIONS_REFUSED)
        if self._acknowledged is None:
            self._agreed = self._granted_size(grant)
            self._acknowledge(0)
        # A second one: our acknowledgement was lost. Not once blocks came.
        return self.packet if self._acknowledged == 0 and not self._content else b""

    def _granted_size(self, grant: Grant) -> int:
        text = grant.options.get("blksize", "")
        is_number = text.isdecimal() and len(text) <= MAX_NUMBER_LENGTH
        if not is_number or not LEAST_BLOCK <= int(text) <= (self.block_size or 0):
            what = "no blksize" if not grant.options else "a blksize that was not asked"
            raise ProtocolError(f"{what} in the answer to options", OPTIONS_REFUSED)
        return int(text)

    def _take_block(self, block: Data) -> bytes:
        before = self._acknowledged or 0
        if block.number != (before + 1) % NUMBERS:
            is_repeated = self._acknowledged is not None and block.number == before
            return self.packet if is_repeated else b""
        if len(block.payload) > self._agreed:
            raise ProtocolError("a block that is larger than was agreed")
        if len(self._content) + len(block.payload) > self._limit:
            raise ProtocolError("a file that is too large", DISK_FULL)
        self._content += block.payload
        self._acknowledge(block.number)
        self.is_complete = len(block.payload) < self._agreed
        return self.packet

    def _acknowledge(self, number: int) -> None:
        self._acknowledged = number
        self.packet = acknowledgement(number)
