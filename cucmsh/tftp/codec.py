"""TFTP's packets, and a transfer of one file as its client and its server see it.

RFC 1350 (protocol), 2347 (options), 2348 (blksize), 2349 (timeout, tsize). Opens no
socket and no file. Decoding gives a value or ``ProtocolError``, whatever the bytes are;
what was encoded decodes to an equal value, as long as no text in it holds a NUL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

READ, WRITE, DATA, ACKNOWLEDGE, ERROR, OPTIONS = range(1, 7)
UNDEFINED, NOT_FOUND, ACCESS_VIOLATION, DISK_FULL, ILLEGAL, UNKNOWN_TRANSFER = range(6)
OPTIONS_REFUSED = 8
DEFAULT_BLOCK = 512  # bytes, where no blksize was granted
LEAST_BLOCK, LARGEST_BLOCK = 8, 65464  # bytes, RFC 2348
LARGEST_TIMEOUT = 255  # seconds, RFC 2349
LARGEST_REQUEST = 512  # bytes, RFC 2347
NUMBERS = 1 << 16  # block numbers; after 65535 comes 0
MAX_NUMBER_LENGTH = 20  # digits of an option's value


class ProtocolError(Exception):
    """The other side sent what TFTP does not allow.

    Attributes:
        code: the error to send back.
    """

    def __init__(self, problem: str, code: int = ILLEGAL) -> None:
        super().__init__(problem)
        self.code = code


class RefusalError(Exception):
    """The other side answered with an error packet.

    Attributes:
        code: the error's number.
        text: the other side's own words, as they came.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class ReadRequest(NamedTuple):
    """RRQ: a file is asked for.

    Attributes:
        name: the file.
        mode: ``octet`` or ``netascii``, in lower case; others are decoded as well.
        options: by their names in lower case. Of one that comes twice the first counts.
    """

    name: str
    mode: str
    options: dict[str, str]

    def encode(self) -> bytes:
        return READ.to_bytes(2) + _words(self.name, self.mode, *_pairs(self.options))


class WriteRequest(NamedTuple):
    """WRQ: a file is offered. Fields as those of ``ReadRequest``."""

    name: str
    mode: str
    options: dict[str, str]

    def encode(self) -> bytes:
        return WRITE.to_bytes(2) + _words(self.name, self.mode, *_pairs(self.options))


class Data(NamedTuple):
    """DATA: a block of the file; one that is not full is the last."""

    number: int
    payload: bytes

    def encode(self) -> bytes:
        return DATA.to_bytes(2) + self.number.to_bytes(2) + self.payload


class Ack(NamedTuple):
    """ACK: the block of that number came; 0 stands for the options."""

    number: int

    def encode(self) -> bytes:
        return ACKNOWLEDGE.to_bytes(2) + self.number.to_bytes(2)


class OptionAck(NamedTuple):
    """OACK: the options that the server takes, by their names in lower case."""

    options: dict[str, str]

    def encode(self) -> bytes:
        return OPTIONS.to_bytes(2) + _words(*_pairs(self.options))


class ErrorPacket(NamedTuple):
    """ERROR: ends the transfer, and is never answered."""

    code: int
    text: str

    def encode(self) -> bytes:
        return ERROR.to_bytes(2) + self.code.to_bytes(2) + _words(self.text)


Packet = ReadRequest | WriteRequest | Data | Ack | OptionAck | ErrorPacket


def decode(datagram: bytes) -> Packet:
    """What a datagram says.

    Raises:
        ProtocolError: it is no packet.
    """
    kind, body = int.from_bytes(datagram[:2]), datagram[2:]
    if len(datagram) < 2 or (kind in (DATA, ACKNOWLEDGE, ERROR) and len(body) < 2):
        raise ProtocolError("a packet that is too short")
    if kind in (READ, WRITE):
        if len(datagram) > LARGEST_REQUEST:
            raise ProtocolError("a request that is too long")
        return _request(kind, body)
    if kind == DATA:
        return Data(int.from_bytes(body[:2]), body[2:])
    if kind == ACKNOWLEDGE:
        return Ack(int.from_bytes(body[:2]))
    if kind == ERROR:
        text = body[2:].partition(b"\0")[0].decode(errors="backslashreplace")
        return ErrorPacket(int.from_bytes(body[:2]), text)
    if kind == OPTIONS:
        return OptionAck(_options(_split(body, OPTIONS_REFUSED), OPTIONS_REFUSED))
    raise ProtocolError(f"a packet of kind {kind}")


def _words(*words: str) -> bytes:
    return b"".join(word.encode(errors="backslashreplace") + b"\0" for word in words)


def _pairs(options: dict[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


def _request(kind: int, body: bytes) -> ReadRequest | WriteRequest:
    words = _split(body, ILLEGAL)
    if len(words) < 2 or not words[0]:
        raise ProtocolError("a request without a file or a mode")
    name, mode, *rest = words
    make = ReadRequest if kind == READ else WriteRequest
    return make(name, mode.lower(), _options(rest, ILLEGAL))


def _split(body: bytes, code: int) -> list[str]:
    """Words that each end with a NUL."""
    *fields, rest = body.split(b"\0")
    if rest:
        raise ProtocolError("a last word without its end", code)
    try:
        return [field.decode() for field in fields]
    except UnicodeDecodeError as problem:
        raise ProtocolError("words that are no UTF-8", code) from problem


def _options(words: list[str], code: int) -> dict[str, str]:
    if len(words) % 2:
        raise ProtocolError("options that are no pairs of words", code)
    options: dict[str, str] = {}
    for name, value in zip(words[::2], words[1::2], strict=True):
        options.setdefault(name.lower(), value)
    return options


def option_number(options: dict[str, str], name: str) -> int | None:
    """The value of an option; None where it is not there, or no number."""
    text = options.get(name, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_NUMBER_LENGTH
    return int(text) if is_number else None


class Download:
    """One file on its way to a client, from the request to the last block.

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
        options = {} if block_size is None else {"blksize": str(block_size)}
        self.packet = ReadRequest(name, "octet", options).encode()

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
        if isinstance(found, ErrorPacket):
            raise RefusalError(found.code, found.text)
        if isinstance(found, OptionAck):
            return self._take_options(found)
        if isinstance(found, Data):
            return self._take_block(found)
        raise ProtocolError(f"a packet of kind {datagram[1]}")

    def _take_options(self, granted: OptionAck) -> bytes:
        if self.block_size is None:
            raise ProtocolError("options that nobody asked for", OPTIONS_REFUSED)
        if self._acknowledged is None:
            self._agreed = self._granted_size(granted)
            self._acknowledge(0)
        # A second one: our acknowledgement was lost. Not once blocks came.
        return self.packet if self._acknowledged == 0 and not self._content else b""

    def _granted_size(self, granted: OptionAck) -> int:
        size = option_number(granted.options, "blksize")
        if size is None or not LEAST_BLOCK <= size <= (self.block_size or 0):
            is_empty = not granted.options
            what = "no blksize" if is_empty else "a blksize that was not asked"
            raise ProtocolError(f"{what} in the answer to options", OPTIONS_REFUSED)
        return size

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
        self.packet = Ack(number).encode()


class Upload:
    """One file on its way from a server, from the request to the last acknowledgement.

    Grants ``blksize`` (8 bytes or more; at most 65464 are taken), ``timeout`` (1 to 255
    seconds) and ``tsize``, as tftpd-hpa does; an option that is another, or whose value
    is no number, is left out of the answer. Sends a block only once, whatever is
    acknowledged twice (RFC 1123 section 4.2.3.1): who hears nothing repeats ``packet``.

    Args:
        read: gives the file's next bytes; fewer than were asked for at its end only.
        size: of the file, for ``tsize``; None where it cannot be told (netascii).
        options: of the request.

    Attributes:
        packet: what is to be sent, and sent again when nothing comes.
        repeat_seconds: as the client asked for; None where it did not.
        is_complete: whether the client has the whole file.

    Raises:
        ProtocolError: a number in the options is out of bounds.
    """

    def __init__(
        self, read: Callable[[int], bytes], size: int | None, options: dict[str, str]
    ) -> None:
        self._read = read
        self._block_size = DEFAULT_BLOCK
        self._number = 0
        self._is_last = False
        self.repeat_seconds: int | None = None
        self.is_complete = False
        granted = self._granted(options, size)
        if granted:
            self.packet = OptionAck(granted).encode()
        else:
            self._go_on()

    def take(self, datagram: bytes) -> bytes:
        """What to send after this datagram of the client; empty for nothing.

        Raises:
            RefusalError: it is an error packet.
            ProtocolError: it is no acknowledgement either.
        """
        found = decode(datagram)
        if isinstance(found, ErrorPacket):
            raise RefusalError(found.code, found.text)
        if not isinstance(found, Ack):
            raise ProtocolError(f"a packet of kind {datagram[1]}")
        if found.number != self._number or self.is_complete:
            return b""
        if self._is_last:
            self.is_complete = True
            return b""
        self._go_on()
        return self.packet

    def _go_on(self) -> None:
        payload = self._read(self._block_size)
        self._number = (self._number + 1) % NUMBERS
        self._is_last = len(payload) < self._block_size
        self.packet = Data(self._number, payload).encode()

    def _granted(self, asked: dict[str, str], size: int | None) -> dict[str, str]:
        granted = {}
        for name in asked:
            number = option_number(asked, name)
            if number is None:
                continue
            if name == "blksize" and number >= LEAST_BLOCK:
                number = self._block_size = min(number, LARGEST_BLOCK)
            elif name == "timeout" and 1 <= number <= LARGEST_TIMEOUT:
                self.repeat_seconds = number
            elif name == "tsize" and size is not None:
                number = size
            elif name in ("blksize", "timeout", "tsize"):
                raise ProtocolError(f"{name} cannot be {number}", OPTIONS_REFUSED)
            else:
                continue
            granted[name] = str(number)
        return granted
