"""TVS's messages: bytes to values and back (docs/formats.md#tvs).

Opens no socket. Decoding gives a value or ``TvsError``, whatever the bytes are, in
linear time; a reader holds one message and what came with it. What was encoded decodes
to an equal value.

Read more freely than written: the head's reserved byte, version 0, elements that are
not known or that another command has, and the first byte of a device name say nothing.
Refused: an element twice, since nobody could say which of two certificates was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from cucmsh.errors import TvsError

HEAD_SIZE = 10  # bytes
MOST_BODY = 0xFFFF  # bytes: the head has 16 bits for it
_PROTOCOL, _VERSION = 0x57, 1
_BEFORE_DEVICE = b"\x01"
_KNOWN, _UNKNOWN = b"\0", b"\1"
_MOST_NUMBER = 0xFFFF_FFFF

_DEVICE, _CERTIFICATE, _SUBJECT, _ISSUER, _SERIAL = range(1, 6)
_STATUS, _ROLES, _TTL = range(7, 10)


class Command(IntEnum):
    """What a message is."""

    VERIFY_REQUEST = 1
    VERIFY_ANSWER = 2
    QUERY_REQUEST = 3
    QUERY_ANSWER = 4


class VerifyRequest(NamedTuple):
    """Is this certificate of a peer known? Asked in a TLS handshake with the peer.

    Attributes:
        session: chosen by the phone, and echoed; 32 bits.
        device: the phone's own name, such as ``CP-8845-SEP`` and twelve hexadecimal
            digits. Any text; for the log, nothing is decided by it.
        certificate: of the peer, DER.
    """

    session: int
    device: str
    certificate: bytes


class QueryRequest(NamedTuple):
    """Whose certificate is this? Asked of the signer of a list or file.

    Attributes:
        session: chosen by the phone, and echoed; 32 bits.
        device: as in ``VerifyRequest``.
        subject: as the list spells it, ``;`` between its parts.
        issuer: likewise.
        serial: as the list has it.
    """

    session: int
    device: str
    subject: str
    issuer: str
    serial: bytes


class VerifyAnswer(NamedTuple):
    """What is known of a peer's certificate.

    Attributes:
        session: the request's.
        is_known: False stands alone: no roles, and a time of 0.
        roles: numbers of docs/formats.md#roles, 0 to 255.
        ttl: for how long the phone may keep it, in seconds.
    """

    session: int
    is_known: bool
    roles: tuple[int, ...]
    ttl: int


class QueryAnswer(NamedTuple):
    """The certificate that was asked for; the other fields as in ``VerifyAnswer``.

    Attributes:
        session: the request's.
        is_known: False stands alone: no certificate, no roles, and a time of 0.
        certificate: DER; empty if unknown.
        roles: numbers of docs/formats.md#roles, 0 to 255.
        ttl: in seconds.
    """

    session: int
    is_known: bool
    certificate: bytes
    roles: tuple[int, ...]
    ttl: int


Request = VerifyRequest | QueryRequest
Answer = VerifyAnswer | QueryAnswer
Message = Request | Answer


def encode(message: Message) -> bytes:
    """The bytes of a message.

    Raises:
        TvsError: a value is one that the wire cannot carry.
    """
    if isinstance(message, VerifyRequest):
        device = _element(_DEVICE, _device_bytes(message.device))
        certificate = _element(_CERTIFICATE, _present(message.certificate))
        return _frame(Command.VERIFY_REQUEST, message.session, device + certificate)
    if isinstance(message, QueryRequest):
        body = b"".join(
            (
                _element(_DEVICE, _device_bytes(message.device)),
                _element(_SUBJECT, _text_bytes(message.subject) + b"\0"),
                _element(_ISSUER, _text_bytes(message.issuer) + b"\0"),
                _element(_SERIAL, _present(message.serial)),
            )
        )
        return _frame(Command.QUERY_REQUEST, message.session, body)
    certificate, command = b"", Command.VERIFY_ANSWER
    if isinstance(message, QueryAnswer):
        command = Command.QUERY_ANSWER
        if message.is_known:
            certificate = _element(_CERTIFICATE, _present(message.certificate))
    if not message.is_known:
        return _frame(command, message.session, _element(_STATUS, _UNKNOWN))
    body = b"".join(
        (
            _element(_STATUS, _KNOWN),
            certificate,
            _element(_ROLES, _role_bytes(message.roles)),
            _element(_TTL, _number_bytes(message.ttl)),
        )
    )
    return _frame(command, message.session, body)


def decode(raw: bytes) -> Message:
    """What a whole message says.

    Raises:
        TvsError: it is none, is cut off, or has something behind it.
    """
    size = message_size(raw)
    if size != len(raw):
        raise _no_message("it is cut off" if size > len(raw) else "more follows it")
    return _decoded(raw)


def message_size(raw: bytes | bytearray) -> int:
    """Of the message that begins with these bytes; ``HEAD_SIZE`` while that is unknown.

    Raises:
        TvsError: nothing that begins so is a message.
    """
    if raw and raw[0] != _PROTOCOL:
        raise _no_message(f"its first byte is {raw[0]:#04x}")
    if len(raw) > 1 and raw[1] > _VERSION:
        raise _no_message(f"its version is {raw[1]}")
    if len(raw) > 2 and not Command.VERIFY_REQUEST <= raw[2] <= Command.QUERY_ANSWER:
        raise _no_message(f"its command is {raw[2]}")
    if len(raw) < HEAD_SIZE:
        return HEAD_SIZE
    return HEAD_SIZE + int.from_bytes(raw[8:HEAD_SIZE])


class Reader:
    """Messages out of a stream, however it is cut.

    Attributes:
        is_within: whether a message has begun and is not whole yet.
    """

    def __init__(self) -> None:
        self._begun = bytearray()

    @property
    def is_within(self) -> bool:
        return bool(self._begun)

    def take(self, chunk: bytes) -> list[Message]:
        """The messages that this chunk completes.

        Raises:
            TvsError: what comes is no message. The stream cannot be read any further,
                and whole messages before it in this chunk are lost.
        """
        if not self._begun and message_size(chunk[:HEAD_SIZE]) == len(chunk):
            return [_decoded(chunk)]  # nearly always
        begun = self._begun
        begun += chunk
        found = []
        at = 0
        while at < len(begun):
            end = at + message_size(begun[at : at + HEAD_SIZE])
            if end > len(begun):
                break
            found.append(_decoded(bytes(begun[at:end])))
            at = end
        del begun[:at]
        return found


def _decoded(raw: bytes) -> Message:
    """A message of the right size."""
    command, session = raw[2], int.from_bytes(raw[4:8])
    elements = _elements(raw)
    if command == Command.VERIFY_REQUEST:
        certificate = _needed(elements, _CERTIFICATE, "certificate")
        return VerifyRequest(session, _device(elements), certificate)
    if command == Command.QUERY_REQUEST:
        subject = _text(_needed(elements, _SUBJECT, "subject"))
        issuer = _text(_needed(elements, _ISSUER, "issuer"))
        serial = _needed(elements, _SERIAL, "serial number")
        return QueryRequest(session, _device(elements), subject, issuer, serial)
    is_query = command == Command.QUERY_ANSWER
    status = elements.get(_STATUS)
    if status == _UNKNOWN:
        if is_query:
            return QueryAnswer(session, False, b"", (), 0)
        return VerifyAnswer(session, False, (), 0)
    if status != _KNOWN:
        raise _no_message("its status is neither known nor unknown")
    roles, ttl = elements.get(_ROLES), elements.get(_TTL, b"")
    if roles is None:
        raise _no_message("it has no roles")
    if len(ttl) != 4:
        raise _no_message("it has no time to live of four bytes")
    rest = tuple(roles), int.from_bytes(ttl)
    if is_query:
        certificate = _needed(elements, _CERTIFICATE, "certificate")
        return QueryAnswer(session, True, certificate, *rest)
    return VerifyAnswer(session, True, *rest)


def _elements(raw: bytes) -> dict[int, bytes]:
    """Values by tag: of a message of the right size."""
    found: dict[int, bytes] = {}
    at, end = HEAD_SIZE, len(raw)
    while at < end:
        start = at + 3
        if start > end:
            raise _no_message("an element is cut off")
        tag = raw[at]
        at = start + (raw[start - 2] << 8 | raw[start - 1])
        if at > end:
            raise _no_message(f"element {tag} is longer than the message")
        if tag in found:
            raise _no_message(f"element {tag} is there twice")
        found[tag] = raw[start:at]
    return found


def _needed(elements: Mapping[int, bytes], tag: int, what: str) -> bytes:
    value = elements.get(tag)
    if not value:
        raise _no_message(f"it has no {what}")
    return value


def _device(elements: Mapping[int, bytes]) -> str:
    return _text(elements.get(_DEVICE, b"")[1:])


def _text(value: bytes) -> str:
    """As texts of a trust list are read, so that the two can be compared."""
    value = value.rstrip(b"\0")
    if 0 in value:
        raise _no_message("a name has a NUL inside")
    return value.decode("utf-8", "backslashreplace")


def _element(tag: int, value: bytes) -> bytes:
    if len(value) > MOST_BODY:
        raise _not_carried(f"element {tag} of {len(value)} bytes")
    return b"%c%b%b" % (tag, len(value).to_bytes(2), value)


def _frame(command: Command, session: int, body: bytes) -> bytes:
    if len(body) > MOST_BODY:
        raise _not_carried(f"a body of {len(body)} bytes")
    head = (b"W\1%c\0" % command, _number_bytes(session), len(body).to_bytes(2))
    return b"".join((*head, body))


def _device_bytes(device: str) -> bytes:
    return _BEFORE_DEVICE + _text_bytes(device)


def _text_bytes(text: str) -> bytes:
    if "\0" in text:
        raise _not_carried("a name with a NUL inside")
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise _not_carried("a name that is no Unicode text") from problem


def _present(value: bytes) -> bytes:
    if not value:
        raise _not_carried("an empty certificate or serial number")
    return value


def _role_bytes(roles: tuple[int, ...]) -> bytes:
    try:
        return bytes(roles)
    except ValueError as problem:
        raise _not_carried("a role outside of 0 to 255") from problem


def _number_bytes(number: int) -> bytes:
    if not 0 <= number <= _MOST_NUMBER:
        raise _not_carried(f"the number {number}")
    return number.to_bytes(4)


def _no_message(why: str) -> TvsError:
    return TvsError(
        f"The bytes are no message of TVS: {why}.",
        "What speaks on the other side is no TVS, or no phone (docs/formats.md#tvs).",
    )


def _not_carried(what: str) -> TvsError:
    return TvsError(
        f"A message of TVS cannot carry {what}.",
        "The wire has 16 bits for lengths (docs/formats.md#tvs).",
    )
